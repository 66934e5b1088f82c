//! Connects to the engine, and makes sure that it keeps what it should.

use std::sync::Arc;
use std::time::Duration;

use async_nats::ConnectOptions;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::adapters::outbound::nats::engine::{AGAIN, Engine, PATIENCE};
use crate::adapters::outbound::nats::settings::NatsSettings;
use crate::adapters::outbound::nats::subjects::Subjects;
use crate::application::EngineCounts;
use crate::application::ports::StoreError;

/// The oldest NATS servers that have what is needed: atomic batches without the faults of the first
/// releases.
const OLDEST: [(u64, u64, u64); 2] = [(2, 12, 14), (2, 14, 4)];

/// The engine must take messages of at least this length: a chunk of a large content, and what is
/// said about it.
const LEAST_PAYLOAD: usize = 600_000;

/// The engine's number for "there is already one, with other settings".
const IS_THERE: i64 = 10_058;

/// How much of the chat is kept for servers that start later: of one room, and in all.
const LIVE_ENTRIES: (u32, u32) = (2_000, 50_000);

const PING: Duration = Duration::from_secs(2);

/// How many messages of the log may wait here; more are read back from the engine.
const WAITING: usize = 1_024;

/// Connects, and creates the streams where they are missing.
///
/// # Errors
/// `Failed` with a sentence: why this engine cannot be used.
pub(crate) async fn connect(
    settings: &NatsSettings,
    counts: Arc<EngineCounts>,
) -> Result<Arc<Engine>, StoreError> {
    let engine = Arc::new(connect_only(settings, counts).await?);
    for stream in streams(&engine) {
        must_be_there(&engine, &stream).await?;
    }
    Ok(engine)
}

/// Connects to an engine that could have the streams.
///
/// # Errors
/// Those of [`connect`].
pub(crate) async fn connect_only(
    settings: &NatsSettings,
    counts: Arc<EngineCounts>,
) -> Result<Engine, StoreError> {
    let options = ConnectOptions::new()
        .name("file-ws-server")
        .require_tls(settings.is_tls())
        .ping_interval(PING)
        .request_timeout(Some(PATIENCE))
        .subscription_capacity(WAITING);
    let options = match &settings.credentials_file {
        Some(file) => {
            let read = tokio::fs::read_to_string(file).await;
            let read = read.map_err(|error| {
                StoreError::failed(format!("cannot read natsCredentialsFile: {error}"))
            })?;
            options.credentials(&read).map_err(StoreError::failed)?
        }
        None => options,
    };
    let began = Instant::now();
    let client = loop {
        match Box::pin(options.clone().connect(&settings.servers)).await {
            Ok(client) => break client,
            // NATS may have been started together with this server.
            Err(_) if began.elapsed() < PATIENCE => sleep(AGAIN).await,
            Err(error) => {
                let why = format!("cannot connect to the NATS server: {error}");
                return Err(StoreError::failed(why));
            }
        }
    };
    let info = client.server_info();
    if !is_new_enough(&info.version) {
        return Err(StoreError::failed(format!(
            "the NATS server is {}, but 2.12.14 or 2.14.4 or a later one is needed",
            info.version
        )));
    }
    if info.max_payload < LEAST_PAYLOAD {
        return Err(StoreError::failed(format!(
            "the NATS server takes messages of {} bytes, but {LEAST_PAYLOAD} are needed \
             (max_payload)",
            info.max_payload
        )));
    }
    let subjects = Subjects::new(&settings.prefix);
    Ok(Engine::new(client, subjects, settings.replicas, counts))
}

fn is_new_enough(version: &str) -> bool {
    let number = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = number.split('.').map(str::parse);
    let (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) =
        (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let [older, newer] = OLDEST;
    let found = (major, minor, patch);
    found >= newer || ((major, minor) == (older.0, older.1) && found >= older)
}

/// The settings of all streams.
pub(crate) fn streams(engine: &Engine) -> [Value; 3] {
    let subjects = &engine.subjects;
    let stream = subjects.log();
    let log = json!({
        "name": stream.name,
        "subjects": [stream.subjects],
        "max_msgs_per_subject": 1,
        "allow_atomic": true,
        "republish": { "src": stream.subjects, "dest": stream.told },
    });
    let blobs = json!({
        "name": subjects.blob_stream(),
        "subjects": [subjects.all_blobs()],
        "max_msgs_per_subject": 1,
    });
    [
        with_common(engine, log),
        with_common(engine, blobs),
        live_stream(engine, 1),
    ]
}

/// The settings of the stream that is kept in memory. Its first message gets the number `first`.
fn live_stream(engine: &Engine, first: u64) -> Value {
    let (stream, (of_a_room, of_all)) = (engine.subjects.live(), LIVE_ENTRIES);
    let live = json!({
        "name": stream.name,
        "subjects": [stream.subjects],
        "storage": "memory",
        "discard": "old",
        "max_msgs_per_subject": of_a_room,
        "max_msgs": of_all,
        "first_seq": first,
        "republish": { "src": stream.subjects, "dest": stream.told },
    });
    with_common(engine, live)
}

/// Creates the stream that is kept in memory, if it is missing: an engine of a single server
/// forgets it when that server ends. Its first message gets the number `first`.
///
/// # Errors
/// `Failed` with a sentence.
pub(crate) async fn live_must_be_there(engine: &Engine, first: u64) -> Result<(), StoreError> {
    must_be_there(engine, &live_stream(engine, first)).await
}

/// A stream's own settings, and those that all have unless they say otherwise.
fn with_common(engine: &Engine, own: Value) -> Value {
    let mut wanted = json!({
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "num_replicas": engine.replicas,
        "max_msgs": -1,
        "max_bytes": -1,
        "max_consumers": -1,
        "max_msg_size": -1,
        "allow_direct": true,
        "deny_delete": true,
    });
    if let (Value::Object(wanted), Value::Object(own)) = (&mut wanted, own) {
        wanted.extend(own);
    }
    wanted
}

/// Whether this answer says that there is no such stream.
pub(crate) fn is_missing(info: &Value) -> bool {
    info.pointer("/error/code").and_then(Value::as_i64) == Some(404)
}

async fn must_be_there(engine: &Engine, wanted: &Value) -> Result<(), StoreError> {
    let name = name_of(wanted);
    let (info, nothing) = (format!("STREAM.INFO.{name}"), json!({}));
    let mut found = engine.call_at_start(&info, &nothing).await?;
    if is_missing(&found) {
        let create = format!("STREAM.CREATE.{name}");
        found = engine.call_at_start(&create, wanted).await?;
        // Another node may create it at the same time, which is no error: it wants the same, but
        // perhaps with another first number.
        if found.pointer("/error/err_code").and_then(Value::as_i64) == Some(IS_THERE) {
            found = engine.call_at_start(&info, &nothing).await?;
        }
    }
    if let Some(why) = found.pointer("/error/description") {
        let times = engine.replicas;
        return Err(StoreError::failed(format!(
            "the NATS server cannot keep the stream {name} {times} times (natsReplicas): {why}"
        )));
    }
    must_be_as(wanted, &found)
}

/// The name of a stream with these settings.
pub(crate) fn name_of(wanted: &Value) -> &str {
    let name = wanted.get("name").and_then(Value::as_str);
    name.unwrap_or_default()
}

/// Compares what the engine says about a stream that is there with what is wanted.
///
/// # Errors
/// `Failed` with a sentence.
pub(crate) fn must_be_as(wanted: &Value, found: &Value) -> Result<(), StoreError> {
    let name = name_of(wanted);
    for member in [
        "num_replicas",
        "max_msgs_per_subject",
        "republish",
        "allow_atomic",
        "storage",
        "max_msgs",
    ] {
        let (is, should) = (
            found.pointer(&format!("/config/{member}")),
            wanted.get(member),
        );
        if should.is_some() && is != should {
            return Err(StoreError::failed(format!(
                "the stream {name} has {member} {}, but should have {}",
                is.unwrap_or(&Value::Null),
                should.unwrap_or(&Value::Null),
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_new_enough_from_the_first_that_has_what_is_needed() {
        for (version, expected) in [
            ("2.12.13", false),
            ("2.12.14", true),
            ("2.12.20", true),
            ("2.13.9", false),
            ("2.14.3", false),
            ("2.14.4", true),
            ("2.15.0-RC.1", true),
            ("2.15.1", true),
            ("3.0.0", true),
            ("2.9.10", false),
            ("", false),
            ("2.15", false),
        ] {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
    }
}
