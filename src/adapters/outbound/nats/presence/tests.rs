//! Several nodes in one process, each with connections that only it knows.

use std::collections::BTreeMap;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::*;
use crate::adapters::outbound::contract_tests::nats_server::{NatsServer, settings, settings_on};
use crate::adapters::outbound::contract_tests::world::{World, demo};
use crate::adapters::outbound::nats::follower::{Follows, Start};
use crate::adapters::outbound::nats::message::NodeId;
use crate::adapters::outbound::nats::{NatsSettings, setup};
use crate::application::ports::StoreResources;
use crate::domain::{ProjectName, UserName};

fn project(name: &str) -> ProjectId {
    ProjectId {
        streamer: UserName::parse("ana").expect("a name"),
        name: ProjectName::parse(name).expect("a name"),
    }
}

/// What was told: the project, whether its streamer is there, and which connection was left out.
type Heard = Vec<(ProjectId, bool, Option<ConnectionId>)>;

/// The connections of one node.
#[derive(Default)]
struct Connections {
    streamers: Mutex<HashMap<ProjectId, HashSet<ConnectionId>>>,
    viewers: Mutex<HashMap<ProjectId, usize>>,
    heard: Mutex<Heard>,
}

impl Presence for Connections {
    fn arrive(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        let mut streamers = lock(&self.streamers);
        let here = streamers.entry(project.clone()).or_default();
        here.insert(connection) && here.len() == 1
    }

    fn depart(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        let mut streamers = lock(&self.streamers);
        let here = streamers.entry(project.clone()).or_default();
        here.remove(&connection) && here.is_empty()
    }

    fn streamers(&self, project: &ProjectId) -> usize {
        lock(&self.streamers).get(project).map_or(0, HashSet::len)
    }

    fn viewers(&self, project: &ProjectId) -> usize {
        lock(&self.viewers).get(project).copied().unwrap_or(0)
    }

    fn viewers_changed(&self, _: &ProjectId) {}

    fn focus(&self, _: &FileKey, _: Option<u32>) {}
}

impl EventPublisher for Connections {
    fn publish(&self, topic: &Topic, event: Event, origin: Option<ConnectionId>) {
        let Event::Presence { project, connected } = event else {
            panic!("not of presence: {event:?}");
        };
        assert_eq!(*topic, Topic::Updates(project.clone()));
        lock(&self.heard).push((project, connected, origin));
    }

    fn tell(&self, _: &[ConnectionId], event: Event) {
        panic!("to nobody in particular: {event:?}");
    }
}

struct TestNode {
    presence: NatsPresence,
    connections: Arc<Connections>,
}

impl Follows for TestNode {
    fn follow(&self, message: &Logged) {
        self.presence.follow(message);
    }
}

impl TestNode {
    async fn start(settings: &NatsSettings) -> Arc<Self> {
        let engine = setup::connect(settings, Arc::default())
            .await
            .expect("connects");
        let start = Start::from_now(&engine, engine.subjects.log()).await;
        let (start, _position) = start.expect("is there");
        let nodes = Arc::new(Nodes::start(&engine).await.expect("starts"));
        let connections = Arc::<Connections>::default();
        let (events, here) = (Arc::clone(&connections) as _, Arc::clone(&connections) as _);
        let presence = NatsPresence::start(engine, nodes, events, here).await;
        let presence = presence.expect("starts");
        let node = Arc::new(Self {
            presence,
            connections,
        });
        tokio::spawn(start.follow(Arc::downgrade(&node)));
        node
    }

    fn name(&self) -> NodeId {
        self.presence.shared.nodes.own()
    }

    /// What has been told of a project.
    fn heard(&self, project: &ProjectId) -> Vec<bool> {
        let heard = lock(&self.connections.heard);
        let of_project = heard.iter().filter(|(its, _, _)| its == project);
        of_project.map(|(_, connected, _)| *connected).collect()
    }

    fn set_viewers(&self, project: &ProjectId, viewers: usize) {
        lock(&self.connections.viewers).insert(project.clone(), viewers);
        self.presence.viewers_changed(project);
    }
}

/// Nodes that know each other.
async fn nodes<const COUNT: usize>(settings: &NatsSettings) -> [Arc<TestNode>; COUNT] {
    let mut nodes = Vec::new();
    for _ in 0..COUNT {
        nodes.push(TestNode::start(settings).await);
    }
    for node in &nodes {
        until("they know each other", || {
            node.presence.shared.nodes.living().len() == COUNT
        })
        .await;
    }
    nodes.try_into().map_err(drop).expect("as many")
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

const ONE: ConnectionId = ConnectionId(1);
const TWO: ConnectionId = ConnectionId(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_transition_is_told_once_at_each_node_and_in_one_order() {
    let nodes: [_; 3] = nodes(&settings()).await;
    let projects = ["demo", "other"].map(project);
    let mut coming = tokio::task::JoinSet::new();
    for node in &nodes {
        let (node, projects) = (Arc::clone(node), projects.clone());
        coming.spawn(async move {
            for round in 0..30 {
                for project in &projects {
                    node.presence.arrive(project, ONE);
                    // So that some overlap and some do not.
                    sleep(Duration::from_micros(node.name().small() * 300)).await;
                    assert!(node.presence.streamers(project) > 0, "{round}");
                    node.presence.depart(project, ONE);
                    sleep(Duration::from_micros(700)).await;
                }
            }
        });
    }
    coming.join_all().await;
    for project in &projects {
        let heard = || nodes.each_ref().map(|node| node.heard(project));
        until("all end with the same", || {
            let [a, b, c] = heard();
            a.last() == Some(&false) && a == b && b == c
        })
        .await;
        let [heard, ..] = heard();
        let expected: Vec<_> = (0..heard.len()).map(|number| number % 2 == 0).collect();
        assert_eq!(heard, expected, "by turns");
        assert!(heard.len() > 2, "{}", heard.len());
    }
    // The order of different projects is the same, too.
    let all = nodes.each_ref().map(|node| {
        let heard = lock(&node.connections.heard);
        heard
            .iter()
            .map(|(project, is, _)| (project.clone(), *is))
            .collect::<Vec<_>>()
    });
    assert_eq!(all[0], all[1]);
    assert_eq!(all[1], all[2]);
}

impl NodeId {
    /// A small number that depends on the name.
    fn small(self) -> u64 {
        self.to_string().bytes().map(u64::from).sum::<u64>() % 7
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamer_counts_at_their_own_node_at_once_and_is_not_told_of_themselves() {
    let [here, there] = nodes(&settings()).await;
    let demo = project("demo");
    assert!(here.presence.arrive(&demo, ONE), "nobody else is there");
    assert!(!here.presence.arrive(&demo, TWO));
    assert_eq!(here.presence.streamers(&demo), 2);
    until("it is told there", || !there.heard(&demo).is_empty()).await;
    until("and here", || !here.heard(&demo).is_empty()).await;
    let told = (demo.clone(), true, Some(ONE));
    assert_eq!(*lock(&here.connections.heard), [told]);
    let told = (demo.clone(), true, None);
    assert_eq!(*lock(&there.connections.heard), [told]);
    assert_eq!(there.presence.streamers(&demo), 1);
    assert!(!there.presence.arrive(&demo, ONE), "not the first of all");
    // Otherwise the log might hear of those who leave before it hears of this one.
    there.presence.is_told(&demo).await;
    assert!(!here.presence.depart(&demo, ONE));
    assert!(!here.presence.depart(&demo, TWO));
    assert!(!there.presence.depart(&demo, ONE));
    assert_eq!(here.connections.streamers(&demo), 0);
    until("the last has gone", || here.heard(&demo) == [true, false]).await;
    assert_eq!(
        lock(&here.connections.heard)[1],
        (demo.clone(), false, None)
    );
    until("and there", || there.heard(&demo) == [true, false]).await;
    for node in [here, there] {
        let news = node.presence.news();
        assert_eq!(news.streamers, HashMap::from([(demo.clone(), false)]));
        assert_eq!(node.presence.news(), PresenceNews::default(), "only once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_vanishes_without_a_word_is_gone_within_ten_seconds_and_told_of_once() {
    let settings = settings();
    let [gone, one, other] = nodes(&settings).await;
    let [demo, shared] = ["demo", "shared"].map(project);
    gone.presence.arrive(&demo, ONE);
    gone.presence.arrive(&shared, ONE);
    one.presence.arrive(&shared, ONE);
    gone.set_viewers(&demo, 4);
    let engine = Arc::clone(&one.presence.shared.engine);
    let told = engine.subjects.streamer(&demo, gone.name());
    for node in [&one, &other] {
        until("it is known", || {
            let all_there = node.presence.streamers(&shared) == 2;
            all_there && node.heard(&demo) == [true] && node.presence.viewers(&demo) == 4
        })
        .await;
    }
    let begun = Instant::now();
    drop(gone);
    for node in [&one, &other] {
        until("it is gone", || {
            node.heard(&demo) == [true, false] && node.presence.viewers(&demo) == 0
        })
        .await;
        assert!(node.presence.news().viewers.contains(&demo));
        assert_eq!(node.presence.streamers(&shared), 1);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    // Whatever the nodes had under way comes before this.
    other.presence.arrive(&demo, ONE);
    for node in [&one, &other] {
        until("it is told", || node.heard(&demo) == [true, false, true]).await;
        assert_eq!(
            node.heard(&shared),
            [true],
            "somebody was there all the time"
        );
    }
    let purged = async || engine.last(&told).await.expect("answers").is_none();
    while !purged().await {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it takes no room"
        );
        sleep(Duration::from_millis(50)).await;
    }
    let late = TestNode::start(&settings).await;
    assert_eq!(late.presence.streamers(&demo), 1, "as the log says");
    assert_eq!(late.presence.streamers(&shared), 1);
    assert!(
        late.presence.news().streamers.is_empty(),
        "that is nothing new"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_left_behind_that_nobody_has_met_is_gone_too() {
    let settings = settings();
    let demo = project("demo");
    let gone = TestNode::start(&settings).await;
    gone.presence.arrive(&demo, ONE);
    until("the log has it", || gone.heard(&demo) == [true]).await;
    drop(gone);
    let later = TestNode::start(&settings).await;
    assert_eq!(later.presence.streamers(&demo), 1);
    until("it is gone", || later.heard(&demo) == [false]).await;
    assert_eq!(later.presence.streamers(&demo), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_others_hold_for_dead_takes_another_name_and_tells_all_again() {
    let [held, other] = nodes(&settings()).await;
    let demo = project("demo");
    held.presence.arrive(&demo, ONE);
    held.set_viewers(&demo, 3);
    until("it is known", || other.heard(&demo) == [true]).await;
    until("they view", || other.presence.viewers(&demo) == 3).await;
    let (dead, shared) = (held.name(), &other.presence.shared);
    let message = Outgoing {
        subject: shared.engine.subjects.death(dead),
        payload: Message::encode(other.name(), Kept::Death { dead }).expect("is encoded"),
    };
    shared.engine.publish(message, Some(0)).await.expect("kept");
    until("it has another name", || held.name() != dead).await;
    for node in [&held, &other] {
        until("all is as before", || {
            node.heard(&demo) == [true, false, true]
        })
        .await;
    }
    until("they view again", || other.presence.viewers(&demo) == 3).await;
    assert_eq!(held.presence.streamers(&demo), 1);
    assert_eq!(other.presence.streamers(&demo), 1);
    held.presence.depart(&demo, ONE);
    until("it counts under its new name", || {
        other.presence.streamers(&demo) == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn viewers_of_all_nodes_add_up() {
    let nodes: [_; 3] = nodes(&settings()).await;
    let demo = project("demo");
    for (node, viewers) in nodes.iter().zip([1, 20, 300]) {
        node.set_viewers(&demo, viewers);
    }
    for node in &nodes {
        until("all count", || node.presence.viewers(&demo) == 321).await;
        until("that is news", || {
            node.presence.news().viewers.contains(&demo)
        })
        .await;
    }
    nodes[1].set_viewers(&demo, 0);
    for node in &nodes {
        until("some have gone", || node.presence.viewers(&demo) == 301).await;
    }
    let first = nodes.iter().filter(|node| node.presence.is_first());
    assert_eq!(first.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_and_goes_while_the_engine_is_away_is_told_once_it_is_back() {
    let mut server = NatsServer::start();
    let [here, there] = nodes(&settings_on(&server)).await;
    let projects: BTreeMap<_, _> = ["stays", "comes", "goes"]
        .map(|name| (name, project(name)))
        .into();
    here.presence.arrive(&projects["stays"], ONE);
    here.presence.arrive(&projects["goes"], ONE);
    until("both are known", || {
        let heard = lock(&there.connections.heard);
        heard.len() == 2
    })
    .await;
    let restart = tokio::task::spawn_blocking(move || {
        server.kill_and_start();
        server
    });
    here.presence.depart(&projects["goes"], ONE);
    here.presence.arrive(&projects["comes"], ONE);
    let server = restart.await.expect("is started again");
    for node in [&here, &there] {
        until("it is told", || {
            node.heard(&projects["comes"]) == [true]
                && node.heard(&projects["goes"]) == [true, false]
        })
        .await;
        assert_eq!(node.heard(&projects["stays"]), [true]);
    }
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_streamer_puts_comes_later_in_the_log_than_that_they_are_there() {
    let settings = settings();
    let connections = Arc::<Connections>::default();
    let resources = StoreResources {
        here: Arc::clone(&connections) as _,
        ..StoreResources::default()
    };
    let world = World::on_engine_with(&settings, resources).await;
    let world = world.with_demo().await;
    let presence = world.presence.clone().expect("of several servers");
    let engine = setup::connect(&settings, Arc::default())
        .await
        .expect("connects");
    let other = TestNode::start(&settings).await;
    let (log, all) = (engine.subjects.log(), engine.subjects.presence());
    for number in 0..20 {
        presence.arrive(&demo(), ONE);
        let put = world
            .put(&format!("f{number}"), b"x")
            .await
            .expect("is kept");
        let told = engine.page(&log, 1, &all).await.expect("answers");
        let [told] = told.as_slice() else {
            panic!("one node has told of one project: {told:?}");
        };
        assert!(told.sequence < put.number(), "{number}");
        let what = Message::<Kept>::decode(&told.payload).map(|told| told.body);
        let is_there = |what| matches!(what, Some(Kept::Streamer { is_there: true, .. }));
        assert!(is_there(what), "{number}");
        presence.depart(&demo(), ONE);
    }
    until("they are gone", || {
        other.heard(&demo()).last() == Some(&false)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_says_in_another_format_is_left_out() {
    let [here, there] = nodes(&settings()).await;
    let demo = project("demo");
    let (engine, node) = (&here.presence.shared.engine, NodeId::random());
    let payload = json!({ "format": 2, "node": node, "body": Kept::streamer(&demo, true, false) });
    let message = Outgoing {
        subject: engine.subjects.streamer(&demo, node),
        payload: payload.to_string().into(),
    };
    engine.publish(message, None).await.expect("kept");
    here.presence.arrive(&demo, ONE);
    until("the next is told", || there.heard(&demo) == [true]).await;
    assert_eq!(there.presence.streamers(&demo), 1);
}
