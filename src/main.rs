//! The program: chooses the adapters for what the command line asks.

use std::process::ExitCode;
use std::sync::Arc;

use file_ws_server::adapters::inbound::cli::{self, Config, Durability, Invocation, Store};
use file_ws_server::adapters::outbound::filesystem::{self, FilesystemOptions, FilesystemStores};
use file_ws_server::adapters::outbound::jwt::{self, JwtVerifier, NewToken, TokenKey};
use file_ws_server::adapters::outbound::memory::MemoryStores;
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::application::ports::{Clock as _, StoreResources, Stores};
use file_ws_server::server::{self, Adapters, Failure};

/// Returns memory to the system after a burst, which the C library's allocator hardly does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::run(|invocation| match invocation {
        Invocation::PrintConfig(text) => {
            cli::print(&text);
            Ok(())
        }
        Invocation::CheckConfig(loaded) => verifier(&loaded.config).map(|_| loaded.print_valid()),
        Invocation::Token { loaded, request } => {
            let expires_at = SystemClock.now().plus(request.lifetime());
            let (username, streamer) = (request.username, request.streamer);
            let (project, room) = (request.project, request.room);
            let claims = NewToken {
                username,
                streamer,
                project,
                room,
                expires_at,
            };
            cli::print(&(jwt::issue(loaded.config.key.as_bytes(), &claims)? + "\n"));
            Ok(())
        }
        Invocation::Adopt {
            loaded,
            user,
            project,
        } => {
            let config = loaded.config;
            cli::block_on(async {
                let stores = open_stores(&config, StoreResources::default())?;
                cli::adopt(&config, stores.projects, &user, &project).await
            })
        }
        Invocation::Serve(loaded) => {
            cli::start_logging(&loaded.config);
            let (tokens, config) = (Arc::new(verifier(&loaded.config)?), loaded.config.clone());
            let open_stores = Box::new(move |resources| open_stores(&config, resources));
            let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
            cli::block_on(server::serve(
                loaded,
                Adapters {
                    open_stores,
                    tokens,
                    clock,
                    ids,
                },
            ))
        }
    })
}

fn open_stores(config: &Config, resources: StoreResources) -> Result<Stores, Failure> {
    let durability = match config.durability {
        Durability::Fsync => filesystem::Durability::Fsync,
        Durability::Rename => filesystem::Durability::Rename,
    };
    match config.store {
        Store::Memory => Ok(MemoryStores::new().into()),
        Store::Filesystem => {
            let options = FilesystemOptions {
                durability,
                resources,
            };
            FilesystemStores::open(config.base_dir.as_path(), options)
                .map(Stores::from)
                .map_err(|error| config.base_dir_fault(&error).into())
        }
    }
}

fn verifier(config: &Config) -> Result<JwtVerifier, Failure> {
    let pem = config.public_key()?.map(TokenKey::PublicKeyPem);
    let key = pem.unwrap_or_else(|| TokenKey::Secret(config.key.as_bytes().to_vec()));
    JwtVerifier::new(&key, config.issuer(), config.audience())
        .map_err(|error| format!("publicKeyFile: {error}").into())
}
