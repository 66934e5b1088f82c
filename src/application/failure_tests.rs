//! What becomes of a command when a port fails: one row for every method that waits for IO.

use std::collections::BTreeSet;

use super::ports::{FileWalk, MockFileSource, MockFileWalk, OpenFile};
use super::test_world::{
    ANA, BOB, Scene, World, authenticate, creation, delete, demo, disk_full, get, part, post,
    post_bytes, pull_request, streaming, viewing,
};
use super::{
    Command, ConnectionId, DeletePullRequest, Execution, Fetched, PartOf, Refusal, Session, sha256,
};
use crate::domain::{Outcome, PullRequestId, Timestamp, Version};

/// What was refused, if anything.
type Answer<'a> = std::pin::Pin<Box<dyn Future<Output = Option<Refusal>> + 'a>>;

/// What is asked while the port fails, by whom.
#[derive(Clone, Copy)]
enum Deed {
    AsStreamer(fn() -> Command),
    AsAuthor(fn() -> Command),
    AsStranger(fn() -> Command),
    /// To be fetched to its first step.
    Fetched(fn() -> Command),
    /// Not a command.
    Other(fn(&Scene) -> Answer<'_>),
}

struct Row {
    /// `Port::method`.
    method: &'static str,
    breaks: fn(&mut World),
    deed: Deed,
    /// `None` where what fails is told in another way, which the deed itself looks at.
    refusal: Option<Refusal>,
}

const ID: u128 = 7;

#[expect(clippy::too_many_lines, reason = "a table of one row per method")]
fn rows() -> Vec<Row> {
    let row = |method, breaks: fn(&mut World), deed, refusal| Row {
        method,
        breaks,
        deed,
        refusal,
    };
    vec![
        row(
            "ProjectRegistry::state",
            |world| {
                world
                    .registry
                    .expect_state()
                    .returning(|_| Err(disk_full()));
            },
            Deed::AsStranger(|| authenticate(BOB, viewing("bob", "ana/demo"))),
            Some(Refusal::Internal),
        ),
        row(
            "ProjectRegistry::register",
            |world| {
                world
                    .registry
                    .expect_register()
                    .returning(|_| Err(disk_full()));
            },
            Deed::AsStranger(|| authenticate(ANA, streaming("ana/demo"))),
            Some(Refusal::Internal),
        ),
        row(
            "ProjectRegistry::adopt",
            |world| {
                world.registry.expect_adopt().never();
            },
            // The operator's alone: no use case reaches it.
            Deed::Other(|_| Box::pin(async { None })),
            None,
        ),
        row(
            "ProjectRegistry::projects",
            |world| {
                world.policy.delete_abandoned_after = Some(std::time::Duration::ZERO);
                world
                    .registry
                    .expect_projects()
                    .returning(|| Err(disk_full()));
            },
            Deed::Other(|scene| {
                Box::pin(async {
                    assert!(scene.app.start_grace().await.is_err());
                    None
                })
            }),
            None,
        ),
        row(
            "ProjectStore::put_file",
            |world| {
                world
                    .projects
                    .expect_put_file()
                    .returning(|_, _, _, _| Err(disk_full()));
            },
            Deed::AsStreamer(|| post("a", "x")),
            Some(Refusal::UnwritableFile),
        ),
        row(
            "ProjectStore::delete_file",
            |world| {
                world
                    .projects
                    .expect_delete_file()
                    .returning(|_, _| Err(disk_full()));
            },
            Deed::AsStreamer(|| delete("a")),
            Some(Refusal::UnwritableFile),
        ),
        row(
            "ProjectStore::open_file",
            |world| {
                world
                    .projects
                    .expect_open_file()
                    .returning(|_, _| Err(disk_full()));
            },
            Deed::AsStranger(|| get(demo(), "a", false)),
            Some(Refusal::UnreadableFile),
        ),
        row(
            "ProjectStore::walk",
            |world| {
                world
                    .projects
                    .expect_walk()
                    .returning(|_, _, _| Err(disk_full()));
            },
            Deed::AsStranger(|| get(demo(), "/", true)),
            Some(Refusal::UnreadablePath),
        ),
        row(
            "ProjectStore::usage",
            |world| {
                world
                    .projects
                    .expect_usage()
                    .returning(|_| Err(disk_full()));
            },
            Deed::AsStranger(|| Command::ProjectStatus(Ok(demo()))),
            Some(Refusal::UnreadablePath),
        ),
        row(
            "FileWalk::next",
            |world| {
                world.projects.expect_walk().returning(|_, _, _| {
                    let mut walk = MockFileWalk::new();
                    walk.expect_next().returning(|_| Err(disk_full()));
                    Ok(Box::new(walk) as Box<dyn FileWalk>)
                });
            },
            Deed::Fetched(|| get(demo(), "/", true)),
            Some(Refusal::UnreadablePath),
        ),
        row(
            "FileSource::read",
            |_| {},
            Deed::Other(|_| {
                Box::pin(async {
                    let mut source = MockFileSource::new();
                    source.expect_read().returning(|_, _| Err(disk_full()));
                    let file = OpenFile {
                        version: Version::UNKNOWN,
                        bytes: 1,
                        modified: Timestamp::default(),
                        source: std::sync::Arc::new(source),
                    };
                    assert!(sha256(&file).await.is_err());
                    None
                })
            }),
            None,
        ),
        row(
            "DraftStore::put_file",
            |world| {
                world
                    .drafts
                    .expect_put_file()
                    .returning(|_, _, _| Err(disk_full()));
            },
            Deed::AsAuthor(|| post("new", "x")),
            Some(Refusal::UnwritableFile),
        ),
        row(
            "DraftStore::remove_file",
            |world| {
                world
                    .drafts
                    .expect_remove_file()
                    .returning(|_, _| Err(disk_full()));
            },
            Deed::AsAuthor(|| delete("posted")),
            Some(Refusal::UnwritableFile),
        ),
        row(
            "DraftStore::finish",
            |world| {
                world.drafts.expect_finish().returning(|_| Err(disk_full()));
            },
            Deed::AsAuthor(|| Command::FinishPullRequest),
            Some(Refusal::Internal),
        ),
        row(
            "PullRequestStore::open",
            |world| {
                // The first creation is that of the author's draft.
                let mut calls = 0;
                world.pull_requests.expect_open().returning(move |_, _| {
                    calls += 1;
                    if calls == 1 {
                        Ok(Vec::new())
                    } else {
                        Err(disk_full())
                    }
                });
            },
            Deed::AsAuthor(|| creation("another")),
            Some(Refusal::Internal),
        ),
        row(
            "PullRequestStore::find",
            |world| {
                world
                    .pull_requests
                    .expect_find()
                    .returning(|_, _| Err(disk_full()));
            },
            Deed::AsStreamer(|| Command::GetPullRequest(Ok(Some(PullRequestId::from_u128(ID))))),
            Some(Refusal::Internal),
        ),
        row(
            "PullRequestStore::open_file",
            |world| {
                world
                    .pull_requests
                    .expect_open_file()
                    .returning(|_, _, _| Err(disk_full()));
            },
            Deed::Fetched(|| Command::GetPullRequest(Ok(Some(PullRequestId::from_u128(ID))))),
            // One file that cannot be read; the others follow.
            Some(Refusal::UnreadableFile),
        ),
        row(
            "PullRequestStore::delete",
            |world| {
                world
                    .pull_requests
                    .expect_delete()
                    .returning(|_, _| Err(disk_full()));
            },
            Deed::AsStreamer(|| {
                let id = Some(PullRequestId::from_u128(ID));
                Command::DeletePullRequest(Ok(DeletePullRequest {
                    id,
                    outcome: Outcome::Closed,
                }))
            }),
            Some(Refusal::Internal),
        ),
        row(
            "UploadStaging::append",
            |world| {
                world
                    .staging
                    .expect_append()
                    .returning(|_, _| Err(disk_full()));
            },
            Deed::AsStreamer(|| {
                let part = PartOf {
                    number: Some(1),
                    count: 2,
                };
                post_bytes("big", vec![0; 300_000], Some(part))
            }),
            Some(Refusal::UnwritableFile),
        ),
    ]
}

async fn refusal_of(scene: &Scene, session: &mut Session, command: Command) -> Option<Refusal> {
    scene.ask(session, command).await.err()
}

async fn first_step(scene: &Scene, session: &mut Session, command: Command) -> Option<Refusal> {
    let execution = scene.app.execute(session, command).await;
    let (Execution::Files(mut fetch) | Execution::PullRequestFiles(mut fetch)) = execution else {
        return None;
    };
    match fetch.next().await {
        Some(Fetched::Broken(refusal)) => Some(refusal),
        Some(Fetched::Unreadable(_)) => Some(Refusal::UnreadableFile),
        Some(Fetched::File(..)) | None => None,
    }
}

#[tokio::test]
async fn every_failure_of_every_port_is_answered_and_told_to_nobody_else() {
    for Row {
        method,
        breaks,
        deed,
        refusal,
    } in rows()
    {
        let mut world = World::new();
        world.open = vec![pull_request(ID, demo(), "eve")];
        breaks(&mut world);
        let scene = world.build();
        let answered = match deed {
            Deed::AsStreamer(command) => {
                let mut session = scene.streamer().await;
                refusal_of(&scene, &mut session, command()).await
            }
            Deed::AsAuthor(command) => {
                let mut session = scene.author().await;
                scene.ask(&mut session, post("posted", "x")).await.ok();
                scene.journal.take();
                let answered = refusal_of(&scene, &mut session, command()).await;
                assert!(session.draft.is_some(), "{method} ended the draft");
                answered
            }
            Deed::AsStranger(command) => {
                let mut session = Session::new(ConnectionId(9));
                let answered = refusal_of(&scene, &mut session, command()).await;
                assert!(!session.is_authenticated(), "{method} left a role");
                answered
            }
            Deed::Fetched(command) => {
                let mut session = scene.streamer().await;
                first_step(&scene, &mut session, command()).await
            }
            Deed::Other(deed) => deed(&scene).await,
        };
        assert_eq!(answered, refusal, "{method}");
        let changes = scene.journal.take();
        assert!(
            changes.iter().all(|change| !change.starts_with("publish")),
            "{method}: {changes:?}"
        );
    }
}

#[tokio::test]
async fn an_upload_that_could_not_be_staged_is_over() {
    let mut world = World::new();
    world
        .staging
        .expect_append()
        .returning(|_, _| Err(disk_full()));
    let scene = world.build();
    let mut session = scene.streamer().await;
    let first = post_bytes(
        "big",
        vec![0; 300_000],
        Some(PartOf {
            number: Some(1),
            count: 2,
        }),
    );
    assert_eq!(
        scene.ask(&mut session, first).await,
        Err(Refusal::UnwritableFile)
    );
    let second = scene.ask(&mut session, part("big", "end", 2, 2)).await;
    assert_eq!(
        second,
        Ok(Vec::new()),
        "the second part alone makes no file"
    );
}

/// The ports whose methods wait for IO; `tests/architecture.rs` sees to it that none is missing.
const PORTS: [&str; 6] = [
    include_str!("ports/draft_store.rs"),
    include_str!("ports/file_source.rs"),
    include_str!("ports/project_registry.rs"),
    include_str!("ports/project_store.rs"),
    include_str!("ports/pull_request_store.rs"),
    include_str!("ports/upload_staging.rs"),
];

#[test]
fn no_method_of_a_port_is_without_its_row() {
    let mut methods = BTreeSet::new();
    for source in PORTS {
        let mut port = "";
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("pub trait ") {
                port = rest.split(':').next().unwrap_or_default();
            }
            if let Some(rest) = line.trim_start().strip_prefix("async fn ") {
                let name = rest.split('(').next().unwrap_or_default();
                methods.insert(format!("{port}::{name}"));
            }
        }
    }
    let rows: BTreeSet<_> = rows().iter().map(|row| row.method.to_owned()).collect();
    assert_eq!(rows, methods);
}
