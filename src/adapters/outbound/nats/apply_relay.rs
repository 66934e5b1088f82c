//! Questions to apply a pull request, between connections to any nodes.
//!
//! The question of a project is one subject of the log, and each step replaces the one before if
//! nothing else has: two nodes never take two different steps. Every node tells its own connections
//! what the log says.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use crate::adapters::outbound::nats::apply_here::{ApplyHere, Notices};
use crate::adapters::outbound::nats::apply_question::{Question, Step};
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::message::{Message, NodeId};
use crate::adapters::outbound::nats::nodes::Nodes;
use crate::adapters::outbound::nats::own_changes::ChangeNames;
use crate::adapters::outbound::nats::presence::NatsPresence;
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::system::SystemClock;
use crate::application::locks::lock;
use crate::application::ports::{
    ApplyAnswer, ApplyQuestion, ApplyRelay, AskError, Clock as _, EventPublisher, StoreError, Topic,
};
use crate::application::{ConnectionId, Event};
use crate::domain::{ProjectId, Uptime};

/// For how long a step is tried while it is not known whether it was kept.
const TRIED: Duration = Duration::from_secs(60);

/// How long to wait before what did not work is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// How long the log keeps a question that has ended, for nodes that are behind: one that is cut off
/// for half of that closes its connections.
const KEPT: Duration = Duration::from_secs(60);

/// Relays between connections to all nodes.
pub(crate) struct NatsApplyRelay(Arc<Shared>);

struct Shared {
    engine: Arc<Engine>,
    nodes: Arc<Nodes>,
    presence: Arc<NatsPresence>,
    /// Those who are connected to this node.
    events: Arc<dyn EventPublisher>,
    names: ChangeNames,
    here: Mutex<ApplyHere>,
}

impl NatsApplyRelay {
    pub fn new(
        engine: Arc<Engine>,
        nodes: Arc<Nodes>,
        presence: Arc<NatsPresence>,
        events: Arc<dyn EventPublisher>,
    ) -> Self {
        Self(Arc::new(Shared {
            engine,
            nodes,
            presence,
            events,
            names: ChangeNames::default(),
            here: Mutex::default(),
        }))
    }

    pub fn presence(&self) -> &Arc<NatsPresence> {
        &self.0.presence
    }

    /// The log tells this.
    pub fn follow(&self, message: &Logged) {
        let shared = &self.0;
        let question = Message::<Question>::decode(&message.payload).map(|told| told.body);
        let Some((question, project)) = question.and_then(with_project) else {
            return;
        };
        let request = question.request(message.sequence);
        let (own, now) = (shared.nodes.own(), SystemClock.uptime());
        let followed = lock(&shared.here).follow(own, &project, request, &question, now);
        let (notices, must_follow) = followed;
        shared.tell(notices);
        if let Some(step) = must_follow {
            shared.end_soon(project, request, step);
        }
    }

    /// The log tells that a node is dead.
    pub fn die(&self, dead: NodeId) {
        let notices = lock(&self.0.here).die(dead);
        self.0.tell(notices);
    }
}

fn with_project(question: Question) -> Option<(Question, ProjectId)> {
    let project = question.project()?;
    Some((question, project))
}

impl Shared {
    fn tell(&self, notices: Notices) {
        for (connection, notice) in notices {
            let topic = Topic::Own(connection);
            self.events.publish(&topic, Event::Apply(notice), None);
        }
    }

    /// What the log says last of a project's question, and where.
    async fn last(&self, project: &ProjectId) -> Result<(u64, Option<Question>), StoreError> {
        let subject = self.engine.subjects.apply_question(project);
        let last = self.engine.last(&subject).await?;
        Ok(last.map_or((0, None), |last| {
            let told = Message::<Question>::decode(&last.payload);
            (last.sequence, told.map(|told| told.body))
        }))
    }

    /// Takes a step, if `before` is still the last one. Returns where it is, or `None` if another
    /// was first.
    async fn take(
        &self,
        project: &ProjectId,
        question: &Question,
        before: u64,
    ) -> Result<Option<u64>, StoreError> {
        let message = Outgoing {
            subject: self.engine.subjects.apply_question(project),
            payload: Message::encode(self.nodes.own(), question)?,
        };
        let (until, mut may_be_kept) = (Instant::now() + TRIED, false);
        loop {
            match self.engine.publish(message.clone(), Some(before)).await {
                Ok(sequence) => return Ok(Some(sequence)),
                Err(PublishError::Conflict) if may_be_kept => {
                    let (sequence, last) = self.last(project).await?;
                    let last = last.filter(|last| last.is(question));
                    let own = last
                        .filter(|last| question.step == Step::Asked || last.step == question.step);
                    return Ok(own.map(|own| own.request(sequence)));
                }
                Err(PublishError::Conflict) => return Ok(None),
                Err(PublishError::Unknown(_)) if Instant::now() < until => {
                    may_be_kept = true;
                    sleep(AGAIN).await;
                }
                Err(error) => return Err(error.into()),
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
            let (at, last) = self.last(project).await?;
            let open = last.filter(|last| {
                last.request(at) == request && last.step.is_open() && may_follow(&last.step)
            });
            let Some(open) = open else {
                return Ok(false);
            };
            let next = open.next(request, step.clone());
            if let Some(at) = self.take(project, &next, at).await? {
                if !step.is_open() {
                    self.forget_later(project, at);
                }
                return Ok(true);
            }
        }
    }

    /// Ends the question `request` without an answer, unless it has ended or, but for
    /// [`Step::Left`], has been accepted.
    fn end_soon(self: &Arc<Self>, project: ProjectId, request: u64, step: Step) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let until = Instant::now() + TRIED;
            let may_follow = |last: &Step| *last == Step::Asked || step == Step::Left;
            while Instant::now() < until {
                let ended = shared.advance(&project, request, step.clone(), may_follow);
                match ended.await {
                    Ok(_) => return,
                    Err(error) => tracing::debug!(%error, "cannot end a question to apply yet"),
                }
                sleep(AGAIN).await;
            }
        });
    }

    fn forget_later(&self, project: &ProjectId, at: u64) {
        let engine = Arc::clone(&self.engine);
        let subject = engine.subjects.apply_question(project);
        tokio::spawn(async move {
            sleep(KEPT).await;
            let log = engine.subjects.log().name;
            if let Err(error) = engine.purge(&log, &subject, Some(at + 1)).await {
                tracing::debug!(%error, "cannot forget a question to apply that has ended");
            }
        });
    }

    /// Whether a question that is open in the log still waits for somebody.
    fn is_alive(&self, question: &Question) -> bool {
        let is_dead = |node| self.presence.is_dead(node);
        let is_lost = is_dead(question.applier_node)
            || (question.step == Step::Asked && is_dead(question.asker().node));
        question.step.is_open() && !is_lost
    }
}

#[async_trait]
impl ApplyRelay for NatsApplyRelay {
    fn applier_came(&self, project: &ProjectId, connection: ConnectionId) {
        lock(&self.0.here).applier_came(project, connection);
        self.0.presence.applies(project, true);
    }

    fn applier_left(&self, project: &ProjectId, connection: ConnectionId) {
        let (request, has_another) = {
            let mut here = lock(&self.0.here);
            let request = here.applier_left(project, connection);
            (request, here.has_applier(project))
        };
        if !has_another {
            self.0.presence.applies(project, false);
        }
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
        let (shared, project) = (&self.0, &question.project);
        let own = shared.nodes.own();
        let is_here = {
            let mut here = lock(&shared.here);
            here.asker_came(project, question.asker);
            here.applier(project, Some(question.asker)).is_some()
        };
        let applier = is_here.then_some(own);
        let applier = applier.or_else(|| shared.presence.applier(project));
        let applier = applier.ok_or(AskError::Nobody)?;
        let (before, last) = shared.last(project).await.map_err(AskError::Store)?;
        if last.is_some_and(|last| shared.is_alive(&last)) {
            return Err(AskError::Busy);
        }
        let asked = Question::new(shared.names.next(), &question, own, applier);
        let taken = shared.take(project, &asked, before).await;
        taken.map_err(AskError::Store)?.ok_or(AskError::Busy)
    }

    async fn accept(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
    ) -> Result<bool, StoreError> {
        if !lock(&self.0.here).is_asked(project, request, applier) {
            return Ok(false);
        }
        let may_follow = |_: &Step| true;
        let accepted = self.0.advance(project, request, Step::Accepted, may_follow);
        accepted.await
    }

    async fn answer(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
        answer: ApplyAnswer,
    ) -> Result<bool, StoreError> {
        if !lock(&self.0.here).is_asked(project, request, applier) {
            return Ok(false);
        }
        let must_be_accepted = answer.needs_acceptance();
        let may_follow = |last: &Step| *last == Step::Accepted || !must_be_accepted;
        let step = Step::answered(&answer);
        self.0.advance(project, request, step, may_follow).await
    }

    fn withdraw_late(&self, now: Uptime) {
        let late = lock(&self.0.here).late(now);
        for (project, request) in late {
            self.0.end_soon(project, request, Step::Late);
        }
    }
}
