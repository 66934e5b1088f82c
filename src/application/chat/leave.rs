//! `chat`/`leave`: a member leaves the room, or a listener stops listening (protocol, section 7).

use crate::application::command::RequestKind;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::registrations::reattach;
use crate::application::session::state::Session;
use crate::domain::Timestamp;

pub(crate) fn leave_room(
    app: &Application,
    session: &mut Session,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    if session.listening.take().is_none() {
        session.rights().may_chat(now)?;
        session.roles.room = None;
    }
    reattach(app, session, now);
    Ok(Reply::Done(RequestKind::LeaveRoom))
}
