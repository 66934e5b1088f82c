//! Where what a pull request replaces is kept: outside the shared folder, so that no viewer sees
//! it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::Failure;
use crate::fs::atomic::Replaced;
use crate::fs::user_dirs::{lies_in, own_folder};
use crate::names::{FileName, shown};
use crate::ui::output::warn;

/// What was here.
const REPLACED: &str = "replaced";
/// What was put aside instead of being written.
const PROPOSED: &str = "proposed";

/// A program that writes into a file in place opens it shortly before. So long after the last
/// file was replaced, what it has written is looked for.
const LATE: Duration = Duration::from_millis(100);
/// So many replaced files are watched at most: each is held open until it is looked at again.
const WATCHED_MAX: usize = 200;

/// A folder for what one pull request replaces or leaves aside.
#[derive(Debug)]
pub struct Backups {
    folder: PathBuf,
    has_replaced: bool,
    watched: Vec<(FileName, Replaced)>,
}

impl Backups {
    /// For a pull request of that id, of a project in `dir`.
    ///
    /// # Errors
    ///
    /// A sentence, where the user has no place for such things, or none that is not shared.
    pub fn of(id: &str, dir: &Path) -> Result<Self, Failure> {
        let own = own_folder("XDG_STATE_HOME", ".local/state").ok_or_else(|| {
            Failure::usage(
                "There is no place to keep what is replaced: set HOME or XDG_STATE_HOME.",
            )
        })?;
        if lies_in(&own, dir) {
            return Err(Failure::usage(format!(
                "What is replaced would be kept in {}, which lies in the shared folder: set \
                 XDG_STATE_HOME to a folder elsewhere.",
                shown(&own.to_string_lossy())
            )));
        }
        Ok(Self::at(&own, id))
    }

    fn at(own: &Path, id: &str) -> Self {
        let plain = id.chars().filter(char::is_ascii_alphanumeric).take(8);
        let plain: String = plain.collect();
        let folder = format!("{plain}-{}", crate::ui::time::now());
        Self {
            folder: own.join("pulls").join(folder),
            has_replaced: false,
            watched: Vec::new(),
        }
    }

    /// Keeps what is about to be replaced.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn keep(&mut self, name: &FileName, content: &[u8]) -> io::Result<()> {
        write(&self.folder.join(REPLACED), name, content)?;
        self.has_replaced = true;
        Ok(())
    }

    /// Looks again later at a file that was replaced: a program may still write into it.
    pub fn watch(&mut self, name: &FileName, replaced: Replaced) {
        self.watched.push((name.clone(), replaced));
        if self.watched.len() > WATCHED_MAX {
            let (name, replaced) = self.watched.remove(0);
            self.keep_late(&name, replaced);
        }
    }

    /// Looks at what was replaced, and keeps and names what somebody has written into it since.
    /// Returns whether anybody has.
    pub async fn look_again(&mut self) -> bool {
        if self.watched.is_empty() {
            return false;
        }
        tokio::time::sleep(LATE).await;
        let watched = std::mem::take(&mut self.watched).into_iter();
        watched.fold(false, |any, (name, replaced)| {
            self.keep_late(&name, replaced) || any
        })
    }

    fn keep_late(&mut self, name: &FileName, replaced: Replaced) -> bool {
        let kept = match replaced.written_since() {
            Ok(None) => return false,
            Ok(Some(content)) => self.keep(name, &content),
            Err(error) => Err(error),
        };
        warn(&match kept {
            Ok(()) => format!(
                "{name}: CONFLICT: a program wrote into it while it was replaced; what it wrote is \
                 among what was replaced"
            ),
            Err(error) => format!(
                "{name}: CONFLICT: a program may have written into it while it was replaced, and \
                 that could not be kept: {error}"
            ),
        });
        true
    }

    /// Puts aside what is proposed, and says where that is.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn put_aside(&self, name: &FileName, content: &[u8]) -> io::Result<PathBuf> {
        write(&self.folder.join(PROPOSED), name, content)
    }

    /// Where what was replaced is kept, if anything was.
    pub fn replaced(&self) -> Option<PathBuf> {
        self.has_replaced.then(|| self.folder.join(REPLACED))
    }
}

fn write(folder: &Path, name: &FileName, content: &[u8]) -> io::Result<PathBuf> {
    let path = folder.join(&name.as_str()[1..]);
    let cannot = |error: io::Error| {
        let path = shown(&path.to_string_lossy());
        io::Error::new(
            error.kind(),
            format!("it cannot be kept as {path}: {error}"),
        )
    };
    let mut folders = fs::DirBuilder::new();
    let mut options = fs::OpenOptions::new();
    let parent = path.parent().unwrap_or(folder);
    folders
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .and_then(|()| options.write(true).create_new(true).mode(0o600).open(&path))
        .and_then(|mut file| {
            io::Write::write_all(&mut file, content)?;
            file.sync_all()
        })
        .map_err(cannot)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_and_what_is_put_aside_do_not_meet() {
        let dir = tempfile::tempdir().unwrap();
        let mut backups = Backups::at(dir.path(), "7d3f/../x");
        let name = |text: &str| FileName::parse(text).unwrap();
        assert_eq!(backups.replaced(), None);
        let aside = backups.put_aside(&name("/a"), b"theirs").unwrap();
        assert_eq!(backups.replaced(), None);
        backups.keep(&name("/proposed/a"), b"ours").unwrap();
        backups.keep(&name("/a.proposed"), b"ours").unwrap();
        assert_eq!(fs::read(aside).unwrap(), b"theirs");
        let kept = backups.replaced().unwrap();
        assert_eq!(fs::read(kept.join("proposed/a")).unwrap(), b"ours");
        assert!(kept.starts_with(dir.path().join("pulls")));
    }

    #[test]
    fn a_name_that_is_too_long_to_be_kept_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let long = format!("/{}", vec!["a".repeat(255); 16].join("/"));
        let backups = Backups::at(dir.path(), "id");
        let error = backups.put_aside(&FileName::parse(&long).unwrap(), b"x");
        assert!(error.unwrap_err().to_string().contains("cannot be kept"));
    }
}
