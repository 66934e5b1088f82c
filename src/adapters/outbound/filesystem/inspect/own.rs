//! What the server keeps of its own in `.twicecast`: the layout, the lock, who may read it, and
//! what is unfinished.

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::adapters::outbound::filesystem::inspect::records::{self, is_open};
use crate::adapters::outbound::filesystem::sandbox::error::OpenError;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::format::{Format, Places};
use crate::application::inspection::{LayoutState, OwnState};

/// What only the server's user may open.
const SECRETS: [&str; 2] = ["guest-key", "control"];

pub(super) fn look(base: &Folder, state: &Folder) -> Result<OwnState, String> {
    let refused = |error: Errno| format!(".twicecast cannot be read: {error}");
    let mode = rustix::fs::fstat(state).map_err(refused)?.st_mode;
    let count = |name| match state.folder(name).and_then(|folder| folder.list()) {
        Ok(entries) => Ok(entries.len()),
        Err(Errno::NOENT) => Ok(0),
        Err(error) => Err(refused(error)),
    };
    let open_secrets = SECRETS.iter().filter(|name| {
        let about = rustix::fs::statat(state, **name, AtFlags::SYMLINK_NOFOLLOW);
        about.is_ok_and(|about| is_open(about.st_mode))
    });
    let secrets = open_secrets.map(|name| (*name).to_owned());
    let records = records::look(state);
    Ok(OwnState {
        layout: layout(base, state),
        is_held: is_held(state),
        is_open: is_open(mode),
        open_secrets: secrets.chain(records.open).collect(),
        unreadable: records.unreadable,
        left: records.left,
        is_cut_short: records.is_cut_short,
        unfinished: count("staging")? + count("drafts")?,
    })
}

fn layout(base: &Folder, state: &Folder) -> LayoutState {
    let format = match Format::read(state) {
        Ok(Format::Current) => return LayoutState::Current,
        Ok(Format::First) => Format::First,
        Err(error) => return LayoutState::Unknown(error.to_string()),
    };
    let (Ok(markers), Ok(pulls)) = (state.folder("projects"), state.folder("pulls")) else {
        // Where there are no projects yet, nothing has to be converted.
        return LayoutState::Current;
    };
    let places = Places {
        state,
        base,
        markers: &markers,
        pulls: &pulls,
    };
    match format.rehearse(&places) {
        Ok(()) => LayoutState::Older,
        Err(error @ OpenError::Rename { .. }) => LayoutState::Conflict(error.to_string()),
        Err(error) => LayoutState::Unknown(error.to_string()),
    }
}

/// Whether somebody holds the lock. To find out, this shares the lock for an instant; a server that
/// starts in that very instant is refused once.
fn is_held(state: &Folder) -> Option<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let lock = match rustix::fs::openat(state, "lock", flags, Mode::empty()) {
        Ok(lock) => lock,
        Err(Errno::NOENT) => return Some(false),
        Err(_) => return None,
    };
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Some(false),
        Err(Errno::WOULDBLOCK) => Some(true),
        Err(_) => None,
    }
}
