use super::world::{World, assert_says, demo, path, project, pull_request};
use std::sync::{Arc, Mutex};

use crate::application::locks::lock;
use crate::application::ports::{FinishError, StoreError, Turn};
use crate::domain::{Outcome, PullRequest, PullRequestId, UserName};

async fn finish(world: &World, finished: PullRequest) {
    world.finish(finished).await.expect("finishes");
}

fn ids(ids: &[u128]) -> Vec<PullRequestId> {
    ids.iter().copied().map(PullRequestId::from_u128).collect()
}

fn nothing() -> Turn {
    Box::new(|| {})
}

fn user(name: &str) -> UserName {
    UserName::parse(name).expect("valid")
}

pub(super) async fn they_are_dated_and_listed_in_the_order_in_which_they_were_finished(
    world: World,
) {
    let mut dates = Vec::new();
    for (id, date) in [(1, 30), (2, 10), (4, 40), (3, 40)] {
        finish(&world, pull_request(id, date, &[], &["a"])).await;
        let found = world.pull_requests.find(&demo(), ids(&[id])[0]).await;
        dates.push(found.expect("is open").date.as_millis());
    }
    assert_eq!(dates, [30, 31, 40, 41]);
    let open = world.pull_requests.open(&demo(), None).await;
    assert_eq!(open.expect("lists"), ids(&[1, 2, 4, 3]));
}

pub(super) async fn an_author_may_have_so_many_open_and_no_more(world: World) {
    let silent = || Box::new(|_: &PullRequest| {});
    let finish = |id, most| {
        let finished = pull_request(id, 10, &["a"], &[]);
        world.pull_requests.finish(finished, most, silent())
    };
    for id in 1..=4 {
        world.put_draft(id, "a", b"x").await;
    }
    finish(1, 2).await.expect("the first");
    let (second, third) = tokio::join!(finish(2, 2), finish(3, 2));
    second.expect("the second");
    assert_says!(third, FinishError::TooManyOpen);
    let eves = PullRequest {
        owner: user("eve"),
        ..pull_request(4, 10, &["a"], &[])
    };
    let eves = world.pull_requests.finish(eves, 1, silent()).await;
    eves.expect("another author");
    let deleted = world
        .pull_requests
        .delete(&demo(), ids(&[1])[0], Outcome::Closed, nothing())
        .await;
    deleted.expect("is deleted");
    finish(3, 2).await.expect("the draft has stayed");
}

pub(super) async fn each_is_told_of_in_its_turn(world: World) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let finish = |id: u128, files: &'static [&str]| {
        let told = Arc::clone(&told);
        let tell = move |kept: &PullRequest| lock(&told).push((kept.date, kept.id));
        let finished = pull_request(id, 10, files, &["b"]);
        world.pull_requests.finish(finished, 100, Box::new(tell))
    };
    assert_says!(finish(9, &["missing"]).await, FinishError::Store(_));
    assert!(lock(&told).is_empty(), "what fails is not told of");
    let all = futures_util::future::join_all((0..8).map(|id| finish(id, &[]))).await;
    assert!(all.iter().all(Result::is_ok));
    let told = lock(&told).clone();
    assert!(told.is_sorted() && told.len() == 8, "{told:?}");
    let open = world.pull_requests.open(&demo(), None).await;
    let told: Vec<_> = told.into_iter().map(|(_, id)| id).collect();
    assert_eq!(open.expect("lists"), told);
}

pub(super) async fn who_comes_and_goes_is_told_of_each_once(world: World) {
    let store = &world.pull_requests;
    let demo = demo();
    let waiting = |after| store.open_since(&demo, after, nothing());
    assert_eq!(store.leave(&demo, nothing()), None);
    assert_eq!(waiting(None).await.expect("lists"), []);
    for id in [1, 2] {
        finish(&world, pull_request(id, 10, &[], &["a"])).await;
    }
    assert_eq!(waiting(None).await.expect("lists"), ids(&[1, 2]));
    let told = store.leave(&demo, nothing());
    assert_eq!(waiting(told).await.expect("lists"), []);
    // The clock is set back, and the latest pull request is gone.
    store
        .delete(&demo, ids(&[2])[0], Outcome::Closed, nothing())
        .await
        .expect("is deleted");
    finish(&world, pull_request(3, 1, &[], &["a"])).await;
    assert_eq!(waiting(told).await.expect("lists"), ids(&[3]));
    let (called, was_called) = std::sync::mpsc::channel();
    let (enter, leave) = (called.clone(), called);
    let enter = Box::new(move || enter.send("enter").expect("is heard"));
    let leave = Box::new(move || leave.send("leave").expect("is heard"));
    store.open_since(&demo, None, enter).await.expect("lists");
    store.leave(&demo, leave);
    assert_eq!(was_called.iter().collect::<Vec<_>>(), ["enter", "leave"]);
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
        world
            .pull_requests
            .delete(&other, id, Outcome::Closed, nothing())
            .await,
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
        world
            .pull_requests
            .delete(&demo, id, Outcome::Closed, nothing())
            .await,
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
        .delete(&demo, id, Outcome::Closed, nothing())
        .await
        .expect("is deleted");
    assert_says!(
        world
            .pull_requests
            .delete(&demo, id, Outcome::Closed, nothing())
            .await,
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

pub(super) async fn of_deletes_at_once_one_succeeds_and_tells(world: World) {
    let id = PullRequestId::from_u128(1);
    world.put_draft(1, "a", b"x").await;
    finish(&world, pull_request(1, 10, &["a"], &[])).await;
    let told = Arc::new(Mutex::new(0));
    let delete = |id| {
        let told = Arc::clone(&told);
        let tell = Box::new(move || *lock(&told) += 1);
        let store = Arc::clone(&world.pull_requests);
        async move { store.delete(&demo(), id, Outcome::Closed, tell).await }
    };
    assert_says!(
        delete(PullRequestId::from_u128(2)).await,
        StoreError::NotFound
    );
    let all = futures_util::future::join_all((0..8).map(|_| delete(id))).await;
    let done = all.iter().filter(|deleted| deleted.is_ok()).count();
    let missing = |deleted: &&Result<(), _>| matches!(deleted, Err(StoreError::NotFound));
    let not_found = all.iter().filter(missing).count();
    assert_eq!((done, not_found, *lock(&told)), (1, 7, 1));
}

pub(super) async fn only_an_open_one_is_told_of(world: World) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = |what: &'static str| -> Turn {
        let told = Arc::clone(&told);
        Box::new(move || lock(&told).push(what))
    };
    let (store, one) = (&world.pull_requests, pull_request(1, 10, &[], &["a"]));
    store.tell_if_open(&one, tell("not yet"));
    finish(&world, one.clone()).await;
    let elsewhere = PullRequest {
        project: project("ana", "other"),
        ..one.clone()
    };
    store.tell_if_open(&elsewhere, tell("elsewhere"));
    store.tell_if_open(&pull_request(2, 10, &[], &["a"]), tell("another"));
    store.tell_if_open(&one, tell("open"));
    let deleted = store
        .delete(&demo(), one.id, Outcome::Closed, tell("deleted"))
        .await;
    deleted.expect("is deleted");
    store.tell_if_open(&one, tell("no more"));
    assert_eq!(*lock(&told), ["open", "deleted"]);
}

pub(super) async fn their_authors_are_known_by_project(world: World) {
    let authors = async |project| {
        let authors = world.pull_requests.authors(&project).await;
        let authors = authors.expect("lists").into_iter();
        authors.map(|author| author.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(authors(demo()).await, [""; 0]);
    for (number, author) in [(1, "~pat"), (2, "bob"), (3, "bob")] {
        let owner = UserName::parse(author).expect("valid");
        let one = pull_request(number, 10, &[], &["a"]);
        finish(&world, PullRequest { owner, ..one }).await;
    }
    assert_eq!(authors(demo()).await, ["bob", "~pat"]);
    assert_eq!(authors(project("ana", "other")).await, [""; 0]);
    let id = PullRequestId::from_u128(1);
    let deleted = world
        .pull_requests
        .delete(&demo(), id, Outcome::Closed, nothing())
        .await;
    deleted.expect("is deleted");
    assert_eq!(authors(demo()).await, ["bob"]);
}
