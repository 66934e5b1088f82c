//! Whether a folder spells a name as requested, or the file system takes another name for the same.

use std::os::fd::OwnedFd;

use crate::fs::dirfd;
use crate::replica::tree::refusal::Refusal;

/// For a name under which something was found: refuses it unless the folder lists exactly that
/// name.
pub fn refuse_other_spelling(folder: &OwnedFd, segment: &str, path: &str) -> Result<(), Refusal> {
    let entries = dirfd::entries(folder)?;
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    match spelling(&entries, segment) {
        Spelling::AsAsked => Ok(()),
        Spelling::Otherwise(other) => Err(Refusal::Twin(format!("{above}/{other}"))),
        Spelling::Unknown => Err(Refusal::TwinIn(above.to_owned())),
    }
}

/// How a folder spells what was found under a name.
#[derive(Debug, PartialEq, Eq)]
enum Spelling {
    AsAsked,
    Otherwise(String),
    /// In another way, and not only with another case.
    Unknown,
}

fn spelling(entries: &[std::ffi::OsString], segment: &str) -> Spelling {
    if entries.iter().any(|entry| entry == segment) {
        return Spelling::AsAsked;
    }
    entries
        .iter()
        .map(|entry| entry.to_string_lossy().into_owned())
        .find(|entry| entry.to_lowercase() == segment.to_lowercase())
        .map_or(Spelling::Unknown, Spelling::Otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_lists_a_name_otherwise_than_asked_tells_a_twin() {
        let entries: Vec<std::ffi::OsString> = vec!["Src".into(), "café".into(), "x".into()];
        assert_eq!(spelling(&entries, "Src"), Spelling::AsAsked);
        assert_eq!(spelling(&entries, "src"), Spelling::Otherwise("Src".into()));
        assert_eq!(spelling(&entries, "cafe\u{301}"), Spelling::Unknown);
    }

    #[test]
    fn a_twin_whose_name_is_not_known_gets_none() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dirfd::open_root(dir.path()).unwrap();
        assert_eq!(
            refuse_other_spelling(&folder, "cafe\u{301}", "/menu/cafe\u{301}"),
            Err(Refusal::TwinIn("/menu".into()))
        );
    }
}
