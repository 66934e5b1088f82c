//! Asks the person at the keyboard.

use std::io::{IsTerminal as _, Write as _, stderr, stdin};

use rustix::termios::{QueueSelector, tcflush};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// The meaning of an empty answer.
#[derive(Debug, Clone, Copy)]
pub enum Preset {
    /// Yes, because the action loses nothing.
    Yes,
    /// No: only a clear yes counts.
    No,
}

/// Whether there is a terminal at which somebody can answer.
pub fn can_be_asked() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Asks a question that is answered with yes or no and Enter. Text typed before does not count as
/// an answer. Without a terminal the answer is no.
pub fn is_confirmed(question: &str, preset: Preset) -> bool {
    if !can_be_asked() {
        return false;
    }
    let _ = tcflush(stdin(), QueueSelector::IFlush);
    let choice = match preset {
        Preset::Yes => "[Y/n]",
        Preset::No => "[y/N]",
    };
    let asked = {
        let mut err = stderr().lock();
        write!(err, "{question} {choice} ").and_then(|()| err.flush())
    };
    let mut answer = String::new();
    let read = asked.and_then(|()| stdin().read_line(&mut answer));
    // If the input has ended, nobody has pressed Enter.
    read.is_ok_and(|bytes| bytes > 0) && is_yes(&answer, preset)
}

/// As [`is_confirmed`], but the answer is no once `stop` is cancelled.
pub async fn is_confirmed_until(
    stop: &CancellationToken,
    question: String,
    preset: Preset,
) -> bool {
    let (sender, answer) = oneshot::channel();
    // Nobody waits for this thread: it may still wait for a key when everything else has ended.
    std::thread::spawn(move || sender.send(is_confirmed(&question, preset)));
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        answer = answer => answer.unwrap_or(false),
    }
}

fn is_yes(answer: &str, preset: Preset) -> bool {
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => true,
        "" => matches!(preset, Preset::Yes),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one_and_enter_alone_where_nothing_can_be_lost() {
        for preset in [Preset::Yes, Preset::No] {
            assert!(is_yes("y\n", preset) && is_yes(" Yes \n", preset));
            for no in ["n\n", "yeah\n", "yy\n"] {
                assert!(!is_yes(no, preset), "{no:?}");
            }
        }
        assert!(is_yes("\n", Preset::Yes) && !is_yes("\n", Preset::No));
    }
}
