use std::sync::Arc;

use futures_util::FutureExt;

use super::*;
use crate::application::command::Command;
use crate::application::connection_id::ConnectionId;
use crate::application::files::file_stream::NextFile;
use crate::application::memory::{Holder, MemoryBudget};
use crate::application::outcome::CommandOutcome;
use crate::application::ports::OpenFile;
use crate::application::request_error::BadParameters;
use crate::application::session::dispatch::execute;
use crate::application::test_world::{
    ADDRESS, ANA, EXPIRY, Scene, World, demo, disk_full, entry, get, hash, is_bad, is_unauthorized,
    list, new_session, next_of, open_file, other, path, pull_request, viewing,
};
use crate::domain::Sections;
use crate::domain::{ProjectEntry, Version};

fn nobody() -> Session {
    new_session(9)
}

const ID: u128 = 0x1234;

/// The name of something in the pull request [`ID`].
fn in_request(rest: &str) -> String {
    format!("/{}{rest}", PullRequestId::from_u128(ID))
}

/// A name, whether sub-folders are meant, and the files that are sent.
type Case = (
    &'static str,
    bool,
    Result<&'static [&'static str], RequestError>,
);

#[tokio::test]
async fn a_name_means_a_file_or_a_folder() {
    let cases: [Case; 12] = [
        ("/a", false, Ok(&["/a"])),
        ("/d/b", true, Ok(&["/d/b"])),
        ("/", false, Ok(&["/a", "/z"])),
        ("/", true, Ok(&["/a", "/d/b", "/d/e/c", "/z"])),
        ("/d", false, Ok(&["/d/b"])),
        ("/d/", false, Ok(&["/d/b"])),
        ("/d", true, Ok(&["/d/b", "/d/e/c"])),
        ("/gone", false, Err(RequestError::UnreadableFile)),
        ("/gone", true, Err(RequestError::UnreadablePath)),
        ("/gone/", false, Err(RequestError::UnreadablePath)),
        ("/a/", false, Err(RequestError::UnreadablePath)),
        ("/a/b", false, Err(RequestError::UnreadableFile)),
    ];
    let scene = World::new().build();
    for (name, recursively, expected) in cases {
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        for command in [
            get(demo(), name, recursively),
            list(demo(), name, recursively),
        ] {
            let names = scene.names(&mut nobody(), command).await;
            assert_eq!(names, expected, "{name} {recursively}");
        }
    }
}

#[tokio::test]
async fn the_name_that_was_asked_is_given_back_normalised() {
    let scene = World::new().build();
    for (name, asked) in [("", "/"), ("/", "/"), ("d//./", "/d"), ("a", "/a")] {
        let command = get(demo(), name, true);
        let CommandOutcome::Long(LongAnswer::Files(fetch)) =
            execute(&scene.app, &mut nobody(), command).await
        else {
            panic!("refused");
        };
        assert_eq!(
            (fetch.asked(), fetch.source().project()),
            (asked, Some(&demo()))
        );
    }
}

#[tokio::test]
async fn a_project_that_is_not_registered_holds_nothing() {
    for state in [ProjectState::Absent, ProjectState::Foreign] {
        let mut world = World::new();
        world.projects.expect_state().returning(move |_| Ok(state));
        let scene = world.build();
        for (name, recursively, refusal) in [
            ("/", true, RequestError::UnreadablePath),
            ("/d/", false, RequestError::UnreadablePath),
            ("/a", false, RequestError::UnreadableFile),
        ] {
            let command = get(demo(), name, recursively);
            let names = scene.names(&mut nobody(), command).await;
            assert_eq!(names, Err(refusal), "{state:?} {name}");
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_does_not_end_a_folder_and_one_that_is_gone_is_left_out() {
    let mut world = World::new();
    world.projects.expect_open_files().returning(|_, files, _| {
        let open = |file: &FilePath| match file.as_str() {
            "/d/b" => Err(disk_full()),
            "/z" => Err(StoreError::NotFound),
            _ => Ok(open_file(file)),
        };
        Ok(files.iter().map(open).collect())
    });
    let scene = world.build();
    let names = scene.names(&mut nobody(), get(demo(), "/", true)).await;
    let expected = ["/a", "unreadable /d/b", "/d/e/c"].map(str::to_owned);
    assert_eq!(names, Ok(expected.to_vec()));
}

#[tokio::test]
async fn a_folder_that_cannot_be_read_further_ends_there() {
    let mut world = World::new();
    let first = world.projects.expect_files_below().once();
    first.returning(|_, files, most| Ok(next_of(vec![path("/a")], files, most)));
    let below = world.projects.expect_files_below();
    below.returning(|_, _, _| Err(disk_full()));
    let scene = world.build();
    let names = scene.names(&mut nobody(), get(demo(), "/", true)).await;
    assert_eq!(
        names,
        Ok(vec!["/a".to_owned(), "broken UnreadablePath".to_owned()])
    );
}

#[tokio::test]
async fn where_reading_needs_a_token_it_must_name_the_project() {
    let scene = World::private().build();
    let shapeless = || Command::GetFiles(Err(BadParameters::new("no project")));
    assert!(is_unauthorized(
        &scene.ask(&mut nobody(), shapeless()).await
    ));
    assert!(is_unauthorized(
        &scene.ask(&mut nobody(), get(demo(), "/", true)).await
    ));
    let mut session = scene.connect(2, "bob:ana/demo", Sections::default()).await;
    assert!(is_bad(&scene.ask(&mut session, shapeless()).await));
    let ill_named = |project| {
        let files = Err(BadParameters::new("no name"));
        Command::GetFiles(Ok(ReadFiles { project, files }))
    };
    assert!(is_bad(&scene.ask(&mut session, ill_named(demo())).await));
    let answer = scene.ask(&mut session, ill_named(other())).await;
    assert!(is_unauthorized(&answer), "the right comes first");
    assert!(
        scene
            .ask(&mut session, get(demo(), "/", true))
            .await
            .is_ok()
    );
    assert!(is_unauthorized(
        &scene.ask(&mut session, get(other(), "/", true)).await
    ));
    let CommandOutcome::Long(LongAnswer::Files(mut fetch)) =
        execute(&scene.app, &mut session, get(demo(), "/", true)).await
    else {
        panic!("files");
    };
    assert!(matches!(fetch.next().await, Some(NextFile::File(..))));
    scene.at(EXPIRY);
    assert!(
        matches!(
            fetch.next().await,
            Some(NextFile::Broken(RequestError::Unauthorized(_)))
        ),
        "also in the middle"
    );
    assert!(is_unauthorized(
        &scene.ask(&mut session, get(demo(), "/", true)).await
    ));
    assert!(is_unauthorized(&scene.ask(&mut session, shapeless()).await));
}

fn with_a_request() -> Scene {
    let mut world = World::new();
    let mut request = pull_request(ID, demo(), "bob");
    request.files = ["/p", "/q/r", "/q/s/t"].map(path).to_vec();
    request.deleted = vec![path("/z")];
    request.bases = [(path("/q/r"), hash('a'))].into();
    world.open = vec![request];
    world.build()
}

#[tokio::test]
async fn a_pull_request_is_a_folder_to_its_streamer() {
    let scene = with_a_request();
    let mut streamer = scene.streamer().await;
    let cases: [Case; 11] = [
        ("", true, Ok(&["/p", "/q/r", "/q/s/t"])),
        ("/", false, Ok(&["/p"])),
        ("/p", false, Ok(&["/p"])),
        ("/q", false, Ok(&["/q/r"])),
        ("/q/", true, Ok(&["/q/r", "/q/s/t"])),
        ("/q/s/t", true, Ok(&["/q/s/t"])),
        ("/p/", false, Err(RequestError::UnreadablePath)),
        ("/z", false, Err(RequestError::UnreadableFile)),
        ("/a", false, Err(RequestError::UnreadableFile)),
        ("/x", true, Err(RequestError::UnreadablePath)),
        ("/q/r/x", false, Err(RequestError::UnreadableFile)),
    ];
    for (rest, recursively, expected) in cases {
        let expected = expected.map(|names| names.iter().map(ToString::to_string).collect());
        let name = in_request(rest);
        for command in [
            get(demo(), &name, recursively),
            list(demo(), &name, recursively),
        ] {
            let names = scene.names(&mut streamer, command).await;
            assert_eq!(names, expected, "{name} {recursively}");
        }
    }
}

#[tokio::test]
async fn the_name_asked_of_a_pull_request_is_without_its_id() {
    let scene = with_a_request();
    let mut streamer = scene.streamer().await;
    for (rest, asked) in [("", "/"), ("/q/", "/q"), ("/p", "/p")] {
        let command = get(demo(), &in_request(rest), true);
        let CommandOutcome::Long(LongAnswer::Files(fetch)) =
            execute(&scene.app, &mut streamer, command).await
        else {
            panic!("refused");
        };
        assert_eq!((fetch.asked(), fetch.source().project()), (asked, None));
    }
}

#[tokio::test]
async fn the_files_of_a_pull_request_come_with_their_bases() {
    let scene = with_a_request();
    let id = Some(PullRequestId::from_u128(ID));
    for command in [
        get(demo(), &in_request("/"), true),
        Command::GetPullRequest(Ok(id)),
    ] {
        let mut streamer = scene.streamer().await;
        let CommandOutcome::Long(LongAnswer::Files(fetch) | LongAnswer::PullRequestFiles(fetch)) =
            execute(&scene.app, &mut streamer, command).await
        else {
            panic!("refused");
        };
        let bases = ["/p", "/q/r", "/q/s/t", "/z"].map(|name| fetch.source().base(&path(name)));
        assert_eq!(bases, [None, Some(hash('a')), None, None]);
    }
    let mut streamer = scene.streamer().await;
    let command = get(demo(), "/", true);
    let CommandOutcome::Long(LongAnswer::Files(fetch)) =
        execute(&scene.app, &mut streamer, command).await
    else {
        panic!("refused");
    };
    assert_eq!(fetch.source().base(&path("/q/r")), None, "of the project");
}

#[tokio::test]
async fn to_all_others_a_pull_requests_id_is_an_ordinary_name() {
    let scene = with_a_request();
    let viewing_streamer = scene.connect(3, ANA, viewing("ana", "ana/demo")).await;
    let another = "dan:dan/other";
    let streamer_elsewhere = scene.connect(4, another, viewing("dan", "dan/other")).await;
    let mut expired = scene.streamer().await;
    let ordinary = |answer| assert_eq!(answer, Err(RequestError::UnreadableFile));
    for mut session in [
        nobody(),
        scene.viewer().await,
        viewing_streamer,
        streamer_elsewhere,
    ] {
        let command = get(demo(), &in_request("/p"), false);
        ordinary(scene.names(&mut session, command).await);
    }
    let unknown = format!("/{}/p", PullRequestId::from_u128(5));
    ordinary(
        scene
            .names(&mut expired, get(demo(), &unknown, false))
            .await,
    );
    ordinary(
        scene
            .names(&mut expired, get(other(), &in_request("/p"), false))
            .await,
    );
    scene.at(EXPIRY);
    ordinary(
        scene
            .names(&mut expired, get(demo(), &in_request("/p"), false))
            .await,
    );
}

#[tokio::test]
async fn a_digest_is_that_of_all_bytes() {
    let file = open_file(&path("/abc"));
    let digest = file.sha256().await.expect("readable");
    let known = "aaaea3613df9f409e3b79264ca21c3e12e99ad2d7b0f6fc9b4ca2f4610b878a1";
    assert_eq!(digest.to_string(), known);
    let mut empty = file.clone();
    empty.bytes = 0;
    let digest = empty.sha256().await.expect("readable");
    let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest.to_string(), known);
}

/// What a `list` reports: names, and whether with a hash.
pub(super) async fn listed(scene: &Scene, name: &str) -> Vec<(String, bool)> {
    listed_by(scene, list(demo(), name, true)).await
}

async fn listed_by(scene: &Scene, command: Command) -> Vec<(String, bool)> {
    let CommandOutcome::Long(LongAnswer::Listing(mut stream)) =
        execute(&scene.app, &mut nobody(), command).await
    else {
        panic!("refused");
    };
    let mut all = Vec::new();
    while let Some(next) = stream.next_listed().await {
        match next {
            NextFile::File(path, entry) => all.push((path.to_string(), entry.sha256.is_some())),
            other => panic!("{other:?}"),
        }
    }
    all
}

/// A file whose hash is known, unless it is `/z`.
fn known_but_z(path: &FilePath) -> ProjectEntry {
    ProjectEntry {
        sha256: Some(hash('a')).filter(|_| path.as_str() != "/z"),
        ..entry(path)
    }
}

#[tokio::test]
async fn a_list_opens_only_files_whose_hash_is_not_known_and_notes_it() {
    let mut world = World::new();
    let below = world.projects.expect_files_below();
    below.returning(move |_, files, most| {
        let names = ["/a", "/y", "/z"].map(path).to_vec();
        let next = next_of(names, files, most).into_iter();
        Ok(next
            .map(|(path, _)| (path.clone(), known_but_z(&path)))
            .collect())
    });
    let find = world.projects.expect_find_file();
    find.returning(move |_, path| Ok(known_but_z(path)));
    let open = world.projects.expect_open_files().once();
    open.returning(|_, files, _| {
        assert_eq!(files, [path("/z")]);
        Ok(vec![Ok(open_file(&files[0]))])
    });
    world.projects.expect_open_file().never();
    let note = world.projects.expect_note_hash().once();
    note.withf(|_, file, version, _| *file == path("/z") && *version == Version::new(1))
        .return_const(());
    let scene = world.build();
    let all = ["/a", "/y", "/z"].map(|name| (name.to_owned(), true));
    assert_eq!(listed(&scene, "/").await, all);
    assert_eq!(listed(&scene, "/a").await, [("/a".to_owned(), true)]);
}

#[tokio::test]
async fn a_list_without_hashes_opens_nothing_and_tells_none_even_if_it_is_known() {
    let mut world = World::new();
    let below = world.projects.expect_files_below();
    below.returning(move |_, files, most| {
        let next = next_of(["/a", "/z"].map(path).to_vec(), files, most);
        let next = next.into_iter().map(|(path, _)| path);
        Ok(next
            .map(|path| (path.clone(), known_but_z(&path)))
            .collect())
    });
    world.projects.expect_open_files().never();
    let scene = world.build();
    let Command::ListFiles(Ok(mut request)) = list(demo(), "/", true) else {
        panic!("a list");
    };
    request.files.as_mut().expect("a query").hashes = false;
    let command = Command::ListFiles(Ok(request));
    let expected = ["/a", "/z"].map(|name| (name.to_owned(), false));
    assert_eq!(listed_by(&scene, command).await, expected);
}

#[tokio::test]
async fn a_file_longer_than_a_file_may_be_is_listed_without_a_hash_and_not_opened() {
    for (bytes, is_hashed) in [(1_000_000, true), (1_000_001, false)] {
        let mut world = World::new();
        let long = move |path: &FilePath| ProjectEntry {
            bytes,
            ..entry(path)
        };
        let below = world.projects.expect_files_below();
        below.returning(move |_, files, most| {
            let next = next_of(vec![path("/a")], files, most).into_iter();
            Ok(next.map(|(path, _)| (path.clone(), long(&path))).collect())
        });
        let times = usize::from(is_hashed);
        let open = world.projects.expect_open_files().times(times);
        open.returning(|_, files, _| Ok(vec![Ok(open_file(&files[0]))]));
        let scene = world.build();
        let expected = [("/a".to_owned(), is_hashed)];
        assert_eq!(listed(&scene, "/").await, expected, "{bytes}");
    }
}

/// A connection with a token and an account in `memory`.
fn in_memory(number: u64, memory: &Arc<MemoryBudget>) -> Session {
    let account = memory.open_account();
    account.set_holder(Holder::Authenticated);
    Session::new(ConnectionId(number), ADDRESS, account)
}

#[tokio::test]
async fn gets_that_come_at_the_same_moment_open_files_only_as_there_is_memory_for_them() {
    const GETS: u64 = 50;
    let large = |path: &FilePath| OpenFile {
        bytes: HELD_FILE_BYTES as u64,
        ..open_file(path)
    };
    let mut world = World::new();
    let below = world.projects.expect_files_below();
    below.returning(move |_, position, _| {
        let is_first = position.after.is_none();
        let file = is_first.then(|| (path("/a"), large(&path("/a")).entry()));
        Ok(file.into_iter().collect())
    });
    let opening = world.projects.expect_open_files();
    opening.returning(move |_, paths, _| Ok(paths.iter().map(|path| Ok(large(path))).collect()));
    let scene = world.build();
    let memory = MemoryBudget::new(4 << 20);
    let mut streams = Vec::new();
    for number in 0..GETS {
        let mut session = in_memory(number, &memory);
        let outcome = execute(&scene.app, &mut session, get(demo(), "/", true)).await;
        let CommandOutcome::Long(LongAnswer::Files(files)) = outcome else {
            panic!("refused");
        };
        streams.push(files);
    }
    let mut sent = 0;
    assert!(memory.used() > 0, "the names count");
    while !streams.is_empty() {
        let names = memory.used();
        let mut waiting = Vec::new();
        let mut open = Vec::new();
        for mut files in streams {
            let next = files.next().now_or_never();
            match next {
                None => waiting.push(files),
                Some(Some(NextFile::File(..))) => open.push(files),
                other => panic!("{other:?}"),
            }
        }
        let one = OpenFile::sending_bytes(HELD_FILE_BYTES);
        assert_eq!(memory.used(), names + open.len() * one);
        assert!(!open.is_empty() && memory.used() < memory.max());
        sent += open.len() as u64;
        for files in &mut open {
            files.note_sent();
        }
        assert_eq!(memory.used(), names, "what has been sent takes no memory");
        streams = waiting;
    }
    assert_eq!(sent, GETS);
}
