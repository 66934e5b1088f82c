//! Whether a folder spells a name as it was asked for, or the file system takes another name for the same.

use std::os::fd::OwnedFd;

use super::Refusal;
use crate::place;

/// Something was found under a name: refuses it unless the folder lists exactly that name.
pub fn refuse_other_spelling(folder: &OwnedFd, segment: &str, path: &str) -> Result<(), Refusal> {
    let entries = place::entries(folder)?;
    match other_spelling(&entries, segment) {
        None => Ok(()),
        Some(other) => {
            let above = path.rsplit_once('/').map_or("", |(above, _)| above);
            Err(Refusal::Twin(format!("{above}/{other}")))
        }
    }
}

/// How a folder spells what it finds under `segment`, if otherwise; its best guess where several could be meant.
fn other_spelling(entries: &[std::ffi::OsString], segment: &str) -> Option<String> {
    if entries.iter().any(|entry| entry == segment) {
        return None;
    }
    let lossy = entries
        .iter()
        .map(|entry| entry.to_string_lossy().into_owned());
    let twin = lossy
        .into_iter()
        .find(|entry| entry.to_lowercase() == segment.to_lowercase());
    Some(twin.unwrap_or_else(|| "another name".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_lists_a_name_otherwise_than_asked_tells_a_twin() {
        let entries: Vec<std::ffi::OsString> = vec!["Src".into(), "café".into(), "x".into()];
        assert_eq!(other_spelling(&entries, "Src"), None);
        assert_eq!(other_spelling(&entries, "src"), Some("Src".into()));
        assert_eq!(
            other_spelling(&entries, "cafe\u{301}"),
            Some("another name".into())
        );
    }
}
