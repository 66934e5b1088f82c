//! The main job with the real programs: a directory is shared, mirrored twice at once and changed
//! in every way while the mirrors run and one of them is slow. In the end all trees are byte for
//! byte the same. At full size: `scripts/main-job`.

use std::fs;
use std::os::unix::fs::symlink;

use crate::programs::{Mirror, Twicecast};
use crate::support::Server;
use crate::trees::{self, assert_same, build_tree, change_tree, until_same};

fn main_job(server: &Server) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (tree, quick, slow) = (
        place.path().join("tree"),
        place.path().join("quick"),
        place.path().join("slow"),
    );
    build_tree(&tree);
    let client = Twicecast::of(server);

    client.share_once(&tree);
    let _quick = Mirror::start(&Twicecast::of(server), &quick, &[]);
    let _slow = Mirror::start(&Twicecast::of(server), &slow, &["--read-limit", "1000000"]);
    until_same(&tree, &quick);

    for round in 0..3 {
        change_tree(&tree, round);
        client.share_once(&tree);
    }
    until_same(&tree, &quick);
    until_same(&tree, &slow);
    let late = place.path().join("late");
    client.mirror_once(&late);
    assert_same(&tree, &late);
    if server.project().exists() {
        assert_same(&tree, &server.project());
    }
}

#[test]
fn a_directory_reaches_two_mirrors_byte_for_byte_through_every_kind_of_change() {
    main_job(&Server::start());
}

#[test]
fn the_memory_store_does_the_same_job() {
    main_job(&Server::alone_with(&["--store", "memory"]));
}

#[test]
fn what_was_shared_is_there_after_a_restart() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (tree, copy) = (place.path().join("tree"), place.path().join("copy"));
    build_tree(&tree);
    let mut server = Server::start();
    Twicecast::of(&server).share_once(&tree);
    server.restart();
    Twicecast::of(&server).mirror_once(&copy);
    assert_same(&tree, &copy);
}

#[test]
fn nothing_is_sent_or_written_through_links_and_hidden_state() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (tree, copy, outside) = (
        place.path().join("tree"),
        place.path().join("copy"),
        place.path().join("outside"),
    );
    for folder in [&tree, &outside, &tree.join(".git"), &tree.join("nested")] {
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(tree.join("a.txt"), "a").expect("a file");
    fs::write(tree.join(".git/config"), "secret").expect("a file");
    fs::write(outside.join("b.txt"), "not ours").expect("a file");
    symlink(&outside, tree.join("nested/link")).expect("a link");
    let server = Server::alone();
    let client = Twicecast::of(&server);
    client.share_once(&tree);
    // An operator's link in the project is not one of its files.
    symlink(&outside, server.project().join("out")).expect("a link");
    client.mirror_once(&copy);
    let names: Vec<_> = trees::read(&copy).into_keys().collect();
    assert_eq!(names, ["a.txt"]);
    assert_eq!(
        trees::read(&outside).len(),
        1,
        "nothing was written outside"
    );
}
