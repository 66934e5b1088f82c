//! The verbs of the chat (protocol, section 7).

use std::sync::Arc;

use crate::application::ports::SayError;
use crate::application::pull_requests::creation::check_bytes;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::Timestamp;

impl Application {
    pub(crate) fn send_message(
        &self,
        session: &Session,
        text: Checked<Arc<str>>,
        now: Timestamp,
    ) -> Result<Reply, RequestError> {
        let (room, identity) = session.may_chat(now)?;
        if let Some(until) = identity.muted(now) {
            return Err(RequestError::Muted { until });
        }
        let text = text?;
        if text.is_empty() {
            return Err(RequestError::bad("message must not be empty"));
        }
        check_bytes("maxChatBytes", &text, self.limits.max_chat_bytes)?;
        match self
            .ports
            .rooms
            .say(session.connection, room, &identity.user, text, now)
        {
            Ok(()) => Ok(Reply::ChatMessage),
            Err(SayError::TooOften(retry_after)) => Err(RequestError::RateLimited { retry_after }),
        }
    }

    pub(crate) fn chat_history(
        &self,
        session: &Session,
        limit: Checked<Option<usize>>,
        now: Timestamp,
    ) -> Result<Reply, RequestError> {
        let (room, _) = session.may_chat(now)?;
        let most = self.limits.chat_history;
        let limit = limit?.map_or(most, |limit| limit.min(most));
        Ok(Reply::ChatHistory(self.ports.rooms.history(room, limit)))
    }

    pub(crate) fn chat_members(
        &self,
        session: &Session,
        now: Timestamp,
    ) -> Result<Reply, RequestError> {
        let (room, _) = session.may_chat(now)?;
        Ok(Reply::ChatMembers(self.ports.rooms.members(room)))
    }

    pub(crate) fn leave_room(
        &self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Reply, RequestError> {
        session.may_chat(now)?;
        session.roles.room = None;
        self.reattach(session, now);
        Ok(Reply::ChatLeave)
    }
}

#[cfg(test)]
mod tests;
