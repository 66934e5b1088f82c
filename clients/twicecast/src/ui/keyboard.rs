//! Keys pressed while sharing: single letters, without Enter. Ctrl-C stays the system's.

use std::io::Read;

use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr,
};
use tokio::sync::mpsc;

/// The keyboard, if somebody sits there; given back as it was when dropped.
pub struct Keys {
    before: Option<Termios>,
    pressed: mpsc::Receiver<u8>,
}

impl Keys {
    /// Listens to the keyboard, where standard input is a terminal that is ours at the moment.
    pub fn listen() -> Self {
        let (sender, pressed) = mpsc::channel(8);
        let input = std::io::stdin();
        let is_ours = isatty(&input) && tcgetpgrp(&input).is_ok_and(|group| group == getpgrp());
        let before = is_ours.then(|| tcgetattr(&input).ok()).flatten();
        let before = before.filter(|before| {
            let mut changed = before.clone();
            changed
                .local_modes
                .remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(&input, OptionalActions::Now, &changed).is_ok()
        });
        if before.is_some() {
            // It blocks until a key is pressed, and ends with the process.
            std::thread::spawn(move || {
                for byte in std::io::stdin().lock().bytes() {
                    let Ok(byte) = byte else { return };
                    if sender.blocking_send(byte).is_err() {
                        return;
                    }
                }
            });
        }
        Self { before, pressed }
    }

    /// Whether keys are listened to.
    pub fn are_there(&self) -> bool {
        self.before.is_some()
    }

    /// The next key; never, where there is no keyboard.
    pub async fn next(&mut self) -> u8 {
        match self.pressed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
