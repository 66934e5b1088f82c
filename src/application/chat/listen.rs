//! `chat`/`listen`: hears what is said in a project's room without being a member (protocol,
//! section 7).

use crate::application::command::RequestKind;
use crate::application::moderation::banned::must_not_be_banned;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::registrations::reattach;
use crate::application::session::state::Session;
use crate::domain::{ProjectId, RoomName, Timestamp};

pub(crate) async fn listen(
    app: &Application,
    session: &mut Session,
    room: Checked<RoomName>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let public = app.policy.public;
    session.rights().may_listen_somewhere(public, now)?;
    let room = room?;
    session.rights().may_listen(&room, public, now)?;
    let bearer = session.rights().valid_identity(now).ok();
    let project = ProjectId::of_room(&room);
    let moderated = match (bearer, project) {
        (Some(bearer), Some(project)) => {
            Some(must_not_be_banned(app, session, bearer, &project, now).await?)
        }
        // If the moderation cannot be read, nobody listens.
        (None, Some(project)) => {
            let moderated = app.moderations.of(&project);
            moderated.load().await?;
            Some(moderated)
        }
        (_, None) => None,
    };
    // A connection hears only one room.
    session.roles.room = None;
    session.listening = Some(room);
    reattach(app, session, now);
    drop(moderated);
    Ok(Reply::Done(RequestKind::Listen))
}
