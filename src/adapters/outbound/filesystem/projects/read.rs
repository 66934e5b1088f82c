//! Opening files for reading, and correcting what was known about those found different.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::adapters::outbound::filesystem::pool::quick::Batch;
use crate::adapters::outbound::filesystem::projects::entries::{Entries, Entry};
use crate::adapters::outbound::filesystem::projects::open_file::{self, READ_AT_ONCE};
use crate::adapters::outbound::filesystem::projects::replace::split;
use crate::adapters::outbound::filesystem::projects::shared_reads::{
    Joinable, Opened, OpenedFiles,
};
use crate::adapters::outbound::filesystem::sandbox::error::Looking;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::loaded_project::{LoadedProject, User};
use crate::application::ports::{OpenFile, StoreError};
use crate::domain::{FilePath, ProjectEntry, ProjectId};

/// What a read needs to know of its project. The project need not be in memory.
pub(crate) struct Reading {
    pub layout: Arc<Layout>,
    pub entries: Arc<Entries>,
    pub entry: Arc<Entry>,
    pub project: ProjectId,
}

impl Reading {
    /// Opens files from the start of `paths`: at least one, and more until they reach this many
    /// bytes together or the next one would have to be kept open. Nobody can join once the read has
    /// begun.
    pub async fn run(
        self,
        paths: Arc<[FilePath]>,
        bytes: u64,
        mut joinable: Option<Joinable>,
    ) -> Opened {
        let mut permit = None;
        if self.is_known_to_be_long(&paths) {
            permit = Some(self.layout.may_keep_open().await?);
        }
        let reading = Arc::new(self);
        loop {
            let (own, paths) = (Arc::clone(&reading), Arc::clone(&paths));
            let (joinable, permit_given) = (joinable.take(), permit.take());
            let read = move |batch: &mut Batch| {
                drop(joinable);
                let root = batch.root(|| own.entries.root(&own.project))?;
                Ok(own.open_some(&root, &paths, bytes, permit_given))
            };
            if let Some(opened) = reading.entry.reads.run_quick(read).await? {
                return Ok(opened);
            }
            permit = Some(reading.layout.may_keep_open().await?);
        }
    }

    fn is_known_to_be_long(&self, paths: &[FilePath]) -> bool {
        let loaded = self.entry.loaded(User::Reader);
        loaded.zip(paths.first()).is_some_and(|(loaded, path)| {
            let bytes = loaded.with(|project| project.get(path).map(|entry| entry.bytes));
            bytes.is_some_and(|bytes| bytes > READ_AT_ONCE)
        })
    }

    /// Returns `None` if the first file has to be kept open and there is no permit for it.
    fn open_some(
        &self,
        root: &Folder,
        paths: &[FilePath],
        bytes: u64,
        mut permit: Option<OwnedSemaphorePermit>,
    ) -> Option<OpenedFiles> {
        let loaded = self.entry.loaded(User::Reader);
        let known = known(loaded.as_deref(), paths);
        let (mut opened, mut sum, mut corrections) = (Vec::new(), 0, Vec::new());
        for (index, path) in paths.iter().enumerate() {
            let known = known.get(index).copied().flatten();
            if index > 0 && known.is_some_and(|entry| entry.bytes > READ_AT_ONCE) {
                break;
            }
            let file = match self.open(root, path, permit.take()) {
                Ok(Some(file)) => Ok(file),
                Ok(None) if index == 0 => return None,
                Ok(None) => break,
                Err(error) => Err(error),
            };
            let found = match &file {
                Ok(file) => Some(ProjectEntry {
                    sha256: known.and_then(|entry| entry.sha256),
                    ..file.entry()
                }),
                Err(StoreError::NotFound) => None,
                // Nothing new is known about a file that cannot be read.
                Err(_) => known,
            };
            if let Some(known) = known
                && found != Some(known)
            {
                let found = found.map(|entry| ProjectEntry {
                    sha256: None,
                    ..entry
                });
                corrections.push((path, known.version, found));
            }
            sum += file.as_ref().map_or(0, |file| file.bytes);
            opened.push(file);
            if sum >= bytes {
                break;
            }
            // If there are fewer processors than threads, the system would otherwise let this one
            // go on for milliseconds.
            std::thread::yield_now();
        }
        if let Some(loaded) = loaded.filter(|_| !corrections.is_empty()) {
            loaded.change(|project| {
                for (path, expected, found) in corrections {
                    project.correct(path, expected, found);
                }
            });
        }
        Some(opened.into())
    }

    fn open(
        &self,
        root: &Folder,
        path: &FilePath,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Option<OpenFile>, StoreError> {
        let (parents, name) = split(path);
        let file = root
            .descend(parents)
            .and_then(|folder| folder.sole_file(name));
        let file = file.looking("open a file")?;
        let (pool, versions) = (self.entry.reads.clone(), &self.entry.versions);
        open_file::open(file, pool, permit, |file| versions.entry(file).version)
    }
}

/// What is known about each of `paths`; nothing if the project is not in memory.
fn known(loaded: Option<&LoadedProject>, paths: &[FilePath]) -> Vec<Option<ProjectEntry>> {
    loaded.map_or_else(Vec::new, |loaded| {
        loaded.with(|project| {
            paths
                .iter()
                .map(|path| project.get(path).copied())
                .collect()
        })
    })
}
