//! Text that somebody else wrote, on its way to a terminal. [`shown`] is the only escaper: it
//! escapes what could steer the terminal or deceive the reader, and leaves what people write.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar;

/// The most marks on one letter; no script needs more.
const MARKS_MAX: usize = 8;
/// From here on there are scripts and pictures that need zero-width joiners.
const FIRST_JOINED: char = '\u{590}';

/// Text from outside, such as a server's. It prints escaped; only [`Untrusted::raw`] gives the text
/// itself, so that nobody prints it by accident.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as it came: to compare, to send or to store, never to print.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// The first characters of the text.
    #[must_use]
    pub fn beginning(&self, characters: usize) -> Self {
        Self(self.0.chars().take(characters).collect())
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&shown(&self.0))
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// What [`shown`] can make safe to print.
pub trait OutsideText {
    /// The text as it came.
    fn outside_text(&self) -> &str;
}

impl OutsideText for str {
    fn outside_text(&self) -> &str {
        self
    }
}

impl OutsideText for String {
    fn outside_text(&self) -> &str {
        self
    }
}

impl OutsideText for Cow<'_, str> {
    fn outside_text(&self) -> &str {
        self
    }
}

impl OutsideText for Untrusted {
    fn outside_text(&self) -> &str {
        self.raw()
    }
}

impl<T: OutsideText + ?Sized> OutsideText for &T {
    fn outside_text(&self) -> &str {
        (**self).outside_text()
    }
}

/// A text from outside, made safe for a terminal: what could steer it, reorder the text or hide in
/// it is escaped. Accents, joined pictures and the spaces of all languages stay.
pub fn shown<T: OutsideText + ?Sized>(text: &T) -> String {
    let text = text.outside_text();
    let mut safe = String::with_capacity(text.len());
    let mut before = None;
    let mut marks = 0;
    for c in text.chars() {
        let has_room = !is_joiner(c) && c.width() != Some(0);
        let stands = may_stand(c)
            && match before {
                _ if has_room => true,
                // At the start it would join or mark what was printed before.
                None => false,
                Some(before) if is_joiner(c) => before >= FIRST_JOINED && !is_joiner(before),
                Some(_) => marks < MARKS_MAX,
            };
        if stands {
            safe.push(c);
            marks = if has_room { 0 } else { marks + 1 };
            before = Some(c);
        } else {
            safe.extend(c.escape_default());
            marks = 0;
            before = None;
        }
    }
    safe
}

/// Whether a character may be part of a printed text at all. A character without width may, but
/// only in the right place: [`shown`] checks what precedes it.
pub fn may_stand(c: char) -> bool {
    match c {
        // These include the spaces that languages need, but no line separators.
        ' '..='~' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            true
        }
        // Letters that look blank.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => false,
        _ => is_joiner(c) || is_printable(c),
    }
}

/// Whether the character is invisible and only says whether its neighbours are joined.
pub fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// False for controls, formats, separators, private use and characters that no standard knows yet.
fn is_printable(c: char) -> bool {
    let mut bytes = [b'a'; 5];
    let len = 1 + c.encode_utf8(&mut bytes[1..]).len();
    // The library escapes a mark only at the beginning of a text, where it has no letter.
    std::str::from_utf8(&bytes[..len]).is_ok_and(|text| text.escape_debug().count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_shown_as_they_wrote_it() {
        for text in [
            "it's \"quoted\" \\ back",
            "gr\u{fc}n, 10\u{a0}000\u{202f}€, 日本\u{3000}語",
            "e\u{301}, Vie\u{323}\u{302}t, ẛ\u{323}",
            // Persian with a non-joiner, and Hindi and Sinhala with joiners.
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष, ශ\u{dca}\u{200d}රී",
            "👩\u{200d}💻 👩🏽\u{200d}❤\u{fe0f}\u{200d}👨🏿 ❤\u{fe0f} 1\u{fe0f}\u{20e3} 🇩🇪 葛\u{e0100}",
            // Hangul as macOS decomposes it, Hebrew with its points, Thai.
            "\u{1112}\u{1161}\u{11ab}",
            "שָׁלוֹם ที่นี่",
        ] {
            assert_eq!(shown(text), text);
            assert_eq!(Untrusted::from(text).to_string(), text);
        }
    }

    #[test]
    fn what_steers_or_deceives_is_escaped() {
        for (text, expected) in [
            ("a\u{1b}[2J\u{7}", "a\\u{1b}[2J\\u{7}"),
            (
                "a\u{9b}2J\r\n\t\u{7f}\0",
                "a\\u{9b}2J\\r\\n\\t\\u{7f}\\u{0}",
            ),
            (
                "a\u{202e}b\u{2066}c\u{200f}",
                "a\\u{202e}b\\u{2066}c\\u{200f}",
            ),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            (
                "a\u{200b}\u{feff}\u{2060}\u{ad}",
                "a\\u{200b}\\u{feff}\\u{2060}\\u{ad}",
            ),
            (
                "\u{e0041}\u{e007f}\u{f8ff}\u{378}",
                "\\u{e0041}\\u{e007f}\\u{f8ff}\\u{378}",
            ),
            ("ad\u{200d}min \u{200c}", "ad\\u{200d}min \\u{200c}"),
            ("日\u{200d}\u{200d}本", "日\u{200d}\\u{200d}本"),
            ("\u{301}a\u{3164}", "\\u{301}a\\u{3164}"),
        ] {
            assert_eq!(shown(text), expected);
        }
        let tower = format!("a{}", "\u{301}".repeat(MARKS_MAX + 1));
        assert!(shown(&tower).ends_with("\u{301}\\u{301}"));
    }

    #[test]
    fn no_character_that_controls_or_reorders_passes() {
        let reorders = |c| matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        for c in ('\0'..=char::MAX).filter(|c| c.is_control() || reorders(*c)) {
            let text = shown(&format!("日{c}"));
            assert!(text["日".len()..].is_ascii(), "{text}");
        }
    }

    #[test]
    fn neither_way_of_printing_gives_the_raw_text() {
        let text = Untrusted::from("a\u{1b}b");
        assert_eq!(
            format!("{text} {text:?} {text:>10}"),
            "a\\u{1b}b \"a\\u{1b}b\"   a\\u{1b}b"
        );
        assert_eq!(text.raw(), "a\u{1b}b");
        assert_eq!(serde_json::to_string(&text).unwrap(), "\"a\\u001bb\"");
    }
}
