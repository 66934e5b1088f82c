//! Long output goes through the user's pager, where there is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{SignalKind, signal};

use crate::ui::output::say;

/// The variables that other programs have no need of.
const SECRETS: [&str; 2] = ["TWICECAST_TOKEN", "TWICECAST_KEY"];

/// Where lines go.
pub struct Pager {
    child: Option<Child>,
    is_gone: bool,
}

impl Pager {
    /// Starts `$PAGER`, or `less`. Without a terminal, with an empty `PAGER`, and where it cannot
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
            // Ctrl-C is the pager's: it stops what the pager is about, and the pager goes on.
            let _ = signal(SignalKind::interrupt());
        }
        Self {
            child,
            is_gone: false,
        }
    }

    /// Whether the reader has left, so that nothing more is wanted.
    pub fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// One more line. A reader who has seen enough is no reason to fail.
    pub fn line(&mut self, line: &str) {
        match self.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            Some(input) => self.is_gone |= writeln!(input, "{line}").is_err(),
            None => say(line),
        }
    }
}

/// The pager as a shell starts it, without what it must not have.
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
        // Leave at once what fits, show colours, keep the screen.
        command.env("LESS", "FRX");
    }
    // What somebody proposes must not reach a shell through the pager's commands.
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
        // Names what of these it has, as `less` could after `!env`.
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
