//! The verbs of the chat (protocol, section 7).

use crate::application::session::registrations::reattach;
use std::sync::Arc;

use crate::application::limits::check_bytes;
use crate::application::ports::SayError;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::Timestamp;

pub(crate) fn send_message(
    app: &Application,
    session: &Session,
    text: Checked<Arc<str>>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (room, identity) = session.may_chat(now)?;
    if let Some(until) = identity.muted(now) {
        return Err(RequestError::Muted { until });
    }
    let text = text?;
    if text.is_empty() {
        return Err(RequestError::bad("message must not be empty"));
    }
    check_bytes("maxChatBytes", &text, app.limits.max_chat_bytes)?;
    match app.ports.rooms.say(
        session.connection,
        room,
        &identity.user,
        text,
        now,
        app.uptime(),
    ) {
        Ok(()) => Ok(Reply::ChatMessage),
        Err(SayError::TooOften(retry_after)) => Err(RequestError::RateLimited { retry_after }),
    }
}

pub(crate) fn chat_history(
    app: &Application,
    session: &Session,
    limit: Checked<Option<usize>>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (room, _) = session.may_chat(now)?;
    let most = app.limits.chat_history;
    let limit = limit?.map_or(most, |limit| limit.min(most));
    Ok(Reply::ChatHistory(app.ports.rooms.history(room, limit)))
}

pub(crate) fn chat_members(
    app: &Application,
    session: &Session,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let (room, _) = session.may_chat(now)?;
    Ok(Reply::ChatMembers(app.ports.rooms.members(room)))
}

pub(crate) fn leave_room(
    app: &Application,
    session: &mut Session,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    session.may_chat(now)?;
    session.roles.room = None;
    reattach(app, session, now);
    Ok(Reply::ChatLeave)
}

#[cfg(test)]
mod tests;
