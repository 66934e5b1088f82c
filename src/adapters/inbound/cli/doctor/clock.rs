//! Checks the clock: it decides when tokens expire, and versions are numbered by it.

use std::time::Duration;

use super::finding::Finding;
use super::kinds::{CLOCK_BEHIND, CLOCK_OFF, CLOCK_UNSET};
use crate::domain::Timestamp;

/// The beginning of 2025. This program is younger, so an earlier time is wrong.
const OLDEST: Timestamp = Timestamp::from_millis(1_735_689_600_000);

/// How far ahead of the clock the time of a file may be.
const AHEAD: Duration = Duration::from_secs(60);

/// How far two clocks may differ.
const APART: Duration = Duration::from_secs(30);

const KEEP_TIME: &str = "let it keep time by NTP (timedatectl set-ntp true)";

pub(super) fn check(now: Timestamp, newest: Option<&(String, Timestamp)>) -> Finding {
    if now < OLDEST {
        let says = "the clock shows a time before 2025: tokens seem to hold for ever";
        return Finding::of(CLOCK_UNSET, says, format!("set the clock; {KEEP_TIME}"));
    }
    match newest {
        Some((name, changed)) if *changed > now.plus(AHEAD) => Finding::of(
            CLOCK_BEHIND,
            format!(
                "{name} is {} younger than now: the clock is behind, or another program dated the \
                 file",
                span(changed.since(now))
            ),
            format!("set the clock; {KEEP_TIME}. If the clock is right, `touch` the file"),
        ),
        _ => Finding::ok("clock", "no file of a project is younger than now"),
    }
}

/// Compares this clock with the clock of `publicUrl`.
pub(super) fn compare(now: Timestamp, theirs: Timestamp) -> Option<Finding> {
    let (apart, which) = if now > theirs {
        (now.since(theirs), "ahead of")
    } else {
        (theirs.since(now), "behind")
    };
    (apart > APART).then(|| {
        let says = format!("this clock is {} {which} that of publicUrl", span(apart));
        Finding::of(
            CLOCK_OFF,
            says,
            format!("set the clock that is wrong; {KEEP_TIME}"),
        )
    })
}

fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::names;
    use super::*;

    #[test]
    fn a_clock_is_judged_by_files_and_by_other_clocks() {
        let now = OLDEST.plus(Duration::from_secs(1_000_000));
        let file = |seconds| Some(("a".to_owned(), now.plus(Duration::from_secs(seconds))));
        let early = Timestamp::from_millis(OLDEST.as_millis() - 1);
        for (now, newest, expected) in [
            (now, None, "clock"),
            (now, file(60), "clock"),
            (now, file(61), "clock-behind"),
            (OLDEST, None, "clock"),
            (early, None, "clock-unset"),
        ] {
            assert_eq!(names(&[check(now, newest.as_ref())]), [expected]);
        }
        let (later, sooner) = (now.plus(APART), now.plus(APART + Duration::from_secs(1)));
        for (one, other, is_off) in [
            (now, now, false),
            (now, later, false),
            (later, now, false),
            (now, sooner, true),
            (sooner, now, true),
        ] {
            assert_eq!(compare(one, other).is_some(), is_off);
        }
        let said = compare(sooner, now).expect("off").to_string();
        assert!(said.contains("31 s ahead of"), "{said}");
    }
}
