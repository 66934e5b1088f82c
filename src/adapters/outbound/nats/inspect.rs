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

/// Looks whether the engine can be used, and what an operator should know about it. Takes some
/// seconds where it does not answer.
pub async fn inspect(settings: &NatsSettings) -> EngineInspection {
    let looked = timeout(3 * PATIENCE, look(settings)).await;
    match looked.unwrap_or_else(|_| Err(StoreError::failed("NATS does not answer"))) {
        Ok(seen) => EngineInspection::Usable(seen),
        Err(StoreError::Failed(why)) => EngineInspection::Unusable(why.to_string()),
        Err(error) => EngineInspection::Unusable(error.to_string()),
    }
}

async fn look(settings: &NatsSettings) -> Result<EngineSeen, StoreError> {
    let counts = Arc::clone(&StoreResources::default().engine);
    let engine = connect_only(settings, counts).await?;
    let info = engine.client.server_info();
    if settings.replicas > 1 && info.cluster.is_none() {
        let why = format!(
            "the NATS server is alone, so it cannot keep everything {} times (natsReplicas)",
            settings.replicas
        );
        return Err(StoreError::failed(why));
    }
    let is_tls = settings
        .servers
        .iter()
        .all(|server| server.starts_with("tls://"));
    let mut seen = EngineSeen {
        version: info.version,
        is_open: !info.auth_required,
        is_encrypted: is_tls || info.tls_required,
        ahead: None,
        bytes: 0,
        behind: Vec::new(),
    };
    for wanted in streams(&engine) {
        look_at(&engine, &wanted, &mut seen).await?;
    }
    Ok(seen)
}

/// Adds what there is to know about a stream; the first server creates it.
async fn look_at(engine: &Engine, wanted: &Value, seen: &mut EngineSeen) -> Result<(), StoreError> {
    let call = format!("STREAM.INFO.{}", name_of(wanted));
    let found = engine.call(&call, &json!({})).await?;
    let now = SystemClock.now();
    if is_missing(&found) {
        return Ok(());
    }
    must_be_as(wanted, &found)?;
    let theirs = found.get("ts").and_then(Value::as_str).and_then(time);
    if let Some(theirs) = theirs {
        seen.ahead =
            i64::try_from(i128::from(theirs.as_millis()) - i128::from(now.as_millis())).ok();
    }
    let bytes = found.pointer("/state/bytes").and_then(Value::as_u64);
    seen.bytes += bytes.unwrap_or(0);
    let others = found.pointer("/cluster/replicas").and_then(Value::as_array);
    for other in others.into_iter().flatten() {
        let is_current = other.get("current").and_then(Value::as_bool) == Some(true);
        if let Some(name) = other.get("name").and_then(Value::as_str)
            && !is_current
            && !seen.behind.iter().any(|known| known == name)
        {
            seen.behind.push(name.to_owned());
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
        assert!(used.bytes > 0 && used.behind.is_empty());
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
        assert!(why.starts_with("the NATS server is alone"), "{why}");
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
