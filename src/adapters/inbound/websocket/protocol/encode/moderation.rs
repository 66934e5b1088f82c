//! What moderators have decided (protocol, section 7). `until` is in seconds, `date` in
//! milliseconds.

use std::iter::once;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::envelope::success;
use super::error::until_seconds;
use super::long_list::{LongList, Piece};
use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::domain::{Action, Ban, Moderation, Mute, RoomName, Timestamp, UserName};

/// An entry of the answer to `chat`/`moderation`.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    by: &'a str,
    date: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
}

impl<'a> Entry<'a> {
    fn new(username: Option<&'a UserName>, by: &'a UserName, date: Timestamp) -> Self {
        Self {
            username: username.map(UserName::as_str),
            until: None,
            by: by.as_str(),
            date: date.as_millis(),
            address: None,
            action: None,
            seconds: None,
            id: None,
        }
    }

    fn muted((user, mute): (&'a UserName, &'a Mute)) -> Self {
        Self {
            until: Some(until_seconds(mute.until)),
            address: Some(!mute.addresses.is_empty()),
            ..Self::new(Some(user), &mute.by, mute.date)
        }
    }

    fn banned((user, ban): (&'a UserName, &'a Ban)) -> Self {
        Self {
            until: ban.until.map(until_seconds),
            address: Some(!ban.addresses.is_empty()),
            ..Self::new(Some(user), &ban.by, ban.date)
        }
    }

    fn done(action: &'a Action) -> Self {
        let deed = &action.deed;
        Self {
            action: Some(deed.word()),
            seconds: deed.seconds(),
            id: deed.message(),
            ..Self::new(deed.user(), &action.by, action.date)
        }
    }
}

/// The answer to `chat`/`moderation`.
pub(crate) fn chat_moderation(
    moderation: &Moderation,
    context: &Context,
) -> LongList<impl Iterator<Item = Piece<impl Serialize>>> {
    #[derive(Serialize)]
    struct Start {
        muted: [(); 0],
    }
    let slow = moderation.slow_seconds();
    let between = |bytes: String| once(Piece::Between(bytes.into_bytes()));
    let muted = moderation.muted().iter().map(Entry::muted);
    let banned = moderation.banned().iter().map(Entry::banned);
    let log = moderation.log().map(Entry::done);
    let pieces = muted
        .map(Piece::Item)
        .chain(between(r#"],"banned":["#.to_owned()))
        .chain(banned.map(Piece::Item))
        .chain(between(format!(r#"],"slow":{slow},"log":["#)))
        .chain(log.map(Piece::Item));
    LongList::within("chatModeration", Start { muted: [] }, pieces, context)
}

/// Tells what a moderator has decided about somebody.
pub(super) fn chat_moderated(
    room: &RoomName,
    action: &str,
    user: &UserName,
    until: Option<Timestamp>,
) -> Bytes {
    #[derive(Serialize)]
    struct Moderated<'a> {
        room: &'a str,
        action: &'a str,
        username: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
    }
    let data = Moderated {
        room: room.as_str(),
        action,
        username: user.as_str(),
        until: until.map(until_seconds),
    };
    success("chatModerated", data, None)
}

/// The answer to `chat`/`mute`.
pub(super) fn chat_mute(
    user: &UserName,
    until: Timestamp,
    address: bool,
    context: &Context,
) -> Bytes {
    let until = until_seconds(until);
    let data = json!({"username": user.as_str(), "until": until, "address": address});
    success("chatMute", data, context.reference.as_ref())
}

/// The answer to `chat`/`ban`.
pub(super) fn chat_ban(
    user: &UserName,
    until: Option<Timestamp>,
    address: bool,
    context: &Context,
) -> Bytes {
    #[derive(Serialize)]
    struct Banned<'a> {
        username: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
        address: bool,
    }
    let data = Banned {
        username: user.as_str(),
        until: until.map(until_seconds),
        address,
    };
    success("chatBan", data, context.reference.as_ref())
}
