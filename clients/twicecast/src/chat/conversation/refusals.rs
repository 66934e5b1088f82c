//! What the server refuses, and what becomes of it.

use twicecast_client::protocol::ServerError;

use crate::chat::conversation::{Conversation, LOSSES_MAX};
use crate::chat::effects::Effect;
use crate::names::shown;
use crate::ui::time::{date_and_time, span};

/// Who types is given a message back that would have to wait longer, in seconds: it may be old by
/// then.
const LONG_WAIT: u64 = 5;
/// No server asks to wait longer in slow mode, in seconds.
const LONGEST_WAIT: u64 = 3_600;

impl Conversation {
    /// How many messages were refused.
    pub fn refused(&self) -> usize {
        self.refused
    }

    /// Counts one more that cannot be sent, and says why.
    pub fn refuse(&mut self, why: &str) {
        self.refused += 1;
        self.tell(why);
    }

    /// The connection went with this message under way: it is sent again, but not for ever.
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

    /// Whether somebody who types would wait too long.
    fn is_long(&self, error: &ServerError) -> bool {
        self.room.types && error.retry_after.is_some_and(|seconds| seconds > LONG_WAIT)
    }

    /// Takes in an error. Returns whether the room was withdrawn: the token does not hold any more.
    pub fn handle_error(&mut self, reference: Option<u64>, error: &ServerError) -> bool {
        let why = shown(&error.message);
        if self.handle_order_error(reference, error) {
            return false;
        }
        let sent = self
            .under_way
            .take_if(|(sent, _)| reference == Some(*sent))
            .map(|(_, text)| text);
        // A ban is told by itself, and ends the conversation.
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
