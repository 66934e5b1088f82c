//! What a room needs of the side where the user sits.

use crate::chat::commands::Wish;
use crate::chat::completion::Offer;

/// The user's side of the room.
pub trait Ui {
    /// What the user wants next. May be dropped at any time.
    async fn next(&mut self) -> Wish;
    /// Shows a line of the conversation, which cannot steer a terminal any more.
    fn show(&mut self, line: &str);
    /// Shows a message of that number, if it is known, in the same way.
    fn show_message(&mut self, _id: Option<u64>, line: &str) {
        self.show(line);
    }
    /// Takes a message off the screen, as far as that is possible.
    fn remove(&mut self, _id: u64) {}
    /// A line can be completed with this.
    fn offer(&mut self, _offer: Offer) {}
    /// Tells something about the session itself.
    fn tell(&mut self, sentence: &str);
    /// Gives a line back that was not sent, to be mended.
    fn give_back(&mut self, text: &str);
    /// Whether there is a line to type in, with commands.
    const HAS_LINE: bool;
}
