//! Sends long output through the user's pager, if there is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use crate::ui::output::say;

/// The variables that other programs must not get.
const SECRETS: [&str; 2] = ["TWICECAST_TOKEN", "TWICECAST_KEY"];

/// The destination of lines.
pub struct Pager {
    child: Option<Child>,
    is_gone: bool,
}

impl Pager {
    /// Starts `$PAGER`, or `less`. If there is no terminal, `PAGER` is empty, or the pager cannot
    /// be started, lines go to standard output.
    pub fn start() -> Self {
        let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        if pager.is_empty() || !std::io::stdout().is_terminal() {
            return Self {
                child: None,
                is_gone: false,
            };
        }
        let child = command(&pager).spawn().ok();
        if child.is_some() {
            // Ctrl-C belongs to the pager: it stops what the pager is doing, and the pager
            // continues.
            let _ = signal(SignalKind::interrupt());
        }
        Self {
            child,
            is_gone: false,
        }
    }

    /// Whether the pager has been closed, so that nothing more is wanted.
    pub fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Prints one more line. It is no failure if the pager has been closed.
    pub fn line(&mut self, line: &str) {
        match self.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            Some(input) => self.is_gone |= writeln!(input, "{line}").is_err(),
            None => say(line),
        }
    }
}

/// The command that starts the pager with a shell, without the secrets.
fn command(pager: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("exec {pager}"))
        .stdin(Stdio::piped());
    for secret in SECRETS {
        command.env_remove(secret);
    }
    if std::env::var_os("LESS").is_none() {
        // Exit at once if everything fits, show colours, keep the screen.
        command.env("LESS", "FRX");
    }
    // The text of a proposal must not reach a shell through the pager's commands.
    command.env("LESSSECURE", "1");
    command
}

impl Drop for Pager {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pager_gets_neither_token_nor_key() {
        // This prints the variables that it gets, as `less` could after `!env`.
        let mut pager = command("env");
        for secret in ["TWICECAST_TOKEN", "TWICECAST_KEY"] {
            let removed = (pager.get_envs()).any(|(name, value)| name == secret && value.is_none());
            assert!(removed, "{secret}");
        }
        let said = pager.stdin(Stdio::null()).output().unwrap().stdout;
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("LESSSECURE=1"), "{said}");
        for secret in SECRETS {
            assert!(!said.contains(&format!("{secret}=")), "{said}");
        }
    }
}
