//! Reads single parameters of a request, and checks the type of each.

use std::borrow::Cow;

use crate::adapters::inbound::websocket::protocol::lenient_value::LenientValue;
use crate::application::{BadParameters, Checked};
use crate::domain::{ContentHash, FilePath, NameError};

/// An integer from 1 to 2^31 − 1.
pub(super) fn part_number(name: &str, value: &LenientValue<'_>) -> Checked<Option<u32>> {
    match value {
        LenientValue::Absent => Ok(None),
        LenientValue::Integer(number @ 1..=0x7fff_ffff) => Ok(u32::try_from(*number).ok()),
        _ => Err(fault(format!(
            "{name} must be an integer from 1 to 2147483647"
        ))),
    }
}

/// `true` or `false`.
pub(super) fn flag(name: &str, value: &LenientValue<'_>) -> Checked<Option<bool>> {
    match value {
        LenientValue::Absent => Ok(None),
        LenientValue::Bool(flag) => Ok(Some(*flag)),
        _ => Err(fault(format!("{name} must be true or false"))),
    }
}

/// The hash of a content.
pub(super) fn base(value: &LenientValue<'_>) -> Checked<Option<ContentHash>> {
    let base = optional("base", value)?.map(|text| {
        let fault = "base must be a SHA-256 as 64 characters of lower-case hex";
        ContentHash::parse(text).ok_or(BadParameters::new(fault))
    });
    base.transpose()
}

/// A text that must be there.
pub(super) fn required<'d>(name: &str, value: &'d LenientValue<'_>) -> Checked<&'d str> {
    optional(name, value)?.ok_or_else(|| fault(format!("{name} is missing")))
}

/// A text that may be missing.
pub(super) fn optional<'d>(name: &str, value: &'d LenientValue<'_>) -> Checked<Option<&'d str>> {
    match value {
        LenientValue::Absent => Ok(None),
        LenientValue::Text(text) => Ok(Some(text)),
        _ => Err(fault(format!("{name} must be a text"))),
    }
}

/// The name of a user, a project or a room.
pub(super) fn name<T>(
    name: &str,
    value: &LenientValue<'_>,
    parse: fn(&str) -> Result<T, NameError>,
) -> Checked<T> {
    parse(required(name, value)?).map_err(|error| fault(format!("{name} {error}")))
}

/// A 400 with this sentence.
pub(super) fn fault(sentence: String) -> BadParameters {
    BadParameters(Cow::Owned(sentence))
}

/// The most names of files that a request lists, and the most bytes that they take: the bounds of a
/// pull request's names.
const MOST_NAMES: usize = 10_000;
const MOST_NAME_BYTES: usize = 256 * 1_024;

/// A list of names of files.
pub(super) fn file_names(name: &str, value: &LenientValue<'_>) -> Checked<Vec<FilePath>> {
    let LenientValue::Texts(names) = value else {
        return Err(fault(format!("{name} must be a list of names")));
    };
    let bytes: usize = names.iter().map(|name| name.len()).sum();
    if names.len() > MOST_NAMES || bytes > MOST_NAME_BYTES {
        let bounds = format!("{MOST_NAMES} names and {MOST_NAME_BYTES} bytes");
        return Err(fault(format!("{name} must be at most {bounds}")));
    }
    let names = names.iter().map(|name| FilePath::parse_for_post(name));
    Ok(names.collect::<Result<_, _>>()?)
}
