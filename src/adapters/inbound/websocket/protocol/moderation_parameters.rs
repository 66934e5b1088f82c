//! The requests of moderators (section 7) and their parameters.

use crate::adapters::inbound::websocket::protocol::lenient_value::LenientValue;
use crate::adapters::inbound::websocket::protocol::parameters::{fault, name, required};
use crate::adapters::inbound::websocket::protocol::request::Data;
use crate::application::{BadParameters, Ban, Checked, Command, Mute};
use crate::domain::{MOST_SECONDS, SLOWEST, UserName};

/// The request of this type and subtype, if it is one for moderators.
pub(super) fn moderation(request: (&str, &str), data: Checked<&Data<'_>>) -> Option<Command> {
    Some(match request {
        ("chat", "mute") => Command::Mute(data.and_then(mute)),
        ("chat", "unmute") => Command::Unmute(data.and_then(user)),
        ("chat", "ban") => Command::Ban(data.and_then(ban)),
        ("chat", "unban") => Command::Unban(data.and_then(user)),
        ("chat", "delete") => Command::DeleteMessage(data.and_then(message_id)),
        ("chat", "slow") => Command::Slow(data.and_then(|data| seconds(&data.seconds, 0, SLOWEST))),
        ("chat", "announce") => {
            let text = data.and_then(|data| required("message", &data.message));
            Command::Announce(text.map(Into::into))
        }
        ("chat", "moderation") => Command::ShowModeration,
        _ => return None,
    })
}

fn user(data: &Data<'_>) -> Checked<UserName> {
    name("username", &data.username, UserName::parse)
}

fn mute(data: &Data<'_>) -> Checked<Mute> {
    Ok(Mute {
        user: user(data)?,
        seconds: seconds(&data.seconds, 1, MOST_SECONDS)?,
    })
}

fn ban(data: &Data<'_>) -> Checked<Ban> {
    let seconds = match &data.seconds {
        LenientValue::Absent => None,
        value => Some(seconds(value, 1, MOST_SECONDS)?),
    };
    let user = user(data)?;
    Ok(Ban { user, seconds })
}

fn seconds(value: &LenientValue<'_>, least: u32, most: u32) -> Checked<u32> {
    let number = match value {
        LenientValue::Integer(number) => u32::try_from(*number).ok(),
        _ => None,
    };
    let number = number.filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| fault(format!("seconds must be an integer from {least} to {most}")))
}

/// No message has a negative number, which becomes `None`.
fn message_id(data: &Data<'_>) -> Checked<Option<u64>> {
    match data.id {
        LenientValue::Integer(id) => Ok(u64::try_from(id).ok()),
        _ => Err(BadParameters::new("id must be the number of a message")),
    }
}
