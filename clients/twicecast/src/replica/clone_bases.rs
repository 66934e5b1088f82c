//! What the files of a clone began as: their hashes in the record, and their contents. Both advance
//! together when the clone is brought up to date.

use std::collections::HashSet;
use std::io;
use std::os::fd::OwnedFd;

use crate::fs::dirfd;
use crate::names::FileName;
use crate::replica::base_contents::BaseContents;
use crate::replica::folder::CloneFolder;
use crate::replica::manifest::Manifest;
use crate::replica::proposed::Proposed;
use crate::replica::state::State;
use crate::replica::tree::Incoming;

/// The bases, open to advance.
#[derive(Debug)]
pub struct CloneBases<'a> {
    root: &'a OwnedFd,
    manifest: Manifest,
    contents: BaseContents,
    proposed: Proposed,
}

impl<'a> CloneBases<'a> {
    /// Those of a clone.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn open(clone: &'a CloneFolder) -> io::Result<Self> {
        Ok(Self {
            root: &clone.root,
            manifest: Manifest::begin(&clone.work, clone.record.clone())?,
            contents: BaseContents::new(&clone.work)?,
            proposed: Proposed::read(&clone.work),
        })
    }

    /// The content with that hash, if it was kept.
    pub fn content(&self, sha256: &str) -> Option<Vec<u8>> {
        self.contents.read(sha256)
    }

    /// From now on a file began as the project has it, which is as it is here; or it is in neither.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn advance(&mut self, name: &FileName, theirs: Option<&State>) -> io::Result<()> {
        let Some(theirs) = theirs else {
            return self.manifest.removed(name);
        };
        // Without its content it can still be told apart, and be merged where only one has changed.
        self.keep(name, &theirs.sha256)?;
        self.manifest.wrote(name, &theirs.sha256, theirs.executable)
    }

    /// Keeps the content of a file here, if it has that hash: it is proposed, and may be what
    /// others begin with.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn keep(&mut self, name: &FileName, sha256: &str) -> io::Result<()> {
        let opened = dirfd::open_parent(self.root, name)
            .and_then(|(folder, leaf)| dirfd::open_file(&folder, leaf));
        match opened {
            Ok(mut file) => self.contents.keep(sha256, &mut file),
            Err(_) => Ok(()),
        }
    }

    /// From now on a file began as what has come from the project.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn began(&mut self, name: &FileName, incoming: &Incoming) -> io::Result<()> {
        self.contents
            .keep(&incoming.sha256, &mut incoming.staged.read()?)?;
        self.manifest
            .wrote(name, &incoming.sha256, incoming.executable)
    }

    /// Forgets the contents that no file began with and that were not proposed.
    pub fn tidy(&mut self) {
        let written = self.manifest.files().values();
        let written = written.map(|written| written.sha256.as_str());
        let needed: HashSet<&str> = written.chain(self.proposed.hashes()).collect();
        self.contents.keep_only(|sha256| needed.contains(sha256));
    }
}
