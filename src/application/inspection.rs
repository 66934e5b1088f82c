//! What is found in the place where a store keeps everything, without opening a store there: a
//! folder, or an engine.

use std::time::Duration;

use crate::domain::Timestamp;

/// The place where a store keeps everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inspection {
    /// There is nothing; says whether it could be created, or why not.
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
    /// The system's number of the user who looks.
    pub user: u32,
    /// Whether every user of the machine may write there.
    pub is_open_to_all: bool,
    /// What is free; `None` if the system does not say.
    pub free: Option<Free>,
    /// The file system that it is on.
    pub medium: Medium,
    /// The folders in it that are on another file system.
    pub elsewhere: Vec<String>,
    /// What happened when a small file was written there, or why none could be.
    pub trial: Result<Trial, String>,
    /// What the server keeps there: `None` if there has been no server yet, a sentence if it cannot
    /// be read.
    pub own: Result<Option<OwnState>, String>,
    /// The folders that are not projects, because the server did not make them.
    pub foreign: Vec<String>,
    /// The most recently changed file of a project, and when it changed; only a bounded number of
    /// files is looked at.
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
    /// How long it took: the median of several times.
    pub took: Duration,
    /// Whether the file system keeps times to the nanosecond.
    pub keeps_times: bool,
    /// Whether the file is also found under a name with other case or normalisation.
    pub folds_names: bool,
}

/// The server's own state.
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
    /// The records of projects that the server cannot read.
    pub unreadable: Vec<String>,
    /// The projects that are gone, but whose guests' names or moderation are left.
    pub left: Vec<String>,
    /// Whether there were too many records to look at all of them.
    pub is_cut_short: bool,
    /// How many things are unfinished, of an earlier run or of the server that holds it now.
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

/// The engine in which several servers keep everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineInspection {
    /// It cannot be used, for this reason.
    Unusable(String),
    /// It can be used.
    Usable(EngineSeen),
}

/// What is seen of an engine that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSeen {
    /// The version of the server that was asked.
    pub version: String,
    /// The address at which that server listens, as it says itself.
    pub host: String,
    /// Whether it lets in everybody who can reach it.
    pub is_open: bool,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// Its time less the time here, in milliseconds, by the worst of its clocks; `None` if nothing
    /// is kept there yet.
    pub ahead: Option<i64>,
    /// How many bytes it keeps, each counted once.
    pub bytes: u64,
    /// Those of its servers that should keep everything but are away.
    pub away: Vec<String>,
}
