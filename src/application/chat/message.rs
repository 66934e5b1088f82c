//! `chat`/`message`: a member says something in the room (protocol, section 7).

use std::sync::Arc;
use std::time::Duration;

use crate::application::command::RequestKind;
use crate::application::limits::check_limit;
use crate::application::ports::SayError;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{NewMessage, Timestamp};

pub(crate) async fn send_message(
    app: &Application,
    session: &Session,
    text: Checked<Arc<str>>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (room, bearer) = session.rights().may_chat(now)?;
    let (person, public_read) = (session.person(bearer), app.policy.public.read);
    let moderated = session.attached.moderated_room();
    // Held until the message has been said.
    let floor = match moderated {
        Some(moderated) => Some(moderated.floor(bearer, person, public_read, now).await?),
        None => None,
    };
    if let Some(until) = bearer.muted(now) {
        return Err(RequestError::Muted { until });
    }
    let text = text?;
    may_be_said(app, &text)?;
    let message = NewMessage {
        username: bearer.user.clone(),
        guests_address: person.guests_address(),
        text,
        date: now,
        slow: floor.as_ref().map_or(Duration::ZERO, |floor| floor.slow),
        is_announcement: false,
    };
    let (me, rooms) = (Some(session.connection), &app.ports.rooms);
    let said = rooms.say(me, room, message, Box::new(floor), app.uptime());
    match said.await {
        Ok(()) => Ok(Reply::Done(RequestKind::SendMessage)),
        Err(error) => Err(refused_to_say(app, error)),
    }
}

/// Checks the length of a message.
///
/// # Errors
/// 400 if it is empty, 413 if it is too long.
pub(crate) fn may_be_said(app: &Application, text: &str) -> Result<(), RequestError> {
    if text.is_empty() {
        return Err(RequestError::bad("message must not be empty"));
    }
    check_limit("maxChatBytes", text.len() as u64, app.limits.max_chat_bytes)
}

/// The error for a message that was not said.
pub(crate) fn refused_to_say(app: &Application, error: SayError) -> RequestError {
    match error {
        SayError::TooOften(retry_after) => RequestError::RateLimited { retry_after },
        SayError::TooManyRooms => too_many_rooms(app),
        SayError::Store(error) => RequestError::internal("say something in a room", &error),
    }
}

/// The 413 when there are as many rooms as allowed.
pub(crate) fn too_many_rooms(app: &Application) -> RequestError {
    let (limit, value) = ("maxRooms", app.limits.max_rooms as u64);
    RequestError::LimitExceeded { limit, value }
}
