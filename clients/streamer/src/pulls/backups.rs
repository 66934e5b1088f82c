//! Where what a pull request replaces is kept: outside the shared folder, so that no viewer sees
//! it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use crate::failure::Failure;
use crate::names::{FileName, shown};

/// What was here.
const REPLACED: &str = "replaced";
/// What was put aside instead of being written.
const PROPOSED: &str = "proposed";

/// A folder for what one pull request replaces or leaves aside.
#[derive(Debug)]
pub struct Backups {
    folder: PathBuf,
    has_replaced: bool,
}

/// A folder of the user's that belongs to this program, for `kind`: `XDG_…_HOME`, or what that is
/// by default.
pub fn own_folder(variable: &str, default: &str) -> Option<PathBuf> {
    let given = std::env::var_os(variable).map(PathBuf::from);
    let given = given.filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(default));
    Some(given.or_else(home)?.join("twicecast"))
}

/// Whether a path, which need not exist, leads to or into a folder. Where that cannot be told, it
/// does.
pub fn lies_in(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = fs::canonicalize(folder) else {
        return true;
    };
    let existing = path
        .ancestors()
        .find_map(|above| fs::canonicalize(above).ok().map(|real| (above, real)));
    existing.is_none_or(|(above, real)| {
        let missing = path.strip_prefix(above).unwrap_or(Path::new(""));
        let leads_back = missing
            .components()
            .any(|part| part == Component::ParentDir);
        leads_back || real.join(missing).starts_with(&folder)
    })
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
        let folder = format!("{plain}-{}", crate::moment::now());
        Self {
            folder: own.join("pulls").join(folder),
            has_replaced: false,
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

    #[test]
    fn what_lies_in_a_folder_is_known_before_it_exists_and_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let shared = dir.path().join("shared");
        fs::create_dir(&shared).unwrap();
        std::os::unix::fs::symlink(&shared, dir.path().join("link")).unwrap();
        for (path, lies) in [
            ("shared", true),
            ("shared/new/deep", true),
            ("link/new", true),
            ("sharedx", false),
            ("elsewhere/new", false),
            ("elsewhere/../shared", true),
        ] {
            assert_eq!(lies_in(&dir.path().join(path), &shared), lies, "{path}");
        }
    }
}
