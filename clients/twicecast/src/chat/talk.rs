//! The user's stay in a room: passes what the user wants to the conversation, and shows the user
//! the result, whatever else is being waited for.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};
use twicecast_client::protocol::ServerMessage;
use twicecast_client::untrusted::shown;

use crate::chat::commands;
use crate::chat::commands::Wish;
use crate::chat::conversation::Conversation;
use crate::chat::effects::Effect;
use crate::chat::login::Guest;
use crate::chat::orders;
use crate::chat::ui::Ui;
use crate::chat::words::{ASIDE, message_line, names_line};
use crate::connection::Outgoing;
use crate::failure::Failure;
use crate::ui::output::counted;
use crate::ui::time::now;

/// A user who leaves waits this long for the answer to the last message.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The user's stay.
pub struct Talk<'a, U> {
    ui: &'a mut U,
    conversation: Conversation,
    stop: Stop,
    resume_at: Option<Instant>,
    input_is_over: bool,
    /// The latest time at which the user wants to be gone.
    leave_by: Option<Instant>,
    greeting: String,
}

impl<'a, U: Ui> Talk<'a, U> {
    /// Begins a stay.
    ///
    /// # Errors
    ///
    /// If the system does not allow waiting for signals.
    pub fn begin(guest: &Guest, ui: &'a mut U) -> Result<Self, Failure> {
        let help = if U::HAS_LINE { "; /help for help" } else { "" };
        Ok(Self {
            ui,
            conversation: Conversation::new(&guest.user, &guest.room, U::HAS_LINE),
            stop: Stop::listen()?,
            resume_at: None,
            input_is_over: false,
            leave_by: None,
            greeting: format!(
                "{ASIDE}in the room {} as {}{help}",
                shown(&guest.room),
                shown(&guest.user)
            ),
        })
    }

    /// Waits for something while serving the user; `None` once the stay is over.
    pub async fn during<T>(
        &mut self,
        outgoing: Option<&Outgoing>,
        awaited: impl Future<Output = T>,
    ) -> Option<T> {
        let mut awaited = pin!(awaited);
        loop {
            self.carry(outgoing).await;
            if self.is_over() {
                return None;
            }
            let (resume_at, leave_by) = (self.resume_at, self.leave_by);
            tokio::select! {
                biased;
                () = self.stop.wanted() => self.leave_by = Some(Instant::now()),
                result = &mut awaited => return Some(result),
                () = at(leave_by) => {}
                () = at(resume_at) => {
                    self.resume_at = None;
                    self.conversation.resume();
                }
                wish = self.ui.next(), if !self.input_is_over && self.may_listen() => {
                    self.take(wish);
                }
            }
        }
    }

    /// Input from a pipe waits until the server has taken earlier messages; at a terminal the user
    /// may always type.
    fn may_listen(&self) -> bool {
        U::HAS_LINE || self.conversation.has_room()
    }

    /// Whether the user has left, or has sent everything and received all answers.
    pub fn is_over(&self) -> bool {
        match self.leave_by {
            Some(by) => !self.conversation.is_waiting() || by <= Instant::now(),
            None => self.input_is_over && self.conversation.is_idle(),
        }
    }

    /// The room has let us in.
    pub fn entered(&mut self) {
        self.ui.show(&self.greeting);
        self.conversation.entered();
    }

    /// Notes that the connection is gone. Returns whether it had got into the room.
    pub fn lost(&mut self) -> bool {
        self.resume_at = None;
        let was_there = self.conversation.lost();
        self.show_effects();
        was_there
    }

    /// Handles what the server sends.
    ///
    /// # Errors
    ///
    /// A sentence, if the room is lost or the server cannot be understood.
    pub fn handle(
        &mut self,
        guest: &Guest,
        reference: Option<u64>,
        message: ServerMessage,
    ) -> Result<(), Failure> {
        match message {
            ServerMessage::Reply(reply) => self.conversation.handle(reference, reply, now()),
            ServerMessage::Error(error) if self.conversation.handle_error(reference, &error) => {
                Err(guest.withdrawn(&error.message))
            }
            _ => Ok(()),
        }
    }

    /// Tells the user a sentence about the session.
    pub fn tell(&mut self, sentence: &str) {
        self.ui.tell(sentence);
    }

    /// Names the messages that will not be sent any more.
    pub fn name_unsent(&mut self) {
        if let Some(text) = self.conversation.unanswered() {
            let text = shown(text);
            self.ui
                .tell(&format!("Not known whether it arrived: {text}"));
        }
        for text in self.conversation.unsent() {
            self.ui.tell(&format!("Not sent: {}", shown(text)));
        }
    }

    /// The exit code, once the stay is over; also names what was not sent.
    pub fn exit_code(mut self) -> u8 {
        self.name_unsent();
        let refused = self.conversation.refused();
        if refused > 0 && !U::HAS_LINE {
            self.ui.tell(&format!(
                "{} refused, as said above.",
                counted(refused, "message")
            ));
        }
        let is_all_sent =
            self.conversation.unsent().next().is_none() && self.conversation.unanswered().is_none();
        // A person who types has seen the refusal and can say it in another way.
        u8::from(!is_all_sent || (refused > 0 && !U::HAS_LINE))
    }

    async fn carry(&mut self, outgoing: Option<&Outgoing>) {
        self.show_effects();
        if let Some(outgoing) = outgoing {
            while let Some(request) = self.conversation.request() {
                outgoing.send(request).await;
            }
        }
    }

    fn show_effects(&mut self) {
        while let Some(effect) = self.conversation.effect() {
            match effect {
                Effect::Message(id, words) => {
                    self.ui.show_message(id, &message_line(&words, now()));
                }
                Effect::Remove(id) => self.ui.remove(id),
                Effect::Offer(offer) => self.ui.offer(offer),
                Effect::Names(names) => self.ui.show(&names_line(&names)),
                Effect::Tell(sentence) => self.ui.tell(&sentence),
                Effect::GiveBack(text) => self.ui.give_back(&text),
                Effect::Pause(seconds) => {
                    self.resume_at = Some(Instant::now() + Duration::from_secs(seconds));
                }
            }
        }
    }

    fn take(&mut self, wish: Wish) {
        match wish {
            Wish::Say(text) => self.conversation.say(text),
            Wish::Names => self.conversation.ask_for_names(),
            Wish::Help => {
                let moderators = if self.conversation.moderates() {
                    &orders::HELP[..]
                } else {
                    &[]
                };
                for line in commands::HELP.iter().chain(moderators) {
                    self.ui.show(&format!("{ASIDE}{line}"));
                }
            }
            // The last message still gets its answer; a user in a hurry asks a second time.
            Wish::Quit => {
                let patience = if self.leave_by.is_some() {
                    Duration::ZERO
                } else {
                    LAST_WORDS
                };
                self.leave_by = Some(Instant::now() + patience);
            }
            Wish::Order(order, line) => self.conversation.order(order, line),
            Wish::Misused(usage, line) => {
                self.ui.tell(usage);
                self.ui.give_back(&line);
            }
            Wish::Unknown(line) => {
                self.ui.tell(
                    "There is no such command; /help tells which there are. A message that begins \
                     with a slash begins with two.",
                );
                self.ui.give_back(&line);
            }
            Wish::Unfit(why) => self.conversation.refuse(why),
            Wish::End => self.input_is_over = true,
        }
    }
}

/// Waits until that time, or for ever if there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// The signals that ask the program to end.
struct Stop {
    signals: [Signal; 3],
}

impl Stop {
    fn listen() -> Result<Self, Failure> {
        let on = |kind| {
            signal(kind)
                .map_err(|error| Failure::usage(format!("The system gives no signals: {error}.")))
        };
        let signals = [
            on(SignalKind::interrupt())?,
            on(SignalKind::terminate())?,
            on(SignalKind::hangup())?,
        ];
        Ok(Self { signals })
    }

    /// Waits until the user or the system asks the program to end.
    async fn wanted(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
