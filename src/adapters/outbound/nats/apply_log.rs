//! Where the log keeps the question to apply a pull request that is open in a project, or was last.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::adapters::outbound::nats::apply_question::{Question, Step};
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::message::Message;
use crate::adapters::outbound::nats::nodes::Nodes;
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::application::ports::StoreError;
use crate::domain::ProjectId;

/// How long to wait before what did not work is tried again. What has begun is tried until it is
/// known what has become of it, as with changes of files.
const AGAIN: Duration = Duration::from_millis(200);

/// The questions as the engine has them.
pub(crate) struct ApplyLog {
    pub engine: Arc<Engine>,
    pub nodes: Arc<Nodes>,
}

impl ApplyLog {
    /// What the log says last of a project's question, and where.
    pub async fn last(&self, project: &ProjectId) -> (u64, Option<Question>) {
        let subject = self.engine.subjects.apply_question(project);
        loop {
            match self.engine.last_soon(&subject).await {
                Ok(None) => return (0, None),
                Ok(Some(last)) => {
                    let told = Message::<Question>::decode(&last.payload);
                    return (last.sequence, told.map(|told| told.body));
                }
                Err(error) => tracing::debug!(%error, "the engine does not answer"),
            }
            sleep(AGAIN).await;
        }
    }

    /// Takes a step, if `before` is still the last one. Returns where it is, or `None` if another
    /// was first.
    ///
    /// # Errors
    /// `Failed` if the engine refuses it.
    pub async fn take(
        &self,
        project: &ProjectId,
        question: &Question,
        before: u64,
    ) -> Result<Option<u64>, StoreError> {
        let message = Outgoing {
            subject: self.engine.subjects.apply_question(project),
            payload: Message::encode(self.nodes.own(), question)?,
        };
        let mut may_be_kept = false;
        loop {
            match self.engine.publish(message.clone(), Some(before)).await {
                Ok(sequence) => return Ok(Some(sequence)),
                Err(PublishError::Conflict) if may_be_kept => {
                    let (sequence, last) = self.last(project).await;
                    let last = last.filter(|last| last.name() == question.name());
                    return Ok(last.and_then(|last| match &question.step {
                        Step::Asked => Some(last.request(sequence)),
                        step => (last.step == *step).then_some(sequence),
                    }));
                }
                Err(PublishError::Conflict) => return Ok(None),
                Err(PublishError::Unknown(_)) => {
                    may_be_kept = true;
                    sleep(AGAIN).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
