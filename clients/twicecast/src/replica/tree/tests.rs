//! The protection of the mirrored folder. Hostile names are tested in `names`; hostile folders are
//! tested here.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::replica::record;
use crate::replica::tree::*;

fn name(text: &str) -> FileName {
    FileName::parse(text).unwrap()
}

/// A mirrored folder with its record, also for the tests of other modules.
pub fn tree_with(dir: &Path, force: bool, delete: bool) -> Tree {
    let root = dirfd::open_root(dir).unwrap();
    let work_path = dir.join(crate::names::WORK_FOLDER);
    fs::create_dir_all(&work_path).unwrap();
    let work = dirfd::open_root(&work_path).unwrap();
    let record = match record::read(&work).unwrap() {
        record::Earlier::Found(record) => record,
        _ => record::Record {
            header: record::Header::new(Kind::Mirror, "ws://h", "ana", "demo"),
            files: record::Files::new(),
            is_complete: false,
        },
    };
    let manifest = Manifest::begin(&work, record).unwrap();
    Tree::new(root, Staging::new(work).unwrap(), manifest, force, delete)
}

fn tree(dir: &Path) -> Tree {
    tree_with(dir, false, false)
}

fn put(tree: &mut Tree, path: &str, content: &str) -> Result<(), Refusal> {
    put_as(tree, path, content, false)
}

fn put_as(tree: &mut Tree, path: &str, content: &str, executable: bool) -> Result<(), Refusal> {
    let mut staged = tree.staging().begin().unwrap();
    staged.file.write_all(content.as_bytes()).unwrap();
    let sha256 = crate::fs::sha256::of(content);
    let incoming = Incoming {
        staged,
        sha256,
        executable,
    };
    tree.put(incoming, &name(path))
}

fn work_files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join(crate::names::WORK_FOLDER)).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|entry| entry.starts_with("incoming"))
        .collect()
}

#[test]
fn a_file_appears_whole_in_folders_made_for_it_and_goes_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = tree(dir.path());
    put(&mut tree, "/a/b/c.txt", "one").unwrap();
    put(&mut tree, "/a/b/c.txt", "two").unwrap();
    assert_eq!(
        fs::read_to_string(dir.path().join("a/b/c.txt")).unwrap(),
        "two"
    );
    assert_eq!(tree.remove(&name("/a/b/c.txt")).unwrap(), Removal::Removed);
    assert!(!dir.path().join("a").exists());
    assert!(work_files(dir.path()).is_empty());
}

#[test]
fn a_file_that_is_never_finished_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = tree(dir.path());
    drop(tree.staging().begin().unwrap());
    assert!(work_files(dir.path()).is_empty());
}

#[test]
fn a_link_on_the_way_is_never_followed() {
    let outside = tempfile::tempdir().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut tree = tree(dir.path());
    put(&mut tree, "/sub/mine", "x").unwrap();
    fs::remove_dir_all(dir.path().join("sub")).unwrap();
    symlink(outside.path(), dir.path().join("sub")).unwrap();
    fs::write(outside.path().join("mine"), "precious").unwrap();

    assert_eq!(
        put(&mut tree, "/sub/mine", "evil"),
        Err(Refusal::Link("/sub".into()))
    );
    assert_eq!(
        put(&mut tree, "/sub/new", "evil"),
        Err(Refusal::Link("/sub".into()))
    );
    assert_eq!(tree.remove(&name("/sub/mine")).unwrap(), Removal::NotOurs);
    assert_eq!(tree.fingerprint(&name("/sub/mine")), Ok(None));

    assert_eq!(
        fs::read_to_string(outside.path().join("mine")).unwrap(),
        "precious"
    );
    assert!(!outside.path().join("new").exists());
}

#[test]
fn a_link_in_a_files_place_stays_and_so_does_what_it_points_to() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("precious");
    fs::write(&target, "precious").unwrap();
    let dir = tempfile::tempdir().unwrap();
    for force in [false, true] {
        let mut tree = tree_with(dir.path(), force, force);
        let _ = fs::remove_file(dir.path().join("f"));
        symlink(&target, dir.path().join("f")).unwrap();
        assert_eq!(
            put(&mut tree, "/f", "evil"),
            Err(Refusal::Link("/f".into()))
        );
        assert!(dir.path().join("f").is_symlink());
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[test]
fn somebody_elses_file_is_kept_unless_forced() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes"), "mine").unwrap();
    let mut careful = tree(dir.path());
    assert_eq!(
        put(&mut careful, "/notes", "theirs"),
        Err(Refusal::NotOurs("/notes".into()))
    );
    assert_eq!(
        put(&mut careful, "/notes/below", "theirs"),
        Err(Refusal::NotOurs("/notes".into()))
    );
    assert_eq!(careful.remove(&name("/notes")).unwrap(), Removal::NotOurs);
    drop(careful);
    let mut forced = tree_with(dir.path(), true, false);
    put(&mut forced, "/notes", "theirs").unwrap();
    assert_eq!(
        fs::read_to_string(dir.path().join("notes")).unwrap(),
        "theirs"
    );
}

#[test]
fn a_folder_of_ours_becomes_a_file_and_a_file_of_ours_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = tree(dir.path());
    put(&mut tree, "/a/b/c", "1").unwrap();
    put(&mut tree, "/a/d", "2").unwrap();
    put(&mut tree, "/a", "file").unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "file");
    assert_eq!(
        tree.ours().map(FileName::as_str).collect::<Vec<_>>(),
        ["/a"]
    );
    put(&mut tree, "/a/b/c", "again").unwrap();
    assert_eq!(
        fs::read_to_string(dir.path().join("a/b/c")).unwrap(),
        "again"
    );
    assert_eq!(
        tree.ours().map(FileName::as_str).collect::<Vec<_>>(),
        ["/a/b/c"]
    );
}

#[test]
fn a_folder_that_holds_somebody_elses_file_does_not_become_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut careful = tree(dir.path());
    put(&mut careful, "/a/b", "1").unwrap();
    fs::write(dir.path().join("a/mine"), "mine").unwrap();
    assert_eq!(
        put(&mut careful, "/a", "file"),
        Err(Refusal::FolderOfOthers("/a".into()))
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("a/mine")).unwrap(),
        "mine"
    );
    drop(careful);
    let mut deleting = tree_with(dir.path(), false, true);
    put(&mut deleting, "/a", "file").unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "file");
}

#[test]
fn two_names_for_one_file_are_reported_and_the_first_stays() {
    // A hard link stands in for a file system that takes `A` and `a` for the same name.
    let dir = tempfile::tempdir().unwrap();
    for force in [false, true] {
        let mut tree = tree_with(dir.path(), force, false);
        put(&mut tree, "/A", "first").unwrap();
        let _ = fs::remove_file(dir.path().join("a"));
        fs::hard_link(dir.path().join("A"), dir.path().join("a")).unwrap();
        assert_eq!(
            put(&mut tree, "/a", "second"),
            Err(Refusal::Twin("/A".into()))
        );
        assert_eq!(
            tree.fingerprint(&name("/a")),
            Err(Refusal::Twin("/A".into()))
        );
        assert_eq!(tree.remove(&name("/a")).unwrap(), Removal::NotOurs);
        assert_eq!(fs::read_to_string(dir.path().join("A")).unwrap(), "first");
        // It is found again at the next start, from the record.
        drop(tree);
        let mut tree = tree_with(dir.path(), force, false);
        assert_eq!(
            put(&mut tree, "/a", "second"),
            Err(Refusal::Twin("/A".into()))
        );
    }
}

#[test]
fn strays_go_only_where_that_was_asked_and_git_never() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("precious"), "").unwrap();
    fs::create_dir_all(dir.path().join(".git")).unwrap();
    fs::write(dir.path().join(".git/config"), "").unwrap();
    fs::create_dir_all(dir.path().join("old/.git")).unwrap();
    fs::write(dir.path().join("old/stray"), "").unwrap();
    symlink(outside.path(), dir.path().join("link")).unwrap();
    let mut careful = tree(dir.path());
    put(&mut careful, "/kept", "").unwrap();
    let keep = HashSet::from([name("/kept")]);
    assert!(careful.remove_strays(&keep).is_empty());
    drop(careful);
    let mut deleting = tree_with(dir.path(), false, true);
    assert_eq!(deleting.remove_strays(&keep).len(), 2);
    assert!(!dir.path().join("old/stray").exists() && !dir.path().join("link").is_symlink());
    assert!(dir.path().join(".git/config").exists() && dir.path().join("old/.git").exists());
    assert!(dir.path().join("kept").exists() && outside.path().join("precious").exists());
}

fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn content_that_was_edited_here_is_neither_overwritten_nor_removed_unless_forced() {
    let dir = tempfile::tempdir().unwrap();
    let (path, above) = (dir.path().join("f"), dir.path().join("d/x"));
    for reopened in [false, true] {
        let mut careful = tree(dir.path());
        for file in ["/f", "/d/x"] {
            let _ = fs::remove_file(dir.path().join(&file[1..]));
            put(&mut careful, file, "one").unwrap();
            put(&mut careful, file, "two").unwrap();
        }
        if reopened {
            drop(careful);
            careful = tree(dir.path());
        }
        fs::write(&path, "edited").unwrap();
        fs::write(&above, "edited").unwrap();
        let edited = Err(Refusal::Edited("/f".into()));
        assert_eq!(put(&mut careful, "/f", "three"), edited);
        assert_eq!(put(&mut careful, "/f/below", "three"), edited);
        let folder = Err(Refusal::FolderOfOthers("/d".into()));
        assert_eq!(put(&mut careful, "/d", "three"), folder);
        assert_eq!(careful.remove(&name("/f")), Ok(Removal::Edited));
        // From now on it belongs to the user.
        assert_eq!(careful.remove(&name("/f")), Ok(Removal::NotOurs));
        for path in [&path, &above] {
            assert_eq!(fs::read_to_string(path).unwrap(), "edited");
        }
    }
    let mut forced = tree_with(dir.path(), true, false);
    put(&mut forced, "/f", "three").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "three");
}

#[test]
fn what_is_here_already_is_not_written_again_and_gets_its_executable_bit() {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = tree(dir.path());
    let path = dir.path().join("f");
    put(&mut tree, "/f", "one").unwrap();
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let (before, mode) = (inode(&path), mode_of(&path));
    assert_eq!(mode & 0o111, 0);
    put_as(&mut tree, "/f", "one", true).unwrap();
    assert_eq!(mode_of(&path), mode | (mode & 0o444) >> 2);
    // The other bits belong to the user, and so does an edit that happens to be the content that
    // comes.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(&path, permissions).unwrap();
    fs::write(&path, "two").unwrap();
    put_as(&mut tree, "/f", "two", true).unwrap();
    assert_eq!((inode(&path), mode_of(&path)), (before, 0o700));
    put_as(&mut tree, "/f", "three", false).unwrap();
    assert_eq!(mode_of(&path), 0o600);
    put_as(&mut tree, "/new", "x", true).unwrap();
    assert_ne!(mode_of(&dir.path().join("new")) & 0o100, 0);
}
