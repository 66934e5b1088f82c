//! The user's folders that belong to this program.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

/// A folder of the user's that belongs to this program, below the folder that the `XDG_…_HOME`
/// variable names, or below its default.
pub fn own_folder(variable: &str, default: &str) -> Option<PathBuf> {
    let given = std::env::var_os(variable).map(PathBuf::from);
    let given = given.filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(default));
    Some(given.or_else(home)?.join("twicecast"))
}

/// As [`own_folder`], but makes it if it is missing, so that only the user can look into it.
///
/// # Errors
///
/// If there is no home, or the folder cannot be made.
pub fn private_folder(variable: &str, default: &str) -> io::Result<PathBuf> {
    let folder = own_folder(variable, default).ok_or(io::ErrorKind::NotFound)?;
    let mut making = fs::DirBuilder::new();
    making.recursive(true).mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Whether a path, which need not exist, leads to or into a folder. If that cannot be found out,
/// the answer is yes.
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

#[cfg(test)]
mod tests {
    use super::*;

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
