//! What the configuration chooses of the outbound adapters: the stores, whose tokens are believed, and
//! what the doctor sees with.

use file_ws_server::adapters::inbound::cli::{self, Config, Doctor, Store};
use file_ws_server::adapters::outbound::filesystem::{self, Durability, OpenError};
use file_ws_server::adapters::outbound::jwt::{JwtVerifier, TokenKey};
use file_ws_server::adapters::outbound::memory;
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::application::ports::{Clock as _, IdGenerator as _, StoreResources, Stores};
use file_ws_server::server::Failure;

/// What the doctor is given of the outbound adapters.
pub fn doctor(config: &Config) -> Doctor {
    Doctor {
        key_fault: verifier(config).err().map(|fault| fault.to_string()),
        folder: filesystem::inspect(config.base_dir.as_path()),
        now: SystemClock.now(),
        number: RandomIds.pull_request_id().to_string(),
    }
}

/// Opens the stores.
pub fn open_stores(config: &Config, resources: StoreResources) -> Result<Stores, OpenError> {
    let durability = match (config.store, config.durability) {
        (Store::Memory, _) => return Ok(memory::open_stores()),
        (Store::Filesystem, cli::Durability::Fsync) => Durability::Fsync,
        (Store::Filesystem, cli::Durability::Rename) => Durability::Rename,
    };
    filesystem::open_stores(config.base_dir.as_path(), durability, resources)
}

/// Whose tokens are believed.
pub fn verifier(config: &Config) -> Result<JwtVerifier, Failure> {
    let pem = config.public_key()?.map(TokenKey::PublicKeyPem);
    let key = pem.unwrap_or_else(|| TokenKey::Secret(config.key.as_bytes().to_vec()));
    JwtVerifier::new(&key, config.issuer.as_deref(), config.audience.as_deref())
        .map_err(|error| format!("publicKeyFile: {error}").into())
}
