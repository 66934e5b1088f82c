//! Times as people read them: in their own time zone, and no longer than necessary.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Local, SecondsFormat, TimeZone, Utc};

const DATE_AND_TIME: &str = "%Y-%m-%d %H:%M";

/// Now, in milliseconds since the epoch.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}

/// Now, in seconds since the epoch.
pub fn now_in_seconds() -> u64 {
    u64::try_from(now() / 1_000).unwrap_or_default()
}

/// A time in milliseconds since the epoch as the local time of day, with the date if that is not
/// today.
pub fn time_of_day(time: i64, now: i64) -> String {
    in_zone(&Local, time, now)
}

/// A time in seconds since the epoch as local date and time of day.
pub fn date_and_time(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Local.timestamp_opt(seconds, 0).earliest())
        .map_or_else(
            || "the end of time".to_owned(),
            |time| time.format(DATE_AND_TIME).to_string(),
        )
}

/// A time in seconds since the epoch for programs: RFC 3339, in UTC.
pub fn for_machines(seconds: u64) -> Option<String> {
    let time = DateTime::<Utc>::from_timestamp(i64::try_from(seconds).ok()?, 0)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The present local time of day, with seconds.
pub fn clock() -> String {
    Local::now().format("%H:%M:%S").to_string()
}

/// A number of seconds, as its two largest units.
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

fn in_zone<Z: TimeZone>(zone: &Z, time: i64, now: i64) -> String
where
    Z::Offset: std::fmt::Display,
{
    let at = |millis| zone.timestamp_millis_opt(millis).earliest();
    match (at(time), at(now)) {
        (Some(time), Some(now)) if time.date_naive() == now.date_naive() => {
            time.format("%H:%M").to_string()
        }
        (Some(time), _) => time.format(DATE_AND_TIME).to_string(),
        (None, _) => "--:--".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_694_400_000;

    #[test]
    fn a_time_of_today_has_no_date_and_any_other_has_one() {
        let zone = chrono::FixedOffset::east_opt(2 * 3600).unwrap();
        assert_eq!(in_zone(&zone, NOON, NOON + 9 * 3_600_000), "14:00");
        assert_eq!(
            in_zone(&zone, NOON, NOON + 10 * 3_600_000),
            "2026-11-26 14:00"
        );
        assert_eq!(in_zone(&zone, i64::MAX, NOON), "--:--");
    }

    #[test]
    fn spans_have_their_two_largest_units() {
        let spans = [0, 59, 60, 3_599, 43_199, 90_000].map(span);
        assert_eq!(
            spans,
            ["0 s", "59 s", "1 min", "59 min", "11 h 59 min", "1 d 1 h"]
        );
    }

    #[test]
    fn machines_read_utc() {
        assert_eq!(for_machines(0).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(for_machines(u64::MAX), None);
    }
}
