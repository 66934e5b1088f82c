//! `chat`/`moderation`: tells moderators what is in force, and who did what.

use crate::application::moderation::decide::moderator;
use crate::application::outcome::LongAnswer;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{Moderation, Timestamp};

pub(crate) async fn show_moderation(
    app: &Application,
    session: &Session,
    now: Timestamp,
) -> Result<LongAnswer, RequestError> {
    let moderator = moderator(app, session, now).await?;
    let moderation = moderator.moderated.moderation().await?;
    let mut moderation = Moderation::clone(&moderation);
    moderation.forget_what_is_over(now);
    Ok(LongAnswer::ChatModeration(Box::new(moderation)))
}
