//! A message as the engine keeps it.

use async_nats::Message;
use bytes::Bytes;
use chrono::DateTime;

use crate::application::ports::StoreError;
use crate::domain::Timestamp;

/// A message as the engine keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub subject: String,
    pub sequence: u64,
    pub at: Timestamp,
    pub payload: Bytes,
}

/// A kept message, from what the engine's headers say about it.
///
/// # Errors
/// `Failed` if they are missing.
pub(crate) fn logged(message: &Message) -> Result<Logged, StoreError> {
    let headers = message.headers.as_ref();
    let header = |name: &str| Some(headers?.get(name)?.as_str());
    let sequence = header("Nats-Sequence").and_then(|number| number.parse().ok());
    let at = header("Nats-Time-Stamp").and_then(time);
    let subject = header("Nats-Subject");
    let (Some(subject), Some(sequence), Some(at)) = (subject, sequence, at) else {
        return Err(StoreError::failed(
            "a message without subject, number or time",
        ));
    };
    Ok(Logged {
        subject: subject.to_owned(),
        sequence,
        at,
        payload: message.payload.clone(),
    })
}

/// A time as the engine writes it.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    let millis = u64::try_from(time.timestamp_millis()).ok()?;
    Some(Timestamp::from_millis(millis))
}
