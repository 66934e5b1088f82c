//! `chat`/`listen`: hears what is said in a project's room without being a member (protocol,
//! section 7).

use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::registrations::reattach;
use crate::application::session::state::Session;
use crate::domain::{RoomName, Timestamp};

pub(crate) fn listen(
    app: &Application,
    session: &mut Session,
    room: Checked<RoomName>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let public = app.policy.public;
    session.rights().may_listen_somewhere(public, now)?;
    let room = room?;
    session.rights().may_listen(&room, public, now)?;
    // A connection hears one room.
    session.roles.room = None;
    session.listening = Some(room);
    reattach(app, session, now);
    Ok(Reply::ChatListen)
}
