//! Whether a message is the one that the model expects.
//!
//! The model writes marks for what only the server can know: `$id3;`, `$date3;`, `$said3;` and
//! `$modified3;` stand for the value they had the first time, `$text` for any text, and
//! `$naming /a` for one with `/a` in it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::now;

/// The values of the marks that the server has shown so far.
#[derive(Debug, Default, Clone)]
pub struct Marks(BTreeMap<String, Value>);

impl Marks {
    /// Whether `actual` is what is expected; if so, the values of its marks are remembered.
    pub fn matches(&mut self, expected: &Value, actual: &Value) -> bool {
        let mut marks = self.clone();
        let is_match = marks.compare(expected, actual);
        if is_match {
            *self = marks;
        }
        is_match
    }

    /// The value of a mark, as a number.
    pub fn number(&self, mark: &Value) -> Option<u64> {
        self.0.get(mark.as_str()?)?.as_u64()
    }

    /// `text` with all ids filled in.
    pub fn fill_in(&self, text: &str) -> String {
        let ids = self.0.iter().filter(|(mark, _)| mark.starts_with("$id"));
        ids.fold(text.to_owned(), |text, (mark, id)| {
            text.replace(mark, id.as_str().unwrap_or_default())
        })
    }

    fn compare(&mut self, expected: &Value, actual: &Value) -> bool {
        match (expected, actual) {
            (Value::String(mark), _) if mark.starts_with('$') && mark.ends_with(';') => {
                self.compare_mark(mark, actual)
            }
            (Value::String(text), Value::String(actual)) => {
                if let Some(part) = text.strip_prefix("$naming ") {
                    actual.contains(part)
                } else if text == "$text" {
                    !actual.is_empty()
                } else {
                    self.fill_in(text) == *actual
                }
            }
            (Value::Object(expected), Value::Object(actual)) => {
                expected.len() == actual.len()
                    && expected.iter().all(|(key, expected)| {
                        let actual = actual.get(key);
                        actual.is_some_and(|actual| self.compare(expected, actual))
                    })
            }
            (Value::Array(expected), Value::Array(actual)) => {
                expected.len() == actual.len()
                    && (self.compare_in_order(expected, actual) || self.by_date(expected, actual))
            }
            _ => expected == actual,
        }
    }

    fn compare_in_order(&mut self, expected: &[Value], actual: &[Value]) -> bool {
        let mut marks = self.clone();
        let mut both = expected.iter().zip(actual);
        let is_match = both.all(|(expected, actual)| marks.compare(expected, actual));
        if is_match {
            *self = marks;
        }
        is_match
    }

    /// Pull requests are ordered by date; those of the same millisecond come in any order.
    fn by_date(&mut self, expected: &[Value], actual: &[Value]) -> bool {
        let dates: Vec<_> = actual.iter().map(|pull| pull["date"].as_u64()).collect();
        let mut expected: Vec<_> = expected.iter().collect();
        let mut takes = |actual: &Value| {
            let found = expected.iter().position(|one| self.matches(one, actual));
            found.map(|index| expected.remove(index)).is_some()
        };
        actual.iter().all(|pull| pull["title"].is_string())
            && dates.is_sorted()
            && actual.iter().all(&mut takes)
    }

    fn compare_mark(&mut self, mark: &str, actual: &Value) -> bool {
        if let Some(known) = self.0.get(mark) {
            return known == actual;
        }
        let is_new_id = || !self.0.values().any(|known| known == actual);
        let is_plausible = if mark.starts_with("$id") {
            actual.as_str().is_some_and(is_uuid) && is_new_id()
        } else if mark.starts_with("$said") {
            actual.is_u64()
        } else {
            let seconds = actual.as_u64().map(|milliseconds| milliseconds / 1_000);
            seconds.is_some_and(|seconds| seconds.abs_diff(now()) < 3_600)
        };
        if is_plausible {
            self.0.insert(mark.to_owned(), actual.clone());
        }
        is_plausible
    }
}

/// Whether this is a random UUID in its usual form.
fn is_uuid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    let is_hex = |byte: u8| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    lengths == [8, 4, 4, 4, 12]
        && text.bytes().all(is_hex)
        && text.as_bytes()[14] == b'4'
        && b"89ab".contains(&text.as_bytes()[19])
}
