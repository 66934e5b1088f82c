//! Finds who can replace a file, besides its owner and root.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::adapters::inbound::cli::doctor::key::{Changeable, ChangedBy};

/// The first place, from the file upwards, that every user can change or, if there is none, that a
/// group can change. A link is looked at where it lies and where it leads. What cannot be looked at
/// is skipped.
pub(in super::super) fn changeable(file: &str) -> Option<Changeable> {
    let given = std::path::absolute(file).ok()?;
    let real = given.canonicalize().ok()?;
    let places = |of: &Path| of.ancestors().map(Path::to_path_buf).collect::<Vec<_>>();
    let mut seen = BTreeSet::new();
    let places = [places(&real), places(&given)].concat();
    let found = places
        .into_iter()
        .filter(|place| seen.insert(place.clone()));
    // A place that all users can change is worse, wherever it is.
    let found: Vec<_> = found.filter_map(|place| changeable_at(&place)).collect();
    let worst = found.iter().position(|place| place.by == ChangedBy::All);
    found.into_iter().nth(worst.unwrap_or_default())
}

fn changeable_at(place: &Path) -> Option<Changeable> {
    const STICKY: u32 = 0o1000;
    let about = place.metadata().ok()?;
    // In a folder such as /tmp, users can change only what is theirs.
    if about.is_dir() && about.mode() & STICKY != 0 {
        return None;
    }
    let by = match about.mode() & 0o022 {
        0 => return None,
        0o020 => ChangedBy::Group,
        _ => ChangedBy::All,
    };
    let place = place.to_string_lossy().into_owned();
    Some(Changeable { place, by })
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_and_all_folders_above_it_count_and_those_of_links_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let base = folder.path().canonicalize().expect("real");
        let (inner, links) = (base.join("a/b"), base.join("links"));
        for folder in [&inner, &links] {
            std::fs::create_dir_all(folder).expect("made");
        }
        let (key, link) = (inner.join("key"), links.join("key"));
        std::fs::write(&key, "k").expect("written");
        std::os::unix::fs::symlink(&key, &link).expect("linked");
        let set = |place: &Path, mode| {
            set_permissions(place, Permissions::from_mode(mode)).expect("set");
        };
        let all = [&key, &inner, &base.join("a"), &links];
        for (place, mode, expected) in [
            (&key, 0o644, None),
            (&key, 0o620, Some(ChangedBy::Group)),
            (&key, 0o602, Some(ChangedBy::All)),
            (&inner, 0o770, Some(ChangedBy::Group)),
            (&base.join("a"), 0o777, Some(ChangedBy::All)),
            (&base.join("a"), 0o1777, None),
            (&links, 0o775, Some(ChangedBy::Group)),
        ] {
            for other in all {
                set(other, 0o700);
            }
            set(place, mode);
            let found = changeable(link.to_str().expect("a text"));
            let place = place.to_string_lossy().into_owned();
            let expected = expected.map(|by| Changeable { place, by });
            assert_eq!(found, expected, "{mode:o}");
        }
        set(&links, 0o770);
        set(&base.join("a"), 0o777);
        let worst = changeable(link.to_str().expect("a text"));
        assert_eq!(worst.map(|found| found.by), Some(ChangedBy::All));
        assert_eq!(changeable("/nowhere/key"), None);
    }
}
