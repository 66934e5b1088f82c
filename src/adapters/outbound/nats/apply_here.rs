//! Which connections of this node apply pull requests or ask for that, and what the log makes them
//! hear: without IO.

use std::collections::{HashMap, HashSet};

use crate::adapters::outbound::nats::apply_question::{Question, Step, paths};
use crate::adapters::outbound::nats::message::NodeId;
use crate::application::ports::ApplyAnswer;
use crate::application::pull_requests::appliers::{Appliers, PATIENCE};
use crate::application::{ApplyNotice, ConnectionId};
use crate::domain::{ProjectId, PullRequestId, Uptime};

/// What connections of this node are told.
pub(crate) type Notices = Vec<(ConnectionId, ApplyNotice)>;

/// The connections of this node.
#[derive(Debug, Default)]
pub(crate) struct ApplyHere {
    appliers: Appliers,
    /// Those that have asked, until they are gone.
    askers: HashSet<(ProjectId, ConnectionId)>,
    /// The questions that were asked here, or of a connection here.
    open: HashMap<ProjectId, Open>,
}

#[derive(Debug)]
struct Open {
    request: u64,
    id: PullRequestId,
    asker_node: NodeId,
    /// The asker, if it is connected here.
    asker_here: Option<ConnectionId>,
    applier_node: NodeId,
    /// The connection that was asked, if it is connected here.
    applier_here: Option<ConnectionId>,
    is_accepted: bool,
    heard_at: Uptime,
}

/// A step of a question, as the log tells of it.
pub(crate) struct Heard<'a> {
    pub project: &'a ProjectId,
    pub request: u64,
    pub question: &'a Question,
    /// Whether a connection of this node has asked it.
    pub is_from_here: bool,
    /// Whether it is asked of a connection of this node.
    pub is_for_here: bool,
    /// The step that must end it, because the node of the asker or of the applier is dead.
    pub lost: Option<Step>,
    pub now: Uptime,
}

impl ApplyHere {
    pub fn applier_came(&mut self, project: &ProjectId, connection: ConnectionId) {
        self.appliers.add(project, connection);
    }

    /// Returns the question that the connection was asked and has not answered.
    pub fn applier_left(&mut self, project: &ProjectId, connection: ConnectionId) -> Option<u64> {
        self.appliers.remove(project, connection);
        self.asked(project, connection)
    }

    /// The question that a connection is asked.
    fn asked(&self, project: &ProjectId, applier: ConnectionId) -> Option<u64> {
        let open = self.open.get(project);
        let open = open.filter(|open| open.applier_here == Some(applier));
        open.map(|open| open.request)
    }

    /// Whether the question `request` is for this connection to answer.
    pub fn is_asked(&self, project: &ProjectId, request: u64, applier: ConnectionId) -> bool {
        self.asked(project, applier) == Some(request)
    }

    pub fn asker_came(&mut self, project: &ProjectId, connection: ConnectionId) {
        self.askers.insert((project.clone(), connection));
    }

    /// Returns what the connection has asked and nobody has accepted.
    pub fn asker_left(&mut self, project: &ProjectId, connection: ConnectionId) -> Option<u64> {
        self.askers.remove(&(project.clone(), connection));
        let open = self.open.get(project)?;
        let is_its = open.asker_here == Some(connection) && !open.is_accepted;
        is_its.then_some(open.request)
    }

    pub fn has_applier(&self, project: &ProjectId) -> bool {
        self.appliers.are_there(project)
    }

    /// The newest connection here that applies, but not `asker` itself.
    pub fn applier(
        &self,
        project: &ProjectId,
        asker: Option<ConnectionId>,
    ) -> Option<ConnectionId> {
        self.appliers.newest(project, asker)
    }

    /// The log tells of a question's next step. Returns who is told of it here, and the step that
    /// must follow because somebody whom it concerns is gone.
    pub fn follow(&mut self, heard: Heard<'_>) -> (Notices, Option<Step>) {
        let Heard {
            project,
            request,
            question,
            is_from_here,
            is_for_here,
            lost,
            now,
        } = heard;
        let Some(id) = question.id() else {
            return (Vec::new(), None);
        };
        let (mut notices, before) = match self.open.remove(project) {
            Some(open) if open.request != request => (open.lost(), None),
            open => (Vec::new(), open),
        };
        let asker = question.asker();
        let mut open = before.unwrap_or(Open {
            request,
            id,
            asker_node: asker.node,
            asker_here: is_from_here.then_some(asker.connection),
            applier_node: question.applier_node,
            applier_here: None,
            is_accepted: false,
            heard_at: now,
        });
        let is_asker_there = |asker| self.askers.contains(&(project.clone(), asker));
        let asker_there = open.asker_here.filter(|asker| is_asker_there(*asker));
        let mut must_follow = None;
        match &question.step {
            Step::Asked if open.applier_here.is_some() => {}
            Step::Asked => {
                let applier = self.applier(project, open.asker_here);
                let is_asked = is_for_here && lost.is_none();
                open.applier_here = applier.filter(|_| is_asked);
                let is_asker_gone = open.asker_here.is_some() && asker_there.is_none();
                let withdrawn = is_asker_gone.then_some(Step::Withdrawn);
                let left = (is_asked && applier.is_none()).then_some(Step::Left);
                must_follow = lost.or(left).or(withdrawn);
                let files = question.files();
                let notice = ApplyNotice::Asked { request, id, files };
                notices.extend(open.applier_here.map(|applier| (applier, notice)));
            }
            Step::Accepted => {
                open.is_accepted = true;
                let is_lost = is_for_here && open.applier_here.is_none();
                must_follow = is_lost.then_some(Step::Left);
            }
            Step::Answered {
                outcome,
                conflicts,
                message,
            } => {
                let answer = ApplyAnswer {
                    outcome: *outcome,
                    conflicts: paths(conflicts),
                    message: message.as_str().into(),
                };
                let answered = answer.notice(request, id);
                notices.extend(open.asker_here.map(|asker| (asker, answered)));
            }
            Step::Left => {
                notices.extend(open.withdrawn());
                notices.extend(open.failed(ApplyNotice::APPLIER_LEFT));
            }
            Step::Late => {
                notices.extend(open.withdrawn());
                notices.extend(open.failed(ApplyNotice::TOO_LATE));
            }
            Step::Withdrawn => {
                notices.extend(open.withdrawn());
                open.asker_here = asker_there;
                notices.extend(open.failed(ApplyNotice::LOST));
            }
        }
        let concerns_us = open.asker_here.is_some() || open.applier_here.is_some() || is_for_here;
        if question.step.is_open() && concerns_us {
            self.open.insert(project.clone(), open);
        }
        (notices, must_follow)
    }

    /// A node is dead. Returns the questions that end with it, and how.
    pub fn die(&self, dead: NodeId) -> Vec<(ProjectId, u64, Step)> {
        let end = |open: &Open| {
            let left = (open.applier_node == dead).then_some(Step::Left);
            let is_withdrawn = open.asker_node == dead && !open.is_accepted;
            left.or(is_withdrawn.then_some(Step::Withdrawn))
        };
        self.ending(end)
    }

    /// The questions asked of connections here that end because nobody has accepted them in time,
    /// or because nothing is heard of the asker's node, and how.
    pub fn late(
        &self,
        now: Uptime,
        is_silent: impl Fn(NodeId) -> bool,
    ) -> Vec<(ProjectId, u64, Step)> {
        let end = |open: &Open| {
            if open.is_accepted || open.applier_here.is_none() {
                None
            } else if now.since(open.heard_at) >= PATIENCE {
                Some(Step::Late)
            } else {
                is_silent(open.asker_node).then_some(Step::Withdrawn)
            }
        };
        self.ending(end)
    }

    fn ending(&self, end: impl Fn(&Open) -> Option<Step>) -> Vec<(ProjectId, u64, Step)> {
        let ending = self.open.iter().filter_map(|(project, open)| {
            let step = end(open)?;
            Some((project.clone(), open.request, step))
        });
        ending.collect()
    }
}

impl Open {
    /// Nothing more will be heard of it.
    fn lost(&self) -> Notices {
        let failed = self.failed(ApplyNotice::APPLIER_LEFT);
        failed.into_iter().chain(self.withdrawn()).collect()
    }

    fn failed(&self, message: &'static str) -> Option<(ConnectionId, ApplyNotice)> {
        let (request, id) = (self.request, self.id);
        let notice = ApplyNotice::Failed {
            request,
            id,
            message,
        };
        self.asker_here.map(|asker| (asker, notice))
    }

    /// Nothing, if it has begun.
    fn withdrawn(&self) -> Option<(ConnectionId, ApplyNotice)> {
        let request = self.request;
        let applier = self.applier_here.filter(|_| !self.is_accepted);
        applier.map(|applier| (applier, ApplyNotice::Withdrawn { request }))
    }
}

#[cfg(test)]
mod tests;
