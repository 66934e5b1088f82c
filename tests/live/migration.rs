//! A server that is killed at random moments brings a folder of layout 1, which did not
//! percent-encode the names of projects, to layout 2. Nothing is lost (section 3).
//!
//! `MIGRATION_KILLS` (default 12) is the number of kills, `MIGRATION_SEED` the seed of the random
//! numbers.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

/// Projects that layout 1 could have.
const PROJECTS: [&str; 5] = ["100%", "a%2Fb", "%", "%2525", "plain"];

fn from_environment(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().expect("a number"))
}

/// A `get` of one file of ana's project.
fn get_of(project: &str, name: &str) -> Value {
    let data = json!({"username": "ana", "project": project, "name": name});
    file("get", data)
}

/// A base folder of layout 1 with a file and an open pull request in each project.
async fn layout_1() -> tempfile::TempDir {
    let server = Server::alone_with(&["--durability", "rename"]);
    for project in PROJECTS {
        let mut ana = server.connect().await;
        ana.authenticate(streamer("ana", project)).await;
        ana.ok(post("/d/file", project)).await;
        let mut bob = server.connect().await;
        bob.authenticate(viewer("bob", "ana", project)).await;
        bob.ok(creation()).await;
        bob.ok(post("/proposed", project)).await;
        bob.ok(finish()).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let base = folder.path().join("base");
    let copied = Command::new("cp")
        .arg("-a")
        .args([&server.base(), &base])
        .status();
    assert!(copied.expect("cp runs").success());
    for project in PROJECTS {
        let encoded = project.replace('%', "%25");
        for place in ["ana", ".twicecast/projects/ana", ".twicecast/pulls/ana"] {
            let place = base.join(place);
            fs::rename(place.join(&encoded), place.join(project)).expect("renamed");
        }
    }
    fs::write(base.join(".twicecast/version"), "1\n").expect("written");
    folder
}

/// Starts the program in `folder` and kills it after that time.
fn start_and_kill(folder: &Path, after: Duration) {
    let mut child = Command::new(Server::program())
        .current_dir(folder)
        .env_clear()
        .args(["--port", "0", "--base-dir", "base"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    std::thread::sleep(after);
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[tokio::test]
async fn a_migration_that_is_killed_at_any_moment_loses_nothing() {
    let kills = from_environment("MIGRATION_KILLS", 12);
    let mut random = Random::new(from_environment("MIGRATION_SEED", 1), 0);
    let mut done = 0;
    while done < kills {
        let folder = layout_1().await;
        for _ in 0..4 {
            start_and_kill(folder.path(), Duration::from_micros(random.below(25_000)));
            done += 1;
        }
        let server = Server::start_in(folder, Vec::new());
        for project in PROJECTS {
            let mut ana = server.connect().await;
            ana.authenticate(streamer("ana", project)).await;
            let created = ana.expect("pullRequestCreated").await;
            let data = ana.ok(get_of(project, "/d/file")).await;
            assert_eq!(data["content"], base64(project), "{project}");
            let id = created["id"].as_str().expect("an id");
            let proposed = ana.ok(get_of(project, &format!("/{id}/proposed"))).await;
            assert_eq!(proposed["content"], base64(project), "{project}");
        }
        let names = fs::read_dir(server.base().join("ana")).expect("lists");
        assert_eq!(names.count(), PROJECTS.len());
        assert!(!server.base().join(".twicecast/renames").exists());
    }
}
