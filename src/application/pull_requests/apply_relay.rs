//! Carries questions to apply a pull request between connections to the same server.

use std::sync::Arc;

use async_trait::async_trait;

use crate::application::connection_id::ConnectionId;
use crate::application::event::{ApplyNotice, Event};
use crate::application::ports::{
    ApplyAnswer, ApplyQuestion, ApplyRelay, AskError, EventPublisher, StoreError, Topic,
};
use crate::application::pull_requests::apply_questions::{ApplyQuestions, CannotAsk, OpenQuestion};
use crate::domain::{ProjectId, Uptime};

/// Relays between connections to this server.
pub(crate) struct LocalApplyRelay {
    questions: ApplyQuestions,
    events: Arc<dyn EventPublisher>,
}

impl LocalApplyRelay {
    pub(crate) fn shared(events: &Arc<dyn EventPublisher>) -> Arc<dyn ApplyRelay> {
        Arc::new(Self {
            questions: ApplyQuestions::default(),
            events: Arc::clone(events),
        })
    }

    fn tell(&self, connection: ConnectionId, notice: ApplyNotice) {
        let topic = Topic::Own(connection);
        self.events.publish(&topic, Event::Apply(notice), None);
    }

    /// Tells the connection that was asked that its answer is not wanted any more.
    fn withdraw(&self, question: &OpenQuestion) {
        let request = question.request;
        self.tell(question.applier, ApplyNotice::Withdrawn { request });
    }

    fn fail(&self, question: &OpenQuestion, message: &'static str) {
        let OpenQuestion { request, id, .. } = *question;
        let notice = ApplyNotice::Failed {
            request,
            id,
            message,
        };
        self.tell(question.asker, notice);
    }
}

#[async_trait]
impl ApplyRelay for LocalApplyRelay {
    fn applier_came(&self, project: &ProjectId, connection: ConnectionId) {
        self.questions.applier_came(project, connection);
    }

    fn applier_left(&self, project: &ProjectId, connection: ConnectionId) {
        if let Some(question) = self.questions.applier_left(project, connection) {
            self.fail(&question, ApplyNotice::APPLIER_LEFT);
        }
    }

    fn asker_left(&self, project: &ProjectId, connection: ConnectionId) {
        if let Some(question) = self.questions.asker_left(project, connection) {
            self.withdraw(&question);
        }
    }

    fn has_applier(&self, project: &ProjectId) -> bool {
        self.questions.has_applier(project)
    }

    async fn ask(&self, question: ApplyQuestion, now: Uptime) -> Result<u64, AskError> {
        let ApplyQuestion {
            project,
            id,
            files,
            asker,
        } = question;
        let asked = self.questions.ask(&project, id, asker, now);
        let OpenQuestion {
            request, applier, ..
        } = asked.map_err(|why| match why {
            CannotAsk::Nobody => AskError::Nobody,
            CannotAsk::Busy => AskError::Busy,
        })?;
        self.tell(applier, ApplyNotice::Asked { request, id, files });
        Ok(request)
    }

    async fn accept(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
    ) -> Result<bool, StoreError> {
        Ok(self.questions.accept(project, request, applier))
    }

    async fn answer(
        &self,
        project: &ProjectId,
        request: u64,
        applier: ConnectionId,
        answer: ApplyAnswer,
    ) -> Result<bool, StoreError> {
        let must_be_accepted = answer.needs_acceptance();
        let ended = self
            .questions
            .answer(project, request, applier, must_be_accepted);
        let Some(OpenQuestion { id, asker, .. }) = ended else {
            return Ok(false);
        };
        self.tell(asker, answer.notice(request, id));
        Ok(true)
    }

    fn withdraw_late(&self, now: Uptime) {
        for question in self.questions.expire(now) {
            self.withdraw(&question);
            self.fail(&question, ApplyNotice::TOO_LATE);
        }
    }
}
