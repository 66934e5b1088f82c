//! Watches folders for changes, one by one, so that no folder is watched that is not shared and no
//! new one is missed: a folder is watched before it is looked at.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::platform::raised_watch_limit;
use crate::publish::dirty::Dirty;
use crate::rules::Rules;

/// How often everything is looked at if it cannot be watched.
pub const POLL: Duration = Duration::from_secs(2);

/// The watched folders.
pub struct Watching {
    root: PathBuf,
    watcher: Option<RecommendedWatcher>,
    /// Files outside the folder whose changes matter.
    elsewhere: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// Why folders cannot be watched, until that has been reported.
    trouble: Option<String>,
}

impl Watching {
    /// Starts without watching anything. Changes in `root`, a path without symbolic links, are
    /// reported to `dirty`.
    pub fn start(root: &Path, dirty: Arc<Dirty>) -> Self {
        let mut watching = Self::none(root);
        let told = {
            let (root, elsewhere) = (root.to_path_buf(), Arc::clone(&watching.elsewhere));
            move |event: notify::Result<Event>| tell(&root, &elsewhere, &dirty, event)
        };
        match RecommendedWatcher::new(told, Config::default()) {
            Ok(watcher) => watching.watcher = Some(watcher),
            Err(error) => watching.give_up(&error),
        }
        watching
    }

    /// Does not watch at all.
    pub fn none(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            watcher: None,
            elsewhere: Arc::default(),
            trouble: None,
        }
    }

    /// Watches a folder inside the shared one, by its full name; again if it has been replaced.
    pub fn folder(&mut self, full: &str) {
        let path = self.root.join(full.trim_start_matches('/'));
        self.path(&path);
        if full.is_empty() {
            self.path(&path.join(".git/info"));
        }
    }

    /// Watches a file outside the folder. It is the file's folder that is watched, because editors
    /// replace files; other changes in that folder are ignored.
    pub fn file_elsewhere(&mut self, file: PathBuf) {
        let folder = file.parent().map(Path::to_path_buf);
        let mut elsewhere = self
            .elsewhere
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        elsewhere.insert(file);
        drop(elsewhere);
        if let Some(folder) = folder {
            self.path(&folder);
        }
    }

    fn path(&mut self, path: &Path) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        match watcher.watch(path, RecursiveMode::NonRecursive) {
            Ok(()) => {}
            // It is gone again, or does not belong to us; its own folder reports that.
            Err(error) if raised_watch_limit(&error).is_none() => {}
            Err(error) => self.give_up(&error),
        }
    }

    /// Whether nothing is watched, so that everything must be looked at from time to time.
    pub fn is_polling(&self) -> bool {
        self.watcher.is_none()
    }

    /// Why nothing is watched any more; reported only once.
    pub fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    fn give_up(&mut self, error: &notify::Error) {
        self.watcher = None;
        let why = match raised_watch_limit(error) {
            Some(command) => format!(
                "The system's limit of watched folders is reached; `{command}` raises it for the \
                 next start"
            ),
            None => format!("The system does not let folders be watched: {error}"),
        };
        let seconds = POLL.as_secs();
        self.trouble = Some(format!(
            "{why}. The folder is looked through every {seconds} s instead."
        ));
    }
}

fn tell(
    root: &Path,
    elsewhere: &Mutex<BTreeSet<PathBuf>>,
    dirty: &Dirty,
    event: notify::Result<Event>,
) {
    let Ok(event) = event else {
        return dirty.add_all();
    };
    if event.need_rescan() {
        return dirty.add_all();
    }
    if let EventKind::Access(access) = event.kind
        && access != AccessKind::Close(AccessMode::Write)
    {
        // Most of these events come from our own reading.
        return;
    }
    let is_complete = is_complete(event.kind);
    // For a rename that is one event, only the new name counts: an editor puts a file back where
    // the old one was.
    let new_name = event.paths.len().saturating_sub(1);
    let elsewhere = elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
    for (number, path) in event.paths.into_iter().enumerate() {
        if !elsewhere.contains(&path) && !counts(root, &path) {
            continue;
        }
        let full = place(root, &path);
        if is_complete && number == new_name {
            dirty.add(full);
        } else {
            dirty.add_unfinished(full);
        }
    }
}

/// Whether a change of a file with that path matters. In git's own folder only files named
/// elsewhere and the excludes do, because every git command changes something there.
fn counts(root: &Path, path: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(|inside| {
        let mut segments = inside.iter();
        segments.next() != Some(OsStr::new(".git"))
            || segments.next().is_none_or(|segment| segment == "info")
    })
}

/// Whether a change is complete: a file was closed, or another one replaced it. A file that is
/// truncated, created or removed may be so only for a moment.
fn is_complete(kind: EventKind) -> bool {
    use notify::event::{ModifyKind, RenameMode};
    matches!(
        kind,
        EventKind::Access(_)
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both))
            | EventKind::Any
            | EventKind::Other
    )
}

/// The place to look at after a change of `path`.
fn place(root: &Path, path: &Path) -> String {
    let Ok(inside) = path.strip_prefix(root) else {
        // A rule file outside the folder.
        return String::new();
    };
    let mut full = String::new();
    for segment in inside {
        match segment.to_str() {
            // A rule file changes what is shared of its whole folder.
            Some(segment) if Rules::is_rule_file(segment) => return full,
            Some(".git") if full.is_empty() => return full,
            Some(segment) => {
                full.push('/');
                full.push_str(segment);
            }
            None => return full,
        }
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_looked_at_where_it_may_matter() {
        for (path, full) in [
            ("/p", ""),
            ("/p/a/b", "/a/b"),
            ("/p/a/.gitignore", "/a"),
            ("/p/.tcignore", ""),
            ("/p/.git/info/exclude", ""),
            ("/other/.gitignore", ""),
        ] {
            assert_eq!(place(Path::new("/p"), Path::new(path)), full, "{path}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_a_folder_elsewhere_only_the_files_with_rules_are_told_of() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let root = home.join("project");
        std::fs::create_dir(&root).unwrap();
        let dirty = Arc::new(Dirty::default());
        let mut watching = Watching::start(&root, Arc::clone(&dirty));
        watching.folder("");
        watching.file_elsewhere(home.join(".gitignore"));
        std::fs::write(home.join("other"), "x").unwrap();
        std::fs::write(root.join("a"), "x").unwrap();
        dirty.settled().await;
        // Events arrive in order, so the event of the other file has been handled.
        assert_eq!(dirty.take(), ["/a"]);
        std::fs::write(home.join("new"), "x").unwrap();
        std::fs::rename(home.join("new"), home.join(".gitignore")).unwrap();
        dirty.settled().await;
        assert_eq!(dirty.take(), [""]);
    }

    #[test]
    fn of_gits_own_folder_only_the_excludes_and_what_is_named_count() {
        for (path, expected) in [
            ("/p/.git", true),
            ("/p/.git/info/exclude", true),
            ("/p/.git/index.lock", false),
            ("/p/.git/HEAD", false),
            ("/p/a/.git/index", true),
            ("/p/a", true),
            ("/q/a", false),
        ] {
            assert_eq!(counts(Path::new("/p"), Path::new(path)), expected, "{path}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_watched_folder_tells_of_its_files_and_not_of_being_read() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let dirty = Arc::new(Dirty::default());
        let mut watching = Watching::start(&root, Arc::clone(&dirty));
        watching.folder("");
        assert!(!watching.is_polling());
        std::fs::write(root.join("a"), "x").unwrap();
        dirty.settled().await;
        assert_eq!(dirty.take(), ["/a"]);
        std::fs::read(root.join("a")).unwrap();
        std::fs::write(root.join("b"), "x").unwrap();
        dirty.settled().await;
        assert_eq!(dirty.take(), ["/b"]);
    }
}
