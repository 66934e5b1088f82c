//! The `twicecast` command: the streamer's and the viewers' side of a file-ws-server. It knows the
//! contract and nothing about the server's code.

mod chat;
mod cli;
mod commands;
mod connection;
mod credentials;
#[cfg_attr(not(feature = "local"), path = "no_server.rs")]
mod embedded;
mod failure;
mod fs;
mod links;
mod listing;
mod local_settings;
mod names;
mod parts;
mod platform;
mod publish;
mod replica;
mod review;
mod rules;
mod tls;
mod ui;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::commands::{
    clone, completions, doctor, focus, link, mirror, proposals, propose, pulls, push, share,
    status, token, update, why,
};
use crate::failure::Failure;
use crate::ui::output::{say, warn};
use crate::ui::style;

/// musl's own allocator returns every page to the system at once, and then has to request it again.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    if std::env::args_os().len() == 1 {
        say(cli::OVERVIEW);
        return ExitCode::from(2);
    }
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    style::choose(cli.color);
    match run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            warn(&format!("twicecast: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Failure> {
    // This only fails if a provider is already installed, which serves as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if let Some(file) = &cli.ca {
        tls::trust(file)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::connection(format!("The system gives no threads or sockets: {error}."))
        })?;
    match &cli.command {
        Command::Push(_) => push::run(),
        Command::Share(args) => runtime.block_on(share::run(args)),
        Command::Focus(args) => runtime.block_on(focus::run(args)),
        Command::Pulls(args) => runtime.block_on(pulls::run(args)),
        Command::Clone(args) => runtime.block_on(clone::run(args)),
        Command::Update(args) => runtime.block_on(update::run(args)),
        Command::Propose(args) => runtime.block_on(propose::run(args)),
        Command::Proposals(args) => runtime.block_on(proposals::run(args)),
        Command::Why(args) => why::run(args),
        Command::Mirror(args) => runtime.block_on(mirror::run(args)),
        Command::Token(args) => token::run(args),
        Command::Link(args) => runtime.block_on(link::run(args)),
        Command::Chat(args) => runtime.block_on(chat::run(args)),
        Command::Status(args) => runtime.block_on(status::run(args)),
        Command::Doctor(args) => runtime.block_on(doctor::run(args)),
        Command::Completions(args) => {
            completions::completions(args, Cli::command());
            Ok(0)
        }
        Command::Man(args) => completions::man(args, Cli::command()).map(|()| 0),
    }
}
