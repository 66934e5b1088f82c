//! Folders leading to a file: created, removed again on failure, and made durable.

use std::collections::HashMap;
use std::sync::Mutex;

use rustix::io::{Errno, Result};

use crate::adapters::outbound::filesystem::sandbox::folder::{FOLDER, Folder};
use crate::application::locks::lock;

/// The folders of a project that were created and are not known to be durable yet, by name, with
/// the number of writes that have created one of that name. A write that puts a file into such a
/// folder has to sync the folder too, or its file could be lost with the folder.
#[derive(Debug, Default)]
pub(crate) struct NewFolders(Mutex<HashMap<String, usize>>);

struct Mark<'a> {
    folders: &'a NewFolders,
    path: String,
}

impl NewFolders {
    fn mark(&self, path: &str) -> Mark<'_> {
        *lock(&self.0).entry(path.to_owned()).or_default() += 1;
        Mark {
            folders: self,
            path: path.to_owned(),
        }
    }

    /// Whether any folder may not be durable yet.
    pub fn are_any(&self) -> bool {
        !lock(&self.0).is_empty()
    }

    fn is_marked(&self, path: &str) -> bool {
        lock(&self.0).contains_key(path)
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        let mut folders = lock(&self.folders.0);
        if let Some(makers) = folders.get_mut(&self.path) {
            *makers -= 1;
            if *makers == 0 {
                folders.remove(&self.path);
            }
        }
    }
}

/// The folder of a file. The folders created for it are removed again when this is dropped, unless
/// they were kept.
pub(crate) struct Parent<'a> {
    pub folder: Folder,
    made: Vec<Made<'a>>,
    /// The folders with entries that may not be durable, besides `folder` itself.
    unsynced: Vec<Folder>,
}

struct Made<'a> {
    parent: Folder,
    name: String,
    _mark: Mark<'a>,
}

impl<'a> Parent<'a> {
    /// Opens the folder that `segments` lead to from `root` and creates what is missing.
    pub fn make<'s>(
        root: &Folder,
        segments: impl Iterator<Item = &'s str>,
        new: &'a NewFolders,
    ) -> Result<Self> {
        let mut parent = Self {
            folder: root.clone(),
            made: Vec::new(),
            unsynced: Vec::new(),
        };
        let mut path = String::new();
        for segment in segments {
            path.push('/');
            path.push_str(segment);
            let next = match parent.folder.folder(segment) {
                Err(Errno::NOENT) => parent.make_one(segment, &path, new)?,
                other => other?,
            };
            if new.is_marked(&path) {
                parent.unsynced.push(parent.folder.clone());
            }
            parent.folder = next;
        }
        Ok(parent)
    }

    fn make_one(&mut self, name: &str, path: &str, new: &'a NewFolders) -> Result<Folder> {
        // Marked before it becomes visible.
        let mark = new.mark(path);
        if self.folder.make_folder(name, FOLDER)? {
            self.made.push(Made {
                parent: self.folder.clone(),
                name: name.to_owned(),
                _mark: mark,
            });
        }
        self.folder.folder(name)
    }

    /// Makes the folder's entries durable, and the folder itself.
    pub fn sync(&self) -> Result<()> {
        self.folder.sync()?;
        self.unsynced.iter().try_for_each(Folder::sync)
    }

    /// Keeps the folders: they are needed.
    pub fn keep(mut self) {
        self.made.clear();
    }
}

impl Drop for Parent<'_> {
    fn drop(&mut self) {
        while let Some(made) = self.made.pop() {
            if made.parent.remove_folder(&made.name).is_err() {
                // Somebody else uses it by now, so it stays; we still have to make it durable.
                let _ = made.parent.sync();
            }
        }
    }
}
