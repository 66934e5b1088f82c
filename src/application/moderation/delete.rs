//! `chat`/`delete`: takes a message out of the history and off the screens.

use std::sync::Arc;

use crate::application::command::RequestKind;
use crate::application::moderation::decide::{UNKNOWN_MESSAGE, moderator};
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
    let moderator = moderator(app, session, now).await?;
    let id = id?.ok_or(UNKNOWN_MESSAGE)?;
    let room = moderator.moderated.room.as_ref();
    let author = app.ports.rooms.author(room.ok_or(UNKNOWN_MESSAGE)?, id);
    let author = author.map_err(|UnknownMessage| UNKNOWN_MESSAGE)?;
    moderator.decide(app, Deed::Delete(id, author)).await?;
    Ok(Reply::Done(RequestKind::DeleteMessage))
}
