//! What the room looks like as lines of text. Nothing that comes from outside gets through here
//! without being made harmless.

use twicecast_client::untrusted::{Untrusted, shown};

use crate::ui::time::time_of_day;

/// Begins a line that nobody said.
pub const ASIDE: &str = "-- ";
/// More names are counted.
const NAMES_MAX: usize = 100;

/// A message as a line; times are milliseconds since the epoch.
pub fn message_line(date: i64, now: i64, name: &Untrusted, text: &Untrusted) -> String {
    format!("{} {name}: {text}", time_of_day(date, now))
}

/// Who is there, as a line.
pub fn names_line(names: &[Untrusted]) -> String {
    let more = names.len().saturating_sub(NAMES_MAX);
    let mut names: Vec<String> = names.iter().take(NAMES_MAX).map(shown).collect();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    format!("{ASIDE}here: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_counted() {
        let crowd = names_line(&vec!["x".into(); NAMES_MAX + 2]);
        assert!(crowd.ends_with("x, and 2 more"), "{crowd}");
    }

    #[test]
    fn a_name_cannot_steer_either() {
        assert_eq!(
            names_line(&["ana".into(), "b\u{1b}[2J".into()]),
            "-- here: ana, b\\u{1b}[2J"
        );
        assert!(
            message_line(0, 0, &"b\nc".into(), &"hi\nthere".into()).ends_with(" b\\nc: hi\\nthere")
        );
    }
}
