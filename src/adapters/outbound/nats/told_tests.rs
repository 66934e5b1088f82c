//! What is done at one node and told to the connections of another: how pull requests ended, and
//! where streamers look.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout};

use super::focus::{MOST_BYTES, PAUSE};
use super::{NatsSettings, setup};
use crate::adapters::outbound::contract_tests::nats_server::{NatsServer, settings, settings_on};
use crate::adapters::outbound::contract_tests::world::{
    World, assert_says, demo, path, project, pull_request,
};
use crate::application::ports::{EventPublisher, StoreError, StoreResources, Topic};
use crate::application::{ConnectionId, Event, FileKey};
use crate::domain::{Outcome, ProjectId, PullRequest, PullRequestId, UserName};

/// The connections of a node, which hand on what they are told.
struct Connections(UnboundedSender<String>);

impl EventPublisher for Connections {
    fn publish(&self, topic: &Topic, event: Event, origin: Option<ConnectionId>) {
        let about = match topic {
            Topic::Proposals(project) => format!("proposals {project}"),
            Topic::Outcomes(project, owner) => format!("outcomes {project} {owner}"),
            Topic::Presence(project) => format!("presence {project}"),
            other => panic!("not told of here: {other:?}"),
        };
        let what = match event {
            Event::PullRequestCreated(created) => format!("{} created", number(created.id)),
            Event::PullRequestClosed { id, outcome } => format!("{} {outcome:?}", number(id)),
            Event::FocusChanged { file, line } => {
                assert_eq!(*topic, Topic::Presence(file.project));
                format!("{} {}", file.path, line.unwrap_or(0))
            }
            other => panic!("not told here: {other:?}"),
        };
        assert_eq!(origin, None, "they are connected elsewhere");
        // Perhaps nobody listens any more.
        let _ = self.0.send(format!("{about}: {what}"));
    }

    fn tell(&self, _: &[ConnectionId], event: Event) {
        panic!("to nobody in particular: {event:?}");
    }
}

fn number(id: PullRequestId) -> u32 {
    let id = id.to_string();
    let (_, last) = id.rsplit_once('-').expect("a UUID");
    u32::from_str_radix(last, 16).expect("a small number")
}

/// What the connections of a node are told of what happens elsewhere.
struct Told(UnboundedReceiver<String>);

impl Told {
    async fn next(&mut self) -> String {
        let next = timeout(Duration::from_secs(20), self.0.recv()).await;
        next.expect("something is told").expect("the node runs")
    }

    /// What has been told already.
    fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

async fn node(settings: &NatsSettings) -> (World, Told) {
    let (tell, told) = unbounded_channel();
    let resources = StoreResources {
        events: std::sync::Arc::new(Connections(tell)),
        ..StoreResources::default()
    };
    let world = World::on_engine_with(settings, resources).await;
    (world, Told(told))
}

async fn propose(world: &World, id: u128, owner: &str) {
    let finished = PullRequest {
        owner: UserName::parse(owner).expect("a name"),
        ..pull_request(id, 10, &[], &["a"])
    };
    world.finish(finished).await.expect("is kept");
}

/// Proposes, and waits until another node has told of it.
async fn propose_and_hear(world: &World, id: u128, there: &mut Told) {
    propose(world, id, "bob").await;
    let created = format!("proposals ana/demo: {id} created");
    assert_eq!(there.next().await, created);
}

/// Ends a pull request. Also returns whether the connections at this node are told by this delete.
async fn end(world: &World, id: u128, outcome: Outcome) -> (Result<(), StoreError>, bool) {
    let (tell, told) = std::sync::mpsc::channel();
    let in_turn = Box::new(move || tell.send(()).expect("is heard"));
    let (demo, id) = (demo(), PullRequestId::from_u128(id));
    let ended = world.pull_requests.delete(&demo, id, outcome, in_turn);
    (ended.await, told.try_recv().is_ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_pull_request_ended_is_told_at_the_other_node_once_and_after_it_was_opened() {
    let settings = settings();
    let (one, mut here) = node(&settings).await;
    let (other, mut there) = node(&settings).await;
    for (id, owner, outcome) in [
        (1, "bob", Outcome::Merged),
        (2, "bob", Outcome::Closed),
        (3, "eve", Outcome::Withdrawn),
        (4, "ana", Outcome::Withdrawn),
    ] {
        propose(&one, id, owner).await;
        let (ended, is_told) = end(&one, id, outcome).await;
        ended.expect("was open");
        assert!(is_told, "here, by the one who ends it");
    }
    propose(&other, 5, "bob").await;
    propose(&one, 6, "bob").await;
    for expected in [
        "proposals ana/demo: 1 created",
        "outcomes ana/demo bob: 1 Merged",
        "proposals ana/demo: 2 created",
        "outcomes ana/demo bob: 2 Closed",
        "proposals ana/demo: 3 created",
        "outcomes ana/demo eve: 3 Withdrawn",
        "proposals ana/demo: 3 Withdrawn",
        "proposals ana/demo: 4 created",
        "outcomes ana/demo ana: 4 Withdrawn",
        "proposals ana/demo: 6 created",
    ] {
        assert_eq!(there.next().await, expected);
    }
    assert_eq!(here.next().await, "proposals ana/demo: 5 created");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_end_a_pull_request_at_two_nodes_one_succeeds_and_both_nodes_tell_of_that() {
    let settings = settings();
    let (one, mut here) = node(&settings).await;
    let (other, mut there) = node(&settings).await;
    for id in 1..=20 {
        propose_and_hear(&one, id, &mut there).await;
        let (merged, withdrawn) = tokio::join!(
            end(&one, id, Outcome::Merged),
            end(&other, id, Outcome::Withdrawn),
        );
        // The end is told before the answer is given.
        let told = (here.rest(), there.rest());
        let withdrawal = ["outcomes ana/demo bob", "proposals ana/demo"];
        let withdrawal = withdrawal.map(|topic| format!("{topic}: {id} Withdrawn"));
        let (lost, expected) = match (merged, withdrawn) {
            ((Ok(()), true), lost) => {
                let news = format!("outcomes ana/demo bob: {id} Merged");
                (lost, (vec![], vec![news]))
            }
            (lost, (Ok(()), true)) => (lost, (withdrawal.to_vec(), vec![])),
            neither => panic!("one succeeds, and is told: {neither:?}"),
        };
        assert_says!(lost.0, StoreError::NotFound);
        assert!(!lost.1, "who did not end it tells nothing");
        assert_eq!(told, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_pull_request_ended_while_the_engine_was_away_is_told_once_when_it_is_back() {
    let mut server = NatsServer::start();
    let settings = settings_on(&server);
    let (one, _here) = node(&settings).await;
    let (_other, mut there) = node(&settings).await;
    for id in 1..=3 {
        propose_and_hear(&one, id, &mut there).await;
        let restart = tokio::task::spawn_blocking(move || {
            server.kill_and_start();
            server
        });
        let (ended, is_told) = end(&one, id, Outcome::Merged).await;
        ended.expect("is kept at last");
        assert!(is_told);
        server = restart.await.expect("is started again");
        assert_eq!(
            there.next().await,
            format!("outcomes ana/demo bob: {id} Merged")
        );
    }
    assert_eq!(there.rest(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_tells_nobody_how_pull_requests_had_ended_before() {
    let settings = settings();
    let (one, _here) = node(&settings).await;
    propose(&one, 1, "bob").await;
    end(&one, 1, Outcome::Merged).await.0.expect("was open");
    let (late, mut told) = node(&settings).await;
    let open = late.pull_requests.open(&demo(), None).await;
    assert_eq!(open.expect("lists"), []);
    propose(&one, 2, "bob").await;
    assert_eq!(told.next().await, "proposals ana/demo: 2 created");
}

fn look(world: &World, project: ProjectId, name: &str, line: Option<u32>) {
    let presence = world.presence.as_ref().expect("of several servers");
    let path = path(name);
    presence.focus(&FileKey { project, path }, line);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_streamer_looks_is_told_at_all_other_nodes_and_not_again_at_their_own() {
    let settings = settings();
    let (one, mut here) = node(&settings).await;
    let (other, mut there) = node(&settings).await;
    let (_third, mut elsewhere) = node(&settings).await;
    look(&one, demo(), "/a", Some(7));
    for told in [&mut there, &mut elsewhere] {
        assert_eq!(told.next().await, "presence ana/demo: /a 7");
    }
    look(&other, demo(), "/new", None);
    // The first thing that the connections at the first node hear.
    for told in [&mut here, &mut elsewhere] {
        assert_eq!(told.next().await, "presence ana/demo: /new 0");
    }
    look(&one, demo(), "/b", Some(i32::MAX.unsigned_abs()));
    for told in [&mut there, &mut elsewhere] {
        assert_eq!(told.next().await, "presence ana/demo: /b 2147483647");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_flood_of_places_others_are_told_few_in_their_order_and_the_last_of_each_project() {
    let settings = settings();
    let (one, _here) = node(&settings).await;
    let (_other, mut there) = node(&settings).await;
    let begun = Instant::now();
    look(&one, project("ana", "other"), "/b", None);
    for line in 1..=10_000 {
        look(&one, demo(), "/a", Some(line));
        tokio::task::yield_now().await;
    }
    let (mut lines, mut is_other_told) = (Vec::new(), false);
    while lines.last() != Some(&10_000) {
        let told = there.next().await;
        if let Some(line) = told.strip_prefix("presence ana/demo: /a ") {
            lines.push(line.parse().expect("a number"));
        } else {
            assert_eq!(told, "presence ana/other: /b 0");
            assert!(!std::mem::replace(&mut is_other_told, true), "once");
        }
    }
    let most = begun.elapsed().as_millis() / PAUSE.as_millis() + 2;
    assert!(lines.len() as u128 <= most, "{} of {most}", lines.len());
    assert!(lines.is_sorted_by(|a, b| a < b), "{lines:?}");
    assert!(
        is_other_told,
        "a flood in one project hides nothing of another"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_too_long_or_none_is_ignored_when_another_node_tells_it() {
    let settings = settings();
    let (_one, mut here) = node(&settings).await;
    let engine = setup::connect(&settings, std::sync::Arc::default()).await;
    let engine = engine.expect("connects");
    let place = |streamer: &str, project: &str, name: &str, line: Value| {
        let body = json!({
            "streamer": streamer, "project": project, "name": name, "line": line,
        });
        json!({"format": 1, "node": "00000000000000aa", "body": body})
    };
    let good = |name: &str| place("ana", "demo", name, json!(1));
    let (mut newer, mut nobody) = (good("/a"), good("/a"));
    newer["format"] = json!(2);
    nobody["node"] = json!("somebody");
    let too_long = good("/a").to_string() + &" ".repeat(MOST_BYTES);
    let mut wrong: Vec<String> = [
        place("", "demo", "/a", json!(1)),
        place("ana", "", "/a", json!(1)),
        place("ana", "demo", "/../a", json!(1)),
        place("ana", "demo", &"a".repeat(5_000), json!(1)),
        place("ana", "demo", "/a", json!(0)),
        place("ana", "demo", "/a", json!(1_u64 << 31)),
        place("ana", "demo", "/a", json!(-1)),
        place("ana", "demo", "/a", json!("1")),
        newer,
        nobody,
        json!(null),
    ]
    .map(|wrong| wrong.to_string())
    .into();
    wrong.extend([too_long, String::new(), "{".to_owned()]);
    for (number, wrong) in wrong.into_iter().enumerate() {
        let expected = format!("/good{number}");
        for payload in [wrong, good(&expected).to_string()] {
            let subject = engine.subjects.focus();
            let sent = engine.client.publish(subject, Bytes::from(payload)).await;
            sent.expect("is sent");
        }
        let expected = format!("presence ana/demo: {expected} 1");
        assert_eq!(
            here.next().await,
            expected,
            "of what came before, nothing is told"
        );
    }
}
