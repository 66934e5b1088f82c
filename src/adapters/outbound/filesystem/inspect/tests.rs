use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::adapters::outbound::filesystem::sandbox::layout::{Durability, Layout};
use crate::application::inspection::{LayoutState, OwnState};

fn there(base: &Path) -> PlaceState {
    match inspect(base) {
        Inspection::There(state) => *state,
        other => panic!("{other:?}"),
    }
}

fn own(base: &Path) -> OwnState {
    there(base).own.expect("readable").expect("there")
}

/// A base folder that a server has used.
fn used() -> tempfile::TempDir {
    let base = tempfile::tempdir().expect("a folder");
    drop(Layout::open(base.path(), Durability::Rename, 8, Arc::default()).expect("opens"));
    base
}

/// Everything below a folder.
fn names(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("lists") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(names(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let place = tempfile::tempdir().expect("a folder");
    let missing = place.path().join("a/b");
    assert_eq!(inspect(&missing), Inspection::Missing(Ok(())));
    assert!(!place.path().join("a").exists());
    fs::write(place.path().join("file"), "x").expect("written");
    let below = inspect(&place.path().join("file/b"));
    assert!(matches!(below, Inspection::Unusable(_)), "{below:?}");
    let file = inspect(&place.path().join("file"));
    assert_eq!(file, Inspection::Unusable("it is not a folder".to_owned()));
}

#[test]
fn a_look_at_a_folder_leaves_it_as_it_was() {
    for base in [tempfile::tempdir().expect("a folder"), used()] {
        let base = base.path();
        let before = names(base);
        let state = there(base);
        assert_eq!(names(base), before);
        let trial = state.trial.expect("writable");
        assert!(trial.took > Duration::ZERO && trial.keeps_times);
        assert_eq!(state.owner, state.user);
        assert!(state.free.expect("told").bytes > 0);
        assert_eq!((state.foreign, state.newest), (Vec::new(), None));
    }
}

#[test]
fn a_folder_that_no_server_has_used_has_nothing_of_its_own() {
    let base = tempfile::tempdir().expect("a folder");
    assert_eq!(there(base.path()).own, Ok(None));
    fs::write(base.path().join(".twicecast"), "x").expect("written");
    let state = there(base.path());
    assert!(state.own.is_err(), "{state:?}");
}

#[test]
fn the_lock_is_seen_and_left_to_its_holder() {
    let base = used();
    assert_eq!(own(base.path()).is_held, Some(false));
    let layout = Layout::open(base.path(), Durability::Rename, 8, Arc::default()).expect("opens");
    assert_eq!(own(base.path()).is_held, Some(true));
    drop(layout);
    assert_eq!(own(base.path()).is_held, Some(false));
}

#[test]
fn layouts_are_told_apart_and_a_conversion_is_only_rehearsed() {
    let base = used();
    let version = base.path().join(".twicecast/version");
    let markers = base.path().join(".twicecast/projects/ana");
    assert_eq!(own(base.path()).layout, LayoutState::Current);
    fs::write(&version, "1\n").expect("written");
    fs::create_dir_all(&markers).expect("made");
    fs::create_dir_all(base.path().join("ana/50%")).expect("made");
    fs::write(markers.join("50%"), "").expect("written");
    let before = names(base.path());
    assert_eq!(own(base.path()).layout, LayoutState::Older);
    fs::create_dir_all(base.path().join("ana/50%25")).expect("made");
    let conflict = own(base.path()).layout;
    assert!(
        matches!(&conflict, LayoutState::Conflict(why) if why.contains("50%25")),
        "{conflict:?}"
    );
    fs::remove_dir(base.path().join("ana/50%25")).expect("removed");
    assert_eq!(names(base.path()), before);
    fs::write(&version, "3\n").expect("written");
    let newer = own(base.path()).layout;
    assert!(
        matches!(&newer, LayoutState::Unknown(why) if why.contains("\"3\"")),
        "{newer:?}"
    );
}

#[test]
fn what_the_server_keeps_of_projects_and_cannot_read_is_found() {
    let base = used();
    let state = base.path().join(".twicecast");
    let write = |name: &str, content: &str| {
        let path = state.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, content).expect("written");
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(path, private).expect("changed");
    };
    let whole = r#"{"format":1,"muted":[],"banned":[],"slow":0,"log":[]}"#;
    for project in ["a", "b", "c", "d", "e"] {
        write(&format!("projects/ana/{project}"), "");
        write(&format!("moderation/ana/{project}"), whole);
        write(
            &format!("guests/ana/{project}"),
            r#"{"format":1,"guests":[]}"#,
        );
    }
    write("moderation/bob/gone", "of no project");
    write("moderation/bob/a%2Fb", "of none either");
    write("guests/bob/gone", "of no project");
    write("guests/ana/old", "of no project");
    let found = own(base.path());
    assert_eq!(found.unreadable, [""; 0]);
    assert_eq!(found.left, ["ana/old", "bob/a/b", "bob/gone"]);
    write("guest-key", "short");
    write("guests/ana/a", "{}");
    write("moderation/ana/b", &whole.replace('0', "3601"));
    // A sound record, but longer than the server reads.
    let padding = " ".repeat(4 * 1_024 * 1_024);
    write(
        "guests/ana/c",
        &format!(r#"{{"format":1,"guests":[]}}{padding}"#),
    );
    let moderation = state.join("moderation/ana");
    fs::hard_link(moderation.join("c"), state.join("second")).expect("linked");
    fs::remove_file(moderation.join("d")).expect("removed");
    std::os::unix::fs::symlink("a", moderation.join("d")).expect("linked");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(moderation.join("e"), open).expect("changed");
    fs::create_dir_all(state.join("pulls/ana/e/nothing")).expect("made");
    let found = own(base.path());
    let unreadable = [
        "guest-key",
        "guests/ana/a",
        "moderation/ana/b",
        "guests/ana/c",
        "moderation/ana/c",
        "moderation/ana/d",
        "pulls/ana/e/nothing",
    ];
    assert_eq!(found.unreadable, unreadable);
    assert_eq!(found.open_secrets, ["moderation/ana/e"]);
    assert!(!found.is_cut_short);
}

#[test]
fn what_is_open_to_others_and_unfinished_is_found() {
    let base = used();
    let state = base.path().join(".twicecast");
    let found = own(base.path());
    assert!(!found.is_open && found.open_secrets.is_empty() && found.unfinished == 0);
    fs::write(state.join("guest-key"), "x").expect("written");
    fs::write(state.join("staging/left"), "x").expect("written");
    fs::create_dir(state.join("drafts/left")).expect("made");
    for (path, mode) in [(state.clone(), 0o750), (state.join("guest-key"), 0o604)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
    }
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o777)).expect("changed");
    let found = own(base.path());
    assert!(found.is_open && there(base.path()).is_open_to_all);
    assert_eq!(found.open_secrets, ["guest-key"]);
    assert_eq!(found.unfinished, 2);
    fs::set_permissions(base.path(), fs::Permissions::from_mode(0o1777)).expect("changed");
    assert!(!there(base.path()).is_open_to_all, "as of /tmp");
}

#[test]
fn folders_that_are_no_projects_and_the_newest_file_of_those_that_are_are_found() {
    let base = used();
    for folder in ["ana/demo/src", "ana/notes", "ana/empty", "bob/x", "carol"] {
        fs::create_dir_all(base.path().join(folder)).expect("made");
    }
    for file in [
        "ana/demo/old",
        "ana/demo/src/new",
        "ana/notes/newer",
        "bob/x/y",
    ] {
        fs::write(base.path().join(file), "x").expect("written");
    }
    let markers = base.path().join(".twicecast/projects/ana");
    fs::create_dir_all(&markers).expect("made");
    fs::write(markers.join("demo"), "").expect("written");
    let ahead = UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let file = fs::File::options();
    let file = file
        .clone()
        .write(true)
        .open(base.path().join("ana/demo/src/new"));
    file.expect("opens").set_modified(ahead).expect("set");
    let state = there(base.path());
    assert_eq!(state.foreign, ["ana/notes", "bob"]);
    let (name, changed) = state.newest.expect("a file");
    assert_eq!(
        (name.as_str(), changed.as_millis()),
        ("ana/demo/src/new", 4_000_000_000_000)
    );
    assert_eq!(state.elsewhere, Vec::<String>::new());
}
