use super::world::{World, assert_says, demo, path, project, pull_request};
use crate::application::ports::StoreError;
use crate::domain::{PullRequest, PullRequestId, UserName};

async fn finish(world: &World, finished: PullRequest) {
    world.drafts.finish(finished).await.expect("finishes");
}

fn ids(ids: &[u128]) -> Vec<PullRequestId> {
    ids.iter().copied().map(PullRequestId::from_u128).collect()
}

fn user(name: &str) -> UserName {
    UserName::parse(name).expect("valid")
}

pub(super) async fn they_are_listed_oldest_first(world: World) {
    for (id, date) in [(1, 30), (2, 10), (4, 20), (3, 20)] {
        finish(&world, pull_request(id, date, &[], &["a"])).await;
    }
    let open = world.pull_requests.open(&demo(), None).await;
    assert_eq!(
        open.expect("lists"),
        ids(&[2, 3, 4, 1]),
        "by date, then by id"
    );
}

pub(super) async fn they_are_listed_by_owner(world: World) {
    finish(&world, pull_request(1, 10, &[], &["a"])).await;
    let eves = PullRequest {
        owner: user("eve"),
        ..pull_request(2, 20, &[], &["a"])
    };
    finish(&world, eves).await;
    for (owner, expected) in [("bob", ids(&[1])), ("eve", ids(&[2])), ("ana", ids(&[]))] {
        let open = world.pull_requests.open(&demo(), Some(user(owner))).await;
        assert_eq!(open.expect("lists"), expected, "{owner}");
    }
}

pub(super) async fn each_belongs_to_its_project(world: World) {
    let other = project("ana", "other");
    world.put_draft(1, "a", b"x").await;
    finish(&world, pull_request(1, 10, &["a"], &[])).await;
    let open = world.pull_requests.open(&other, None).await;
    assert_eq!(open.expect("lists"), []);
    let id = PullRequestId::from_u128(1);
    assert_says!(
        world.pull_requests.find(&other, id).await,
        StoreError::NotFound
    );
    let file = world.pull_requests.open_file(&other, id, &path("a")).await;
    assert_says!(file, StoreError::NotFound);
    assert_says!(
        world.pull_requests.delete(&other, id).await,
        StoreError::NotFound
    );
    world
        .pull_requests
        .find(&demo(), id)
        .await
        .expect("is still open");
}

pub(super) async fn what_is_unknown_is_not_found(world: World) {
    let (demo, id) = (demo(), PullRequestId::from_u128(1));
    assert_eq!(
        world.pull_requests.open(&demo, None).await.expect("lists"),
        []
    );
    assert_says!(
        world.pull_requests.find(&demo, id).await,
        StoreError::NotFound
    );
    assert_says!(
        world.pull_requests.delete(&demo, id).await,
        StoreError::NotFound
    );
    world.put_draft(1, "a", b"x").await;
    finish(&world, pull_request(1, 10, &["a"], &["b"])).await;
    for name in ["b", "c", "a/b"] {
        let file = world.pull_requests.open_file(&demo, id, &path(name)).await;
        assert_says!(file, StoreError::NotFound, "{name}");
    }
}

pub(super) async fn a_deleted_one_is_gone(world: World) {
    let (demo, id) = (demo(), PullRequestId::from_u128(1));
    world.put_draft(1, "a", b"x").await;
    finish(&world, pull_request(1, 10, &["a"], &[])).await;
    finish(&world, pull_request(2, 20, &[], &["a"])).await;
    world
        .pull_requests
        .delete(&demo, id)
        .await
        .expect("is deleted");
    assert_says!(
        world.pull_requests.delete(&demo, id).await,
        StoreError::NotFound
    );
    assert_says!(
        world.pull_requests.find(&demo, id).await,
        StoreError::NotFound
    );
    let file = world.pull_requests.open_file(&demo, id, &path("a")).await;
    assert_says!(file, StoreError::NotFound);
    let open = world.pull_requests.open(&demo, None).await;
    assert_eq!(open.expect("lists"), ids(&[2]));
}
