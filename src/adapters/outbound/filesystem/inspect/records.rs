//! Checks that the server can read what it keeps about each project besides its files: the names of
//! its guests, what its moderators have decided, and its pull requests. Reports nothing of the
//! contents.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use crate::adapters::outbound::filesystem::guests::store::read_key;
use crate::adapters::outbound::filesystem::pull_requests::load;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::records;
use crate::adapters::outbound::records::{guests, moderation};
use crate::domain::{ProjectId, ProjectName, UserName};

/// At most this many records are looked at, and at most this many bytes of them.
const MOST_RECORDS: usize = 20_000;
const MOST_BYTES: u64 = 256 * 1_024 * 1_024;

#[derive(Debug, Default)]
pub(super) struct Found {
    /// Records that the server cannot read.
    pub unreadable: Vec<String>,
    /// Records that other users may open.
    pub open: Vec<String>,
    /// Projects that are gone but have left records.
    pub left: Vec<String>,
    /// Whether there were more than are looked at.
    pub is_cut_short: bool,
    records: usize,
    bytes: u64,
}

pub(super) fn look(state: &Folder) -> Found {
    let mut found = Found::default();
    if read_key(state).is_err() {
        found.unreadable.push("guest-key".to_owned());
    }
    let projects = projects_in(state, "projects");
    for project in &projects {
        found.project(state, project);
    }
    let mut kept = projects_in(state, "guests");
    kept.append(&mut projects_in(state, "moderation"));
    let left = kept.difference(&projects);
    let left = left.map(|project| format!("{}/{}", project.streamer, project.name));
    found.left = left.map(|name| name.escape_debug().to_string()).collect();
    found
}

/// The projects that have a file below a folder.
fn projects_in(state: &Folder, folder: &str) -> BTreeSet<ProjectId> {
    let users = state.folder(folder);
    let users = users.and_then(|users| users.folders(|name| UserName::parse(name).ok()));
    let mut found = BTreeSet::new();
    for (streamer, files) in users.unwrap_or_default() {
        for (file, _) in files.list().unwrap_or_default() {
            if let Some(name) = ProjectName::from_file_name(&file) {
                let streamer = streamer.clone();
                found.insert(ProjectId { streamer, name });
            }
        }
    }
    found
}

impl Found {
    fn project(&mut self, state: &Folder, project: &ProjectId) {
        type Check = fn(&[u8]) -> bool;
        let kinds: [(&str, u64, Check); 2] = [
            ("guests", guests::MAX_RECORD_BYTES, |json| {
                guests::decode(json).is_ok()
            }),
            ("moderation", moderation::MAX_RECORD_BYTES, |json| {
                moderation::decode(json).is_ok()
            }),
        ];
        let name = format!("{}/{}", project.streamer, project.name.file_name());
        for (kind, most, is_sound) in kinds {
            let Ok(home) = state.folder(kind) else {
                continue;
            };
            let shown = format!("{kind}/{name}").escape_debug().to_string();
            match records::find(&home, project) {
                Ok(None) => {}
                Ok(Some(opened)) => self.record(shown, opened, most, is_sound),
                Err(_) => self.unreadable.push(shown),
            }
        }
        let pulls = state.folder("pulls");
        let pulls = pulls.and_then(|pulls| {
            pulls.descend([project.streamer.as_str(), &project.name.file_name()])
        });
        let ids = pulls.as_ref().map(|pulls| pulls.list().unwrap_or_default());
        for (id, _) in ids.unwrap_or_default() {
            let Ok(pulls) = &pulls else { return };
            if self.may_look_at(0) {
                let read = pulls.folder(&id).map_err(io::Error::from);
                let read = read.and_then(|folder| load::read(&folder));
                // A pull request that was deleted meanwhile is not a fault.
                if read.is_err() && pulls.kind(&id).is_ok_and(|kind| kind.is_some()) {
                    let shown = format!("pulls/{name}/{id}").escape_debug().to_string();
                    self.unreadable.push(shown);
                }
            }
        }
    }

    fn record(
        &mut self,
        shown: String,
        opened: (File, Metadata),
        most: u64,
        is_sound: fn(&[u8]) -> bool,
    ) {
        let (_, metadata) = &opened;
        if is_open(metadata.mode()) {
            self.open.push(shown.clone());
        }
        // The server does not read a record that is longer than this, so neither does the doctor.
        let is_read = metadata.len() <= most;
        if self.may_look_at(if is_read { metadata.len() } else { 0 }) {
            let content = records::whole(opened, most);
            if !content.is_ok_and(|content| is_sound(&content)) {
                self.unreadable.push(shown);
            }
        }
    }

    fn may_look_at(&mut self, bytes: u64) -> bool {
        let bytes = self.bytes.saturating_add(bytes);
        if self.records >= MOST_RECORDS || bytes > MOST_BYTES {
            self.is_cut_short = true;
            return false;
        }
        self.records += 1;
        self.bytes = bytes;
        true
    }
}

/// Whether users other than the owner may do anything with it.
pub(super) fn is_open(mode: u32) -> bool {
    mode & 0o077 != 0
}
