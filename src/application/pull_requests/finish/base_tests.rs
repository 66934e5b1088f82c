use crate::application::command::Command;
use crate::application::files::post_file::settle_upload;
use crate::application::reply::Reply;
use crate::application::test_world::{
    DESKTOP_PART_BYTES, World, based, delete, desktop_part, hash, is_bad, part, post,
};

const FINISH: Command = Command::FinishPullRequest;

#[tokio::test]
async fn the_base_that_is_handed_on_is_that_of_the_latest_post() {
    let scene = World::new().build();
    let mut session = scene.author().await;
    for command in [
        based(post("/kept", "x"), hash('a')),
        based(post("/replaced", "x"), hash('b')),
        based(post("/replaced", "y"), hash('c')),
        based(post("/forgotten", "x"), hash('d')),
        post("/forgotten", "y"),
        based(post("/deleted", "x"), hash('e')),
        delete("/deleted"),
        based(post("/written/again", "x"), hash('f')),
        delete("/written/"),
        post("/written/again", "x"),
        FINISH,
    ] {
        scene.ask(&mut session, command).await.expect("allowed");
    }
    let journal = scene.journal.take();
    let finished = journal.iter().find(|entry| entry.starts_with("draft fin"));
    assert_eq!(
        finished.expect("finished"),
        "draft finish [\"/forgotten\", \"/kept\", \"/replaced\", \"/written/again\"] [] \
         /kept from a /replaced from c"
    );
}

#[tokio::test]
async fn the_base_of_an_upload_is_the_first_that_came_with_one_of_its_parts() {
    let (a, b) = (hash('a'), hash('b'));
    let cases = [
        (
            "with each",
            vec![(1, Some(a)), (2, Some(a)), (3, Some(a))],
            " /u from a",
        ),
        (
            "the first alone",
            vec![(1, Some(a)), (2, None), (3, None)],
            " /u from a",
        ),
        (
            "the last alone",
            vec![(1, None), (2, None), (3, Some(a))],
            " /u from a",
        ),
        (
            "in whatever order",
            vec![(3, Some(a)), (1, Some(b)), (2, None)],
            " /u from a",
        ),
        (
            "a part again",
            vec![(2, Some(a)), (2, Some(b)), (1, None), (3, None)],
            " /u from a",
        ),
        (
            "anew with another",
            vec![(1, Some(a)), (2, None), (1, Some(b)), (2, None), (3, None)],
            " /u from b",
        ),
        (
            "anew with none",
            vec![(1, Some(a)), (2, Some(a)), (1, None), (2, None), (3, None)],
            "",
        ),
    ];
    for (how, parts, expected) in cases {
        let scene = World::new().build();
        let mut session = scene.author().await;
        for (number, base) in parts {
            let mut command = part("/u", "part", number, 3);
            if let Some(base) = base {
                command = based(command, base);
            }
            scene.ask(&mut session, command).await.expect("a part");
        }
        scene.ask(&mut session, FINISH).await.expect("whole");
        let journal = scene.journal.take();
        assert!(
            journal.contains(&"draft put /u \"partpartpart\"".to_owned()),
            "{how}"
        );
        let finished = format!("draft finish [\"/u\"] []{expected}");
        assert!(journal.contains(&finished), "{how}: {journal:?}");
    }
}

#[tokio::test]
async fn a_refused_part_gives_no_base() {
    let scene = World::new().build();
    let mut session = scene.author().await;
    let steps = [
        (part("/u", "one", 1, 2), false),
        (based(part("/u", "two", 3, 2), hash('a')), true),
        (based(part("/u", "two", 2, 3), hash('b')), true),
        (part("/u", "two", 2, 2), false),
        (FINISH, false),
    ];
    for (command, bad) in steps {
        assert_eq!(is_bad(&scene.ask(&mut session, command).await), bad);
    }
    let journal = scene.journal.take();
    assert!(
        journal.contains(&"draft finish [\"/u\"] []".to_owned()),
        "{journal:?}"
    );
}

#[tokio::test]
async fn the_desktop_clients_upload_without_its_last_part_keeps_its_base() {
    const FULL: usize = DESKTOP_PART_BYTES;
    for late in [false, true] {
        let scene = World::new().build();
        let mut session = scene.author().await;
        for number in [1, 2] {
            let command = based(desktop_part("/u", FULL, number, 3), hash('a'));
            scene.ask(&mut session, command).await.expect("a part");
        }
        let settled = settle_upload(&scene.app, &mut session, None).await;
        let settled = scene.finish(settled.expect("it settles")).await;
        assert_eq!(settled, Ok(vec![Reply::FilePosted]));
        if late {
            let last = based(desktop_part("/u", 5, 3, 3), hash('b'));
            scene
                .ask(&mut session, last)
                .await
                .expect("completes it again");
        }
        scene.ask(&mut session, FINISH).await.expect("whole");
        let journal = scene.journal.take();
        let finished = "draft finish [\"/u\"] [] /u from a".to_owned();
        assert!(journal.contains(&finished), "{late}: {journal:?}");
    }
}

#[tokio::test]
async fn a_base_changes_nothing_in_the_project() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let whole = based(post("/n", "x"), hash('a'));
    let parts = [1, 2].map(|number| based(part("/u", "one", number, 2), hash('a')));
    for command in [whole].into_iter().chain(parts) {
        scene.ask(&mut session, command).await.expect("allowed");
    }
    assert_eq!(
        scene.journal.take(),
        [
            "put ana/demo /n \"x\"",
            "publish updates ana/demo but #1: updated /n v1",
            "put ana/demo /u \"oneone\"",
            "publish updates ana/demo but #1: updated /u v2",
        ]
    );
}
