//! Where what a pull request replaces is kept: outside the shared folder, so that no viewer sees it.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::names::FileName;

/// A folder for what one pull request replaces or leaves aside.
#[derive(Debug)]
pub struct Backups {
    folder: PathBuf,
    used: bool,
}

/// A folder of the user's that belongs to this program, for `kind`: `XDG_…_HOME`, or what that is by default.
pub fn own_folder(variable: &str, default: &str) -> Option<PathBuf> {
    let given = std::env::var_os(variable).map(PathBuf::from);
    let given = given.filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(default));
    Some(given.or_else(home)?.join("twicecast"))
}

impl Backups {
    /// For a pull request of that id. `None` where the user has no place for such things.
    pub fn of(id: &str) -> Option<Self> {
        let plain: String = id
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(8)
            .collect();
        let moment = crate::moment::now();
        let folder = own_folder("XDG_STATE_HOME", ".local/state")?.join("pulls");
        Some(Self {
            folder: folder.join(format!("{plain}-{moment}")),
            used: false,
        })
    }

    /// Keeps a content under a file's name and this ending.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn keep(&mut self, name: &FileName, ending: &str, content: &[u8]) -> io::Result<PathBuf> {
        let path = self.folder.join(format!("{}{ending}", &name.as_str()[1..]));
        let folder = path.parent().unwrap_or(&self.folder);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        io::Write::write_all(&mut file, content)?;
        file.sync_all()?;
        self.used = true;
        Ok(path)
    }

    /// Where things are kept, if any are.
    pub fn used(&self) -> Option<&Path> {
        self.used.then_some(self.folder.as_path())
    }
}
