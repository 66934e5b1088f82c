//! Fan-out without sockets: an event is encoded, put into every queue and taken out again.

use std::collections::VecDeque;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use file_ws_server::adapters::delivery::Hub;
use file_ws_server::adapters::delivery::{FlushCall, Lane, SendQueue, SendQueueLimits};
use file_ws_server::adapters::inbound::websocket::event_encoder;
use file_ws_server::application::Event;
use file_ws_server::application::memory::MemoryBudget;
use file_ws_server::application::ports::{EventPublisher as _, Subscriptions as _, Topic};
use file_ws_server::domain::{ChatMessage, ProjectId, ProjectName, RoomName, Timestamp, UserName};

/// Ana's project.
pub fn project() -> ProjectId {
    ProjectId {
        streamer: UserName::parse("ana").expect("a name"),
        name: ProjectName::parse("demo").expect("a name"),
    }
}

/// No wake-up is needed: the bench empties the send queues itself.
struct Silent;

impl FlushCall for Silent {
    fn call(&self, _: Lane) {}
}

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub");
    for members in [1_u64, 100, 10_000] {
        let budget = MemoryBudget::new(usize::MAX / 2);
        let hub = Hub::new(event_encoder(Arc::clone(&budget), 64 * 1_024));
        let room = RoomName::parse("lobby").expect("a name");
        let limits = SendQueueLimits {
            max_bytes: usize::MAX,
            window_bytes: usize::MAX,
        };
        let queues: Vec<_> = (0..members)
            .map(|_| {
                let queue = SendQueue::new(limits, budget.open_account(), Silent);
                let id = hub.connect(Arc::clone(&queue));
                hub.subscribe(id, Topic::Room(room.clone()));
                queue
            })
            .collect();
        let said = Event::ChatMessage(ChatMessage {
            id: 1,
            room: room.clone(),
            username: UserName::parse("bob").expect("a name"),
            text: "x".repeat(1_024).into(),
            date: Timestamp::from_millis(0),
            is_announcement: false,
        });
        group.throughput(Throughput::Elements(members));
        group.bench_function(BenchmarkId::new("publish to members", members), |bencher| {
            bencher.iter(|| {
                hub.publish(&Topic::Room(room.clone()), said.clone(), None);
                for queue in &queues {
                    let mut taken = VecDeque::new();
                    queue.take(&mut taken, usize::MAX);
                }
            });
        });
    }
    group.finish();
}
