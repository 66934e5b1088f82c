//! The `twicecast` command: the streamer's and the viewer's end of a file-ws-server. It knows the
//! wire contract and nothing of the server's inside.

mod assembly;
mod backoff;
mod chat;
mod cli;
mod clone;
mod completions;
mod connection;
mod failure;
mod history;
mod identity;
mod listing;
mod local;
mod login;
mod manifest;
mod meter;
mod mirror;
mod mirror_folder;
mod moment;
mod names;
mod parts;
mod person;
mod place;
mod plan;
mod progress;
mod propose;
mod protocol;
mod pulls;
mod push;
mod report;
mod scan;
mod session;
mod share;
mod staging;
mod stamp;
mod status;
mod stop;
mod token;
mod tree;
mod upload;

use std::process::ExitCode;

use crate::cli::{Cli, Command, TokenArgs};
use crate::failure::Failure;
use crate::identity::{Identity, Role};
use crate::report::{say, warn};
use crate::token::Claims;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            warn(&format!("twicecast: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Failure> {
    // It only fails where one is installed already, which serves as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::connection(format!("The system gives no threads or sockets: {error}."))
        })?;
    match &cli.command {
        Command::Push(args) => runtime.block_on(push::run(args)),
        Command::Share(args) => runtime.block_on(share::run(args)),
        Command::Pulls(args) => runtime.block_on(pulls::run(args)),
        Command::Clone(args) => runtime.block_on(clone::run(args)),
        Command::Propose(args) => runtime.block_on(propose::run(args)),
        Command::Why(args) => share::why(args),
        Command::Mirror(args) => runtime.block_on(mirror::run(args)),
        Command::Token(args) => print_token(args),
        Command::Chat(args) => runtime.block_on(chat::run(args)),
        Command::Status(args) => runtime.block_on(status::run(args)),
        Command::Completions(args) => {
            completions::completions(args);
            Ok(0)
        }
        Command::Man(args) => completions::man(args).map(|()| 0),
    }
}

fn print_token(args: &TokenArgs) -> Result<u8, Failure> {
    let identity = Identity::resolve(&args.common, Role::Viewer, None)?;
    let claims = Claims::new(
        &identity.user,
        &identity.streamer,
        &identity.project,
        args.room.as_deref(),
        args.hours,
    );
    say(&claims.signed(identity.key()?)?);
    Ok(0)
}
