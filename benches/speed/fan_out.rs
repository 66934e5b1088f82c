//! One message to many: chat rooms.

use crate::Size;
use crate::contender::Peer;
use crate::crowd::{Crowd, FLAGS, Pace, Shape};
use crate::figure::{Goal, Rounds, Row};
use crate::support::Server;

const SERVER: usize = crate::machine::SERVER_CORE;

fn server() -> Server {
    Server::on_core(SERVER, FLAGS)
}

/// A message of 1 KiB to a room of 1,000, beside the peers.
pub async fn room_of_1000(size: Size, pace: Pace) -> Row {
    let shape = Shape {
        rooms: 1,
        listeners: 1_000,
        payload: 1_024,
    };
    let is_single = pace.in_flight == 1;
    let messages = size.of(if is_single { 320 } else { 1_600 });
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        rounds
            .floor
            .push(one(Crowd::floor(shape).await, messages, pace).await);
        rounds
            .ours
            .push(one(Crowd::ours(server(), shape).await, messages, pace).await);
        if size.has_peers() {
            for peer in Peer::ALL {
                if let Some(crowd) = Crowd::peer(peer, shape).await {
                    rounds.peer(peer.name(), one(crowd, messages, pace).await);
                }
            }
        }
    }
    let (id, name) = if is_single {
        ("fan-out", "1 KiB to a room of 1,000, one message at a time")
    } else {
        ("fan-out-16", "1 KiB to a room of 1,000, 16 in flight")
    };
    rounds.row(id, name, "µs per delivery", Goal::Ratio(1.3))
}

/// Chat as fast as the server takes it, in one room of 100.
pub async fn room_of_100(size: Size) -> Row {
    let shape = Shape::ROOM_OF_100;
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        let floor = Crowd::floor(shape).await;
        rounds
            .floor
            .push(one(floor, size.of(3_200), Pace::ONE).await);
        let ours = Crowd::ours(server(), shape).await;
        rounds
            .ours
            .push(one(ours, size.of(12_800), Pace::FULL).await);
    }
    // 1.5 µs, while the floor takes 4.3.
    let goal = Goal::Ratio(1.5 / 4.3);
    let name = "chat, one room of 100, full speed; floor one at a time";
    rounds.row("chat-room", name, "µs per delivery", goal)
}

/// Chat in 100 rooms of 5, as fast as the server takes it.
pub async fn rooms_of_5(size: Size) -> Row {
    let shape = Shape {
        rooms: 100,
        listeners: 5,
        payload: 1_024,
    };
    let pace = Pace {
        chunk: 2,
        in_flight: 8,
    };
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        let floor = Crowd::floor(shape).await;
        rounds.floor.push(one(floor, size.of(640), Pace::ONE).await);
        let ours = Crowd::ours(server(), shape).await;
        rounds.ours.push(one(ours, size.of(640), pace).await);
    }
    let name = "chat, 100 rooms of 5, full speed; floor one at a time";
    rounds.row("chat-rooms", name, "µs per delivery", Goal::Ratio(1.2))
}

async fn one(mut crowd: Crowd, messages: u64, pace: Pace) -> f64 {
    crowd.publish(messages / 8, pace).await;
    crowd.publish(messages, pace).await
}
