//! What the configuration chooses of the outbound adapters: the stores, whose tokens are believed,
//! and what the doctor sees with.

use std::path::Path;
use std::sync::Arc;

use file_ws_server::adapters::inbound::cli::{self, Config, ConfigError, Direction, Doctor, Store};
use file_ws_server::adapters::outbound::filesystem::{self, Durability, OpenError, unless_locked};
use file_ws_server::adapters::outbound::jwt::{JwtVerifier, TokenKey};
use file_ws_server::adapters::outbound::memory;
use file_ws_server::adapters::outbound::nats::{self, NatsSettings};
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::application::ports::{
    Clock as _, IdGenerator as _, StoreError, StoreResources, Stores,
};
use file_ws_server::server::{Adapters, Failure};

/// What the doctor gets from the outbound adapters.
pub async fn doctor(config: &Config) -> Doctor {
    let engine = match config.store {
        Store::Nats => Some(nats::inspect(&nats_settings(config)).await),
        Store::Filesystem | Store::Memory => None,
    };
    Doctor {
        engine,
        key_fault: verifier(config).err().map(|fault| fault.to_string()),
        folder: filesystem::inspect(config.base_dir.as_path()),
        now: SystemClock.now(),
        number: RandomIds.pull_request_id().to_string(),
    }
}

/// What a server gets from the outbound adapters.
///
/// # Errors
/// Why the key that verifies tokens cannot be used.
pub fn adapters(config: &Config) -> Result<Adapters, Failure> {
    let tokens = Arc::new(verifier(config)?);
    let config = config.clone();
    Ok(Adapters {
        tokens,
        open_stores: Box::new(|resources| {
            Box::pin(async move {
                let stores = open_stores(&config, resources).await?;
                stores.ok_or_else(|| config.base_dir_fault(&OpenError::Locked).into())
            })
        }),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
    })
}

/// Opens the stores; `None` if another server holds them.
///
/// # Errors
/// Why they cannot be opened, if it is for another reason.
pub async fn open_stores(
    config: &Config,
    resources: StoreResources,
) -> Result<Option<Stores>, Failure> {
    let on_disk = || {
        let opened = on_disk(config, config.base_dir.as_path(), resources.clone());
        unless_locked(opened).map_err(|error| Failure::from(config.base_dir_fault(&error)))
    };
    match config.store {
        Store::Memory => Ok(Some(memory::open_stores())),
        Store::Filesystem => on_disk(),
        Store::Nats => {
            let Some(own) = on_disk()? else {
                return Ok(None);
            };
            Ok(Some(on_nats(config, &own, resources).await?))
        }
    }
}

/// The stores in a folder, and those on NATS, between which everything is to be copied.
///
/// # Errors
/// Why they cannot be opened.
pub async fn both_stores(
    config: &Config,
    direction: &Direction,
) -> Result<(Stores, Stores), Failure> {
    let folder = direction.folder()?;
    let resources = StoreResources::default();
    let opened = on_disk(config, folder, resources.clone());
    let own = opened.map_err(|error| format!("{}: {error}", folder.display()))?;
    let engine = on_nats(config, &own, resources).await?;
    Ok((own, engine))
}

fn on_disk(config: &Config, folder: &Path, resources: StoreResources) -> Result<Stores, OpenError> {
    let durability = match config.durability {
        cli::Durability::Fsync => Durability::Fsync,
        cli::Durability::Rename => Durability::Rename,
    };
    filesystem::open_stores(folder, durability, resources)
}

/// Uploads, drafts and files that are being read lie among those of `own`.
async fn on_nats(
    config: &Config,
    own: &Stores,
    resources: StoreResources,
) -> Result<Stores, StoreError> {
    nats::open_stores(&nats_settings(config), Arc::clone(&own.uploads), resources).await
}

fn nats_settings(config: &Config) -> NatsSettings {
    NatsSettings {
        servers: config.nats_servers(),
        credentials_file: config.nats_credentials_file(),
        replicas: config.nats_replicas.size(),
        prefix: config.nats_prefix.to_string(),
        patience: config.cluster_timeout_seconds.seconds(),
    }
}

/// The verifier of the tokens that are believed.
pub fn verifier(config: &Config) -> Result<JwtVerifier, ConfigError> {
    let pem = config.public_key()?.map(TokenKey::PublicKeyPem);
    let key = pem.unwrap_or_else(|| TokenKey::Secret(config.key.as_bytes().to_vec()));
    JwtVerifier::new(&key, config.issuer.as_deref(), config.audience.as_deref())
        .map_err(|error| ConfigError::of("publicKeyFile", error))
}
