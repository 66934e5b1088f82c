//! Long output goes through the user's pager, where there is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::process::{Child, Command, Stdio};

use crate::ui::output::say;

/// Where lines go.
pub struct Pager(Option<Child>);

impl Pager {
    /// Starts `$PAGER`, or `less`. Without a terminal, with an empty `PAGER`, and where it cannot be
    /// started, lines go to standard output.
    pub fn start() -> Self {
        let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        if pager.is_empty() || !std::io::stdout().is_terminal() {
            return Self(None);
        }
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("exec {pager}"))
            .stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            // Leave at once what fits, show colours, keep the screen.
            command.env("LESS", "FRX");
        }
        // What somebody proposes must not reach a shell through the pager's commands.
        command.env("LESSSECURE", "1");
        Self(command.spawn().ok())
    }

    /// One more line. A reader who has seen enough is no reason to fail.
    pub fn line(&mut self, line: &str) {
        match self.0.as_mut().and_then(|child| child.stdin.as_mut()) {
            Some(input) => drop(writeln!(input, "{line}")),
            None => say(line),
        }
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}
