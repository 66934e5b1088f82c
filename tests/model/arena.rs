//! The servers against which histories are played: two stores, public and not, with bounds that
//! are soon reached and with room for large files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::ask::Project;
use crate::game::{Difference, Game};
use crate::model::{Files, Limits};
use crate::support::Server;

const NARROW: Limits = Limits {
    public_read: true,
    part_bytes: 300,
    file_bytes: 1_000,
    project_bytes: 2_500,
    project_files: 4,
    open_uploads: 2,
    pull_bytes: 1_500,
    pull_files: 3,
    open_pulls: 2,
    title_bytes: 10,
    chat_bytes: 19,
    chat_history: 3,
    watches: 2,
    failed_authentications: 4,
};

const ROOMY: Limits = Limits {
    part_bytes: 30_000,
    file_bytes: 1 << 20,
    project_bytes: 1 << 24,
    project_files: 100,
    open_uploads: 100,
    pull_bytes: 1 << 24,
    pull_files: 100,
    ..NARROW
};

const PRIVATE: Limits = Limits {
    public_read: false,
    ..NARROW
};

/// A server and its known properties.
pub struct Arena {
    server: Server,
    pub limits: Limits,
    /// Whether the projects are files on a disk.
    on_disk: bool,
}

impl Arena {
    /// One of each kind.
    pub fn all() -> Vec<Self> {
        [
            (NARROW, true),
            (NARROW, false),
            (PRIVATE, false),
            (ROOMY, true),
        ]
        .into_iter()
        .map(|(limits, on_disk)| Self::new(limits, on_disk))
        .collect()
    }

    /// The servers for histories in which connections do not wait for each other: with room, so
    /// that none affects another, and with short queues, so that some lag.
    pub fn concurrent() -> Vec<Self> {
        let short = [("max-queue-bytes", "262144".to_owned())];
        [true, false]
            .into_iter()
            .map(|on_disk| Self::with(ROOMY, on_disk, &short))
            .collect()
    }

    fn new(limits: Limits, on_disk: bool) -> Self {
        Self::with(limits, on_disk, &[])
    }

    fn with(limits: Limits, on_disk: bool, more: &[(&str, String)]) -> Self {
        let store = if on_disk { "filesystem" } else { "memory" };
        let flags = [
            ("store", store.to_owned()),
            ("durability", "rename".to_owned()),
            ("public-read", limits.public_read.to_string()),
            ("part-bytes", limits.part_bytes.to_string()),
            ("max-file-bytes", limits.file_bytes.to_string()),
            ("max-project-bytes", limits.project_bytes.to_string()),
            ("max-project-files", limits.project_files.to_string()),
            ("max-open-uploads", limits.open_uploads.to_string()),
            ("max-pull-request-bytes", limits.pull_bytes.to_string()),
            ("max-pull-request-files", limits.pull_files.to_string()),
            ("max-open-pull-requests", limits.open_pulls.to_string()),
            ("max-title-bytes", limits.title_bytes.to_string()),
            ("max-chat-bytes", limits.chat_bytes.to_string()),
            ("chat-history", limits.chat_history.to_string()),
            ("chat-messages-per-second", "0".to_owned()),
            ("max-watches", limits.watches.to_string()),
            (
                "max-failed-authentications",
                limits.failed_authentications.to_string(),
            ),
        ];
        let flags: Vec<_> = flags
            .iter()
            .chain(more)
            .flat_map(|(key, value)| [format!("--{key}"), value.clone()])
            .collect();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        Self {
            server: Server::with(&flags),
            limits,
            on_disk,
        }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn is_roomy(&self) -> bool {
        self.limits.file_bytes == ROOMY.file_bytes
    }

    /// Checks that the files of these projects and the kept pull requests are the model's.
    pub fn compare(&self, game: &Game, projects: &[Project]) -> Result<(), Difference> {
        if !self.on_disk {
            return Ok(());
        }
        for project in projects {
            let none = Files::new();
            let expected = game.world.projects.get(project).unwrap_or(&none).iter();
            let expected = expected.map(|(name, file)| (name.clone(), file.content.clone()));
            self.compare_tree(project, &expected.collect())?;
            let kept: BTreeSet<_> = entries(
                &self
                    .server
                    .base()
                    .join(".twicecast/pulls")
                    .join(place(project)),
            )
            .into_iter()
            .map(|(name, _)| name)
            .collect();
            let open = game
                .world
                .pulls
                .iter()
                .filter(|pull| pull.project == *project);
            let open: BTreeSet<_> = open.map(|pull| game.marks.fill_in(&pull.id())).collect();
            if kept != open {
                return Err(format!(
                    "pull requests kept are {kept:?}, and should be {open:?}"
                ));
            }
        }
        Ok(())
    }

    /// Checks that the project's files on disk are these, and its folders only those they need.
    pub fn compare_tree(
        &self,
        project: &Project,
        expected: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), Difference> {
        let mut there = BTreeMap::new();
        let place = self.server.base().join(place(project));
        collect(&place, "", &mut there);
        if self.on_disk && there != *expected {
            let names = |files: &BTreeMap<String, _>| files.keys().cloned().collect::<Vec<_>>();
            return Err(format!(
                "on the disk in {} are {:?}, and should be {:?}; or a content differs",
                place.display(),
                names(&there),
                names(expected)
            ));
        }
        Ok(())
    }

    /// Stops the server; asserts that it exits with success and leaves nothing temporary.
    pub fn stop(mut self) {
        assert!(self.server.stop(), "it stopped with success");
        for folder in ["staging", "drafts"] {
            let left = entries(&self.server.base().join(".twicecast").join(folder));
            assert!(left.is_empty(), "left in {folder}: {left:?}");
        }
    }
}

/// Where a project is stored.
fn place(project: &Project) -> String {
    format!("{}/{}", project.streamer, project.name)
}

/// The entries of a folder, each with whether it is a folder; empty if it does not exist.
fn entries(folder: &Path) -> Vec<(String, bool)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let entries = entries.map(|entry| entry.expect("readable"));
    let described = entries.map(|entry| {
        let name = entry.file_name().into_string().expect("a plain name");
        (name, entry.file_type().expect("readable").is_dir())
    });
    described.collect()
}

/// All files below `folder` with their contents; an empty folder appears without content.
fn collect(folder: &Path, name: &str, into: &mut BTreeMap<String, Vec<u8>>) {
    let found = entries(folder);
    if found.is_empty() && !name.is_empty() {
        into.insert(format!("{name}/"), Vec::new());
    }
    for (entry, is_folder) in found {
        let path = folder.join(&entry);
        let name = format!("{name}/{entry}");
        if is_folder {
            collect(&path, &name, into);
        } else {
            into.insert(name, std::fs::read(path).expect("readable"));
        }
    }
}
