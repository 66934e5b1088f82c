//! `twicecast completions` and `twicecast man`. Both are generated from the definition of the
//! command line, so that they are always up to date.

use std::io::Write;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;

/// What follows the help of `completions`.
pub const COMPLETIONS_AFTER_HELP: &str = "\
Exit codes:
  0  printed
  2  the command line is not usable

Examples:
  twicecast completions bash > ~/.local/share/bash-completion/completions/twicecast
  twicecast completions zsh  > ~/.zfunc/_twicecast        # with ~/.zfunc in fpath
  twicecast completions fish > ~/.config/fish/completions/twicecast.fish";

/// What follows the help of `man`.
pub const MAN_AFTER_HELP: &str = "\
Exit codes:
  0  printed
  2  the command line is not usable

Examples:
  twicecast man | man -l -
  twicecast man chat > ~/.local/share/man/man1/twicecast-chat.1";

/// `twicecast completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell
    pub shell: Shell,
}

/// `twicecast man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Of this command [default: of twicecast itself]
    pub command: Option<String>,
}

/// Prints the completions of `twicecast` for a shell.
pub fn completions(args: &CompletionsArgs, mut twicecast: Command) {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut twicecast, "twicecast", &mut text);
    print(&text);
}

/// Prints the manual page of twicecast, or of one of its commands.
///
/// # Errors
///
/// A sentence, if there is no such command.
pub fn man(args: &ManArgs, twicecast: Command) -> Result<(), Failure> {
    let mut command = twicecast;
    // Fills in what subcommands inherit, such as their full names.
    command.build();
    if let Some(name) = &args.command {
        let names: Vec<String> = (command.get_subcommands())
            .map(|command| command.get_name().to_owned())
            .collect();
        command = (command.find_subcommand(name).cloned()).ok_or_else(|| {
            Failure::usage(format!(
                "There is no command {name:?}; there are {}.",
                names.join(", ")
            ))
        })?;
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut text)
        .map_err(|error| Failure::usage(format!("The page cannot be made: {error}.")))?;
    print(&text);
    Ok(())
}

fn print(text: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text).and_then(|()| out.flush());
}
