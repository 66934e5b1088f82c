//! `file`/`focus`: a streamer says where they are looking (protocol, section 4).

use crate::application::command::{Focus, RequestKind};
use crate::application::event::Event;
use crate::application::file_key::FileKey;
use crate::application::ports::Topic;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::Timestamp;

pub(crate) fn focus(
    app: &Application,
    session: &Session,
    request: Checked<Focus>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let project = session.rights().may_review(now)?.clone();
    let Focus { path, line } = request?;
    let topic = Topic::Presence(project.clone());
    let file = FileKey { project, path };
    app.ports.presence.focus(&file, line);
    let event = Event::FocusChanged { file, line };
    app.ports
        .events
        .publish(&topic, event, Some(session.connection));
    Ok(Reply::Done(RequestKind::Focus))
}

#[cfg(test)]
mod tests;
