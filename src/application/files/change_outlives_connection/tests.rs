use crate::application::file_key::FileKey;
use crate::application::session::dispatch::execute;
use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::*;
use crate::application::command::Command;
use crate::application::outcome::CommandOutcome;
use crate::application::ports::{
    InTurn, OpenFile, ProjectState, ProjectStore, PutInTurn, TellRemoved, TellRescanned, Wanted,
};
use crate::application::session::state::Session;
use crate::application::test_world::{
    Journal, Scene, World, delete, disk_full, entry, executable, next_of, over, part, path, post,
    post_bytes,
};
use crate::domain::{
    ContentHash, ProjectEntry, ProjectQuota, QuotaError, Revision, Usage, UserName, Version,
};

/// The change that the streamer's command asks for.
async fn commit_of(scene: &Scene, session: &mut Session, command: Command) -> Commit {
    match execute(&scene.app, session, command).await {
        CommandOutcome::Commit(commit) => commit,
        _ => panic!("no change of the project"),
    }
}

#[tokio::test]
async fn others_are_told_once_the_file_is_stored() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let answer = scene.ask(&mut session, post("/a", "new")).await;
    assert_eq!(answer, Ok(vec![Reply::FilePosted]));
    assert_eq!(
        scene.journal.take(),
        [
            "put ana/demo /a \"new\"",
            "publish updates ana/demo but #1: updated /a v1",
        ]
    );
}

#[tokio::test]
async fn a_refused_write_publishes_nothing() {
    type Failure = fn() -> StoreError;
    let unwritable = RequestError::UnwritableFile;
    let cases: [(Failure, RequestError); 7] = [
        (disk_full, unwritable.clone()),
        (|| StoreError::PathConflict, unwritable.clone()),
        (|| StoreError::NotFound, unwritable),
        (
            || QuotaError::Files(1_000).into(),
            over("maxProjectFiles", 1_000),
        ),
        (
            || QuotaError::Folders(3_000).into(),
            over("maxProjectFolders", 3_000),
        ),
        (
            || QuotaError::NameBytes(4_000).into(),
            over("maxProjectNameBytes", 4_000),
        ),
        (
            || QuotaError::Bytes(2_000).into(),
            over("maxProjectBytes", 2_000),
        ),
    ];
    for (failure, refusal) in cases {
        let mut world = World::new();
        let put = world.projects.expect_put_file().once();
        put.returning(move |_, _, _, _, _, _| Err(failure()));
        let scene = world.build();
        let mut session = scene.streamer().await;
        let answer = scene.ask(&mut session, post("/a", "new")).await;
        assert_eq!(answer, Err(refusal));
        assert!(scene.journal.take().is_empty());
    }
}

#[tokio::test]
async fn the_executable_bit_is_that_of_the_first_part_that_says_and_is_told() {
    for (name, parts, stored, told) in [
        (
            "whole",
            vec![executable(post("/a", "new"), true)],
            " executable",
            " executable",
        ),
        (
            "cleared",
            vec![executable(post("/a", "new"), false)],
            " not executable",
            "",
        ),
        ("not said", vec![post("/a", "new")], "", ""),
        (
            "the second part",
            vec![
                part("/a", "n", 1, 3),
                executable(part("/a", "e", 2, 3), true),
                executable(part("/a", "w", 3, 3), false),
            ],
            " executable",
            " executable",
        ),
        (
            "begun anew",
            vec![
                executable(part("/a", "x", 1, 2), true),
                part("/a", "n", 1, 2),
                part("/a", "ew", 2, 2),
            ],
            "",
            "",
        ),
    ] {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        for part in parts {
            scene.ask(&mut session, part).await.expect(name);
        }
        let expected = [
            format!("put ana/demo /a \"new\"{stored}"),
            format!("publish updates ana/demo but #1: updated /a v1{told}"),
        ];
        assert_eq!(scene.journal.take(), expected, "{name}");
    }
}

#[tokio::test]
async fn the_quota_is_the_configured_one() {
    let mut world = World::new();
    let quota = world.limits.project;
    let put = world.projects.expect_put_file().once();
    put.withf(move |_, _, _, _, given, _| *given == quota)
        .returning(|_, _, _, _, _, in_turn| {
            in_turn(entry(&path("/a")));
            Ok(Version::new(1))
        });
    let scene = world.build();
    let mut session = scene.streamer().await;
    scene
        .ask(&mut session, post("/a", "new"))
        .await
        .expect("ok");
}

#[tokio::test]
async fn small_content_goes_with_the_event_and_large_is_read_back() {
    let limit = usize::try_from(EVENT_CONTENT_BYTES).expect("a small number");
    for (bytes, by_name) in [(0, ""), (limit, ""), (limit + 1, " by name")] {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        let command = post_bytes("/a", vec![b'x'; bytes], None);
        scene.ask(&mut session, command).await.expect("stored");
        let told = format!("publish updates ana/demo but #1: updated /a v1{by_name}");
        assert_eq!(scene.journal.take().last(), Some(&told), "{bytes} bytes");
    }
}

#[tokio::test]
async fn what_a_commit_holds_in_memory_is_known() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let put = commit_of(&scene, &mut session, post("/a", "12345")).await;
    assert_eq!((put.bytes(), &put.file.path), (5, &path("/a")));
    let gone = commit_of(&scene, &mut session, delete("/z")).await;
    assert_eq!((gone.bytes(), &gone.file.path), (0, &path("/z")));
}

#[tokio::test]
async fn a_deleted_file_is_told_of_once_it_is_gone() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let answer = scene.ask(&mut session, delete("/a")).await;
    assert_eq!(answer, Ok(vec![Reply::FileDeleted]));
    assert_eq!(
        scene.journal.take(),
        [
            "delete ana/demo /a",
            "publish updates ana/demo but #1: deleted /a v1",
        ]
    );
}

#[tokio::test]
async fn each_file_of_a_deleted_folder_is_told_of() {
    for folder in ["/d", "/d/"] {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        let answer = scene.ask(&mut session, delete(folder)).await;
        assert_eq!(answer, Ok(vec![Reply::FileDeleted]));
        assert_eq!(
            scene.journal.take(),
            [
                "delete ana/demo /d/b",
                "publish updates ana/demo but #1: deleted /d/b v1",
                "delete ana/demo /d/e/c",
                "publish updates ana/demo but #1: deleted /d/e/c v2",
            ]
        );
    }
}

#[tokio::test]
async fn what_is_not_there_cannot_be_deleted() {
    for name in ["/gone", "/gone/", "/a/", "/d/x"] {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        let answer = scene.ask(&mut session, delete(name)).await;
        assert_eq!(answer, Err(RequestError::UnreadableFile), "{name}");
        assert!(scene.journal.take().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_folder_whose_files_vanish_meanwhile_was_not_there() {
    let mut world = World::new();
    let below = world.projects.expect_files_below();
    below.returning(|_, files, most| Ok(next_of(vec![path("/d/x")], files, most)));
    let scene = world.build();
    let mut session = scene.streamer().await;
    let answer = scene.ask(&mut session, delete("/d")).await;
    assert_eq!(answer, Err(RequestError::UnreadableFile));
}

#[tokio::test]
async fn a_folder_that_breaks_off_is_told_of_as_far_as_it_went() {
    let mut world = World::new();
    let first = world.projects.expect_files_below().once();
    first.returning(|_, files, most| Ok(next_of(vec![path("/d/b")], files, most)));
    let below = world.projects.expect_files_below();
    below.returning(|_, _, _| Err(disk_full()));
    let scene = world.build();
    let mut session = scene.streamer().await;
    let answer = scene.ask(&mut session, delete("/d")).await;
    assert_eq!(answer, Err(RequestError::UnreadableFile));
    assert_eq!(
        scene.journal.take(),
        [
            "delete ana/demo /d/b",
            "publish updates ana/demo but #1: deleted /d/b v1",
        ]
    );
}

/// A store in which each write waits until the test releases it.
#[derive(Default)]
struct SlowStore {
    journal: Journal,
    waiting: Mutex<VecDeque<oneshot::Sender<()>>>,
}

impl SlowStore {
    fn let_one_go(&self) {
        let next = self.waiting.lock().expect("not poisoned").pop_front();
        next.expect("one waits").send(()).expect("it still waits");
    }
}

#[async_trait]
impl ProjectStore for SlowStore {
    fn loaded(&self) -> usize {
        0
    }

    async fn state(&self, _: &ProjectId) -> Result<ProjectState, StoreError> {
        Ok(ProjectState::Registered)
    }

    async fn register(&self, _: &ProjectId) -> Result<(), StoreError> {
        Ok(())
    }

    async fn adopt(&self, _: &ProjectId) -> Result<(), StoreError> {
        Err(StoreError::NotFound)
    }

    async fn adopt_user(&self, _: &UserName) -> Result<(), StoreError> {
        Err(StoreError::NotFound)
    }

    async fn remove(&self, _: &ProjectId, _: TellRemoved) -> Result<(), StoreError> {
        Err(StoreError::NotFound)
    }

    async fn rescan(&self, _: &ProjectId, _: TellRescanned) -> Result<(), StoreError> {
        Ok(())
    }

    async fn revision(&self, _: &ProjectId) -> Result<Revision, StoreError> {
        Err(StoreError::NotFound)
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        Ok(Vec::new())
    }

    async fn put_file(
        &self,
        file: &FileKey,
        _: Instant,
        content: FileContent,
        _: Option<bool>,
        _: ProjectQuota,
        in_turn: PutInTurn,
    ) -> Result<Version, StoreError> {
        let (go, gone) = oneshot::channel();
        self.waiting.lock().expect("not poisoned").push_back(go);
        gone.await.expect("let go");
        self.journal.note(format!("put {}", file.path));
        let version = Version::new(content.bytes());
        in_turn(ProjectEntry {
            version,
            ..entry(&file.path)
        });
        Ok(version)
    }

    async fn delete_file(
        &self,
        _: &FileKey,
        _: Instant,
        _: Wanted,
        _: InTurn,
    ) -> Result<Version, StoreError> {
        Err(StoreError::NotFound)
    }

    async fn open_file(&self, _: &ProjectId, _: &FilePath) -> Result<OpenFile, StoreError> {
        Err(StoreError::NotFound)
    }

    async fn open_files(
        &self,
        _: &ProjectId,
        _: &[FilePath],
        _: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError> {
        Err(StoreError::NotFound)
    }

    async fn find_file(&self, _: &ProjectId, _: &FilePath) -> Result<ProjectEntry, StoreError> {
        Err(StoreError::NotFound)
    }

    async fn files_below(
        &self,
        _: &ProjectId,
        _: &FilesBelow,
        _: usize,
    ) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError> {
        Err(StoreError::NotFound)
    }

    fn note_hash(&self, _: &ProjectId, _: &FilePath, _: Version, _: ContentHash) {}

    async fn usage(&self, _: &ProjectId) -> Result<Usage, StoreError> {
        Ok(Usage::default())
    }
}

fn slow_scene() -> (Scene, Arc<SlowStore>) {
    let store = Arc::new(SlowStore::default());
    let shared = Arc::clone(&store);
    let scene = World::new().build_over(|ports| ports.projects = shared);
    (scene, store)
}

/// Lets all tasks run that can.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn writes_of_several_files_overlap() {
    let (scene, store) = slow_scene();
    let mut session = scene.streamer().await;
    let mut begun = Vec::new();
    for (name, content) in [("/a", "1"), ("/b", "333")] {
        let commit = commit_of(&scene, &mut session, post(name, content)).await;
        begun.push(scene.commit(commit));
    }
    settle().await;
    store.let_one_go();
    store.let_one_go();
    for work in begun {
        assert_eq!(work.await, Ok(Reply::FilePosted));
    }
    assert_eq!(
        scene.journal.take(),
        [
            "publish updates ana/demo but #1: updated /a v1",
            "publish updates ana/demo but #1: updated /b v3",
        ]
    );
}

#[tokio::test]
async fn a_change_that_has_begun_is_told_of_though_nobody_waits_for_it() {
    let (scene, store) = slow_scene();
    let mut session = scene.streamer().await;
    let commit = commit_of(&scene, &mut session, post("/a", "1")).await;
    let mut work = Box::pin(scene.commit(commit));
    settle().await;
    assert!(work.as_mut().now_or_never().is_none());
    drop(work);
    drop(session);
    let mut finished = Box::pin(scene.app.finish_work());
    assert!(finished.as_mut().now_or_never().is_none(), "one is in hand");
    store.let_one_go();
    finished.await;
    assert_eq!(store.journal.take(), ["put /a"]);
    let told = "publish updates ana/demo but #1: updated /a v1";
    assert_eq!(scene.journal.take(), [told]);
}

#[tokio::test]
async fn a_change_of_a_heavy_connection_waits_for_its_turn() {
    let (scene, store) = slow_scene();
    let mut session = scene.streamer().await;
    let change = commit_of(&scene, &mut session, post("/a", "1")).await;
    let (share, turn) = ProcessorShare::held_up();
    let work = commit(&scene.app, &share, change, |_| {});
    settle().await;
    assert!(store.waiting.lock().expect("not poisoned").is_empty());
    drop(turn);
    settle().await;
    store.let_one_go();
    work.await;
    assert_eq!(store.journal.take(), ["put /a"]);
}

#[tokio::test]
async fn a_panic_in_a_port_is_500_for_that_change_alone() {
    let mut world = World::new();
    let put = world.projects.expect_put_file().once();
    put.returning(|_, _, _, _, _, _| std::panic::resume_unwind(Box::new("a port's bug")));
    let scene = world.build();
    let mut session = scene.streamer().await;
    let answer = scene.ask(&mut session, post("/a", "1")).await;
    assert_eq!(answer, Err(RequestError::Internal));
    let answer = scene.ask(&mut session, post("/b", "1")).await;
    assert_eq!(answer, Ok(vec![Reply::FilePosted]));
}
