//! `chat`/`announce`: sends the room a message that stands out.

use std::sync::Arc;
use std::time::Duration;

use crate::application::chat::message::{may_be_said, refused_to_say};
use crate::application::command::RequestKind;
use crate::application::moderation::decide::moderator;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Deed, NewMessage, Timestamp};

pub(crate) async fn announce(
    app: &Arc<Application>,
    session: &Session,
    text: Checked<Arc<str>>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let moderator = moderator(app, session, now).await?;
    let text = text?;
    may_be_said(app, &text)?;
    let room = moderator.moderated.room.as_ref();
    let room = room.ok_or(RequestError::bad(
        "the project's name is too long for a room",
    ))?;
    let announcement = NewMessage {
        username: moderator.name.clone(),
        guests_address: None,
        text,
        date: now,
        slow: Duration::ZERO,
        is_announcement: true,
    };
    let (own, room) = (Arc::clone(app), room.clone());
    // Once it is in the log it is also said, even if the connection goes away.
    let work = async move {
        moderator.decide(&own, Deed::Announce).await?;
        let (rooms, floor) = (&own.ports.rooms, Box::new(()));
        let said = rooms.say(None, &room, announcement, floor, own.uptime());
        said.await.map_err(|error| refused_to_say(&own, error))
    };
    app.to_the_end(work).await?;
    Ok(Reply::Done(RequestKind::Announce))
}
