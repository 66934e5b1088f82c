//! Which pull requests a streamer wants applied, and which connections can do that (protocol,
//! section 6, `apply`).

use std::collections::HashMap;
use std::sync::Mutex;

use crate::application::connection_id::ConnectionId;
use crate::application::locks::lock;
use crate::application::pull_requests::appliers::{Appliers, PATIENCE};
use crate::domain::{ProjectId, PullRequestId, Uptime};

/// A question that has been asked and has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenQuestion {
    /// Its number, which no other question has while the server runs.
    pub request: u64,
    /// Which pull request.
    pub id: PullRequestId,
    /// The connection that asks.
    pub asker: ConnectionId,
    /// The connection that is asked.
    pub applier: ConnectionId,
    /// Whether the connection that is asked has begun.
    pub is_accepted: bool,
    asked_at: Uptime,
}

/// Why a question cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CannotAsk {
    /// No other connection applies pull requests.
    Nobody,
    /// Another question is open in the project.
    Busy,
}

/// The connections that apply pull requests, and what they are asked: at most one question in each
/// project.
#[derive(Debug, Default)]
pub(crate) struct ApplyQuestions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    appliers: Appliers,
    open: HashMap<ProjectId, OpenQuestion>,
    last_request: u64,
}

impl ApplyQuestions {
    /// From now on `connection` may be asked.
    pub(crate) fn applier_came(&self, project: &ProjectId, connection: ConnectionId) {
        lock(&self.0).appliers.add(project, connection);
    }

    /// From now on `connection` is not asked any more. Returns the question that it has not
    /// answered.
    pub(crate) fn applier_left(
        &self,
        project: &ProjectId,
        connection: ConnectionId,
    ) -> Option<OpenQuestion> {
        let mut state = lock(&self.0);
        state.appliers.remove(project, connection);
        state.take_if(project, |question| question.applier == connection)
    }

    /// Withdraws and returns the question that `connection` has asked, if nobody has accepted it
    /// yet. The answer to an accepted question reaches nobody any more.
    pub(crate) fn asker_left(
        &self,
        project: &ProjectId,
        connection: ConnectionId,
    ) -> Option<OpenQuestion> {
        let is_withdrawn =
            |question: &OpenQuestion| question.asker == connection && !question.is_accepted;
        lock(&self.0).take_if(project, is_withdrawn)
    }

    /// Whether a connection is there that applies pull requests of the project.
    pub(crate) fn has_applier(&self, project: &ProjectId) -> bool {
        lock(&self.0).appliers.are_there(project)
    }

    /// Asks the newest connection other than `asker` itself.
    pub(crate) fn ask(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        asker: ConnectionId,
        now: Uptime,
    ) -> Result<OpenQuestion, CannotAsk> {
        let mut state = lock(&self.0);
        let applier = state.appliers.newest(project, Some(asker));
        let applier = applier.ok_or(CannotAsk::Nobody)?;
        if state.open.contains_key(project) {
            return Err(CannotAsk::Busy);
        }
        state.last_request += 1;
        let question = OpenQuestion {
            request: state.last_request,
            id,
            asker,
            applier,
            is_accepted: false,
            asked_at: now,
        };
        state.open.insert(project.clone(), question.clone());
        Ok(question)
    }

    /// Notes that `applier` begins. Returns `false` if it is not asked, or not any more.
    pub(crate) fn accept(&self, project: &ProjectId, request: u64, applier: ConnectionId) -> bool {
        let mut state = lock(&self.0);
        let open = state.open.get_mut(project);
        let open = open.filter(|open| open.request == request && open.applier == applier);
        open.map(|open| open.is_accepted = true).is_some()
    }

    /// Ends and returns the question that `applier` answers; `must_be_accepted` says whether this
    /// answer is valid only for a question that has been accepted.
    pub(crate) fn answer(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
        must_be_accepted: bool,
    ) -> Option<OpenQuestion> {
        lock(&self.0).take_if(project, |open| {
            open.request == request
                && open.applier == applier
                && (open.is_accepted || !must_be_accepted)
        })
    }

    /// Ends the questions that have waited too long to be accepted, and returns them.
    pub(crate) fn expire(&self, now: Uptime) -> Vec<OpenQuestion> {
        let mut state = lock(&self.0);
        let is_late = |question: &OpenQuestion| {
            !question.is_accepted && now.since(question.asked_at) >= PATIENCE
        };
        let late = state.open.extract_if(|_, question| is_late(question));
        late.map(|(_, question)| question).collect()
    }
}

impl State {
    fn take_if(
        &mut self,
        project: &ProjectId,
        is_meant: impl FnOnce(&OpenQuestion) -> bool,
    ) -> Option<OpenQuestion> {
        self.open.get(project).filter(|open| is_meant(open))?;
        self.open.remove(project)
    }
}

#[cfg(test)]
mod tests;
