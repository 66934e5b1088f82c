use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::adapters::outbound::filesystem::sandbox::error::OpenError;
use crate::adapters::outbound::filesystem::{Durability, open_stores};
use crate::application::ports::{StoreResources, Stores};

fn open(base: &std::path::Path) -> Result<Stores, OpenError> {
    open_stores(base, Durability::Fsync, StoreResources::default())
}

#[test]
fn a_second_server_on_the_same_folder_does_not_start() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let first = open(place.path()).expect("opens");
    let second = open(place.path());
    assert!(
        matches!(second, Err(OpenError::Locked)),
        "{:?}",
        second.err()
    );
    // Any one of the stores keeps the lock.
    let uploads = first.uploads.clone();
    drop(first);
    assert!(matches!(open(place.path()), Err(OpenError::Locked)));
    drop(uploads);
    open(place.path()).expect("the lock is free");
}

#[test]
fn the_folder_is_made_where_it_is_missing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let base = place.path().join("a/b");
    drop(open(&base).expect("opens"));
    let version = fs::read_to_string(base.join(".twicecast/version")).expect("is there");
    assert_eq!(version, "2\n");
}

#[test]
fn another_format_is_left_alone() {
    let place = tempfile::tempdir().expect("a temporary folder");
    drop(open(place.path()).expect("opens"));
    let state = place.path().join(".twicecast");
    fs::write(state.join("staging/kept"), "").expect("writes");
    for version in ["3\n", "", "one"] {
        fs::write(state.join("version"), version).expect("writes");
        let opened = open(place.path());
        assert!(
            matches!(&opened, Err(OpenError::Format { .. })),
            "{:?}",
            opened.err()
        );
    }
    assert!(state.join("staging/kept").exists(), "nothing was swept");
}

#[test]
fn a_state_folder_that_is_none_is_refused() {
    let outside = tempfile::tempdir().expect("a temporary folder");
    fs::write(outside.path().join("kept"), "").expect("writes");
    for name in [".twicecast", ".twicecast/staging"] {
        for link in [true, false] {
            let place = tempfile::tempdir().expect("a temporary folder");
            let taken = place.path().join(name);
            fs::create_dir_all(taken.parent().expect("has one")).expect("makes");
            if link {
                symlink(outside.path(), &taken).expect("links");
            } else {
                fs::write(&taken, "").expect("writes");
            }
            let opened = open(place.path());
            assert!(
                matches!(opened, Err(OpenError::NotAFolder(_))),
                "{:?}",
                opened.err()
            );
        }
    }
    assert_eq!(super::names(outside.path()), ["kept"]);
}

#[test]
fn a_base_that_is_a_file_is_refused() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let base = place.path().join("file");
    fs::write(&base, "").expect("writes");
    assert!(matches!(open(&base), Err(OpenError::Base(_))));
}

#[test]
fn a_state_folder_open_to_others_is_closed() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let state = place.path().join(".twicecast");
    fs::create_dir(&state).expect("makes");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).expect("sets");
    drop(open(place.path()).expect("opens"));
    let mode = fs::metadata(&state).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
