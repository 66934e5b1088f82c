//! `chat`/`slow`: how often everybody but the moderators may write.

use std::sync::Arc;

use crate::application::command::RequestKind;
use crate::application::moderation::decide::moderator;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Deed, Timestamp};

pub(crate) async fn slow(
    app: &Arc<Application>,
    session: &Session,
    seconds: Checked<u32>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let moderator = moderator(app, session, now).await?;
    moderator.decide(app, Deed::Slow(seconds?)).await?;
    Ok(Reply::Done(RequestKind::Slow))
}
