use std::collections::BTreeMap;

use futures_util::FutureExt;
use shuttle::future::{block_on, spawn};

use super::*;
use crate::application::locks::interleaved::{check, point};
use crate::domain::ProjectName;

fn demo() -> ProjectId {
    ProjectId {
        streamer: user("ana"),
        name: ProjectName::parse("demo").expect("valid"),
    }
}

fn user(name: &str) -> UserName {
    UserName::parse(name).expect("valid")
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn pull_request(id: u128, date: Timestamp) -> PullRequest {
    PullRequest {
        id: PullRequestId::from_u128(id),
        project: demo(),
        owner: user("bob"),
        title: "title".into(),
        description: "".into(),
        date,
        files: Vec::new(),
        deleted: Vec::new(),
        bases: BTreeMap::new(),
        deleted_bases: BTreeMap::new(),
        executable: BTreeMap::new(),
    }
}

/// Finishes the pull request of that id, and returns its date.
async fn finish(open: &Arc<OpenPullRequests>, id: u128, now: u64, tell: TellFinished) -> Timestamp {
    let finishing = open.begin(demo()).await;
    let date = finishing.date(at(now));
    point();
    finishing.keep(&pull_request(id, date), tell);
    date
}

#[tokio::test]
async fn those_that_are_open_are_counted_once_each() {
    let open = Arc::new(OpenPullRequests::default());
    open.insert(&pull_request(1, at(1)));
    open.insert(&pull_request(1, at(1)));
    finish(&open, 2, 2, Box::new(|_| {})).await;
    assert_eq!(open.count(), 2);
    for (id, left) in [(7, 2), (1, 1), (1, 1), (2, 0)] {
        open.remove(&demo(), PullRequestId::from_u128(id), Box::new(|| {}));
        assert_eq!(open.count(), left);
    }
}

#[tokio::test]
async fn dates_are_the_clocks_and_each_is_later_than_the_one_before() {
    let open = Arc::new(OpenPullRequests::default());
    open.insert(&pull_request(1, at(90)));
    for (id, (now, date)) in [(80, 91), (100, 100), (100, 101), (99, 102), (500, 500)]
        .into_iter()
        .enumerate()
    {
        let given = finish(&open, id as u128 + 2, now, Box::new(|_| {})).await;
        assert_eq!(given, at(date));
    }
}

#[tokio::test]
async fn a_project_in_which_nothing_is_open_is_forgotten() {
    let open = Arc::new(OpenPullRequests::default());
    open.open_since(&demo(), None, Box::new(|| {}));
    open.leave(&demo(), Box::new(|| {}));
    open.contains(&demo(), PullRequestId::from_u128(1));
    drop(open.begin(demo()).await);
    let first = open.begin(demo()).await;
    let gives_up = open.begin(demo()).now_or_never();
    assert!(gives_up.is_none());
    drop(first);
    assert!(lock(&open.projects).is_empty());
    finish(&open, 1, 100, Box::new(|_| {})).await;
    assert_eq!(lock(&open.projects).len(), 1);
    open.remove(&demo(), PullRequestId::from_u128(1), Box::new(|| {}));
    assert!(lock(&open.projects).is_empty());
}

#[tokio::test]
async fn no_lock_that_projects_share_is_held_while_one_is_told() {
    let open = Arc::new(OpenPullRequests::default());
    let elsewhere = ProjectId {
        streamer: user("dan"),
        ..demo()
    };
    let (same, other) = (Arc::clone(&open), elsewhere.clone());
    let (told, was_told) = std::sync::mpsc::channel();
    let tell = move |_: &PullRequest| {
        // This uses another project's list while this project's pull request is told of; a shared
        // lock would hang.
        same.open_since(&other, None, Box::new(|| {}));
        same.leave(&other, Box::new(|| {}));
        same.insert(&PullRequest {
            project: other.clone(),
            ..pull_request(2, at(200))
        });
        told.send(same.open(&other, None)).expect("is heard");
    };
    finish(&open, 1, 100, Box::new(tell)).await;
    let listed = was_told.recv().expect("was told");
    assert_eq!(listed, [PullRequestId::from_u128(2)]);
    assert_eq!(open.open(&elsewhere, None), listed);
}

/// A streamer's connection that comes and goes, and what it was told of.
#[derive(Default)]
struct Streamer {
    is_told: Mutex<bool>,
    told: Mutex<Vec<PullRequestId>>,
}

impl Streamer {
    fn set(self: &Arc<Self>, is_told: bool) -> Turn {
        let own = Arc::clone(self);
        Box::new(move || *lock(&own.is_told) = is_told)
    }

    fn hear(self: &Arc<Self>) -> TellFinished {
        let own = Arc::clone(self);
        Box::new(move |finished| {
            if *lock(&own.is_told) {
                lock(&own.told).push(finished.id);
            }
        })
    }
}

#[test]
fn in_no_order_of_events_is_somebody_told_twice_or_not_at_all() {
    check(2_000, || {
        block_on(async {
            let open = Arc::new(OpenPullRequests::default());
            let streamer = Arc::new(Streamer::default());
            let author = |ids: [u128; 2]| {
                let (open, streamer) = (Arc::clone(&open), Arc::clone(&streamer));
                spawn(async move {
                    for id in ids {
                        // A finish that fails comes before each.
                        drop(open.begin(demo()).await);
                        finish(&open, id, 100, streamer.hear()).await;
                    }
                })
            };
            let authors = [author([1, 2]), author([3, 4])];
            let mut after = None;
            for _ in 0..3 {
                let waiting = open.open_since(&demo(), after, streamer.set(true));
                lock(&streamer.told).extend(waiting);
                point();
                after = open.leave(&demo(), streamer.set(false));
            }
            for author in authors {
                author.await.expect("no panic");
            }
            let waiting = open.open_since(&demo(), after, streamer.set(true));
            let mut told = lock(&streamer.told).clone();
            told.extend(waiting);
            told.sort_unstable();
            assert_eq!(told, [1, 2, 3, 4].map(PullRequestId::from_u128));
        });
    });
}

#[test]
fn in_no_order_of_events_is_somebody_told_of_a_pull_request_after_its_end() {
    check(2_000, || {
        block_on(async {
            let open = Arc::new(OpenPullRequests::default());
            let id = PullRequestId::from_u128(1);
            let told = Arc::new(Mutex::new(Vec::new()));
            let note = |what: &'static str| -> Turn {
                let told = Arc::clone(&told);
                Box::new(move || lock(&told).push(what))
            };
            finish(&open, 1, 100, Box::new(|_| {})).await;
            let (same, end) = (Arc::clone(&open), note("ended"));
            let owner = spawn(async move { same.remove(&demo(), id, end) });
            let waiting = open.open_since(&demo(), None, Box::new(|| {}));
            for id in waiting {
                point();
                assert_eq!(id, PullRequestId::from_u128(1));
                open.tell_if_open(&pull_request(1, at(100)), note("created"));
            }
            owner.await.expect("no panic");
            let told = lock(&told).clone();
            assert!(
                told == ["ended"] || told == ["created", "ended"],
                "{told:?}"
            );
            assert!(lock(&open.projects).is_empty());
        });
    });
}
