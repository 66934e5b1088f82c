//! `chat`/`history`: the latest messages of the room (protocol, section 7).

use crate::application::outcome::LongAnswer;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::Timestamp;

pub(crate) fn chat_history(
    app: &Application,
    session: &Session,
    limit: Checked<Option<usize>>,
    now: Timestamp,
) -> Result<LongAnswer, RequestError> {
    let room = session.rights().may_hear(app.policy.public, now)?;
    let most = app.limits.chat_history;
    let limit = limit?.map_or(most, |limit| limit.min(most));
    Ok(LongAnswer::ChatHistory(
        app.ports.rooms.history(room, limit),
    ))
}
