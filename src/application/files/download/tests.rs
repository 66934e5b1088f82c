use std::time::Duration;

use super::*;
use crate::application::memory::{Holder, MemoryBudget};
use crate::application::ports::StoreError;
use crate::application::test_world::{
    ADDRESS, ANA, BOB, EXPIRY, Scene, World, demo, disk_full, entry, names_of, open_file, path,
};
use crate::domain::ClientAddress;

fn account() -> Arc<Account> {
    MemoryBudget::new(256 << 20).open_account()
}

/// A client that takes all at once.
#[derive(Debug)]
struct Client;

impl DownloadClient for Client {
    fn stalled_for(&self) -> Duration {
        Duration::ZERO
    }

    fn address(&self) -> ClientAddress {
        ADDRESS
    }
}

fn visitor_at(scene: &Scene, token: Option<&str>, account: &Arc<Account>) -> Visitor {
    Visitor::new(&scene.app, token, account, Arc::new(Client))
}

fn visitor(scene: &Scene, token: Option<&str>) -> Visitor {
    visitor_at(scene, token, &account())
}

/// A world in which the file `/a` has this content.
fn with_file(mut world: World, content: Vec<u8>) -> Scene {
    let file = OpenFile {
        bytes: content.len() as u64,
        source: Arc::new(Bytes::from(content)),
        ..open_file(&path("/a"))
    };
    let opened = move |_: &ProjectId, _: &FilePath| Ok(file.clone());
    world.projects.expect_open_file().returning(opened);
    world.build()
}

async fn rest(mut file: FileDownload) -> Result<Vec<u8>, DownloadError> {
    let mut all = Vec::new();
    while let Some(piece) = file.next().await {
        let piece = piece?;
        assert!(piece.len() <= PIECE_BYTES);
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

#[tokio::test]
async fn rights_are_those_of_get() {
    let tokens = [
        None,
        Some(""),
        Some("nonsense"),
        Some("dan:dan/other"),
        Some("bob:ana/demo,rights=chat"),
        Some("bob:ana/demo,exp=1000"),
        Some("bob:ana/demo,rights=read"),
        Some(BOB),
        Some(ANA),
    ];
    for (world, readers) in [(World::new(), 0), (World::private(), 6)] {
        let scene = world.build();
        for (index, token) in tokens.into_iter().enumerate() {
            let visitor = visitor(&scene, token);
            let file = project_file(&scene.app, &visitor, &demo(), &path("/a")).await;
            let files = project_files(&scene.app, &visitor, &demo()).await;
            for refusal in [file.err(), files.err()] {
                let is_unauthorized = matches!(refusal, Some(DownloadError::Unauthorized(_)));
                assert_eq!(is_unauthorized, index < readers, "{token:?}: {refusal:?}");
                assert_eq!(refusal.is_some(), is_unauthorized, "{token:?}: {refusal:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_missing_is_told_only_to_those_who_may_read() {
    let scene = World::private().build();
    for (token, expected) in [(None, 401), (Some(BOB), 404)] {
        let visitor = visitor(&scene, token);
        let found = project_file(&scene.app, &visitor, &demo(), &path("/none")).await;
        let status = match found.map(drop).expect_err("is not there") {
            DownloadError::Unauthorized(_) => 401,
            DownloadError::Missing => 404,
            other => panic!("{other}"),
        };
        assert_eq!(status, expected);
    }
}

#[tokio::test]
async fn all_files_come_in_order_and_a_list_opens_none() {
    let mut world = World::new();
    world.projects.expect_open_files().never();
    let scene = world.build();
    let files = project_files(&scene.app, &visitor(&scene, None), &demo()).await;
    let (_, mut files) = files.expect("a project");
    let mut listed = Vec::new();
    while let Some(next) = files.next_listed().await {
        let crate::application::NextFile::File(path, found) = next else {
            panic!("{next:?}");
        };
        assert_eq!(found.bytes, entry(&path).bytes);
        listed.push(path.to_string());
    }
    assert_eq!(listed, ["/a", "/d/b", "/d/e/c", "/z"]);
    let scene = World::new().build();
    let files = project_files(&scene.app, &visitor(&scene, None), &demo()).await;
    assert_eq!(names_of(files.expect("a project").1).await, listed);
}

#[tokio::test]
async fn a_file_comes_in_pieces_and_so_does_a_part_of_it() {
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let scene = with_file(World::new(), content.clone());
    let visitor = visitor(&scene, None);
    let file = || async {
        let file = project_file(&scene.app, &visitor, &demo(), &path("/a")).await;
        file.expect("a file")
    };
    let whole = file().await;
    assert_eq!(whole.bytes(), 800_000);
    assert!(rest(whole).await.expect("reads") == content);
    for part in [
        0..1,
        5..5,
        65_536..65_537,
        100_000..400_001,
        799_999..800_000,
    ] {
        let read = rest(file().await.part(part.clone())).await.expect("reads");
        let fits = |offset| usize::try_from(offset).expect("fits");
        assert!(
            read == content[fits(part.start)..fits(part.end)],
            "{part:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_changed_under_way_ends_in_an_error_whatever_part_is_read() {
    let mut world = World::new();
    let opened = |_: &ProjectId, path: &FilePath| {
        let mut source = crate::application::ports::MockFileSource::new();
        source.expect_read().returning(|offset, length| {
            if offset + length as u64 == 300_000 {
                return Err(disk_full());
            }
            Ok(vec![0; length].into())
        });
        Ok(OpenFile {
            bytes: 300_000,
            source: Arc::new(source),
            ..open_file(path)
        })
    };
    world.projects.expect_open_file().returning(opened);
    let scene = world.build();
    let visitor = visitor(&scene, None);
    for part in [0..300_000, 0..100_000, 299_999..300_000] {
        let file = project_file(&scene.app, &visitor, &demo(), &path("/a")).await;
        let error = rest(file.expect("a file").part(part.clone())).await;
        assert!(matches!(error, Err(DownloadError::Failed)), "{part:?}");
    }
}

#[tokio::test]
async fn a_token_that_expires_under_way_ends_the_answer_that_needs_it() {
    for (world, breaks) in [(World::private(), true), (World::new(), false)] {
        let scene = with_file(world, vec![7; 200_000]);
        let visitor = visitor(&scene, Some(BOB));
        let file = project_file(&scene.app, &visitor, &demo(), &path("/a")).await;
        let mut file = file.expect("a file");
        file.next().await.expect("a piece").expect("is permitted");
        scene.at(EXPIRY);
        let next = file.next().await.expect("a piece or an error");
        assert_eq!(next.is_err(), breaks);
    }
}

#[tokio::test]
async fn what_is_read_counts_until_the_download_ends() {
    let scene = with_file(World::new(), vec![7; 200_000]);
    let account = account();
    let visitor = visitor_at(&scene, None, &account);
    assert_eq!(account.holder(), Holder::Unauthenticated);
    let file = project_file(&scene.app, &visitor, &demo(), &path("/a")).await;
    assert_eq!(account.held(), DOWNLOAD_BYTES);
    drop(file);
    assert_eq!(account.held(), 0);
    visitor_at(&scene, Some(BOB), &account);
    assert_eq!(account.holder(), Holder::Authenticated);
}

#[tokio::test]
async fn every_failure_of_the_store_has_its_answer() {
    type Error = fn() -> StoreError;
    type Fails = fn(&mut World, Error);
    let revision: Fails = |world, error| {
        let revision = world.projects.expect_revision();
        revision.returning(move |_| Err(error()));
    };
    let below: Fails = |world, error| {
        let below = world.projects.expect_files_below();
        below.returning(move |_, _, _| Err(error()));
    };
    let open: Fails = |world, error| {
        let open = world.projects.expect_open_file();
        open.returning(move |_, _| Err(error()));
    };
    let errors: [(Error, &str); 3] = [
        (|| StoreError::NotFound, "Missing"),
        (|| StoreError::Unavailable, "Unavailable"),
        (disk_full, "Failed"),
    ];
    for (error, expected) in errors {
        for (fails, is_file) in [(revision, false), (below, false), (open, true)] {
            let mut world = World::new();
            fails(&mut world, error);
            let scene = world.build();
            let visitor = visitor(&scene, None);
            let refusal = if is_file {
                let file = project_file(&scene.app, &visitor, &demo(), &path("/a")).await;
                file.map(drop)
            } else {
                let files = project_files(&scene.app, &visitor, &demo()).await;
                files.map(drop)
            };
            let refusal = refusal.expect_err("it fails");
            assert_eq!(format!("{refusal:?}"), expected);
        }
    }
}
