//! Keys pressed while sharing: single letters, without Enter. The system still handles Ctrl-C and
//! Ctrl-Z.

use std::io::{Stdin, stdin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpgrp, getpid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often to check whether we are in the foreground, because no event reliably says so.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The keyboard, if a person uses it. When this is dropped, the terminal is as it was before.
pub struct Keys {
    terminal: Option<Arc<Terminal>>,
    pressed: mpsc::Receiver<u8>,
}

impl Keys {
    /// Reads the keyboard, if standard input is a terminal, while we are in its foreground. The key
    /// `q` cancels `stop`, whatever else is being done.
    pub fn listen(stop: &CancellationToken) -> Self {
        let (sender, pressed) = mpsc::channel(8);
        let terminal = isatty(stdin()).then(Arc::<Terminal>::default);
        if let Some(terminal) = &terminal {
            terminal.lock().take();
            let (reading, stop) = (Arc::clone(terminal), stop.clone());
            // The thread ends with the process.
            std::thread::spawn(move || reading.read(&sender, &stop));
            tokio::spawn(mind_jobs(Arc::clone(terminal)));
        }
        Self { terminal, pressed }
    }

    /// Whether keys are being read at the moment.
    pub fn are_there(&self) -> bool {
        let terminal = self.terminal.as_ref();
        terminal.is_some_and(|terminal| terminal.lock().before.is_some())
    }

    /// Waits for the next key; for ever if there is no keyboard.
    pub async fn next(&mut self) -> u8 {
        match self.pressed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }

    /// Lets another reader use the terminal in its original mode. Keys that were pressed before are
    /// forgotten.
    pub fn lend(&mut self) -> Lent {
        if let Some(terminal) = &self.terminal {
            let mut mode = terminal.lock();
            mode.give_back();
            mode.is_lent = true;
        }
        while self.pressed.try_recv().is_ok() {}
        Lent(self.terminal.clone())
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(terminal) = &self.terminal {
            let mut mode = terminal.lock();
            mode.give_back();
            // The thread that reads lives longer than this.
            mode.is_lent = true;
        }
    }
}

/// The terminal while another reader uses it.
pub struct Lent(Option<Arc<Terminal>>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(terminal) = &self.0 {
            let mut mode = terminal.lock();
            mode.is_lent = false;
            mode.take();
        }
    }
}

#[derive(Default)]
struct Terminal(Mutex<Mode>);

#[derive(Default)]
struct Mode {
    /// The original mode, while ours is set.
    before: Option<Termios>,
    is_lent: bool,
    /// True from Ctrl-Z until the shell lets us continue.
    is_suspended: bool,
}

impl Mode {
    /// Whether the terminal may be read and changed; in the background, either would stop us.
    fn is_ours(&self) -> bool {
        !self.is_lent && !self.is_suspended && is_in_foreground()
    }

    /// Sets our mode, if that is possible.
    fn take(&mut self) {
        if !self.is_ours() {
            return;
        }
        let Ok(found) = tcgetattr(stdin()) else {
            return;
        };
        let mut wanted = found.clone();
        (wanted.local_modes).remove(LocalModes::ICANON | LocalModes::ECHO);
        if tcsetattr(stdin(), OptionalActions::Now, &wanted).is_ok() {
            self.before.get_or_insert(found);
        }
    }

    /// A shell that has put us in the background has already restored its terminal.
    fn give_back(&mut self) {
        if let Some(before) = self.before.take()
            && is_in_foreground()
        {
            let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
        }
    }
}

impl Terminal {
    fn lock(&self) -> MutexGuard<'_, Mode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, keys: &mpsc::Sender<u8>, stop: &CancellationToken) {
        let input = stdin();
        while !keys.is_closed() {
            let is_ours = {
                let mut mode = self.lock();
                if mode.before.is_none() {
                    mode.take();
                }
                mode.is_ours()
            };
            if !is_ours {
                std::thread::sleep(LOOK_EVERY);
            } else if is_readable(&input) {
                match self.key(&input) {
                    Ok(Some(b'q' | b'Q')) => stop.cancel(),
                    // If keys are pressed faster than they are handled, not all of them are meant.
                    Ok(Some(key)) => drop(keys.try_send(key)),
                    Ok(None) => {}
                    Err(_) => return,
                }
            }
        }
    }

    /// The key that was pressed, if it is still meant for us.
    fn key(&self, input: &Stdin) -> Result<Option<u8>, Errno> {
        let mode = self.lock();
        if !mode.is_ours() {
            return Ok(None);
        }
        let mut byte = [0];
        match rustix::io::read(input, &mut byte) {
            Ok(0) => Err(Errno::IO),
            Ok(_) => Ok(Some(byte[0])),
            Err(Errno::INTR | Errno::AGAIN) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A terminal that does not control us has no background.
fn is_in_foreground() -> bool {
    match tcgetpgrp(stdin()) {
        Ok(group) => group == getpgrp(),
        Err(error) => error == Errno::NOTTY,
    }
}

fn is_readable(input: &Stdin) -> bool {
    let wait = Timespec::try_from(LOOK_EVERY).ok();
    let mut waiting = [PollFd::new(input, PollFlags::IN)];
    poll(&mut waiting, wait.as_ref()).is_ok_and(|ready| ready > 0)
}

/// On Ctrl-Z, restores the terminal before we stop; when we continue in the foreground, sets our
/// mode again.
async fn mind_jobs(terminal: Arc<Terminal>) {
    let of = |wanted: Signal| signal(SignalKind::from_raw(wanted.as_raw()));
    let (Ok(mut suspended), Ok(mut resumed)) = (of(Signal::TSTP), of(Signal::CONT)) else {
        return;
    };
    loop {
        tokio::select! {
            _ = suspended.recv() => {
                {
                    let mut mode = terminal.lock();
                    mode.give_back();
                    mode.is_suspended = true;
                }
                let _ = kill_process(getpid(), Signal::STOP);
            }
            _ = resumed.recv() => {
                let mut mode = terminal.lock();
                mode.is_suspended = false;
                mode.take();
            }
        }
    }
}
