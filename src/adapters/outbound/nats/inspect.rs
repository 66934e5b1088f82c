//! Looks at an engine without changing it, for the operator's doctor.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::adapters::outbound::nats::engine::{Engine, PATIENCE};
use crate::adapters::outbound::nats::logged::time;
use crate::adapters::outbound::nats::settings::NatsSettings;
use crate::adapters::outbound::nats::setup::{
    connect_only, is_missing, must_be_as, name_of, streams,
};
use crate::adapters::outbound::system::SystemClock;
use crate::application::inspection::{EngineInspection, EngineSeen};
use crate::application::ports::{Clock as _, StoreError, StoreResources};
use crate::domain::Timestamp;

/// Looks whether the engine can be used, and what an operator should know about it. Takes some
/// seconds where it does not answer.
pub async fn inspect(settings: &NatsSettings) -> EngineInspection {
    let looked = timeout(3 * PATIENCE, look(settings)).await;
    match looked.unwrap_or_else(|_| {
        Err(StoreError::failed(
            "NATS does not answer, or has no leader: do most of its servers run?",
        ))
    }) {
        Ok(seen) => EngineInspection::Usable(seen),
        Err(StoreError::Failed(why)) => EngineInspection::Unusable(why.to_string()),
        Err(error) => EngineInspection::Unusable(error.to_string()),
    }
}

async fn look(settings: &NatsSettings) -> Result<EngineSeen, StoreError> {
    let counts = Arc::clone(&StoreResources::default().engine);
    let engine = connect_only(settings, counts).await?;
    let info = engine.client.server_info();
    let mut seen = EngineSeen {
        version: info.version,
        host: info.host,
        // With users of its system account only, it asks for them and still lets anybody in.
        is_open: settings.credentials_file.is_none() || !info.auth_required,
        is_encrypted: settings.is_tls() || info.tls_required,
        ahead: None,
        bytes: 0,
        away: Vec::new(),
    };
    for wanted in streams(&engine) {
        look_at(&engine, &wanted, &mut seen).await?;
    }
    Ok(seen)
}

/// Adds what there is to know about a stream; the first server creates it.
async fn look_at(engine: &Engine, wanted: &Value, seen: &mut EngineSeen) -> Result<(), StoreError> {
    let name = name_of(wanted);
    let call = format!("STREAM.INFO.{name}");
    let found = engine.call_at_start(&call, &json!({})).await?;
    let now = SystemClock.now();
    if is_missing(&found) {
        let is_alone = engine.client.server_info().cluster.is_none();
        if is_alone && engine.replicas > 1 {
            return Err(StoreError::failed(format!(
                "the NATS server is alone, so it cannot keep everything {} times (natsReplicas)",
                engine.replicas
            )));
        }
        return Ok(());
    }
    if let Some(why) = found.pointer("/error/description") {
        let why = format!("NATS says about the stream {name}: {why}");
        return Err(StoreError::failed(why));
    }
    must_be_as(wanted, &found)?;
    let theirs = found.get("ts").and_then(Value::as_str).and_then(time);
    let millis = |time: Timestamp| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let ahead = theirs.map(|theirs| millis(theirs) - millis(now));
    // Each stream has a leader of its own. The worst clock counts.
    seen.ahead = seen
        .ahead
        .into_iter()
        .chain(ahead)
        .max_by_key(|ahead| ahead.abs());
    let bytes = found.pointer("/state/bytes").and_then(Value::as_u64);
    seen.bytes += bytes.unwrap_or(0);
    let others = found.pointer("/cluster/replicas").and_then(Value::as_array);
    for other in others.into_iter().flatten() {
        let is_away = other.get("offline").and_then(Value::as_bool) == Some(true);
        if let Some(name) = other.get("name").and_then(Value::as_str)
            && is_away
            && !seen.away.iter().any(|known| known == name)
        {
            seen.away.push(name.to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::outbound::contract_tests::nats_server::settings;
    use crate::adapters::outbound::contract_tests::world::World;

    #[tokio::test]
    async fn it_changes_nothing_and_sees_what_is_kept() {
        let settings = settings();
        for _ in 0..2 {
            let EngineInspection::Usable(new) = inspect(&settings).await else {
                panic!("it is as it should be")
            };
            assert_eq!((new.bytes, new.ahead), (0, None), "nothing is there yet");
            assert!(new.is_open && !new.is_encrypted);
        }
        let world = World::on_engine(&settings).await.with_demo().await;
        world.put("a", b"x").await.expect("is kept");
        let EngineInspection::Usable(used) = inspect(&settings).await else {
            panic!("it is as it should be")
        };
        assert!(used.bytes > 0 && used.away.is_empty());
        let ahead = used.ahead.expect("it says its time");
        assert!(ahead.abs() < 60_000, "{ahead}");
        let other = NatsSettings {
            replicas: 3,
            ..settings
        };
        let seen = inspect(&other).await;
        let EngineInspection::Unusable(why) = seen else {
            panic!("{seen:?}")
        };
        assert!(
            why.ends_with("has num_replicas 1, but should have 3"),
            "{why}"
        );
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_named_with_its_reason() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = port.local_addr().expect("has one");
        drop(port);
        let settings = NatsSettings {
            servers: vec![address.to_string()],
            ..settings()
        };
        let seen = inspect(&settings).await;
        let EngineInspection::Unusable(why) = seen else {
            panic!("{seen:?}")
        };
        assert!(why.starts_with("cannot connect"), "{why}");
    }
}
