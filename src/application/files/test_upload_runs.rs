//! Runs of posts, written as tables.

use crate::application::command::{Command, PartOf};
use crate::application::files::post_file::settle_upload;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::state::Session;
use crate::application::test_world::{
    DESKTOP_PART_BYTES, Scene, desktop_part, over, part, post, post_bytes,
};

const COLUMNS: [&str; 5] = ["file", "part", "of", "content", "answer"];

/// Sends the posts one after the other and compares each answer. The table's columns are
/// [`COLUMNS`]; `-` is no part, or no content.
pub(crate) async fn run(scene: &Scene, session: &mut Session, table: &str) {
    let rows = table.lines().filter(|line| !line.trim().is_empty());
    let mut rows = rows.map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(rows.next().expect("a header"), COLUMNS);
    let mut any = false;
    for row in rows {
        let [post @ .., answer] = &row[..] else {
            panic!("an empty row");
        };
        let expected = match *answer {
            "waits" => Ok(vec![]),
            "posted" => Ok(vec![Reply::FilePosted]),
            limit => Err(refusal(limit)),
        };
        let answer = scene.ask(session, command_of(post)).await;
        assert_eq!(answer, expected, "{row:?} of {table}");
        any = true;
    }
    assert!(any, "an empty table");
}

/// The post that the columns before the answer describe.
pub(crate) fn command_of(columns: &[&str]) -> Command {
    let [name, number, count, content] = columns else {
        panic!("not a post: {columns:?}");
    };
    let content = if *content == "-" { "" } else { content };
    match *number {
        "-" => post(name, content),
        "lowest" => lowest(name, content, count.parse().expect("a number")),
        number => part(
            name,
            content,
            number.parse().expect("a number"),
            count.parse().expect("a number"),
        ),
    }
}

fn refusal(text: &str) -> RequestError {
    let (limit, value) = text.split_once('=').expect("limit=value");
    let limits = ["maxFileBytes", "maxOpenUploads", "maxOpenUploadBytes"];
    let limit = limits.into_iter().find(|known| *known == limit);
    over(limit.expect("a limit"), value.parse().expect("a number"))
}

/// A part without a number.
pub(crate) fn lowest(name: &str, content: &str, count: u32) -> Command {
    let part = PartOf {
        number: None,
        count,
    };
    post_bytes(name, content.as_bytes().to_vec(), Some(part))
}

/// Sends a part after which others are still missing.
pub(crate) async fn waits(scene: &Scene, session: &mut Session, command: Command) {
    let shown = format!("{command:?}");
    assert_eq!(scene.ask(session, command).await, Ok(vec![]), "{shown}");
}

/// Sends what completes a file.
pub(crate) async fn posts(scene: &Scene, session: &mut Session, command: Command) {
    let shown = format!("{command:?}");
    let answer = scene.ask(session, command).await;
    assert_eq!(answer, Ok(vec![Reply::FilePosted]), "{shown}");
}

/// Sends the commands one after the other and compares each answer.
pub(crate) async fn told(
    scene: &Scene,
    session: &mut Session,
    steps: Vec<(Command, Result<&[Reply], &RequestError>)>,
) {
    for (command, expected) in steps {
        let shown = format!("{command:?}");
        let answer = scene.ask(session, command).await;
        assert_eq!(answer.as_deref(), expected, "{shown}");
    }
}

pub(crate) const POSTED: Result<&[Reply], &RequestError> = Ok(&[Reply::FilePosted]);
pub(crate) const WAITS: Result<&[Reply], &RequestError> = Ok(&[]);

/// The journal's entries about what was stored.
pub(crate) fn stored(scene: &Scene) -> Vec<String> {
    let mut journal = scene.journal.take();
    journal.retain(|entry| entry.starts_with("put") || entry.starts_with("draft put"));
    journal
}

/// The content of a full part from the desktop client, in bytes.
pub(crate) const FULL: usize = DESKTOP_PART_BYTES;

/// What the connection's next message (`None`: its silence or end) does to its uploads.
pub(crate) async fn settle(
    scene: &Scene,
    session: &mut Session,
    next: Option<&Command>,
) -> Option<Result<Vec<Reply>, RequestError>> {
    match settle_upload(&scene.app, session, next).await {
        Some(execution) => Some(scene.finish(execution).await),
        None => None,
    }
}

/// An upload of two full parts that announces three.
pub(crate) async fn off_by_one(scene: &Scene, session: &mut Session, name: &str) {
    for number in [1, 2] {
        let command = desktop_part(name, FULL, number, 3);
        assert_eq!(settle(scene, session, Some(&command)).await, None);
        told(scene, session, vec![(command, WAITS)]).await;
    }
}
