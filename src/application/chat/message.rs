//! `chat`/`message`: a member says something in the room (protocol, section 7).

use std::sync::Arc;

use crate::application::limits::check_limit;
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
    let (room, identity) = session.rights().may_chat(now)?;
    if let Some(until) = identity.muted(now) {
        return Err(RequestError::Muted { until });
    }
    let text = text?;
    if text.is_empty() {
        return Err(RequestError::bad("message must not be empty"));
    }
    check_limit("maxChatBytes", text.len() as u64, app.limits.max_chat_bytes)?;
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
