//! What the user wants to do in the room, and how a typed line says it.

use crate::chat::orders;
use crate::chat::orders::Order;

/// What the user wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A message to the room.
    Say(String),
    /// Show who is there.
    Names,
    /// Show what can be typed.
    Help,
    /// Leave.
    Quit,
    /// Do something as a moderator; also the line that was typed.
    Order(Order, String),
    /// A moderator's command that cannot be read: its usage, and the line.
    Misused(&'static str, String),
    /// An unknown command: the whole line.
    Unknown(String),
    /// A line that cannot be sent: why not.
    Unfit(&'static str),
    /// Nothing more: the input has ended.
    End,
}

/// What `/help` shows.
pub const HELP: [&str; 4] = [
    "/names  who is here",
    "/quit   leave; so do Ctrl-C and Ctrl-D",
    "//...   a message that begins with a slash",
    "Keys: left, right, Home, End, Backspace, Delete; Ctrl-W deletes a word, Ctrl-U all before the \
     cursor; Tab completes a command and its name",
];

/// Reads a typed line; `None` if it is empty.
pub fn read(line: &str) -> Option<Wish> {
    if line.trim().is_empty() {
        return None;
    }
    let Some(command) = line.strip_prefix('/') else {
        return Some(Wish::Say(line.to_owned()));
    };
    Some(match command.trim_end() {
        "names" => Wish::Names,
        "help" => Wish::Help,
        "quit" => Wish::Quit,
        _ if command.starts_with('/') => Wish::Say(command.to_owned()),
        command => match orders::read(command) {
            Some(Ok(order)) => Wish::Order(order, line.to_owned()),
            Some(Err(usage)) => Wish::Misused(usage, line.to_owned()),
            None => Wish::Unknown(line.to_owned()),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_message_unless_it_begins_with_a_slash() {
        let say = |text: &str| Some(Wish::Say(text.to_owned()));
        assert_eq!(read("hi /quit "), say("hi /quit "));
        assert_eq!(read("/quit "), Some(Wish::Quit));
        assert_eq!(read("/names"), Some(Wish::Names));
        assert_eq!(read("/help"), Some(Wish::Help));
        assert_eq!(read("/nmaes"), Some(Wish::Unknown("/nmaes".into())));
        assert_eq!(read("//src is a folder"), say("/src is a folder"));
        let order = Wish::Order(Order::Unmute("bob".into()), "/unmute bob".into());
        assert_eq!(read("/unmute bob"), Some(order));
        assert!(matches!(read("/mute bob"), Some(Wish::Misused(_, line)) if line == "/mute bob"));
        assert_eq!(read("  "), None);
    }
}
