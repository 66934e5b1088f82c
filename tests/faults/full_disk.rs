//! A disk without room for more bytes or more files, and a limit on the length of a file.

use std::path::PathBuf;
use std::process::Command;

use crate::other_user;
use crate::story::on_disk;
use crate::support::*;

/// A server whose base folder is a small file system of its own.
struct SmallDisk {
    server: Server,
    place: PathBuf,
}

impl SmallDisk {
    fn with(options: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("base");
        std::fs::create_dir(&place).expect("made");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&place)
            .status();
        assert!(
            mounted.expect("mount runs").success(),
            "only root may mount"
        );
        let server = other_user::start_in(folder, &["--nofile=1024"]);
        Self { server, place }
    }

    /// Waits until nothing temporary is left.
    async fn tidy(&self) {
        let staging = self.place.join(".twicecast/staging");
        let tidy = async {
            while !on_disk(&staging).is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, tidy)
            .await
            .expect("it is tidied up");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.server.kill();
        let unmounted = Command::new("umount").arg(&self.place).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[tokio::test]
async fn a_file_that_does_not_fit_on_the_disk_is_refused_and_the_old_one_kept() {
    let disk = SmallDisk::with("size=1m");
    let mut ana = disk.server.streamer().await;
    let mut eve = disk.server.viewer("eve").await;
    ana.ok(post("a", "old")).await;
    eve.expect("fileGet").await;
    let refusal = ana.refused(409, post("a", noise(2_000_000))).await;
    assert_eq!(refusal["type"], "failWriteFileError");
    disk.tidy().await;
    assert_eq!(ana.ok(get("a")).await["content"], base64("old"));
    // An upload in parts is refused too: its unfinished bytes need room as well.
    let parts = noise(2_000_000);
    let mut refused = None;
    for (part, chunk) in (1..).zip(parts.chunks(400_000)) {
        ana.send(post_part("b", chunk, part, 5)).await;
    }
    for answer in ana.rest().await {
        assert_eq!(answer["type"], "failWriteFileError", "{answer}");
        refused = Some(answer);
    }
    assert!(refused.is_some());
    disk.tidy().await;
    eve.quiet().await;
    drop(eve);
    // A file that fits succeeds again.
    ana.ok(post("b", noise(600_000))).await;
    ana.refused(409, post("c", noise(600_000))).await;
    ana.ok(delete("b")).await;
    disk.tidy().await;
    ana.ok(post("c", noise(600_000))).await;
    assert_eq!(
        std::fs::read(disk.place.join("ana/demo/c")).expect("stored"),
        noise(600_000)
    );
}

#[tokio::test]
async fn a_disk_without_room_for_one_more_file_refuses_until_one_is_deleted() {
    let disk = SmallDisk::with("size=8m,nr_inodes=40");
    let mut ana = disk.server.streamer().await;
    let mut kept = Vec::new();
    let refusal = loop {
        let name = format!("f{}", kept.len());
        let answer = ana.ask(post(&name, &name)).await;
        if answer["code"] != 200 {
            break answer;
        }
        kept.push(name);
    };
    assert_eq!(refusal["type"], "failWriteFileError");
    // While a file is replaced, the unfinished one counts as one more.
    ana.refused(409, post(&kept[0], "another")).await;
    assert_eq!(ana.ok(get(&kept[0])).await["content"], base64(&kept[0]));
    ana.refused(409, post("folder/file", "")).await;
    ana.ok(delete(&kept[1])).await;
    ana.ok(delete(&kept[2])).await;
    disk.tidy().await;
    ana.ok(post("folder/file", "")).await;
    assert_eq!(on_disk(&disk.place.join("ana/demo")).len(), kept.len() - 1);
}

#[tokio::test]
async fn a_file_longer_than_the_system_allows_is_refused_and_kills_nobody() {
    let server = other_user::start(&["--fsize=1000000"]);
    let mut ana = server.streamer().await;
    ana.ok(post("a", "old")).await;
    ana.refused(409, post("a", noise(1_000_001))).await;
    for (part, chunk) in (1..).zip(noise(2_000_000).chunks(500_000)) {
        ana.send(post_part("a", chunk, part, 4)).await;
    }
    let answers = ana.rest().await;
    assert!(!answers.is_empty());
    for answer in answers {
        assert_eq!(answer["type"], "failWriteFileError", "{answer}");
    }
    assert_eq!(ana.ok(get("a")).await["content"], base64("old"));
    ana.ok(post("a", noise(1_000_000))).await;
}
