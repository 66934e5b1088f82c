//! Whether what the server keeps of each project, besides its files, can be read: the names of its
//! guests, what its moderators have decided, and its pull requests. Nothing of it is told.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use crate::adapters::outbound::filesystem::guests::store::read_key;
use crate::adapters::outbound::filesystem::pull_requests::load;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::records;
use crate::adapters::outbound::records::{guests, moderation};
use crate::domain::{ProjectId, ProjectName, UserName};

/// No more records than this are looked at, and no more bytes of them.
const MOST_RECORDS: usize = 20_000;
const MOST_BYTES: u64 = 256 * 1_024 * 1_024;

#[derive(Debug, Default)]
pub(super) struct Found {
    /// Those that the server cannot read.
    pub unreadable: Vec<String>,
    /// Those that other users may open.
    pub open: Vec<String>,
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
    let markers = state.folder("projects");
    let users = markers.and_then(|markers| markers.folders(|name| UserName::parse(name).ok()));
    let mut users = users.unwrap_or_default();
    users.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    for (streamer, markers) in users {
        let mut names = markers.list().unwrap_or_default();
        names.sort();
        let names = names.iter().map(|(name, _)| name);
        for name in names.filter_map(|name| ProjectName::from_file_name(name)) {
            let streamer = streamer.clone();
            found.project(state, &ProjectId { streamer, name });
        }
    }
    found
}

impl Found {
    fn project(&mut self, state: &Folder, project: &ProjectId) {
        type Check = fn(&[u8]) -> bool;
        let kinds: [(&str, Check); 2] = [
            ("guests", |json| guests::decode(json).is_ok()),
            ("moderation", |json| moderation::decode(json).is_ok()),
        ];
        let name = format!("{}/{}", project.streamer, project.name.file_name());
        for (kind, is_sound) in kinds {
            let Ok(home) = state.folder(kind) else {
                continue;
            };
            let shown = format!("{kind}/{name}").escape_debug().to_string();
            match records::find(&home, project) {
                Ok(None) => {}
                Ok(Some(opened)) => self.record(shown, opened, is_sound),
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
                // One that was deleted meanwhile is not missing.
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
        (file, metadata): (File, Metadata),
        is_sound: fn(&[u8]) -> bool,
    ) {
        if is_open(metadata.mode()) {
            self.open.push(shown.clone());
        }
        if self.may_look_at(metadata.len()) {
            let content = records::whole(file, metadata.len());
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
