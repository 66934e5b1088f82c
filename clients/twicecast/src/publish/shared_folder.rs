//! Opens the shared folder, unless it is, contains or is inside something that is never sent.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{NameFault, SERVER_FOLDER, shown};

/// Opens the folder to share, unless it is, contains or is inside something that is never sent.
///
/// # Errors
///
/// A sentence that says why it cannot be shared.
pub fn open(dir: &Path) -> Result<OwnedFd, Failure> {
    let shown_dir = shown(&dir.to_string_lossy());
    let unusable = |error: io::Error| Failure::of_folder(dir, &error);
    let absolute = std::fs::canonicalize(dir).map_err(unusable)?;
    for segment in &absolute {
        match crate::names::check_segment(&segment.to_string_lossy()) {
            Err(NameFault::Git | NameFault::Repository) => {
                return Err(Failure::usage(format!(
                    "{shown_dir} lies in a `.git` folder or one like it, which is never sent; \
                     share \
                     the project's folder instead."
                )));
            }
            Err(NameFault::ServerFolder) => {
                return Err(Failure::usage(format!(
                    "{shown_dir} lies in a server's own `.twicecast` folder, which is never sent; \
                     share the project's folder instead."
                )));
            }
            _ => {}
        }
    }
    let root = dirfd::open_root(dir).map_err(unusable)?;
    if dirfd::look(&root, SERVER_FOLDER)
        .map_err(|error| unusable(error.into()))?
        .is_some()
    {
        return Err(Failure::usage(format!(
            "{shown_dir} is the base folder of a file-ws-server (it holds `.twicecast`), with \
             everybody's projects; share a project's own folder instead."
        )));
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_servers_base_folder_and_what_lies_in_hidden_records_are_refused_with_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(".twicecast/inner")).unwrap();
        fs::create_dir_all(dir.path().join("repo/.git/hooks")).unwrap();
        for (path, word) in [
            ("", "base folder"),
            (".twicecast", "`.twicecast`"),
            (".twicecast/inner", "`.twicecast`"),
            ("repo/.git/hooks", "`.git`"),
            ("missing", "There is no folder"),
        ] {
            let error = open(&dir.path().join(path)).unwrap_err();
            assert!(error.to_string().contains(word), "{path}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
