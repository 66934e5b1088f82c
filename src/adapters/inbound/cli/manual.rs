//! `file-ws-server man` and `file-ws-server completions`: both are made from the command line's own
//! description, so they cannot lag behind it.

use clap::Command;
use clap_complete::Shell;

use super::layers::ConfigError;

/// The manual page of the program, or of one of its commands, as roff.
///
/// # Errors
/// There is no such command.
pub(super) fn page(mut program: Command, name: Option<&str>) -> Result<String, ConfigError> {
    // Completes what the commands inherit, such as their full names.
    program.build();
    let command = match name {
        None => program,
        Some(name) => {
            let names: Vec<_> = program.get_subcommands().map(Command::get_name).collect();
            let unknown = || {
                let known = names.join(", ");
                ConfigError(format!(
                    "man: there is no command {name:?}; there are {known}"
                ))
            };
            program.find_subcommand(name).cloned().ok_or_else(unknown)?
        }
    };
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(|error| ConfigError(format!("man: {error}")))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// The completions for a shell.
pub(super) fn completions(mut program: Command, shell: Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut program, "file-ws-server", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
