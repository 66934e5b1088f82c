//! What a room needs from the user's side.

use crate::chat::commands::Wish;
use crate::chat::completion::Offer;

/// The user's side of the room.
pub trait Ui {
    /// Waits for what the user wants next. The future may be dropped at any time.
    async fn next(&mut self) -> Wish;
    /// Shows a line of the conversation, made safe for a terminal.
    fn show(&mut self, line: &str);
    /// Shows a message in the same way, with its number if that is known.
    fn show_message(&mut self, _id: Option<u64>, line: &str) {
        self.show(line);
    }
    /// Takes a message off the screen, as far as that is possible.
    fn remove(&mut self, _id: u64) {}
    /// Offers this for completing a line.
    fn offer(&mut self, _offer: Offer) {}
    /// Tells something about the session itself.
    fn tell(&mut self, sentence: &str);
    /// Gives a line that was not sent back to the user, to be corrected.
    fn give_back(&mut self, text: &str);
    /// Whether there is a line to type in, with commands.
    const HAS_LINE: bool;
}
