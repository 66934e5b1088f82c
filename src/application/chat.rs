//! The verbs of the chat (protocol, section 7).

use std::sync::Arc;

use super::ports::SayError;
use super::pull_requests::check_bytes;
use super::{Application, Checked, Refusal, Reply, Session};
use crate::domain::Timestamp;

impl Application {
    pub(super) fn send_message(
        &self,
        session: &Session,
        text: Checked<Arc<str>>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let (room, identity) = session.may_chat(now)?;
        if let Some(until) = identity.muted(now) {
            return Err(Refusal::Muted { until });
        }
        let text = text?;
        if text.is_empty() {
            return Err(Refusal::bad("message must not be empty"));
        }
        check_bytes("maxChatBytes", &text, self.limits.max_chat_bytes)?;
        match self.ports.rooms.say(
            session.connection,
            room,
            &identity.user,
            text,
            now,
            self.uptime(),
        ) {
            Ok(()) => Ok(Reply::ChatMessage),
            Err(SayError::TooOften(retry_after)) => Err(Refusal::RateLimited { retry_after }),
        }
    }

    pub(super) fn chat_history(
        &self,
        session: &Session,
        limit: Checked<Option<usize>>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let (room, _) = session.may_chat(now)?;
        let most = self.limits.chat_history;
        let limit = limit?.map_or(most, |limit| limit.min(most));
        Ok(Reply::ChatHistory(self.ports.rooms.history(room, limit)))
    }

    pub(super) fn chat_members(&self, session: &Session, now: Timestamp) -> Result<Reply, Refusal> {
        let (room, _) = session.may_chat(now)?;
        Ok(Reply::ChatMembers(self.ports.rooms.members(room)))
    }

    pub(super) fn leave_room(
        &self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        session.may_chat(now)?;
        session.roles.room = None;
        self.reattach(session, now);
        Ok(Reply::ChatLeave)
    }
}

#[cfg(test)]
mod tests;
