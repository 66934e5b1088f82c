use futures_util::FutureExt;

use super::*;
use crate::application::memory::{Holder, MemoryBudget};
use crate::application::test_world::{World, demo, disk_full, long_names, pull_request};

fn id(number: u128) -> PullRequestId {
    PullRequestId::from_u128(number)
}

#[tokio::test]
async fn pages_are_bounded_and_leave_out_what_is_gone() {
    let mut world = World::new();
    let ids: Vec<_> = (1..=20).map(id).collect();
    let open = ids.clone();
    world
        .pull_requests
        .expect_open()
        .returning(move |_, _| Ok(open.clone()));
    // The odd ones have been deleted in the meantime.
    world
        .pull_requests
        .expect_find()
        .returning(|project, found| {
            let number = (1..=20)
                .find(|number| id(*number) == found)
                .expect("one of them");
            if number % 2 == 1 {
                return Err(StoreError::NotFound);
            }
            let mut request = pull_request(number, project.clone(), "bob");
            request.description = "x".repeat(100_000).into();
            Ok(request)
        });
    let scene = world.build();
    let account = MemoryBudget::new(256 << 20).open_account();
    let mut pages = PullRequestPages::new(demo(), ids, None, &account);
    let mut lengths = Vec::new();
    let mut last = None;
    while !pages.is_over() {
        let (page, _) = next_pull_requests(&scene.app, &mut pages)
            .await
            .expect("found");
        lengths.push(page.len());
        for found in page {
            assert!(last < Some(found.id), "oldest first");
            last = Some(found.id);
        }
    }
    assert_eq!(lengths, [3, 3, 3, 1]);
}

#[tokio::test]
async fn one_that_cannot_be_read_keeps_no_other_back() {
    let mut world = World::new();
    world
        .pull_requests
        .expect_find()
        .returning(|project, found| {
            if found == id(2) {
                return Err(disk_full());
            }
            Ok(pull_request(1, project.clone(), "bob"))
        });
    let scene = world.build();
    let account = MemoryBudget::new(256 << 20).open_account();
    let mut pages = PullRequestPages::new(demo(), vec![id(1), id(2), id(3)], None, &account);
    let mut found = Vec::new();
    while !pages.is_over() {
        let page = next_pull_requests(&scene.app, &mut pages).await;
        found.push(page.map(|(page, _)| page.len()));
    }
    assert_eq!(found, [Ok(1), Err(RequestError::Internal), Ok(1)]);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_500() {
    let mut world = World::new();
    let fails = |_: &ProjectId, _| Err(disk_full());
    world.pull_requests.expect_find().returning(fails);
    let scene = world.build();
    let account = MemoryBudget::new(256 << 20).open_account();
    let mut pages = PullRequestPages::new(demo(), vec![id(7)], None, &account);
    let page = next_pull_requests(&scene.app, &mut pages).await;
    assert_eq!(page.err(), Some(RequestError::Internal));
}

#[tokio::test]
async fn a_page_waits_for_memory_and_is_reserved_until_it_has_been_sent() {
    let mut world = World::new();
    let find = world.pull_requests.expect_find();
    find.returning(|project, _| Ok(long_names(pull_request(1, project.clone(), "bob"))));
    let scene = world.build();
    let memory = MemoryBudget::new(4 << 20);
    let account = memory.open_account();
    account.set_holder(Holder::Authenticated);
    let mut pages = PullRequestPages::new(demo(), vec![id(1)], None, &account);
    let others = memory.reserve(4 << 20);
    let next = next_pull_requests(&scene.app, &mut pages);
    assert!(next.now_or_never().is_none(), "there is no memory");
    drop(others);
    let page = next_pull_requests(&scene.app, &mut pages).await;
    let (page, held) = page.expect("found");
    assert_eq!(memory.used(), page[0].memory_bytes());
    drop(held);
    assert_eq!(memory.used(), 0);
}
