//! Costs that must not depend on how much else there is.

use crate::Size;
use crate::crowd::{Crowd, FLAGS, Pace, Shape, member};
use crate::figure::{Goal, Rounds, Row};
use crate::machine;
use crate::support::Server;
use crate::uploads::many_parts;

/// Chat in a room of 100 beside this many others in rooms of their own, relative to ten others.
pub async fn crowd(size: Size, others: usize) -> Row {
    let shape = Shape::ROOM_OF_100;
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        for (count, figures) in [(others, &mut rounds.ours), (10, &mut rounds.floor)] {
            let server = Server::on_core(machine::SERVER_CORE, FLAGS);
            let mut idle = Vec::new();
            for number in 0..count {
                let room = format!("other{number}");
                idle.push(member(server.port, "somebody", &room).await);
            }
            let mut crowd = Crowd::ours(server, shape).await;
            crowd.publish(size.of(400), Pace::ONE).await;
            figures.push(crowd.publish(size.of(3_200), Pace::ONE).await);
        }
    }
    let name = format!(
        "chat in a room of 100 beside {others} other connections and rooms; floor beside 10"
    );
    rounds.row("growth-rooms", &name, "µs per delivery", Goal::Ratio(1.1))
}

/// A part of a file of this many parts, relative to a part of a file of a tenth as many.
pub async fn parts(size: Size, parts: usize) -> Row {
    let mut rounds = Rounds::default();
    for _ in 0..size.rounds() {
        rounds.ours.push(many_parts(parts).await);
        rounds.floor.push(many_parts(parts / 10).await);
    }
    let id = format!("growth-parts-{parts}");
    let name = format!("a part of an upload of {parts}; floor of {}", parts / 10);
    rounds.row(&id, &name, "µs per part", Goal::Ratio(1.1))
}
