//! NATS servers for tests: one that the whole process shares, and some that tests kill.

#[path = "../../../../tests/live/support/nats_server.rs"]
#[expect(
    dead_code,
    reason = "the tests of the whole program use the rest of it"
)]
mod process;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(in crate::adapters::outbound) use process::NatsServer;

use crate::adapters::outbound::nats::NatsSettings;

/// Settings for streams that no other test uses, on the shared server.
pub(in crate::adapters::outbound) fn settings() -> NatsSettings {
    static SHARED: OnceLock<NatsServer> = OnceLock::new();
    settings_on(SHARED.get_or_init(NatsServer::start))
}

/// Settings for streams that no other test uses.
pub(in crate::adapters::outbound) fn settings_on(server: &NatsServer) -> NatsSettings {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    NatsSettings {
        servers: vec![server.address()],
        credentials_file: None,
        replicas: 1,
        prefix: format!("test{number}"),
        patience: Duration::from_secs(30),
    }
}
