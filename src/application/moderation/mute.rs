//! `chat`/`mute` and `unmute`: whether somebody may write in the room.

use std::sync::Arc;

use crate::application::command::{Mute, RequestKind};
use crate::application::moderation::decide::moderator;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Deed, Timestamp, UserName};

pub(crate) async fn mute(
    app: &Arc<Application>,
    session: &Session,
    request: Checked<Mute>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let moderator = moderator(app, session, now).await?;
    let Mute { user, seconds } = request?;
    let user = moderator.subject(user)?;
    let deed = Deed::Mute(user.clone(), seconds);
    let muted = moderator.decide(app, deed).await?.mute;
    let muted = muted.ok_or(RequestError::Internal)?;
    Ok(Reply::ChatMute {
        user,
        until: muted.until,
        address: !muted.addresses.is_empty(),
    })
}

pub(crate) async fn unmute(
    app: &Arc<Application>,
    session: &Session,
    user: Checked<UserName>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let moderator = moderator(app, session, now).await?;
    let user = moderator.subject(user?)?;
    moderator.decide(app, Deed::Unmute(user)).await?;
    Ok(Reply::Done(RequestKind::Unmute))
}
