//! What a running `share --local` stores for the streamer's other commands: the address of its
//! server and a token for it, in a file that only the user can read.
//!
//! The share holds a lock on its file as long as it lives; however the share ends, the system
//! releases the lock. So a file that can be locked belongs to no running share, and the next share
//! removes it together with the server's data that it names.

#![cfg_attr(
    not(feature = "local"),
    expect(dead_code, reason = "only a server in this process registers itself")
)]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fs::user_dirs::own_folder;
use crate::fs::whole;

/// The most bytes that are read of a file.
const BYTES_MAX: u64 = 65_536;
/// The beginning of a file's name. `twicecast share` treats files with such names as secrets.
const NAME_BEGINS: &str = "credentials.";
/// The beginning of the name of the folder for a server's data.
const BASE_BEGINS: &str = "twicecast-";

/// How much of a share's id names the folder of its invitations. People copy that name, so it is
/// short.
const SHORT_CHARS: usize = 8;

/// What the streamer's other commands need to know.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalShare {
    /// The server's address.
    pub url: String,
    /// The streamer.
    pub streamer: String,
    /// The project's name.
    pub project: String,
    /// The shared folder, without symbolic links in its path.
    pub dir: PathBuf,
    /// The streamer's token.
    pub token: String,
    /// The link that viewers open.
    #[serde(default)]
    pub link: String,
    /// Until when the token in that link holds, in seconds since the epoch, if there is one.
    #[serde(default)]
    pub until: Option<u64>,
}

/// The content of a file.
#[derive(Serialize, Deserialize)]
struct Content {
    /// The folder of the server's data.
    base: PathBuf,
    /// `None` until the server runs.
    share: Option<LocalShare>,
}

/// The file of a running share. It is removed when the share ends, and so are the server's data and
/// the invitations.
pub struct Registration {
    file: File,
    path: PathBuf,
    base: PathBuf,
}

impl Registration {
    /// Makes a folder for a server's data below `temporary`. The folder is recorded before it is
    /// made, so that it is found again however the process ends.
    ///
    /// # Errors
    ///
    /// If the system does not allow it.
    pub fn new(temporary: &Path) -> io::Result<Self> {
        Self::below(&folder()?, temporary)
    }

    fn below(folder: &Path, temporary: &Path) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        loop {
            let id = uuid::Uuid::new_v4().simple().to_string();
            let path = folder.join(format!("{NAME_BEGINS}{id}"));
            let mut options = OpenOptions::new();
            let file = options
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            file.lock()?;
            if file.metadata()?.nlink() == 0 {
                // Another share removed the file before it was locked.
                continue;
            }
            let base = temporary.join(format!("{BASE_BEGINS}{id}"));
            let mut registration = Self { file, path, base };
            registration.write(None)?;
            fs::DirBuilder::new()
                .mode(0o700)
                .create(&registration.base)?;
            return Ok(registration);
        }
    }

    /// The folder for the server's data.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Writes an invitation to a file that only the user can read, and returns its path. `name`
    /// must be a user's name, and becomes the name of the file.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn invite(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let folder = invitations(&self.path).ok_or(io::ErrorKind::InvalidFilename)?;
        let file = folder.join(name);
        whole::write(&file, text.as_bytes())?;
        Ok(file)
    }

    /// Publishes the share to the user's other commands.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn publish(&mut self, share: &LocalShare) -> io::Result<()> {
        self.write(Some(share.clone()))
    }

    fn write(&mut self, share: Option<LocalShare>) -> io::Result<()> {
        let base = self.base.clone();
        let text = serde_json::to_vec(&Content { base, share })?;
        io::Seek::rewind(&mut self.file)?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len() as u64)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.base);
        remove_invitations(&self.path);
        let _ = fs::remove_file(&self.path);
    }
}

/// The folder with the files.
///
/// # Errors
///
/// If the user has no folder for state.
pub fn folder() -> io::Result<PathBuf> {
    // The first share makes it; looking for a share makes nothing.
    let own = own_folder("XDG_STATE_HOME", ".local/state").ok_or(io::ErrorKind::NotFound)?;
    Ok(own.join("local"))
}

/// Removes what is left of shares that could not clean up.
pub fn sweep() {
    if let Ok(folder) = folder() {
        sweep_in(&folder);
    }
}

fn sweep_in(folder: &Path) {
    for (path, mut file) in files(folder) {
        if file.try_lock().is_err() {
            continue;
        }
        if let Some(content) = content(&mut file)
            && is_base_of(&content.base, &path)
        {
            let _ = fs::remove_dir_all(&content.base);
        }
        remove_invitations(&path);
        let _ = fs::remove_file(&path);
    }
}

/// The id of the share that a file belongs to.
fn id(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix(NAME_BEGINS)
}

/// The folder of a share's invitations, next to its file.
fn invitations(path: &Path) -> Option<PathBuf> {
    let short = id(path)?.get(..SHORT_CHARS)?;
    let is_ours = short.chars().all(|c| c.is_ascii_hexdigit());
    is_ours.then(|| path.with_file_name(short))
}

/// Removes a share's invitations; a symbolic link in their place is not followed.
fn remove_invitations(path: &Path) {
    if let Some(folder) = invitations(path) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// Whether a folder belongs to a file: it is named after the file's id, which nobody else knows,
/// and the user owns it.
fn is_base_of(base: &Path, path: &Path) -> bool {
    let name = base.file_name().and_then(|name| name.to_str());
    let of_base = name.and_then(|name| name.strip_prefix(BASE_BEGINS));
    let is_named = of_base.is_some() && of_base == id(path);
    is_named
        && base.is_absolute()
        && fs::symlink_metadata(base).is_ok_and(|about| about.is_dir() && is_own(&about))
}

/// The running share with that address, or the one whose folder is `dir` or contains it. `fits`
/// says whether a share meets all other conditions.
pub fn find(
    url: Option<&str>,
    dir: &Path,
    fits: impl Fn(&LocalShare) -> bool,
) -> Option<LocalShare> {
    find_in(&folder().ok()?, url, dir, fits)
}

/// The running share of exactly that folder.
pub fn of_folder(dir: &Path) -> Option<LocalShare> {
    let real = fs::canonicalize(dir).ok()?;
    find(None, dir, |share| share.dir == real)
}

fn find_in(
    folder: &Path,
    url: Option<&str>,
    dir: &Path,
    fits: impl Fn(&LocalShare) -> bool,
) -> Option<LocalShare> {
    let dir = fs::canonicalize(dir).ok();
    let is_meant = |share: &LocalShare| match (url, &dir) {
        (Some(url), _) => share.url == url.trim_end_matches('/'),
        (None, Some(dir)) => dir.starts_with(&share.dir),
        (None, None) => false,
    };
    let shares = files(folder).filter_map(|(_, mut file)| {
        let runs = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        let share = content(&mut file)?.share?;
        let begun = file.metadata().ok()?.modified().ok()?;
        (runs && is_meant(&share) && fits(&share)).then_some((begun, share))
    });
    // The share of the innermost folder; of several, the latest.
    let best = shares.max_by_key(|(begun, share)| (share.dir.components().count(), *begun));
    best.map(|(_, share)| share)
}

/// The files of shares, without anything that somebody else could have put there.
fn files(folder: &Path) -> impl Iterator<Item = (PathBuf, File)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let is_ours =
            (entry.file_name().to_str()).is_some_and(|name| name.starts_with(NAME_BEGINS));
        let mut options = OpenOptions::new();
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.read(true).custom_flags(flags.bits().cast_signed());
        let file = is_ours.then(|| options.open(entry.path()).ok())??;
        let about = file.metadata().ok()?;
        let is_private = about.is_file() && is_own(&about) && about.mode().trailing_zeros() >= 6;
        is_private.then(|| (entry.path(), file))
    })
}

fn is_own(about: &fs::Metadata) -> bool {
    about.uid() == rustix::process::geteuid().as_raw()
}

fn content(file: &mut File) -> Option<Content> {
    let mut text = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn share(dir: &Path, url: &str) -> LocalShare {
        LocalShare {
            url: url.into(),
            streamer: "ana".into(),
            project: "demo".into(),
            dir: dir.canonicalize().unwrap(),
            token: "t".into(),
            link: "http://h/ana/demo#token=r".into(),
            until: Some(5),
        }
    }

    #[test]
    fn a_share_is_found_while_it_runs_by_its_folder_or_its_address() {
        let (world, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = world.path().join("local");
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let find = |url, dir: &Path| find_in(&folder, url, dir, |_| true).map(|share| share.url);
        let mut outer = Registration::below(&folder, world.path()).unwrap();
        assert_eq!(find(None, dir.path()), None, "it has no server yet");
        outer.publish(&share(dir.path(), "ws://h:1")).unwrap();
        assert_eq!(find(None, &inner).as_deref(), Some("ws://h:1"));
        let mut own = Registration::below(&folder, world.path()).unwrap();
        own.publish(&share(&inner, "ws://h:2")).unwrap();
        assert_eq!(find(None, &inner).as_deref(), Some("ws://h:2"));
        assert_eq!(find(None, dir.path()).as_deref(), Some("ws://h:1"));
        assert_eq!(find(None, world.path()), None);
        let by_address = find(Some("ws://h:1/"), world.path());
        assert_eq!(by_address.as_deref(), Some("ws://h:1"));
        assert_eq!(find(Some("ws://h:3"), dir.path()), None);
        for (path, mode) in [(&own.path, 0o600), (&own.base, 0o700), (&folder, 0o700)] {
            let there = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(there & 0o777, mode, "{path:?}");
        }
        let (path, base) = (own.path.clone(), own.base.clone());
        drop(own);
        assert!(!path.exists() && !base.exists());
        assert_eq!(find(None, &inner).as_deref(), Some("ws://h:1"));
    }

    #[test]
    fn only_what_a_dead_share_named_and_what_is_its_own_is_removed() {
        let world = tempfile::tempdir().unwrap();
        let folder = world.path().join("local");
        let alive = Registration::below(&folder, world.path()).unwrap();
        let dead = Registration::below(&folder, world.path()).unwrap();
        let (path, base) = (dead.path.clone(), dead.base.clone());
        fs::write(base.join("data"), "x").unwrap();
        let invited = dead.invite("bob", "text").unwrap();
        assert_eq!(fs::metadata(&invited).unwrap().mode() & 0o777, 0o600);
        let still = alive.invite("bob", "text").unwrap();
        // As if the process had been killed: only the lock is released.
        dead.file.unlock().unwrap();
        std::mem::forget(dead);
        // A file that names another folder, and a folder that only looks like ours.
        let innocent = world.path().join("innocent");
        let lookalike = world.path().join("twicecast-alike");
        for dir in [&innocent, &lookalike] {
            fs::create_dir(dir).unwrap();
        }
        let forged = folder.join("credentials.forged");
        let content = serde_json::json!({"base": innocent, "share": null});
        fs::write(&forged, content.to_string()).unwrap();
        fs::set_permissions(&forged, fs::Permissions::from_mode(0o600)).unwrap();
        sweep_in(&folder);
        assert!(!path.exists() && !base.exists() && !forged.exists());
        assert!(!invited.parent().unwrap().exists());
        assert!(alive.path.exists() && alive.base.exists() && still.exists());
        assert!(innocent.exists() && lookalike.exists());
    }
}
