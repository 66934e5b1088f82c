//! The path to write a copy to, with all symbolic links resolved.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::failure::Failure;
use crate::names::{NameFault, check_segment};

/// Resolves the symbolic links in the part of a path that exists. The missing part must contain no
/// `..`.
///
/// # Errors
///
/// If it does, or the system's error.
pub fn resolved(absolute: &Path) -> io::Result<PathBuf> {
    for existing in absolute.ancestors() {
        let real = match std::fs::canonicalize(existing) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        let missing = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
        return if missing
            .components()
            .any(|part| part == Component::ParentDir)
        {
            Err(io::ErrorKind::NotFound.into())
        } else if missing.as_os_str().is_empty() {
            Ok(real)
        } else {
            Ok(real.join(missing))
        };
    }
    Err(io::ErrorKind::NotFound.into())
}

/// Refuses a path into a folder that must never contain a copy.
///
/// # Errors
///
/// A sentence that says what that folder is.
pub fn refuse_hidden(path: &Path, shown_dir: &str) -> Result<(), Failure> {
    for segment in path {
        let fault = check_segment(&segment.to_string_lossy());
        if let Err(
            fault @ (NameFault::Git
            | NameFault::Repository
            | NameFault::ServerFolder
            | NameFault::WorkFolder),
        ) = fault
        {
            return Err(Failure::usage(format!(
                "{shown_dir} cannot be written into: {fault}. Choose another folder."
            )));
        }
    }
    Ok(())
}
