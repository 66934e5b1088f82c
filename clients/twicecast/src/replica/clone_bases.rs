//! The bases of a clone: the state in which each file came from the project. The record has their
//! hashes, and the work folder their contents; both change together when the clone is brought up to
//! date.

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

/// The bases, open for changes.
#[derive(Debug)]
pub struct CloneBases<'a> {
    root: &'a OwnedFd,
    manifest: Manifest,
    contents: BaseContents,
    proposed: Proposed,
}

impl<'a> CloneBases<'a> {
    /// Opens the bases of a clone.
    ///
    /// # Errors
    ///
    /// The system's error.
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

    /// Makes the project's state of a file its base. The file here has the same state, or neither
    /// has it.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn advance(&mut self, name: &FileName, theirs: Option<&State>) -> io::Result<()> {
        let Some(theirs) = theirs else {
            return self.manifest.removed(name);
        };
        // Even if the content cannot be kept, changes can be recognised, and merged if only one
        // side has made them.
        self.keep(name, &theirs.sha256)?;
        self.manifest.wrote(name, &theirs.sha256, theirs.executable)
    }

    /// Keeps the content of a file here, if it has that hash: it is proposed, and may become the
    /// base of later changes.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn keep(&mut self, name: &FileName, sha256: &str) -> io::Result<()> {
        let opened = dirfd::open_parent(self.root, name)
            .and_then(|(folder, leaf)| dirfd::open_file(&folder, leaf));
        match opened {
            Ok(mut file) => self.contents.keep(sha256, &mut file),
            Err(_) => Ok(()),
        }
    }

    /// Makes a content that has come from the project the base of a file.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn began(&mut self, name: &FileName, incoming: &Incoming) -> io::Result<()> {
        self.contents
            .keep(&incoming.sha256, &mut incoming.staged.read()?)?;
        self.manifest
            .wrote(name, &incoming.sha256, incoming.executable)
    }

    /// Forgets contents that are neither a base nor proposed.
    pub fn tidy(&mut self) {
        let written = self.manifest.files().values();
        let written = written.map(|written| written.sha256.as_str());
        let needed: HashSet<&str> = written.chain(self.proposed.hashes()).collect();
        self.contents.keep_only(|sha256| needed.contains(sha256));
    }
}
