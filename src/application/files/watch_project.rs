//! `file`/`watch` and `file`/`unwatch`: live updates without a role.

use crate::application::command::{RequestKind, WatchProject};
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::registrations::reattach;
use crate::application::session::state::Session;
use crate::domain::{ProjectId, Timestamp};

pub(crate) fn watch_project(
    app: &Application,
    session: &mut Session,
    request: Checked<WatchProject>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let public = app.policy.public.read;
    session.rights().may_read_something(public, now)?;
    let WatchProject { project, watch } = request?;
    session.rights().may_read(&project, public, now)?;
    let watch = watch?;
    let most = app.limits.max_watches;
    if most > 0 && session.watches.len() >= most && !session.watches.contains_key(&project) {
        let (limit, value) = ("maxWatches", most as u64);
        return Err(RequestError::LimitExceeded { limit, value });
    }
    if watch.presence {
        app.viewer_counts.changed(&project);
    }
    session.watches.insert(project, watch);
    session.count_watches();
    reattach(app, session, now);
    Ok(Reply::Done(RequestKind::WatchProject))
}

pub(crate) fn unwatch_project(
    app: &Application,
    session: &mut Session,
    project: Checked<ProjectId>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let public = app.policy.public.read;
    if !public {
        // Any token will do: a connection may stop watching a project that its token no longer
        // names.
        session.rights().valid_identity(now)?;
    }
    let project = project?;
    if session.watches.remove(&project).is_none() {
        session.rights().may_read(&project, public, now)?;
    }
    session.count_watches();
    reattach(app, session, now);
    Ok(Reply::Done(RequestKind::UnwatchProject))
}

#[cfg(test)]
mod tests;
