use std::sync::Arc;

use shuttle::future::{block_on, spawn};

use super::*;
use crate::application::locks::interleaved::{check, point};
use crate::application::test_world::{demo, other, project};

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn one_date_parts_what_was_told_from_what_was_not_whatever_the_clock_does() {
    // What the clock says when one is finished, when somebody leaves, and at the next finish.
    for (first, leaves, second) in [
        (100, 200, 300),
        (100, 100, 100),
        (100, 50, 20),
        (20, 100, 50),
        (0, 0, 0),
    ] {
        let finishes = PullRequestClock::default();
        let finishing = finishes.begin(demo(), at(first));
        let told = finishing.date();
        finishing.tell(|| {});
        let until = finishes.part(&demo(), at(leaves), || {});
        let waits = finishes.begin(demo(), at(second)).date();
        let shown = format!("{told:?} {until:?} {waits:?}");
        assert!(told < until && until <= waits, "{shown}");
    }
}

#[test]
fn dates_are_the_clocks_and_leaving_often_does_not_move_them() {
    let finishes = PullRequestClock::default();
    for _ in 0..100 {
        assert_eq!(finishes.part(&demo(), at(100), || {}), at(100));
    }
    for (now, date) in [(100, 100), (100, 101), (99, 102), (500, 500)] {
        assert_eq!(finishes.begin(demo(), at(now)).date(), at(date));
    }
}

#[test]
fn one_that_is_being_finished_waits_for_whoever_leaves_meanwhile() {
    let finishes = PullRequestClock::default();
    let finishing = finishes.begin(demo(), at(100));
    assert_eq!(finishes.part(&demo(), at(200), || {}), at(100));
    assert_eq!(
        finishes.part(&other(), at(200), || {}),
        at(200),
        "elsewhere it bears on nobody"
    );
    drop(finishing);
    assert_eq!(finishes.part(&demo(), at(300), || {}), at(300), "it failed");
    assert!(lock(&finishes.0).untold.is_empty());
}

#[test]
fn in_no_order_of_events_is_somebody_told_twice_or_not_at_all() {
    check(2_000, || {
        block_on(async {
            let finishes = Arc::new(PullRequestClock::default());
            // Whether he is told, and of what he was.
            let streamer = Arc::new(Mutex::new((true, Vec::new())));
            let author = {
                let (finishes, streamer) = (Arc::clone(&finishes), Arc::clone(&streamer));
                spawn(async move {
                    let mut dates = Vec::new();
                    for fails in [false, false, true, false] {
                        let finishing = finishes.begin(demo(), at(100));
                        point();
                        if fails {
                            continue;
                        }
                        let date = finishing.date();
                        dates.push(date);
                        finishing.tell(|| {
                            let mut streamer = lock(&streamer);
                            if streamer.0 {
                                streamer.1.push(date);
                            }
                        });
                    }
                    dates
                })
            };
            let leaver = {
                let (finishes, streamer) = (Arc::clone(&finishes), Arc::clone(&streamer));
                spawn(async move { finishes.part(&demo(), at(100), || lock(&streamer).0 = false) })
            };
            let dates = author.await.expect("no panic");
            let until = leaver.await.expect("no panic");
            let told = lock(&streamer).1.clone();
            for date in dates {
                assert_eq!(
                    told.contains(&date),
                    date < until,
                    "{told:?} until {until:?}"
                );
            }
        });
    });
}

#[test]
fn a_connection_remembers_the_projects_that_it_left_last() {
    let mut notices = PullRequestCursor::default();
    let numbered = |number: u64| project(&format!("ana/p{number}"));
    let count = REMEMBERED as u64 + 1;
    for number in 1..=count {
        assert_eq!(notices.resume(numbered(number)), Timestamp::default());
        notices.pause(at(number));
    }
    assert_eq!(notices.told.len(), REMEMBERED);
    for number in (1..=count).rev() {
        let expected = if number == 1 { 0 } else { number };
        assert_eq!(notices.resume(numbered(number)), at(expected));
    }
}

#[test]
fn who_is_told_of_none_has_nothing_to_pause() {
    let mut notices = PullRequestCursor::default();
    notices.pause(at(5));
    assert!(notices.told.is_empty());
    notices.resume(demo());
    notices.pause(at(5));
    notices.pause(at(7));
    assert_eq!(notices.resume(demo()), at(5));
}
