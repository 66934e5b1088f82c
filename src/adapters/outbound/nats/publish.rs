//! Keeps messages in the engine, one or several at once.

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::client::RequestErrorKind;
use bytes::Bytes;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::adapters::outbound::nats::engine::Engine;
use crate::application::ports::StoreError;

/// The engine's numbers for "the subject has another last message than expected".
const WRONG_LAST_SEQUENCE: [i64; 2] = [10_071, 10_164];

/// How long the engine may take to answer a message that it is to keep. After that, it is asked
/// whether it kept the message, and if not, the message is sent again, which does no harm. An
/// election loses the answer, and takes about 5 seconds.
const ANSWER: Duration = Duration::from_secs(2);

/// How long to wait before the engine is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// The engine's numbers for a batch that it has not received in full: nothing of it is kept, and
/// another attempt may be.
const CUT_IN_TWO: [i64; 2] = [10_175, 10_176];

/// Why a message was not kept.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PublishError {
    /// The subject's last message is another one.
    #[error("somebody else was first")]
    Conflict,
    /// The engine has certainly not kept it.
    #[error("the engine refuses it: {0}")]
    Refused(String),
    /// It may have been kept.
    #[error("the engine does not answer: {0}")]
    Unknown(String),
}

impl From<PublishError> for StoreError {
    fn from(error: PublishError) -> Self {
        Self::failed(error)
    }
}

/// A message to be kept.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub subject: String,
    pub payload: Bytes,
}

impl Engine {
    /// Keeps one message, if the last one of its subject is `expected` (0: there is none).
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(
        &self,
        message: Outgoing,
        expected: Option<u64>,
    ) -> Result<u64, PublishError> {
        self.send(message, expecting(expected)).await
    }

    /// Keeps one message, unless the engine has kept one of that name within the last two minutes.
    /// Returns its place in the stream.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish_once(&self, message: Outgoing, name: &str) -> Result<u64, PublishError> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", name);
        self.send(message, headers).await
    }

    /// Keeps one message, and tries again until it is known that it is kept or refused.
    ///
    /// # Errors
    /// `Failed` if it is refused.
    pub async fn publish_at_last(&self, message: Outgoing) -> Result<(), StoreError> {
        loop {
            match self.publish(message.clone(), None).await {
                Err(PublishError::Unknown(_)) => sleep(AGAIN).await,
                kept => return Ok(kept.map(drop)?),
            }
        }
    }

    /// Keeps all messages or none, if the last one of the last message's subject is `expected`.
    /// Returns the sequence of the last message; the others come right before it.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish_all(
        &self,
        batch: &str,
        messages: Vec<Outgoing>,
        last: Outgoing,
        expected: u64,
    ) -> Result<u64, PublishError> {
        let count = messages.len() + 1;
        if count == 1 {
            return self.publish(last, Some(expected)).await;
        }
        for (message, number) in messages.into_iter().zip(1..) {
            let headers = in_batch(HeaderMap::new(), batch, number);
            let sent = self
                .client
                .publish_with_headers(message.subject, headers, message.payload);
            sent.await
                .map_err(|error| PublishError::Unknown(error.to_string()))?;
        }
        let mut headers = in_batch(expecting(Some(expected)), batch, count);
        headers.insert("Nats-Batch-Commit", "1");
        self.send(last, headers).await
    }

    async fn send(&self, message: Outgoing, headers: HeaderMap) -> Result<u64, PublishError> {
        let sent = timeout(ANSWER, self.ask_to_keep(message, headers)).await;
        let late = |_| Err(PublishError::Unknown("no answer in time".to_owned()));
        let sent = sent.unwrap_or_else(late);
        if matches!(sent, Err(PublishError::Unknown(_))) {
            self.counts.unknown_outcomes.one();
        }
        sent
    }

    async fn ask_to_keep(
        &self,
        message: Outgoing,
        headers: HeaderMap,
    ) -> Result<u64, PublishError> {
        let unknown = |why: String| PublishError::Unknown(why);
        let Outgoing { subject, payload } = message;
        let asked = self.client.request_with_headers(subject, headers, payload);
        let answer = asked.await.map_err(|error| match error.kind() {
            RequestErrorKind::MaxPayloadExceeded => PublishError::Refused(error.to_string()),
            _ => unknown(error.to_string()),
        })?;
        let answer: Value =
            serde_json::from_slice(&answer.payload).map_err(|error| unknown(error.to_string()))?;
        let Some(error) = answer.get("error") else {
            let sequence = answer.get("seq").and_then(Value::as_u64);
            return sequence.ok_or_else(|| unknown("an answer without a number".to_owned()));
        };
        let number = error.get("err_code").and_then(Value::as_i64);
        if number.is_some_and(|number| WRONG_LAST_SEQUENCE.contains(&number)) {
            return Err(PublishError::Conflict);
        }
        // Whether the error concerns this message. Otherwise it concerns the engine as a whole,
        // which may have kept the message.
        let is_certain = error.get("code").and_then(Value::as_i64) == Some(400)
            && !number.is_some_and(|number| CUT_IN_TWO.contains(&number));
        let why = error.to_string();
        Err(if is_certain {
            PublishError::Refused(why)
        } else {
            PublishError::Unknown(why)
        })
    }
}

fn expecting(expected: Option<u64>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(expected) = expected {
        headers.insert("Nats-Expected-Last-Subject-Sequence", expected.to_string());
    }
    headers
}

fn in_batch(mut headers: HeaderMap, batch: &str, number: usize) -> HeaderMap {
    headers.insert("Nats-Batch-Id", batch);
    headers.insert("Nats-Batch-Sequence", number.to_string());
    headers
}
