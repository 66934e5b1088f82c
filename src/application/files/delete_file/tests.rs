use std::iter;

use super::*;
use crate::application::command::Command;
use crate::application::request_error::BadParameters;
use crate::application::test_world::{
    World, based, creation, delete, hash, is_bad, is_unauthorized, next_of, over, part, path, post,
};

/// Carries out `commands` in a draft; returns the last answer and what was done.
async fn in_a_draft(commands: Vec<Command>) -> (Result<Vec<Reply>, RequestError>, Vec<String>) {
    let scene = World::new().build();
    let mut session = scene.author().await;
    let mut last = Ok(Vec::new());
    for command in commands
        .into_iter()
        .chain(iter::once(Command::FinishPullRequest))
    {
        if !matches!(command, Command::FinishPullRequest) {
            last = scene.ask(&mut session, command).await;
        } else if last.is_ok() {
            let _ = scene.ask(&mut session, command).await;
        }
    }
    (last, scene.journal.take())
}

#[tokio::test]
async fn a_viewer_without_a_draft_deletes_nothing() {
    let scene = World::new().build();
    let mut session = scene.viewer().await;
    let answer = scene.ask(&mut session, delete("/a")).await;
    assert!(is_unauthorized(&answer));
    assert!(scene.journal.take().is_empty());
}

#[tokio::test]
async fn the_right_is_checked_before_the_parameters() {
    let shapeless = || Command::DeleteFile(Err(BadParameters::new("no name")));
    let scene = World::new().build();
    let mut viewer = scene.viewer().await;
    assert!(is_unauthorized(&scene.ask(&mut viewer, shapeless()).await));
    let mut author = scene.author().await;
    assert!(is_bad(&scene.ask(&mut author, shapeless()).await));
}

#[tokio::test]
async fn a_draft_takes_back_its_own_files_or_proposes_deletions() {
    let put = "draft put /n/x \"x\"".to_owned();
    let remove = "draft remove /n/x".to_owned();
    let cases: [(&str, Vec<Command>, Vec<String>); 8] = [
        (
            "its own file",
            vec![post("/n/x", "x"), delete("/n/x"), delete("/a")],
            vec![put.clone(), remove.clone(), finished("[]", r#"["/a"]"#)],
        ),
        (
            "its own folder",
            vec![post("/n/x", "x"), delete("/n/"), delete("/a")],
            vec![put.clone(), remove, finished("[]", r#"["/a"]"#)],
        ),
        (
            "a file of the project",
            vec![delete("/d/b")],
            vec![finished("[]", r#"["/d/b"]"#)],
        ),
        (
            "a folder of the project",
            vec![post("/n/x", "x"), delete("/d")],
            vec![put, finished(r#"["/n/x"]"#, r#"["/d/b", "/d/e/c"]"#)],
        ),
        (
            "twice",
            vec![delete("/a"), delete("/a")],
            vec![finished("[]", r#"["/a"]"#)],
        ),
        (
            "with what is to be deleted, the latest of them",
            vec![
                based(delete("/a"), hash('a')),
                based(delete("/d/b"), hash('b')),
                based(delete("/d/b"), hash('c')),
                based(delete("/z"), hash('d')),
                delete("/z"),
            ],
            vec![finished(
                "[]",
                r#"["/a", "/d/b", "/z"] /a from a /d/b from c"#,
            )],
        ),
        (
            "a folder, of which one file has been said before",
            vec![
                based(delete("/d/b"), hash('b')),
                based(delete("/d"), hash('d')),
            ],
            vec![finished("[]", r#"["/d/b", "/d/e/c"] /d/b from b"#)],
        ),
        (
            "a later post withdraws it",
            vec![delete("/a"), post("/a", "x")],
            vec!["draft put /a \"x\"".to_owned(), finished(r#"["/a"]"#, "[]")],
        ),
    ];
    for (case, commands, mut expected) in cases {
        expected.push("publish proposals ana/demo: created \"title\" by bob".to_owned());
        let (last, done) = in_a_draft(commands).await;
        assert!(last.is_ok(), "{case}: {last:?}");
        assert_eq!(done, expected, "{case}");
    }
}

fn finished(files: &str, deleted: &str) -> String {
    format!("draft finish {files} {deleted}")
}

#[tokio::test]
async fn what_is_neither_in_the_draft_nor_in_the_project_cannot_be_deleted() {
    for name in ["/gone", "/gone/", "/a/"] {
        let (last, done) = in_a_draft(vec![delete(name)]).await;
        assert_eq!(last, Err(RequestError::UnreadableFile), "{name}");
        assert!(done.is_empty(), "{name}");
    }
    let (last, _) = in_a_draft(vec![part("/u", "begun", 1, 2), delete("/u")]).await;
    assert_eq!(
        last,
        Err(RequestError::UnreadableFile),
        "only an upload under way"
    );
}

#[tokio::test]
async fn a_folder_with_too_many_files_is_not_proposed_at_all() {
    for (files, refusal) in [(10, None), (11, Some(over("maxPullRequestFiles", 10)))] {
        let mut world = World::new();
        let below = world.projects.expect_files_below();
        below.returning(move |_, asked, most| {
            let names = (10..10 + files).map(|number| path(&format!("/d/{number}")));
            Ok(next_of(names.collect(), asked, most))
        });
        let scene = world.build();
        let mut session = scene.author().await;
        let answer = scene.ask(&mut session, delete("/d")).await;
        assert_eq!(answer.err(), refusal);
        let finish = scene.ask(&mut session, Command::FinishPullRequest).await;
        assert_eq!(is_bad(&finish), refusal.is_some(), "the draft is empty");
    }
}

#[tokio::test]
async fn a_new_draft_knows_nothing_of_the_one_before() {
    let (last, done) = in_a_draft(vec![
        post("/a", "x"),
        delete("/d"),
        creation("second"),
        delete("/z"),
    ])
    .await;
    assert!(last.is_ok());
    assert_eq!(
        done,
        [
            "draft put /a \"x\"".to_owned(),
            "draft discard".to_owned(),
            finished("[]", r#"["/z"]"#),
            "publish proposals ana/demo: created \"second\" by bob".to_owned(),
        ]
    );
}

#[tokio::test]
async fn where_deletions_of_folders_are_ignored_they_are_answered_and_delete_nothing() {
    let mut world = World::new();
    world.policy.ignores_folder_deletions = true;
    let scene = world.build();
    let mut session = scene.streamer().await;
    let begun = part("/n/x", "one", 1, 2);
    scene.ask(&mut session, begun).await.expect("ok");
    for command in [post("/d/b", "b"), post("/d/e/c", "c")] {
        scene.ask(&mut session, command).await.expect("ok");
    }
    scene.journal.take();
    for folder in ["/d", "/d/", "/d/e"] {
        let answer = scene.ask(&mut session, delete(folder)).await;
        assert_eq!(answer, Ok(vec![Reply::FileDeleted]), "{folder}");
    }
    assert!(scene.journal.take().is_empty());
    assert_eq!(
        scene.ask(&mut session, delete("/n")).await,
        Err(RequestError::UnreadableFile)
    );
    let whole = scene.ask(&mut session, part("/n/x", "two", 2, 2)).await;
    assert_eq!(
        whole,
        Ok(vec![Reply::FilePosted]),
        "the upload in the folder goes on"
    );
    let file = scene.ask(&mut session, delete("/d/b")).await;
    assert_eq!(file, Ok(vec![Reply::FileDeleted]));
    assert!(!scene.journal.take().is_empty());
}
