//! Who is told how a pull request ended, and what.

use crate::application::event::Event;
use crate::application::ports::Topic;
use crate::domain::{Outcome, ProjectId, PullRequestId, UserName};

/// The news of its end and the topics that get it; no connection gets it twice.
pub(crate) fn notice(
    project: &ProjectId,
    owner: &UserName,
    id: PullRequestId,
    outcome: Outcome,
) -> (Vec<Topic>, Event) {
    let mut topics = vec![Topic::Outcomes(project.clone(), owner.clone())];
    // A streamer who owns it hears of it with the owner's other connections.
    if outcome == Outcome::Withdrawn && *owner != project.streamer {
        topics.push(Topic::Proposals(project.clone()));
    }
    (topics, Event::PullRequestClosed { id, outcome })
}
