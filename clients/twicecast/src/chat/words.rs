//! What the room looks like as lines of text. Nothing that comes from outside gets through here
//! without being made harmless.

use unicode_width::UnicodeWidthChar;

use crate::names::shown;
use crate::ui::time::time_of_day;

/// Begins a line that nobody said.
pub const ASIDE: &str = "-- ";

/// A message as a line; moments are milliseconds since the epoch.
pub fn message_line(date: i64, now: i64, name: &str, text: &str) -> String {
    format!(
        "{} {}: {}",
        time_of_day(date, now),
        shown(name),
        harmless(text)
    )
}

/// Who is there, as a line.
pub fn names_line(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
    format!("{ASIDE}here: {}", names.join(", "))
}

/// A text of which nothing can steer a terminal: as [`shown`], but letters keep the marks above and
/// below them.
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_joiner(c) {
            // It only joins pictures to one, which few terminals do, and none alike.
        } else if is_mark(c) {
            safe.push(c);
        } else {
            safe.push_str(&shown(c.encode_utf8(&mut [0; 4])));
        }
    }
    safe
}

/// Whether it joins two pictures to one.
pub fn is_joiner(c: char) -> bool {
    c == '\u{200d}'
}

/// Whether it goes onto the character before it and does nothing else.
fn is_mark(c: char) -> bool {
    // After another character, only what cannot be printed at all is escaped.
    let printable = format!("a{c}").escape_debug().count() == 2;
    printable && c.width() == Some(0)
}

/// Whether a character may stand in a line as it is.
pub fn is_fit(c: char) -> bool {
    is_joiner(c) || harmless(c.encode_utf8(&mut [0; 4])).chars().eq([c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_accents_and_pictures_and_nothing_that_steers() {
        assert_eq!(
            harmless("it's \"e\u{301}\" \\ ❤\u{fe0f} 日本"),
            "it's \"e\u{301}\" \\ ❤\u{fe0f} 日本"
        );
        assert_eq!(harmless("👩\u{200d}💻"), "👩💻");
        assert_eq!(
            harmless("a\u{1b}]0;x\u{7}\r\nb\u{9b}2J\u{202e}\u{2066}\u{200b}\u{7f}\t"),
            "a\\u{1b}]0;x\\u{7}\\r\\nb\\u{9b}2J\\u{202e}\\u{2066}\\u{200b}\\u{7f}\\t"
        );
    }

    #[test]
    fn no_control_or_format_character_passes() {
        for c in (0..=0x0010_ffff).filter_map(char::from_u32) {
            let through = harmless(c.encode_utf8(&mut [0; 4]));
            if c.is_control()
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c)
            {
                assert!(through.is_ascii() && through.len() > 1, "{c:?}");
            }
        }
    }

    #[test]
    fn a_name_cannot_steer_either() {
        assert_eq!(
            names_line(&["ana".into(), "b\u{1b}[2J".into()]),
            "-- here: ana, b\\u{1b}[2J"
        );
        assert!(message_line(0, 0, "b\nc", "hi\nthere").ends_with(" b\\nc: hi\\nthere"));
    }
}
