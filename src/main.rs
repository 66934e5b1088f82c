//! The program: chooses the adapters for what the command line asks, with `equipment`.

mod equipment;

use std::process::ExitCode;

use file_ws_server::adapters::inbound::cli::{self, Invocation};
use file_ws_server::adapters::outbound::jwt;
use file_ws_server::adapters::outbound::system::SystemClock;
use file_ws_server::application::ports::{Clock as _, StoreResources};
use file_ws_server::server;

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
            let config = &loaded.config;
            cli::operate(
                config,
                operation,
                open_stores(config, StoreResources::default()),
            )
            .await?;
            Ok(0)
        }),
        Invocation::Transfer { loaded, direction } => cli::block_on(async {
            let (folder, engine) = equipment::both_stores(&loaded.config, &direction).await?;
            cli::transfer(&direction, &folder, &engine).await
        }),
        Invocation::Serve(loaded) => {
            let adapters = equipment::adapters(&loaded.config)?;
            cli::block_on(server::serve(loaded, adapters))?;
            Ok(0)
        }
    })
}
