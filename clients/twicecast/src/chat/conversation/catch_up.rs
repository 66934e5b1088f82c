//! What was said before we came, or while the connection was lost: only new messages are told.

use crate::chat::conversation::{Conversation, Phase};
use crate::chat::effects::Said;

impl Conversation {
    pub fn take_history(&mut self, told: Vec<Said>) {
        let Phase::Entering { early } = &mut self.phase else {
            return;
        };
        let newest = told.last().map(|said| said.id);
        let later = std::mem::take(early)
            .into_iter()
            .filter(|said| newest.is_none_or(|newest| said.id > newest));
        let all = told.into_iter().chain(later).collect();
        self.tell_new(all);
        if let Some(text) = self.uncertain.take() {
            self.queue.push_front(text);
        }
    }

    /// Tells the messages that have not been told. A room that was empty for long, and every room
    /// after a restart of the server, counts from the beginning again; new messages then have later
    /// dates.
    pub fn tell_new(&mut self, all: Vec<Said>) {
        let before = self.last;
        for said in all {
            if before.is_some_and(|(id, date)| said.id <= id && said.date <= date) {
                continue;
            }
            if said.username.raw() == self.me && self.forget_own(said.message.raw()) {
                self.last = Some((said.id, said.date));
                continue;
            }
            self.tell_message(said);
        }
    }

    /// Whether this is a message of ours that was shown when it was acknowledged. If it is the
    /// message whose arrival was uncertain, it has arrived now.
    fn forget_own(&mut self, text: &str) -> bool {
        if let Some(at) = self.acknowledged.iter().rposition(|own| own == text) {
            self.acknowledged.remove(at);
            return true;
        }
        self.uncertain.take_if(|uncertain| uncertain == text);
        false
    }
}
