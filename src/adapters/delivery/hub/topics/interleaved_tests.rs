//! Members come and go and events are published, in many orders.

use std::sync::Arc;

use shuttle::thread;

use super::*;
use crate::adapters::delivery::hub::topics::tests::{World, project, room, taken};
use crate::application::locks::interleaved::check;
use crate::application::ports::Presence as _;

const ORDERS: usize = 2_000;

#[test]
fn a_member_who_stays_hears_each_event_once_while_others_come_and_go() {
    check(ORDERS, || {
        let world = Arc::new(World::new());
        let (stays, queue) = world.connect();
        world.hub.subscribe(stays, room());
        let others: Vec<_> = (0..2)
            .map(|_| {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    let (id, queue) = world.connect();
                    world.hub.subscribe(id, room());
                    let told = taken(&queue);
                    world.hub.unsubscribe(id, &room());
                    world.hub.subscribe(id, room());
                    world.hub.disconnect(id);
                    told
                })
            })
            .collect();
        let speaker = {
            let world = Arc::clone(&world);
            thread::spawn(move || (1..=3).for_each(|id| world.say(id, None)))
        };
        for other in others {
            let told = other.join().expect("no panic");
            let numbers: Vec<u64> = told
                .iter()
                .map(|id| id.parse().expect("a number"))
                .collect();
            assert!(
                numbers.windows(2).all(|two| two[0] + 1 == two[1]),
                "{told:?}"
            );
        }
        speaker.join().expect("no panic");
        assert_eq!(taken(&queue), ["1", "2", "3"]);
        world.hub.disconnect(stays);
        world.assert_nothing_is_left();
    });
}

#[test]
fn a_connection_that_ends_while_it_enters_leaves_nothing_behind() {
    check(ORDERS, || {
        let world = Arc::new(World::new());
        let (id, _mailbox) = world.connect();
        let entering = {
            let world = Arc::clone(&world);
            thread::spawn(move || {
                world.hub.subscribe(id, room());
                world.hub.subscribe(id, Topic::Updates(project()));
                world.hub.unsubscribe(id, &room());
            })
        };
        world.hub.disconnect(id);
        entering.join().expect("no panic");
        world.assert_nothing_is_left();
    });
}

#[test]
fn the_streamer_is_told_of_as_coming_and_going_by_turns_and_rightly_at_the_end() {
    check(ORDERS, || {
        let world = Arc::new(World::new());
        let (viewer, queue) = world.connect();
        world.hub.subscribe(viewer, Topic::Updates(project()));
        let streamers: Vec<_> = (0..3)
            .map(|number| {
                let world = Arc::clone(&world);
                thread::spawn(move || {
                    let (id, _mailbox) = world.connect();
                    world.hub.arrive(&project(), id);
                    if number > 0 {
                        world.hub.depart(&project(), id);
                    }
                })
            })
            .collect();
        for streamer in streamers {
            streamer.join().expect("no panic");
        }
        let told = taken(&queue);
        for (place, said) in told.iter().enumerate() {
            assert_eq!(*said, format!("streamer {}", place % 2 == 0), "{told:?}");
        }
        assert_eq!(told.last().map(String::as_str), Some("streamer true"));
        assert_eq!(world.hub.streamers(&project()), 1);
    });
}

#[test]
fn a_member_who_joins_while_the_last_one_leaves_is_not_lost() {
    check(ORDERS, || {
        let world = Arc::new(World::new());
        let (last, _queue) = world.connect();
        world.hub.subscribe(last, room());
        let leaving = {
            let world = Arc::clone(&world);
            thread::spawn(move || world.hub.disconnect(last))
        };
        let (new, queue) = world.connect();
        world.hub.subscribe(new, room());
        leaving.join().expect("no panic");
        world.say(1, None);
        assert_eq!(taken(&queue), ["1"]);
        world.hub.disconnect(new);
        world.assert_nothing_is_left();
    });
}
