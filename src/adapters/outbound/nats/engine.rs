//! The requests to the engine and its answers: five of its calls.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Message, RequestError, RequestErrorKind, StatusCode, Subscriber};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::adapters::outbound::nats::logged::{Logged, logged, time};
use crate::adapters::outbound::nats::subjects::{Stream, Subjects};
use crate::application::EngineCounts;
use crate::application::ports::StoreError;

/// How long to wait for an answer. After that, nobody knows whether there will be one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for an answer if the question is then asked again.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// How long an engine that has only just started may take to answer, and how often it is asked.
const STARTING: Duration = Duration::from_secs(30);
pub(crate) const AGAIN: Duration = Duration::from_millis(250);

/// The engine's number for "there is no leader".
const NO_LEADER: u64 = 10_008;

/// How much of the log is read at a time.
const PAGE_MESSAGES: usize = 512;
const PAGE_BYTES: usize = 4 * 1_024 * 1_024;

/// A connection to the engine.
#[derive(Debug)]
pub(crate) struct Engine {
    pub client: Client,
    pub subjects: Subjects,
    /// How many of its servers keep everything.
    pub replicas: usize,
    pub counts: Arc<EngineCounts>,
    /// When a leader last answered.
    answered: watch::Sender<Instant>,
}

impl Engine {
    pub fn new(
        client: Client,
        subjects: Subjects,
        replicas: usize,
        counts: Arc<EngineCounts>,
    ) -> Self {
        Self {
            client,
            subjects,
            replicas,
            counts,
            answered: watch::Sender::new(Instant::now()),
        }
    }

    /// Notes that the engine answers, though nobody has just asked its leader.
    pub fn note_answer(&self) {
        self.answered.send_replace(Instant::now());
    }

    /// How long no leader has answered; one is asked each second.
    pub fn silence(&self) -> Duration {
        self.answered.borrow().elapsed()
    }

    /// Makes one of the engine's own calls.
    ///
    /// # Errors
    /// `Failed` if it does not answer, or not in its own way.
    pub async fn call(&self, call: &str, request: &Value) -> Result<Value, StoreError> {
        parsed(self.ask(call, request).await)
    }

    /// The same, but asks again for half a minute while there is no answer. An engine that has just
    /// started has no leader yet, and drops a request while another server creates the same stream.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn call_at_start(&self, call: &str, request: &Value) -> Result<Value, StoreError> {
        let (began, mut is_told) = (Instant::now(), false);
        loop {
            let answer = self.ask(call, request).await;
            let is_early = match &answer {
                Ok(answer) => error_code(&answer.payload) == Some(NO_LEADER),
                Err(error) => error.kind() == RequestErrorKind::TimedOut,
            };
            if !is_early || began.elapsed() > STARTING {
                return parsed(answer);
            }
            if !std::mem::replace(&mut is_told, true) {
                tracing::info!(call, "NATS does not answer yet; asking again");
            }
            sleep(AGAIN).await;
        }
    }

    async fn ask(&self, call: &str, request: &Value) -> Result<Message, RequestError> {
        let (call, payload) = (format!("$JS.API.{call}"), Bytes::from(request.to_string()));
        self.client.request(call, payload).await
    }

    /// Like `call`, but an error in the answer is an error here, too.
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

    /// The same, for callers that ask until they are answered: this does not wait long for an
    /// answer that an election has lost.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn last_soon(&self, subject: &str) -> Result<Option<Logged>, StoreError> {
        let last = timeout(SOON, self.last(subject)).await;
        last.map_err(StoreError::failed)?
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
        let answer = self.ask(&format!("DIRECT.GET.{stream}"), request).await;
        let answer = answer.map_err(StoreError::failed)?;
        if answer.status.is_some() {
            return Ok(None);
        }
        logged(&answer).map(Some)
    }

    /// The next messages of a stream with these subjects from `sequence` on, as some server keeps
    /// them. That server may not have the latest yet.
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
                // The end of the page, or there is nothing from there on.
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
        // Only a leader answers that. A stream in memory has another leader.
        if !stream.is_in_memory {
            self.note_answer();
        }
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

    /// Forgets what a stream keeps before `sequence`. If `sequence` is yet to come, the next
    /// message gets that number.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn skip_to(&self, stream: &Stream, sequence: u64) -> Result<(), StoreError> {
        let call = format!("STREAM.PURGE.{}", stream.name);
        let request = json!({ "seq": sequence });
        self.call_well(&call, &request).await.map(drop)
    }

    /// The messages that a stream keeps from now on, as they are kept; some may be missing.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn told(&self, stream: &Stream) -> Result<Subscriber, StoreError> {
        self.hear(&stream.told).await
    }

    /// Tells those who listen to a subject. They may miss what the engine does not take soon.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn tell(&self, subject: String, payload: Bytes) -> Result<(), StoreError> {
        let told = timeout(SOON, self.client.publish(subject, payload)).await;
        told.map_err(StoreError::failed)?
            .map_err(StoreError::failed)
    }

    /// The messages that are sent to a subject from now on; some may be missing.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn hear(&self, subject: &str) -> Result<Subscriber, StoreError> {
        let heard = self.client.subscribe(subject.to_owned()).await;
        let heard = heard.map_err(StoreError::failed)?;
        self.client.flush().await.map_err(StoreError::failed)?;
        Ok(heard)
    }
}

fn is_end(status: StatusCode) -> bool {
    status == StatusCode::NOT_FOUND || status.as_u16() == 204
}

fn parsed(answer: Result<Message, RequestError>) -> Result<Value, StoreError> {
    let answer = answer.map_err(|error| match error.kind() {
        RequestErrorKind::NoResponders => {
            StoreError::failed("NATS has no JetStream, or none for this account")
        }
        RequestErrorKind::TimedOut => StoreError::failed("NATS does not answer"),
        _ => StoreError::failed(error),
    })?;
    serde_json::from_slice(&answer.payload).map_err(StoreError::failed)
}

/// The engine's own number of an error.
fn error_code(payload: &[u8]) -> Option<u64> {
    let answer: Value = serde_json::from_slice(payload).ok()?;
    answer.pointer("/error/err_code")?.as_u64()
}
