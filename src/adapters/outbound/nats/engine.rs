//! What is asked of the engine, and what it answers: five of its calls.

use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, StatusCode, Subscriber};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::adapters::outbound::nats::logged::{Logged, logged, time};
use crate::adapters::outbound::nats::subjects::{Stream, Subjects};
use crate::application::ports::StoreError;

/// How long an answer may take until nobody knows whether there will be one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How much of the log is read at a time.
const PAGE_MESSAGES: usize = 512;
const PAGE_BYTES: usize = 4 * 1_024 * 1_024;

/// The engine's numbers for "the subject has another last message than expected".
const WRONG_LAST_SEQUENCE: [i64; 2] = [10_071, 10_164];

/// Why a message was not kept.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PublishError {
    /// The subject's last message is another one.
    #[error("somebody else was first")]
    Conflict,
    /// The engine does not take it, with certainty.
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

/// A connection to the engine.
#[derive(Debug)]
pub(crate) struct Engine {
    pub client: Client,
    pub subjects: Subjects,
}

impl Engine {
    /// One of the engine's own calls.
    ///
    /// # Errors
    /// `Failed` where it does not answer, or not in its own way.
    pub async fn call(&self, call: &str, request: &Value) -> Result<Value, StoreError> {
        let answer = self.ask(call, request).await?;
        serde_json::from_slice(&answer.payload).map_err(StoreError::failed)
    }

    async fn ask(&self, call: &str, request: &Value) -> Result<Message, StoreError> {
        let (call, payload) = (format!("$JS.API.{call}"), Bytes::from(request.to_string()));
        let answer = self.client.request(call, payload).await;
        answer.map_err(StoreError::failed)
    }

    /// The same, where an error in the answer is one.
    ///
    /// # Errors
    /// `Failed` with what the engine says.
    pub async fn call_well(&self, call: &str, request: &Value) -> Result<Value, StoreError> {
        let answer = self.call(call, request).await?;
        match answer.pointer("/error/description") {
            Some(why) => Err(StoreError::failed(format!("the engine says: {why}"))),
            None => Ok(answer),
        }
    }

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
        let unknown = |why: String| PublishError::Unknown(why);
        let Outgoing { subject, payload } = message;
        let asked = self.client.request_with_headers(subject, headers, payload);
        let answer = asked.await.map_err(|error| unknown(error.to_string()))?;
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
        // Whether it concerns this message, or the engine as a whole, which may have kept it.
        let is_certain = error.get("code").and_then(Value::as_i64) == Some(400);
        let why = error.to_string();
        Err(if is_certain {
            PublishError::Refused(why)
        } else {
            PublishError::Unknown(why)
        })
    }

    /// The last message of a subject, from the server that orders the log: nothing that was
    /// acknowledged anywhere is missing.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn last(&self, subject: &str) -> Result<Option<Logged>, StoreError> {
        let stream = self.subjects.log().name;
        self.ask_leader(&stream, &json!({ "last_by_subj": subject }))
            .await
    }

    /// The first message of a stream from `sequence` on, as its leader keeps it.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn next_ask_leader(
        &self,
        stream: &Stream,
        sequence: u64,
    ) -> Result<Option<Logged>, StoreError> {
        let request = json!({ "seq": sequence, "next_by_subj": stream.subjects });
        self.ask_leader(&stream.name, &request).await
    }

    /// A message that the leader of a stream keeps.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn ask_leader(
        &self,
        stream: &str,
        request: &Value,
    ) -> Result<Option<Logged>, StoreError> {
        let call = format!("STREAM.MSG.GET.{stream}");
        let answer = self.call(&call, request).await?;
        if answer.pointer("/error/code").and_then(Value::as_i64) == Some(404) {
            return Ok(None);
        }
        let text = |name: &str| answer.pointer(name).and_then(Value::as_str);
        let sequence = answer.pointer("/message/seq").and_then(Value::as_u64);
        let time = text("/message/time").and_then(time);
        let subject = text("/message/subject");
        let (Some(subject), Some(sequence), Some(at)) = (subject, sequence, time) else {
            return Err(StoreError::failed(format!("the engine says: {answer}")));
        };
        let payload = STANDARD.decode(text("/message/data").unwrap_or_default());
        Ok(Some(Logged {
            subject: subject.to_owned(),
            sequence,
            at,
            payload: payload.map_err(StoreError::failed)?.into(),
        }))
    }

    /// A message that any server of a stream keeps; `None` if the one asked does not have it.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn direct(
        &self,
        stream: &str,
        request: &Value,
    ) -> Result<Option<Logged>, StoreError> {
        let answer = self.ask(&format!("DIRECT.GET.{stream}"), request).await?;
        if answer.status.is_some() {
            return Ok(None);
        }
        logged(&answer).map(Some)
    }

    /// The next messages of a stream with these subjects from `sequence` on, as some server keeps
    /// them, which may not have the latest yet.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn page(
        &self,
        stream: &Stream,
        sequence: u64,
        subjects: &str,
    ) -> Result<Vec<Logged>, StoreError> {
        let inbox = self.client.new_inbox();
        let answers = self.client.subscribe(inbox.clone()).await;
        let mut answers = answers.map_err(StoreError::failed)?;
        let request = json!({
            "seq": sequence,
            "batch": PAGE_MESSAGES,
            "max_bytes": PAGE_BYTES,
            "next_by_subj": subjects,
        });
        let call = format!("$JS.API.DIRECT.GET.{}", stream.name);
        let asked = self
            .client
            .publish_with_reply(call, inbox, Bytes::from(request.to_string()));
        asked.await.map_err(StoreError::failed)?;
        let mut page = Vec::new();
        loop {
            let answer = timeout(PATIENCE, answers.next()).await;
            let answer = answer.map_err(StoreError::failed)?;
            let answer = answer.ok_or_else(|| StoreError::failed("the connection has ended"))?;
            match answer.status {
                None => page.push(logged(&answer)?),
                // The end, or nothing from there on.
                Some(status) if is_end(status) => return Ok(page),
                Some(status) => {
                    let why = format!("the engine says {status}: {:?}", answer.description);
                    return Err(StoreError::failed(why));
                }
            }
        }
    }

    /// The sequence of the last message of a stream.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn last_sequence(&self, stream: &Stream) -> Result<u64, StoreError> {
        let call = format!("STREAM.INFO.{}", stream.name);
        let info = self.call_well(&call, &json!({})).await?;
        let last = info.pointer("/state/last_seq").and_then(Value::as_u64);
        last.ok_or_else(|| StoreError::failed("the engine does not say how long the stream is"))
    }

    /// Removes the messages of these subjects, up to but without `before` if that is given.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn purge(
        &self,
        stream: &str,
        subjects: &str,
        before: Option<u64>,
    ) -> Result<(), StoreError> {
        let mut request = json!({ "filter": subjects });
        if let Some(before) = before {
            request["seq"] = json!(before);
        }
        let call = format!("STREAM.PURGE.{stream}");
        self.call_well(&call, &request).await.map(drop)
    }

    /// What a stream keeps from now on, as it is kept; some may be missing.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn told(&self, stream: &Stream) -> Result<Subscriber, StoreError> {
        let told = self.client.subscribe(stream.told.clone()).await;
        let told = told.map_err(StoreError::failed)?;
        self.client.flush().await.map_err(StoreError::failed)?;
        Ok(told)
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

fn is_end(status: StatusCode) -> bool {
    status == StatusCode::NOT_FOUND || status.as_u16() == 204
}
