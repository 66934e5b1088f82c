//! The program: chooses the adapters for what the command line asks, with `equipment`.

mod equipment;

use std::process::ExitCode;
use std::sync::Arc;

use file_ws_server::adapters::inbound::cli::{self, Invocation};
use file_ws_server::adapters::outbound::filesystem::unless_locked;
use file_ws_server::adapters::outbound::jwt;
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::application::ports::{Clock as _, StoreResources};
use file_ws_server::server::{self, Adapters};

use equipment::{open_stores, verifier};

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
            cli::block_on(async { Ok(cli::doctor(loaded, json, equipment::doctor).await) })
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
