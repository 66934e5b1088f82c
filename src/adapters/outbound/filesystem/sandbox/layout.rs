//! What lies where under the base folder, and how it is opened.
//!
//! ```text
//! base/<user>/<project>/…              the files of projects, as they are
//! base/.twicecast/version              the number of this layout
//!                 lock                 held for as long as a server runs
//!                 control      the socket for operators' commands, made by `inbound/control`
//!                 staging/             temporary files and unfinished uploads
//!                 drafts/<id>/         pull requests being put together
//!                 projects/<user>/            which users' folders are the server's
//!                 projects/<user>/<project>   which folders are projects: empty files
//!                 pulls/<user>/<project>/<id>/   open pull requests
//!                 guests/<user>/<project>        the names of a project's guests
//!                 moderation/<user>/<project>    what moderators have decided in a project
//!                 guest-key    the secret that signs the tokens of guests
//!                 renames      what an upgrade of the layout still has to do
//! ```
//!
//! A project's part of these paths is its [`file_name`](crate::domain::ProjectName::file_name).

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FlockOperation, Mode};
use rustix::io::Errno;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::adapters::outbound::filesystem::pool::in_flight::InFlight;
use crate::adapters::outbound::filesystem::projects::versions::FileState;
use crate::adapters::outbound::filesystem::sandbox::error::{
    During, Looking, OpenError, is_absent,
};
use crate::adapters::outbound::filesystem::sandbox::folder::{
    FILE, Folder, Kind, PRIVATE_FILE, PRIVATE_FOLDER,
};
use crate::adapters::outbound::filesystem::sandbox::format::{Format, Places};
use crate::adapters::outbound::filesystem::sandbox::temporary::{Temporary, stamp};
use crate::application::DiskCounts;
use crate::application::ports::{StagingId, StoreError};
use crate::domain::{ProjectId, Version};

const STATE: &str = ".twicecast";

/// What an acknowledged change of a project's file survives. Pull requests are always synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A crash of the machine.
    #[default]
    Fsync,
    /// A crash of the process.
    Rename,
}

/// The folders of the stores, held open, and what their users share.
#[derive(Debug)]
pub(crate) struct Layout {
    pub base: Folder,
    pub staging: Folder,
    pub drafts: Folder,
    pub markers: Folder,
    pub pulls: Folder,
    pub guests: Folder,
    pub moderation: Folder,
    pub state: Folder,
    pub durability: Durability,
    /// Counts what is done below here.
    pub disk: Arc<DiskCounts>,
    /// The unfinished uploads.
    pub uploads: InFlight<StagingId>,
    /// Permits to keep files open while they are sent, so that these files and the sockets together
    /// stay below the process's limit. What is written, or read in one go, needs none.
    kept_open: Arc<Semaphore>,
    temporaries: AtomicU64,
    /// The lock is given up when this is closed.
    _lock: File,
}

impl Layout {
    /// Creates what is missing, takes the lock and removes what an earlier run left unfinished.
    ///
    /// At most `open_files` files, but at least one, are kept open for reading. `disk` counts what
    /// is done later.
    pub fn open(
        base: &Path,
        durability: Durability,
        open_files: usize,
        disk: Arc<DiskCounts>,
    ) -> Result<Self, OpenError> {
        std::fs::create_dir_all(base).map_err(OpenError::Base)?;
        let base = Folder::open(base).map_err(|error| OpenError::Base(error.into()))?;
        let state = own_folder(&base, STATE)?;
        make_private(&state)?;
        let lock = take_lock(&state)?;
        let format = Format::read(&state)?;
        let layout = Self {
            staging: own_folder(&state, "staging")?,
            drafts: own_folder(&state, "drafts")?,
            markers: own_folder(&state, "projects")?,
            pulls: own_folder(&state, "pulls")?,
            guests: own_folder(&state, "guests")?,
            moderation: own_folder(&state, "moderation")?,
            base,
            state,
            durability,
            disk,
            uploads: InFlight::default(),
            kept_open: Arc::new(Semaphore::new(open_files.clamp(1, Semaphore::MAX_PERMITS))),
            temporaries: AtomicU64::new(0),
            _lock: lock,
        };
        format.bring_up_to_date(&Places {
            state: &layout.state,
            base: &layout.base,
            markers: &layout.markers,
            pulls: &layout.pulls,
        })?;
        sweep(&layout.staging)?;
        sweep(&layout.drafts)?;
        layout.probe_times()?;
        Ok(layout)
    }

    /// Waits until one more file may be kept open.
    pub async fn may_keep_open(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let permit = Arc::clone(&self.kept_open).acquire_owned().await;
        permit.map_err(StoreError::failed)
    }

    /// An unused name in the staging folder.
    pub fn temporary_name(&self) -> String {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        format!("temporary-{number}")
    }

    /// A new file for writing that clients cannot name.
    pub fn temporary(&self, mode: Mode) -> Result<(Temporary, File), Errno> {
        let name = self.temporary_name();
        let file = self.staging.create(&name, mode)?;
        Ok((Temporary::guard(&self.staging, name), file))
    }

    /// Whether the project has its marker.
    pub fn is_marked(&self, project: &ProjectId) -> Result<bool, Errno> {
        let marker = self
            .markers
            .folder(project.streamer.as_str())
            .and_then(|user| user.kind(&project.name.file_name()));
        match marker {
            Ok(kind) => Ok(matches!(kind, Some(Kind::File(_)))),
            Err(error) if is_absent(error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens the folder of a project that exists.
    pub fn project(&self, project: &ProjectId) -> Result<Folder, StoreError> {
        let opened = match self.is_marked(project) {
            Ok(true) => {
                let path = [project.streamer.as_str(), &project.name.file_name()];
                self.base.descend(path)
            }
            Ok(false) => Err(Errno::NOENT),
            Err(error) => Err(error),
        };
        let opened = opened.looking("open the project's folder");
        if opened.is_err() {
            self.must_be_there()?;
        }
        opened
    }

    /// Fails if the base folder was removed from under the server: then everything is missing,
    /// which must not look like projects that never existed.
    pub fn must_be_there(&self) -> Result<(), StoreError> {
        if self.base.is_gone() || self.markers.is_gone() {
            Err(StoreError::failed("the base folder was removed"))
        } else {
            Ok(())
        }
    }

    fn probe_times(&self) -> Result<(), OpenError> {
        const PROBED: u64 = 1_600_000_000_123_456_789;
        const WHAT: &str = "write into .twicecast/staging";
        let (_temporary, file) = self.temporary(FILE).or_refused(WHAT)?;
        stamp(&file, Version::new(PROBED)).or_refused(WHAT)?;
        let kept = file.metadata().or_refused(WHAT)?;
        if FileState::from(&kept).nanos == Some(PROBED) {
            Ok(())
        } else {
            Err(OpenError::CoarseTimes)
        }
    }
}

fn own_folder(parent: &Folder, name: &'static str) -> Result<Folder, OpenError> {
    match parent.own_folder(name) {
        Err(error) if is_absent(error) => Err(OpenError::NotAFolder(name)),
        other => Ok(other.or_refused("open .twicecast")?),
    }
}

fn make_private(state: &Folder) -> Result<(), OpenError> {
    const WHAT: &str = "make .twicecast private";
    let stat = rustix::fs::fstat(state).or_refused(WHAT)?;
    // A folder that is private already is left alone: only its owner can change the mode.
    if Mode::from_raw_mode(stat.st_mode) == PRIVATE_FOLDER {
        return Ok(());
    }
    Ok(rustix::fs::fchmod(state, PRIVATE_FOLDER).or_refused(WHAT)?)
}

fn take_lock(state: &Folder) -> Result<File, OpenError> {
    let lock = state
        .append("lock", Some(PRIVATE_FILE))
        .or_refused("open .twicecast/lock")?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(Errno::WOULDBLOCK) => Err(OpenError::Locked),
        Err(error) => Ok(Err(error).or_refused("lock .twicecast/lock")?),
    }
}

fn sweep(folder: &Folder) -> Result<(), OpenError> {
    const WHAT: &str = "sweep what an earlier run left in .twicecast";
    for (name, _) in folder.list().or_refused(WHAT)? {
        folder.remove_tree(&name).or_refused(WHAT)?;
    }
    Ok(())
}
