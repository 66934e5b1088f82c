//! Which part of a file is asked for (RFC 9110, section 14).

use std::ops::Range;

use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue};

/// What to send of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// These bytes, at least one.
    Bytes(Range<u64>),
    /// The file has none of the bytes that are asked for.
    Unsatisfiable,
}

/// What `asked` wants of a file of `bytes` bytes, with `tag` if it has one. Anything but a single
/// range of bytes is ignored, as RFC 9110 allows.
pub(super) fn part(asked: &HeaderMap, bytes: u64, tag: Option<&HeaderValue>) -> Part {
    let mut ranges = asked.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return Part::Whole;
    };
    if let Some(condition) = asked.get(IF_RANGE)
        && Some(condition) != tag
    {
        return Part::Whole;
    }
    let range = range.to_str().ok().and_then(|range| {
        let (unit, range) = range.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        let is_bytes = unit.trim().eq_ignore_ascii_case("bytes");
        is_bytes.then_some((first, last))
    });
    match range {
        // A number of bytes at the end.
        Some(("", last)) => match number(last) {
            Some(0) => Part::Unsatisfiable,
            Some(_) if bytes == 0 => Part::Unsatisfiable,
            Some(count) => Part::Bytes(bytes.saturating_sub(count)..bytes),
            None => Part::Whole,
        },
        Some((first, last)) => {
            let (first, last) = match (number(first), last) {
                (Some(first), "") => (first, u64::MAX),
                (Some(first), last) => match number(last) {
                    Some(last) if last >= first => (first, last),
                    _ => return Part::Whole,
                },
                (None, _) => return Part::Whole,
            };
            if first >= bytes {
                Part::Unsatisfiable
            } else {
                Part::Bytes(first..last.saturating_add(1).min(bytes))
            }
        }
        None => Part::Whole,
    }
}

/// A number of digits alone. If it is too large, `u64::MAX` is as good: both lie behind the end.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_a_part() {
        use Part::{Bytes, Unsatisfiable, Whole};
        for (range, bytes, expected) in [
            ("bytes=0-0", 10, Bytes(0..1)),
            ("bytes=0-9", 10, Bytes(0..10)),
            ("bytes=0-", 10, Bytes(0..10)),
            ("bytes=9-", 10, Bytes(9..10)),
            ("bytes=3-99", 10, Bytes(3..10)),
            ("Bytes = 3-4", 10, Bytes(3..5)),
            ("bytes=-3", 10, Bytes(7..10)),
            ("bytes=-99", 10, Bytes(0..10)),
            ("bytes=0-18446744073709551615", 10, Bytes(0..10)),
            ("bytes=0-99999999999999999999999", 10, Bytes(0..10)),
            ("bytes=10-", 10, Unsatisfiable),
            ("bytes=99999999999999999999999-", 10, Unsatisfiable),
            ("bytes=10-20", 10, Unsatisfiable),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=-1", 0, Unsatisfiable),
            ("bytes=-0", 10, Unsatisfiable),
            ("bytes=4-3", 10, Whole),
            ("bytes=-", 10, Whole),
            ("bytes=", 10, Whole),
            ("bytes=a-b", 10, Whole),
            ("bytes=1", 10, Whole),
            ("bytes=+1-2", 10, Whole),
            ("bytes=1--2", 10, Whole),
            ("bytes=0-1,3-4", 10, Whole),
            ("bytes=0-1, -1", 10, Whole),
            ("lines=0-1", 10, Whole),
            ("0-1", 10, Whole),
            ("", 10, Whole),
        ] {
            let asked = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
            assert_eq!(part(&asked, bytes, None), expected, "{range} of {bytes}");
        }
        assert_eq!(part(&HeaderMap::new(), 10, None), Whole);
    }

    #[test]
    fn a_part_is_sent_only_of_the_version_that_is_known() {
        let tag = HeaderValue::from_static("\"7\"");
        for (condition, tag, is_part) in [
            ("\"7\"", Some(&tag), true),
            ("\"8\"", Some(&tag), false),
            ("W/\"7\"", Some(&tag), false),
            ("Sat, 29 Oct 1994 19:43:31 GMT", Some(&tag), false),
            ("\"7\"", None, false),
        ] {
            let asked = HeaderMap::from_iter([
                (RANGE, HeaderValue::from_static("bytes=0-0")),
                (IF_RANGE, HeaderValue::from_static(condition)),
            ]);
            let is_found = part(&asked, 10, tag) == Part::Bytes(0..1);
            assert_eq!(is_found, is_part, "{condition}");
        }
    }

    #[test]
    fn two_headers_are_no_range() {
        let mut asked = HeaderMap::new();
        asked.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        asked.append(RANGE, HeaderValue::from_static("bytes=2-3"));
        assert_eq!(part(&asked, 10, None), Part::Whole);
    }
}
