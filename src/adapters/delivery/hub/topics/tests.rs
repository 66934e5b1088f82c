use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::adapters::delivery::hub::lag_counts::Lag;
use crate::adapters::delivery::send_queue::{Lane, SendQueueLimits};
use crate::application::EventKind;
use crate::application::FileKey;
use crate::application::memory::MemoryBudget;
use crate::application::ports::Presence;
use crate::domain::{
    ChatMessage, Contents, FilePath, ProjectEntry, ProjectName, RoomName, Timestamp, UserName,
    Version,
};

impl Frame for String {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn shared_bytes(&self) -> usize {
        self.len()
    }

    fn lane(&self) -> Lane {
        Lane::Few
    }
}

const LIMITS: SendQueueLimits = SendQueueLimits {
    max_bytes: 1 << 20,
    window_bytes: 1 << 19,
};

pub(crate) struct World {
    pub(crate) hub: Hub<String>,
    encoded: Arc<AtomicUsize>,
}

impl World {
    pub(crate) fn new() -> Self {
        let encoded = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&encoded);
        let hub = Hub::new(move |event: &Event, _| {
            count.fetch_add(1, Ordering::Relaxed);
            vec![describe(event)]
        });
        Self { hub, encoded }
    }

    pub(crate) fn connect(&self) -> (ConnectionId, Arc<SendQueue<String>>) {
        let queue = SendQueue::new(LIMITS, MemoryBudget::new(usize::MAX / 2).open_account(), ());
        (self.hub.connect(Arc::clone(&queue)), queue)
    }

    pub(crate) fn say(&self, id: u64, origin: Option<ConnectionId>) {
        self.hub.publish(&room(), said(id), origin);
    }

    fn receivers(&self) -> usize {
        let members = self.hub.members(&room());
        members.map_or(0, |members| members.count_without(&HashSet::new()))
    }

    pub(crate) fn assert_nothing_is_left(&self) {
        assert!(read(&self.hub.connections).is_empty());
        assert!(self.hub.topics.is_empty());
        assert!(self.hub.streamers.is_empty());
    }
}

fn describe(event: &Event) -> String {
    match event {
        Event::ChatMessage(message) => message.id.to_string(),
        Event::FileUpdated { file, .. } => format!("+{}", file.path),
        Event::FileChanged { file, entry } => format!("~{} {}", file.path, entry.bytes),
        Event::ViewersChanged { viewers, .. } => format!("viewers {viewers}"),
        Event::FocusChanged { file, .. } => format!("focus {}", file.path),
        Event::FileDeleted { file, .. } => format!("-{}", file.path),
        Event::Presence { connected, .. } => format!("streamer {connected}"),
        Event::PullRequestCreated(_) | Event::PullRequestClosed { .. } | Event::Apply(_) => {
            "pull request".into()
        }
        Event::ChatDeleted { id, .. } => format!("-{id}"),
        Event::ChatSlowed { seconds, .. } => format!("slow {seconds}"),
        Event::ChatModerated { action, user, .. } => format!("{action} {user}"),
    }
}

pub(crate) fn room() -> Topic {
    Topic::Room(RoomName::parse("lounge").expect("valid"))
}

fn said(id: u64) -> Event {
    Event::ChatMessage(ChatMessage {
        id,
        room: RoomName::parse("lounge").expect("valid"),
        username: UserName::parse("ana").expect("valid"),
        text: "".into(),
        date: Timestamp::default(),
        is_announcement: false,
    })
}

pub(crate) fn project() -> ProjectId {
    ProjectId {
        streamer: UserName::parse("ana").expect("valid"),
        name: ProjectName::parse("demo").expect("valid"),
    }
}

pub(crate) fn taken(queue: &SendQueue<String>) -> Vec<String> {
    let mut frames = VecDeque::new();
    queue.take(&mut frames, usize::MAX);
    frames.into()
}

/// How many receivers of this kind of event were counted in each way.
fn counted(world: &World, kind: EventKind) -> Vec<(&'static str, u64)> {
    let receivers = world.hub.deliveries.receivers().of(kind).iter();
    let counts = receivers.map(|(how, count)| (how, count.get()));
    counts.filter(|(_, count)| *count > 0).collect()
}

#[test]
fn who_tells_many_in_one_topic_holds_up_no_other_topic() {
    let (begun, is_telling) = mpsc::channel();
    let (go_on, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let hub = Hub::new(move |event: &Event, _| {
        if matches!(event, Event::ChatMessage(_)) {
            begun.send(()).expect("the test waits for it");
            let _ = lock(&waits).recv();
        }
        vec![describe(event)]
    });
    let encoded = Arc::default();
    let world = World { hub, encoded };
    let (id, queue) = world.connect();
    let audience = Topic::Presence(project());
    for topic in [room(), audience.clone()] {
        world.hub.subscribe(id, topic);
    }
    thread::scope(|threads| {
        threads.spawn(|| world.say(1, None));
        is_telling.recv().expect("it has begun");
        let (done, is_done) = mpsc::channel();
        let (hub, audience) = (&world.hub, &audience);
        threads.spawn(move || {
            let project = project();
            let viewers = 2;
            hub.publish(audience, Event::ViewersChanged { project, viewers }, None);
            done.send(()).expect("the test waits for it");
        });
        let told = is_done.recv_timeout(Duration::from_secs(10));
        drop(go_on);
        assert!(told.is_ok(), "it waits for the other topic");
    });
    assert_eq!(taken(&queue), ["viewers 2", "1"]);
}

#[test]
fn receivers_are_counted_and_how_far_they_lag() {
    let world = World::new();
    let all: Vec<_> = (0..3).map(|_| world.connect()).collect();
    let updates = Topic::Updates(project());
    for (id, _) in &all {
        world.hub.subscribe(*id, room());
        world.hub.subscribe(*id, updates.clone());
    }
    world.say(1, Some(all[0].0));
    assert_eq!(counted(&world, EventKind::ChatMessage), [("queued", 2)]);
    // One has as much waiting as may be at once, and one is being closed.
    all[1].1.push("x".repeat(LIMITS.window_bytes));
    all[2].1.close();
    let change = |version| Event::FileChanged {
        file: Arc::new(FileKey {
            project: project(),
            path: FilePath::parse("a").expect("valid"),
        }),
        entry: ProjectEntry::written(1, Version::new(version), Timestamp::default(), false),
    };
    world.hub.publish(&updates, change(1), None);
    world.hub.publish(&updates, change(2), None);
    assert_eq!(
        counted(&world, EventKind::FileChanged),
        [
            ("queued", 2),
            ("waiting", 1),
            ("skipping", 1),
            ("dropped", 2)
        ]
    );
    let queued: usize = all.iter().map(|(_, queue)| queue.backlog().1).sum();
    let lag = Lag {
        connections: 3,
        lagging: 1,
        waiting: 1,
        queued_bytes: queued,
    };
    assert_eq!(world.hub.lag(), lag);
    assert!(queued > LIMITS.window_bytes);
}

#[test]
fn an_event_is_encoded_once_for_all_receivers_but_its_origin() {
    let world = World::new();
    let all: Vec<_> = (0..10).map(|_| world.connect()).collect();
    for (id, _) in &all {
        world.hub.subscribe(*id, room());
        world.hub.subscribe(*id, room());
    }
    world.say(1, Some(all[0].0));
    assert_eq!(world.encoded.load(Ordering::Relaxed), 1);
    assert!(taken(&all[0].1).is_empty());
    for (_, queue) in &all[1..] {
        assert_eq!(taken(queue), ["1"], "once, however often it subscribed");
    }
}

#[test]
fn connections_are_told_whatever_they_receive_otherwise_and_what_is_gone_is_no_error() {
    let world = World::new();
    let (first, first_mailbox) = world.connect();
    let (second, second_mailbox) = world.connect();
    let (_other, others_mailbox) = world.connect();
    let (gone, _mailbox) = world.connect();
    world.hub.disconnect(gone);
    world.hub.subscribe(first, room());
    world.hub.tell(&[first, gone, second], said(1));
    assert_eq!(world.encoded.load(Ordering::Relaxed), 1);
    assert_eq!(taken(&first_mailbox), ["1"]);
    assert_eq!(taken(&second_mailbox), ["1"]);
    assert!(taken(&others_mailbox).is_empty());
    world.hub.tell(&[gone], said(2));
    assert_eq!(world.encoded.load(Ordering::Relaxed), 1);
}

#[test]
fn what_nobody_receives_is_not_encoded() {
    let world = World::new();
    let (only, _mailbox) = world.connect();
    world.say(1, None);
    world.hub.subscribe(only, room());
    world.say(2, Some(only));
    assert_eq!(world.encoded.load(Ordering::Relaxed), 0);
}

#[test]
fn unsubscribing_and_disconnecting_leave_no_trace() {
    let world = World::new();
    let (first, first_mailbox) = world.connect();
    let (second, _second_mailbox) = world.connect();
    world.hub.subscribe(first, room());
    world.hub.subscribe(second, room());
    assert_eq!(world.receivers(), 2);
    world.hub.unsubscribe(first, &room());
    world.say(1, None);
    assert!(taken(&first_mailbox).is_empty());
    world.hub.disconnect(second);
    assert_eq!(world.receivers(), 0);
    world.hub.disconnect(first);
    world.hub.disconnect(first);
    world.hub.subscribe(first, room());
    world.assert_nothing_is_left();
}

#[test]
fn presence_is_announced_when_the_first_comes_and_the_last_goes() {
    let world = World::new();
    let (viewer, queue) = world.connect();
    let updates = Topic::Updates(project());
    world.hub.subscribe(viewer, updates.clone());
    let (a, a_mailbox) = world.connect();
    let (b, _b_mailbox) = world.connect();
    world.hub.subscribe(a, updates);
    assert!(world.hub.arrive(&project(), a));
    assert!(!world.hub.arrive(&project(), b));
    assert!(!world.hub.depart(&project(), a));
    assert!(!world.hub.depart(&project(), a), "they have gone already");
    assert_eq!(world.hub.streamers(&project()), 1);
    assert!(world.hub.depart(&project(), b));
    assert_eq!(taken(&queue), ["streamer true", "streamer false"]);
    assert_eq!(
        taken(&a_mailbox),
        ["streamer false"],
        "not of their own coming"
    );
}

#[test]
fn a_streamer_who_stops_streaming_a_project_that_they_watch_is_told_so() {
    let world = World::new();
    let (only, queue) = world.connect();
    world.hub.subscribe(only, Topic::Updates(project()));
    world.hub.arrive(&project(), only);
    world.hub.depart(&project(), only);
    assert_eq!(taken(&queue), ["streamer false"]);
}

#[test]
fn viewers_are_those_who_receive_updates_and_do_not_stream() {
    let world = World::new();
    let ids: Vec<_> = (0..5).map(|_| world.connect()).collect();
    assert_eq!(world.hub.viewers(&project()), 0);
    for (id, _) in &ids[..4] {
        world.hub.subscribe(*id, Topic::Updates(project()));
    }
    assert_eq!(world.hub.viewers(&project()), 4);
    // One of them has lost the right to updates.
    for (id, _) in &ids[3..] {
        world.hub.arrive(&project(), *id);
    }
    assert_eq!(world.hub.viewers(&project()), 3);
}

/// Three bytes have been put there.
fn put(file: &Arc<FileKey>, version: u64) -> Event {
    let (version, modified) = (Version::new(version), Timestamp::default());
    Event::FileUpdated {
        file: Arc::clone(file),
        entry: ProjectEntry::written(3, version, modified, false),
        content: Some(Bytes::from_static(b"xyz")),
    }
}

#[test]
fn contents_come_only_to_those_who_want_them() {
    let world = World::new();
    let updates = Topic::Updates(project());
    let path = |name: &str| FilePath::parse(name).expect("valid");
    let of = |names: &[&str]| Contents::Of(names.iter().map(|name| path(name)).collect());
    let wanted = [Contents::All, of(&[]), of(&["a"]), of(&["b"])];
    let queues: Vec<_> = wanted
        .into_iter()
        .map(|contents| {
            let (id, queue) = world.connect();
            world.hub.subscribe(id, updates.clone());
            world.hub.narrow(id, &project(), Arc::new(contents));
            queue
        })
        .collect();
    let file = |name| {
        let (project, path) = (project(), path(name));
        Arc::new(FileKey { project, path })
    };
    for (name, version) in [("a", 1), ("b", 2)] {
        world.hub.publish(&updates, put(&file(name), version), None);
    }
    let expected = [
        ["+/a", "+/b"],
        ["~/a 3", "~/b 3"],
        ["+/a", "~/b 3"],
        ["~/a 3", "+/b"],
    ];
    for (queue, expected) in queues.iter().zip(expected) {
        assert_eq!(taken(queue), expected);
    }
}

#[test]
fn a_new_subscription_gets_all_contents_again() {
    let world = World::new();
    let (id, queue) = world.connect();
    let updates = Topic::Updates(project());
    world.hub.subscribe(id, updates.clone());
    let none = Contents::Of(std::collections::BTreeSet::new());
    world.hub.narrow(id, &project(), Arc::new(none));
    world.hub.unsubscribe(id, &updates);
    world.hub.subscribe(id, updates.clone());
    let (project, path) = (project(), FilePath::parse("a").expect("valid"));
    let file = Arc::new(FileKey { project, path });
    world.hub.publish(&updates, put(&file, 1), None);
    assert_eq!(taken(&queue), ["+/a"]);
}

#[test]
fn files_reach_their_receivers_by_kind() {
    let world = World::new();
    let (viewer, queue) = world.connect();
    let updates = Topic::Updates(project());
    world.hub.subscribe(viewer, updates.clone());
    let path = FilePath::parse("a").expect("valid");
    let project = project();
    let file = Arc::new(FileKey { project, path });
    let put = put(&file, 1);
    world.hub.publish(&updates, put, None);
    let version = Version::new(2);
    let deleted = Event::FileDeleted { file, version };
    world.hub.publish(&updates, deleted, None);
    assert_eq!(taken(&queue), ["+/a", "-/a"]);
}

#[test]
fn many_threads_come_go_and_speak_and_all_see_one_order() {
    let world = Arc::new(World::new());
    let steady: Vec<_> = (0..3).map(|_| world.connect()).collect();
    for (id, _) in &steady {
        world.hub.subscribe(*id, room());
    }
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let world = Arc::clone(&world);
            scope.spawn(move || {
                for round in 0..200 {
                    let (id, _mailbox) = world.connect();
                    world.hub.subscribe(id, room());
                    world.hub.arrive(&project(), id);
                    world.say(thread * 1_000 + round, Some(id));
                    world.hub.depart(&project(), id);
                    world.hub.disconnect(id);
                }
            });
        }
    });
    let first = taken(&steady[0].1);
    assert_eq!(first.len(), 800);
    for (id, queue) in &steady[1..] {
        assert_eq!(taken(queue), first);
        world.hub.disconnect(*id);
    }
    world.hub.disconnect(steady[0].0);
    world.assert_nothing_is_left();
}
