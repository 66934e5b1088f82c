//! `chat`/`members`: who is in the room (protocol, section 7).

use crate::application::outcome::LongAnswer;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::Timestamp;

pub(crate) async fn chat_members(
    app: &Application,
    session: &Session,
    now: Timestamp,
) -> Result<LongAnswer, RequestError> {
    let room = session.rights().may_hear(app.policy.public, now)?;
    let members = app.ports.rooms.members(room).await;
    Ok(LongAnswer::ChatMembers(members))
}
