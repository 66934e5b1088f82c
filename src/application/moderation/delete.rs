//! `chat`/`delete`: takes a message out of the history and off the screens.

use std::sync::Arc;

use crate::application::command::RequestKind;
use crate::application::moderation::decide::moderator;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Deed, Timestamp, UnknownMessage};

pub(crate) async fn delete_message(
    app: &Arc<Application>,
    session: &Session,
    id: Checked<Option<u64>>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    const UNKNOWN: RequestError = RequestError::bad("the room has had no message with this id");
    let moderator = moderator(app, session, now).await?;
    let id = id?.ok_or(UNKNOWN)?;
    let room = moderator.moderated.room.as_ref().ok_or(UNKNOWN)?;
    let author = app.ports.rooms.author(room, id);
    let author = author.map_err(|UnknownMessage| UNKNOWN)?;
    moderator.decide(app, Deed::Delete(id, author)).await?;
    Ok(Reply::Done(RequestKind::DeleteMessage))
}
