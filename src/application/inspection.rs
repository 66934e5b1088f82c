//! What is found of the place where a store keeps everything, without a store being opened there.

use std::time::Duration;

use crate::domain::Timestamp;

/// The place where a store keeps everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspection {
    /// There is nothing. Whether it could be made, or why not.
    Missing(Result<(), String>),
    /// It cannot be used, for this reason.
    Unusable(String),
    /// It is there.
    There(Box<PlaceState>),
}

/// The state of a place that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceState {
    /// The system's number of the user that owns it.
    pub owner: u32,
    /// That of the user who looks.
    pub user: u32,
    /// Whether every user of the machine may write there.
    pub is_open_to_all: bool,
    /// What is free; `None` where that is not told.
    pub free: Option<Free>,
    /// What it is on.
    pub medium: Medium,
    /// The folders in it that are on another file system.
    pub elsewhere: Vec<String>,
    /// What happened when a small file was written there, or why none could be.
    pub trial: Result<Trial, String>,
    /// What the server keeps there; `None` where none has been yet, a sentence where that cannot
    /// be read.
    pub own: Result<Option<OwnState>, String>,
    /// The folders that are no projects because the server did not make them.
    pub foreign: Vec<String>,
    /// The file of a project that was changed last, and when; of very many files, among the first.
    pub newest: Option<(String, Timestamp)>,
}

/// What is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// How many bytes.
    pub bytes: u64,
    /// How many files can be made; `None`: any number.
    pub files: Option<u64>,
}

/// A file system, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Medium {
    /// Its name, or its number.
    pub name: String,
    /// What that means for what is kept there.
    pub kind: MediumKind,
}

/// What a file system means for what is kept there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediumKind {
    /// A disk, as far as is known.
    Disk,
    /// Memory.
    Memory,
    /// Another machine, or a program.
    Network,
    /// A container's own layer.
    Layer,
}

/// What happened when a small file was written, synced and renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// How long it took, in the middle of several times.
    pub took: Duration,
    /// Whether it kept its time to the nanosecond.
    pub keeps_times: bool,
    /// Whether it is also found under a name of other case or normalisation.
    pub folds_names: bool,
}

/// What the server keeps of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnState {
    /// The layout of it.
    pub layout: LayoutState,
    /// Whether a server holds it at the moment; `None` where that cannot be known.
    pub is_held: Option<bool>,
    /// Whether other users may enter it.
    pub is_open: bool,
    /// The secret things in it that other users may open.
    pub open_secrets: Vec<String>,
    /// The records of projects that it cannot read.
    pub unreadable: Vec<String>,
    /// The projects that are gone, and of which guests' names or moderation are left.
    pub left: Vec<String>,
    /// Whether there were too many records to look at all of them.
    pub is_cut_short: bool,
    /// How many things an earlier run, or the one that holds it, has not finished.
    pub unfinished: usize,
}

/// The layout of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutState {
    /// This server's.
    Current,
    /// An older one, which this server would convert.
    Older,
    /// An older one that cannot be converted, for this reason.
    Conflict(String),
    /// One that this server does not know, for this reason.
    Unknown(String),
}
