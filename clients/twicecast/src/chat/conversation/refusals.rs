//! What the server refuses, and what happens to it.

use twicecast_client::protocol::ServerError;

use crate::chat::conversation::{Conversation, LOSSES_MAX};
use crate::chat::effects::Effect;
use crate::names::shown;
use crate::ui::time::{date_and_time, span};

/// A person who types gets a message back if it would have to wait longer than this, in seconds: it
/// may be out of date by then.
const LONG_WAIT: u64 = 5;
/// The longest time in slow mode, in seconds.
const LONGEST_WAIT: u64 = 3_600;

impl Conversation {
    /// How many messages were refused.
    pub fn refused(&self) -> usize {
        self.refused
    }

    /// Counts one more message that cannot be sent, and says why.
    pub fn refuse(&mut self, why: &str) {
        self.refused += 1;
        self.tell(why);
    }

    /// Handles a message that was under way when the connection was lost: it is sent again, but
    /// only a few times.
    pub fn lose(&mut self, text: String) {
        self.losses += 1;
        if self.losses < LOSSES_MAX {
            self.uncertain = Some(text);
            return;
        }
        self.losses = 0;
        self.refuse("Given up: each time that this message was sent the connection was lost.");
        self.effects.push_back(Effect::GiveBack(text));
    }

    /// Whether a person who types would have to wait too long.
    fn is_long(&self, error: &ServerError) -> bool {
        self.room.types && error.retry_after.is_some_and(|seconds| seconds > LONG_WAIT)
    }

    /// Handles an error. Returns whether we have lost the room because the token no longer holds.
    pub fn handle_error(&mut self, reference: Option<u64>, error: &ServerError) -> bool {
        let why = shown(&error.message);
        if self.handle_order_error(reference, error) {
            return false;
        }
        let sent = self
            .under_way
            .take_if(|(sent, _)| reference == Some(*sent))
            .map(|(_, text)| text);
        // A ban is announced separately, and ends the conversation.
        if error.code == 401 && error.until.is_none() && !error.banned {
            if let Some(text) = sent {
                self.queue.push_front(text);
            }
            return true;
        }
        match (sent, reference) {
            (Some(text), _) if error.code == 429 && self.is_long(error) => {
                self.losses = 0;
                self.refuse(&format!(
                    "Not sent: you may write again in {}.",
                    span(error.retry_after.unwrap_or_default())
                ));
                self.effects.push_back(Effect::GiveBack(text));
                self.send_next();
            }
            (Some(text), _) if error.code == 429 => {
                let seconds = error.retry_after.unwrap_or(1).clamp(1, LONGEST_WAIT);
                self.queue.push_front(text);
                self.paused = true;
                self.tell(&format!(
                    "Too many messages at once: the server takes the next one in {seconds} s; it \
                     is sent again then."
                ));
                self.effects.push_back(Effect::Pause(seconds));
            }
            (Some(text), _) => {
                self.losses = 0;
                self.refuse(&match (error.code, error.until) {
                    (401, _) if error.banned => format!("Not sent: {why}."),
                    (401, Some(until)) => format!(
                        "Not sent: you are muted in this room until {} ({why}).",
                        date_and_time(until)
                    ),
                    (413, _) => format!(
                        "Not sent: the message is longer than the server takes ({why}); it has {} \
                         bytes.",
                        text.len()
                    ),
                    (code, _) => format!("Not sent: the server refuses it ({code}: {why})."),
                });
                self.effects.push_back(Effect::GiveBack(text));
                self.send_next();
            }
            (None, Some(answered)) if answered == self.history => {
                self.tell(&format!(
                    "What was said before cannot be shown ({}: {why}).",
                    error.code
                ));
                self.take_history(Vec::new());
            }
            (None, Some(answered)) if answered == self.members => {
                self.tell(&format!(
                    "Who is there cannot be shown ({}: {why}).",
                    error.code
                ));
                self.is_inside();
            }
            _ => self.tell(&format!("The server says: {why} ({}).", error.code)),
        }
        false
    }
}
