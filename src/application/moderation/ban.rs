//! `chat`/`ban` and `unban`: whether somebody may be in the room and propose.

use std::sync::Arc;

use crate::application::command::{Ban, RequestKind};
use crate::application::moderation::decide::moderator;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Deed, Timestamp, UserName};

pub(crate) async fn ban(
    app: &Arc<Application>,
    session: &Session,
    request: Checked<Ban>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let moderator = moderator(app, session, now).await?;
    let Ban { user, seconds } = request?;
    let user = moderator.subject(user)?;
    let deed = Deed::Ban(user.clone(), seconds);
    let banned = moderator.decide(app, deed).await?.ban;
    let banned = banned.ok_or(RequestError::Internal)?;
    Ok(Reply::ChatBan {
        user,
        until: banned.until,
        address: !banned.addresses.is_empty(),
    })
}

pub(crate) async fn unban(
    app: &Arc<Application>,
    session: &Session,
    user: Checked<UserName>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let moderator = moderator(app, session, now).await?;
    let user = moderator.subject(user?)?;
    moderator.decide(app, Deed::Unban(user)).await?;
    Ok(Reply::Done(RequestKind::Unban))
}
