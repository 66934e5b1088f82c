//! What lies beside `.twicecast`: projects, folders that are not projects, and what is mounted
//! there.

use crate::adapters::outbound::filesystem::projects::versions::{FileState, modified};
use crate::adapters::outbound::filesystem::sandbox::folder::{Folder, Kind};
use crate::domain::{Timestamp, UserName};

/// At most this many files are looked at to find the newest.
const MOST_FILES: usize = 200_000;

/// How deep the search goes: a project's folders are never deeper.
const DEEPEST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Found {
    pub elsewhere: Vec<String>,
    pub foreign: Vec<String>,
    pub newest: Option<(String, Timestamp)>,
    files: usize,
    device: u64,
}

/// Looks at the folders of users and of their projects. Skips what cannot be read: the server
/// reports it when a client asks for it.
pub(super) fn look(base: &Folder, state: Option<&Folder>, device: u64) -> Found {
    let mut found = Found {
        device,
        ..Found::default()
    };
    if let Some(state) = state {
        found.notice_device(state, ".twicecast");
    }
    let markers = state.and_then(|state| state.folder("projects").ok());
    let users = base.folders(|name| UserName::parse(name).ok());
    let mut users = users.unwrap_or_default();
    users.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    for (user, folder) in users {
        found.notice_device(&folder, user.as_str());
        let marked = markers
            .as_ref()
            .map(|markers| markers.folder(user.as_str()));
        match marked {
            Some(Ok(markers)) => found.user(user.as_str(), &folder, &markers),
            // An empty folder becomes the user's by itself.
            _ if folder.is_empty().unwrap_or(true) => {}
            _ => found.foreign.push(user.as_str().to_owned()),
        }
    }
    found
}

impl Found {
    fn user(&mut self, user: &str, folder: &Folder, markers: &Folder) {
        let mut names = folder.list().unwrap_or_default();
        names.sort();
        for (name, _) in names.into_iter().filter(|(_, is_folder)| *is_folder) {
            let Ok(project) = folder.folder(&name) else {
                continue;
            };
            let shown = format!("{user}/{name}");
            self.notice_device(&project, &shown);
            if matches!(markers.kind(&name), Ok(Some(Kind::File(_)))) {
                self.files_below(&project, &shown, DEEPEST);
            } else if !project.is_empty().unwrap_or(true) {
                self.foreign.push(shown);
            }
        }
    }

    fn notice_device(&mut self, folder: &Folder, name: &str) {
        let about = rustix::fs::fstat(folder);
        if about.is_ok_and(|about| about.st_dev != self.device) {
            self.elsewhere.push(name.to_owned());
        }
    }

    fn files_below(&mut self, folder: &Folder, shown: &str, depth: usize) {
        for (name, is_folder) in folder.list().unwrap_or_default() {
            if self.files >= MOST_FILES {
                return;
            }
            let shown = format!("{shown}/{name}");
            if is_folder {
                if depth > 0
                    && let Ok(inner) = folder.folder(&name)
                {
                    self.notice_device(&inner, &shown);
                    self.files_below(&inner, &shown, depth - 1);
                }
            } else if let Ok(Some(state)) = folder.file_state(&name) {
                self.files += 1;
                self.file(shown, state);
            }
        }
    }

    fn file(&mut self, shown: String, state: FileState) {
        let changed = modified(state.nanos);
        if self
            .newest
            .as_ref()
            .is_none_or(|(_, newest)| *newest < changed)
        {
            self.newest = Some((shown, changed));
        }
    }
}
