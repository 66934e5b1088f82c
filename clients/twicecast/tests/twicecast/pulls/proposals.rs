//! What authors see of their own proposals.

use std::fs;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use super::world::{TEXT, World};
use crate::real::PATIENCE;
use crate::support::{Said, command, exit_code, files, twicecast};

impl World {
    fn proposals<'a>(&'a self, url: &'a str, words: &[&'a str]) -> Vec<&'a str> {
        let copy = self.copy.path().to_str().unwrap();
        let who = [
            "--dir", copy, "--url", url, "--user", "bob", "--key", "secret",
        ];
        [&["proposals"], words, &who].concat()
    }

    async fn own(&self, words: &[&str]) -> Said {
        let url = self.server.url();
        let said = twicecast(&self.proposals(&url, words)).await;
        assert_eq!(said.code, 0, "{said:?}");
        said
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_sees_withdraws_and_hears_of_their_own_proposals() {
    let world = World::new(&files(&[("/a", TEXT)])).await;
    let none = "none of your proposals is open";
    assert!(world.own(&[]).await.out.contains(none));

    fs::write(world.copy.path().join("a"), "mine\n").unwrap();
    let first = world.propose().await;
    let listed = world.own(&["list"]).await.out;
    assert!(
        listed.starts_with(&format!("{first}  “A change”: open since")),
        "{listed}"
    );
    assert!(listed.contains("(1 file)"), "{listed}");
    world.own(&["withdraw", &first]).await;
    assert_eq!(world.open_pulls().await, 0);
    let listed = world.own(&[]).await.out;
    assert!(
        listed.contains(&format!("{first}  “A change”: withdrawn")),
        "{listed}"
    );
    assert!(listed.contains(none), "{listed}");

    let second = world.propose().await;
    let url = world.server.url();
    let mut waiting = command(&world.proposals(&url, &["wait"])).spawn().unwrap();
    let mut lines = BufReader::new(waiting.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
    let line = line.unwrap().unwrap();
    assert!(line.starts_with("waiting for 1 proposal;"), "{line}");
    world.pulls(&["close", &second]).await;
    let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
    let line = line.unwrap().unwrap();
    assert_eq!(line, format!("{second}  “A change”: closed"));
    assert_eq!(exit_code(&mut waiting).await, 0);

    // The third was never listed while it was open.
    let third = world.propose().await;
    world.pulls(&["close", &third]).await;
    let listed = world.own(&["list"]).await.out;
    assert!(
        listed.contains(&format!("{second}  “A change”: closed")),
        "{listed}"
    );
    // Nobody was connected when its outcome was told.
    assert!(
        listed.contains(&format!("{third}  “A change”: no longer open")),
        "{listed}"
    );
}
