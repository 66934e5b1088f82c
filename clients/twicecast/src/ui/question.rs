//! A question to the person at the keyboard.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Asks something to be answered with yes or no. Without a terminal, and without a clear yes, the
/// answer is no.
pub fn is_confirmed(question: &str) -> bool {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return false;
    }
    let mut out = std::io::stdout().lock();
    let asked = write!(out, "{question} [y/N] ").and_then(|()| out.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    read.is_ok() && is_yes(&answer)
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        assert!(is_yes("y\n") && is_yes(" Yes \n"));
        for no in ["", "\n", "n\n", "yeah\n", "yy\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
