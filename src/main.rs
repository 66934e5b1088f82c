//! The program: chooses the adapters for what the command line asks.

use std::process::ExitCode;
use std::sync::Arc;

use file_ws_server::adapters::inbound::cli::{self, Config, Doctor, Invocation, Store};
use file_ws_server::adapters::outbound::filesystem::{self, Durability, OpenError, unless_locked};
use file_ws_server::adapters::outbound::jwt::{self, JwtVerifier, TokenKey};
use file_ws_server::adapters::outbound::memory;
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::application::ports::{Clock as _, IdGenerator as _, StoreResources, Stores};
use file_ws_server::server::{self, Adapters, Failure};

/// Returns memory to the system after a burst, which the C library's allocator hardly does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::run(|invocation| match invocation {
        Invocation::CheckConfig(loaded) => {
            verifier(&loaded.config)?;
            loaded.print_valid();
            Ok(0)
        }
        Invocation::Doctor { loaded, json } => {
            cli::block_on(async { Ok(cli::doctor(loaded, json, equip).await) })
        }
        Invocation::Health(loaded) => {
            cli::block_on(async { Ok(cli::health(&loaded.config).await) })
        }
        Invocation::Token { loaded, request } => {
            let claims = request.claims(SystemClock.now());
            cli::print(&(jwt::issue(loaded.config.key.as_bytes(), &claims)? + "\n"));
            Ok(0)
        }
        Invocation::Operate { loaded, operation } => cli::block_on(async {
            let open = || open_stores(&loaded.config, StoreResources::default());
            cli::operate(&loaded.config, operation, || unless_locked(open())).await?;
            Ok(0)
        }),
        Invocation::Serve(loaded) => {
            let config = loaded.config.clone();
            let adapters = Adapters {
                tokens: Arc::new(verifier(&config)?),
                open_stores: Box::new(move |resources| {
                    let stores = open_stores(&config, resources);
                    stores.map_err(|error| config.base_dir_fault(&error).into())
                }),
                clock: Arc::new(SystemClock),
                ids: Arc::new(RandomIds),
            };
            cli::block_on(server::serve(loaded, adapters))?;
            Ok(0)
        }
    })
}

/// What the doctor is given of the outbound adapters.
fn equip(config: &Config) -> Doctor {
    Doctor {
        key_fault: verifier(config).err().map(|fault| fault.to_string()),
        folder: filesystem::inspect(config.base_dir.as_path()),
        now: SystemClock.now(),
        number: RandomIds.pull_request_id().to_string(),
    }
}

fn open_stores(config: &Config, resources: StoreResources) -> Result<Stores, OpenError> {
    let durability = match (config.store, config.durability) {
        (Store::Memory, _) => return Ok(memory::open_stores()),
        (Store::Filesystem, cli::Durability::Fsync) => Durability::Fsync,
        (Store::Filesystem, cli::Durability::Rename) => Durability::Rename,
    };
    filesystem::open_stores(config.base_dir.as_path(), durability, resources)
}

fn verifier(config: &Config) -> Result<JwtVerifier, Failure> {
    let pem = config.public_key()?.map(TokenKey::PublicKeyPem);
    let key = pem.unwrap_or_else(|| TokenKey::Secret(config.key.as_bytes().to_vec()));
    JwtVerifier::new(&key, config.issuer.as_deref(), config.audience.as_deref())
        .map_err(|error| format!("publicKeyFile: {error}").into())
}
