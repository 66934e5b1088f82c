//! Questions to apply a pull request, between connections to any nodes.
//!
//! The question of a project is one subject of the log, and each step replaces the one before if
//! nothing else has: two nodes never take two different steps. Every node tells its own connections
//! what the log says.

use std::collections::HashSet;
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio_util::task::TaskTracker;

use crate::adapters::outbound::nats::apply_here::{ApplyHere, Heard};
use crate::adapters::outbound::nats::apply_log::ApplyLog;
use crate::adapters::outbound::nats::apply_question::{Question, Step};
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::message::{Message, NodeId};
use crate::adapters::outbound::nats::nodes::Nodes;
use crate::adapters::outbound::nats::own_changes::ChangeNames;
use crate::adapters::outbound::nats::presence::NatsPresence;
use crate::adapters::outbound::nats::tombstones::Tombstones;
use crate::adapters::outbound::system::SystemClock;
use crate::application::locks::lock;
use crate::application::ports::{
    ApplyAnswer, ApplyQuestion, ApplyRelay, AskError, Clock as _, EventPublisher, StoreError, Topic,
};
use crate::application::{ConnectionId, Event};
use crate::domain::{ProjectId, Uptime};

/// Relays between connections to all nodes.
pub(crate) struct NatsApplyRelay(Arc<Shared>);

struct Shared {
    log: ApplyLog,
    nodes: Arc<Nodes>,
    presence: Arc<NatsPresence>,
    /// Those who are connected to this node.
    events: Arc<dyn EventPublisher>,
    /// The questions that this node ends are among them.
    tombstones: Arc<Tombstones>,
    names: ChangeNames,
    here: Mutex<ApplyHere>,
    /// The questions that this node is ending without an answer, and how.
    ending: Mutex<HashSet<(u64, Discriminant<Step>)>>,
    /// What has begun and not ended.
    work: TaskTracker,
}

impl NatsApplyRelay {
    pub fn new(
        engine: Arc<Engine>,
        nodes: Arc<Nodes>,
        presence: Arc<NatsPresence>,
        events: Arc<dyn EventPublisher>,
        tombstones: Arc<Tombstones>,
    ) -> Self {
        Self(Arc::new(Shared {
            log: ApplyLog {
                engine,
                nodes: Arc::clone(&nodes),
            },
            nodes,
            presence,
            events,
            tombstones,
            names: ChangeNames::default(),
            here: Mutex::default(),
            ending: Mutex::default(),
            work: TaskTracker::new(),
        }))
    }

    pub fn presence(&self) -> &Arc<NatsPresence> {
        &self.0.presence
    }

    /// Does what a message of the log tells.
    pub fn follow(&self, message: &Logged) {
        let shared = &self.0;
        let Some(Message { node, body, .. }) = Message::<Question>::decode(&message.payload) else {
            return;
        };
        let (question, own) = (body, shared.nodes.own());
        let Some(project) = question.project() else {
            return;
        };
        if node == own && !question.step.is_open() {
            shared.tombstones.note(message);
        }
        let request = question.request(message.sequence);
        let heard = Heard {
            project: &project,
            request,
            question: &question,
            is_from_here: shared.names.has_given(question.name()),
            is_for_here: question.applier_node == own,
            lost: shared.lost(&question),
            now: SystemClock.uptime(),
        };
        let (notices, must_follow) = lock(&shared.here).follow(heard);
        for (connection, notice) in notices {
            let topic = Topic::Own(connection);
            shared.events.publish(&topic, Event::Apply(notice), None);
        }
        if let Some(step) = must_follow {
            shared.end_soon(project, request, step);
        }
    }

    /// The log tells that a node is dead.
    pub fn die(&self, dead: NodeId) {
        let ending = lock(&self.0.here).die(dead);
        for (project, request, step) in ending {
            self.0.end_soon(project, request, step);
        }
    }
}

impl Shared {
    /// The step that must end a question one of whose nodes is dead.
    fn lost(&self, question: &Question) -> Option<Step> {
        let is_dead = |node| self.presence.is_dead(node);
        let left = is_dead(question.applier_node).then_some(Step::Left);
        left.or(is_dead(question.asker().node).then_some(Step::Withdrawn))
    }

    /// Asks, unless another question is open. Returns the question's number.
    async fn ask(&self, asked: &ApplyQuestion, applier: NodeId) -> Result<u64, AskError> {
        let question = Question::new(self.names.next(), asked, self.nodes.own(), applier);
        loop {
            let (before, last) = self.log.last(&asked.project).await;
            let is_open = |last: &Question| match last.step {
                Step::Asked => self.lost(last).is_none(),
                Step::Accepted => !self.presence.is_dead(last.applier_node),
                _ => false,
            };
            if last.is_some_and(|last| is_open(&last)) {
                return Err(AskError::Busy);
            }
            let taken = self.log.take(&asked.project, &question, before).await;
            if let Some(request) = taken.map_err(AskError::Store)? {
                return Ok(request);
            }
        }
    }

    /// Takes the next step of the question `request`, if it is open and `may_follow` says that this
    /// may come next. Returns false otherwise.
    async fn advance(
        &self,
        project: &ProjectId,
        request: u64,
        step: Step,
        may_follow: impl Fn(&Step) -> bool,
    ) -> Result<bool, StoreError> {
        loop {
            let (at, last) = self.log.last(project).await;
            let open = last.filter(|last| {
                last.request(at) == request && last.step.is_open() && may_follow(&last.step)
            });
            let Some(open) = open else {
                return Ok(false);
            };
            if open.step == step {
                return Ok(true);
            }
            let next = open.next(request, step.clone());
            if self.log.take(project, &next, at).await?.is_some() {
                return Ok(true);
            }
        }
    }

    /// Ends the question `request` without an answer, unless it has ended or, but for
    /// [`Step::Left`], has been accepted.
    fn end_soon(self: &Arc<Self>, project: ProjectId, request: u64, step: Step) {
        // One that was accepted meanwhile is not withdrawn, but it may have to end all the same.
        let ending = (request, discriminant(&step));
        if !lock(&self.ending).insert(ending) {
            return;
        }
        let shared = Arc::clone(self);
        self.work.spawn(async move {
            let is_left = step == Step::Left;
            let may_follow = |last: &Step| *last == Step::Asked || is_left;
            let ended = shared.advance(&project, request, step, may_follow).await;
            if let Err(error) = ended {
                tracing::warn!(%error, "cannot end a question to apply a pull request");
            }
            lock(&shared.ending).remove(&ending);
        });
    }
}

#[async_trait]
impl ApplyRelay for NatsApplyRelay {
    fn applier_came(&self, project: &ProjectId, connection: ConnectionId) {
        let mut here = lock(&self.0.here);
        here.applier_came(project, connection);
        self.0.presence.applies(project, true);
    }

    fn applier_left(&self, project: &ProjectId, connection: ConnectionId) {
        let request = {
            let mut here = lock(&self.0.here);
            let request = here.applier_left(project, connection);
            let has_another = here.has_applier(project);
            self.0.presence.applies(project, has_another);
            request
        };
        if let Some(request) = request {
            self.0.end_soon(project.clone(), request, Step::Left);
        }
    }

    fn asker_left(&self, project: &ProjectId, connection: ConnectionId) {
        let request = lock(&self.0.here).asker_left(project, connection);
        if let Some(request) = request {
            self.0.end_soon(project.clone(), request, Step::Withdrawn);
        }
    }

    fn has_applier(&self, project: &ProjectId) -> bool {
        lock(&self.0.here).has_applier(project) || self.0.presence.applier(project).is_some()
    }

    async fn ask(&self, question: ApplyQuestion, _: Uptime) -> Result<u64, AskError> {
        let shared = Arc::clone(&self.0);
        let is_here = {
            let mut here = lock(&shared.here);
            here.asker_came(&question.project, question.asker);
            let applier = here.applier(&question.project, Some(question.asker));
            applier.is_some()
        };
        let applier = is_here.then(|| shared.nodes.own());
        let applier = applier.or_else(|| shared.presence.applier(&question.project));
        let applier = applier.ok_or(AskError::Nobody)?;
        // In a task of its own, as the others: what has begun comes to its end.
        let work = self
            .0
            .work
            .spawn(async move { shared.ask(&question, applier).await });
        let asked = work.await.map_err(StoreError::failed);
        asked.map_err(AskError::Store)?
    }

    async fn accept(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
    ) -> Result<bool, StoreError> {
        self.advance(project, request, applier, Step::Accepted, true)
            .await
    }

    async fn answer(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
        answer: ApplyAnswer,
    ) -> Result<bool, StoreError> {
        let may_follow_asked = !answer.needs_acceptance();
        let step = Step::answered(&answer);
        let answered = self.advance(project, request, applier, step, may_follow_asked);
        let answered = answered.await;
        if answered.is_err() {
            // The engine refuses it: it is too long.
            self.0.end_soon(project.clone(), request, Step::Left);
        }
        answered
    }

    async fn finish(&self) {
        self.0.work.close();
        self.0.work.wait().await;
    }

    fn withdraw_late(&self, now: Uptime) {
        let is_silent = |node| self.0.nodes.is_silent(node);
        let late = lock(&self.0.here).late(now, is_silent);
        for (project, request, step) in late {
            self.0.end_soon(project, request, step);
        }
    }
}

impl NatsApplyRelay {
    /// Takes a step for the connection that is asked. Returns false if it is not, or not any more.
    async fn advance(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
        step: Step,
        may_follow_asked: bool,
    ) -> Result<bool, StoreError> {
        let shared = Arc::clone(&self.0);
        if !lock(&shared.here).is_asked(project, request, applier) {
            return Ok(false);
        }
        let project = project.clone();
        let work = self.0.work.spawn(async move {
            let may_follow = |last: &Step| *last == Step::Accepted || may_follow_asked;
            shared.advance(&project, request, step, may_follow).await
        });
        work.await.map_err(StoreError::failed)?
    }
}
