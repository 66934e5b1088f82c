//! What the room looks like as lines of text. Everything that comes from outside is made harmless
//! here.

use twicecast_client::untrusted::{Untrusted, shown};

use crate::ui::time::time_of_day;

/// Begins a line that nobody in the room said.
pub const ASIDE: &str = "-- ";
/// The most names that are listed; the rest are counted.
const NAMES_MAX: usize = 100;

/// The parts of a message that a line shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// In milliseconds since the epoch.
    pub date: i64,
    /// Who said it.
    pub name: Untrusted,
    /// The text.
    pub text: Untrusted,
    /// Whether a moderator announces it to everybody.
    pub is_announcement: bool,
    /// Its number, if the user can do something with it.
    pub number: Option<u64>,
}

/// A message as a line; `now` is in milliseconds since the epoch.
pub fn message_line(words: &Words, now: i64) -> String {
    let Words { name, text, .. } = words;
    let time = time_of_day(words.date, now);
    let number = words.number.map(|number| format!("#{number} "));
    let number = number.unwrap_or_default();
    if words.is_announcement {
        return format!("{number}{time} *** {name} announces: {text} ***");
    }
    format!("{number}{time} {name}: {text}")
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
        assert!(message_line(&words(false, None), 0).ends_with(" b\\nc: hi\\nthere"));
    }

    fn words(is_announcement: bool, number: Option<u64>) -> Words {
        Words {
            date: 0,
            name: "b\nc".into(),
            text: "hi\nthere".into(),
            is_announcement,
            number,
        }
    }

    #[test]
    fn an_announcement_stands_out_and_moderators_see_numbers() {
        let line = message_line(&words(true, Some(7)), 0);
        assert!(line.starts_with("#7 "), "{line}");
        assert!(
            line.ends_with(" *** b\\nc announces: hi\\nthere ***"),
            "{line}"
        );
    }
}
