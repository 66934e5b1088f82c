//! What moderators can do, and how a typed line says it.

use serde_json::{Value, json};

/// The longest mute or ban that ends by itself, in seconds: a year.
const LONGEST: u32 = 31_536_000;
/// The longest time between two messages in slow mode, in seconds.
const SLOWEST: u32 = 3_600;

/// What `/help` also shows to moderators.
pub const HELP: [&str; 8] = [
    "/mute NAME 10m       they cannot write for so long (s, m, h or d); guests by address, too",
    "/unmute NAME         they can again",
    "/ban NAME [1h]       they lose the room, for so long or for good; guests by address, too",
    "/unban NAME          they may come back",
    "/delete NAME|#7      takes NAME's last message, or the one with this number, off the screens",
    "/slow 10s|off        how often everybody else may write",
    "/announce TEXT       a message that stands out",
    "/moderation          who is muted or banned, and who did what",
];

/// The commands of moderators.
pub const COMMANDS: [&str; 8] = [
    "/mute",
    "/unmute",
    "/ban",
    "/unban",
    "/delete",
    "/slow",
    "/announce",
    "/moderation",
];

/// The commands that take a name.
pub const COMMANDS_OF_NAMES: [&str; 5] = ["/mute", "/unmute", "/ban", "/unban", "/delete"];

/// What a moderator wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Somebody may not write for so many seconds.
    Mute(String, u32),
    /// They may write again.
    Unmute(String),
    /// Somebody may not be in the room, for so many seconds or for good.
    Ban(String, Option<u32>),
    /// They may come back.
    Unban(String),
    /// Delete somebody's last message.
    DeleteLast(String),
    /// Delete the message with this number.
    Delete(u64),
    /// Everybody else may write once in so many seconds.
    Slow(u32),
    /// Say something to everybody.
    Announce(String),
    /// Show what is in force, and who did what.
    Show,
}

/// An order without an answer yet.
#[derive(Debug)]
pub struct Pending {
    /// What was asked for.
    pub order: Order,
    /// The line that was typed.
    pub line: String,
    /// Whether the room has been told of it.
    pub is_told: bool,
}

impl Order {
    /// The request's subtype and data.
    pub fn request(&self) -> (&'static str, Value) {
        match self {
            Self::Mute(name, seconds) => ("mute", json!({"username": name, "seconds": seconds})),
            Self::Unmute(name) => ("unmute", json!({"username": name})),
            Self::Ban(name, Some(seconds)) => {
                ("ban", json!({"username": name, "seconds": seconds}))
            }
            Self::Ban(name, None) => ("ban", json!({"username": name})),
            Self::Unban(name) => ("unban", json!({"username": name})),
            // The history says which message that is.
            Self::DeleteLast(_) => ("history", json!({})),
            Self::Delete(id) => ("delete", json!({"id": id})),
            Self::Slow(seconds) => ("slow", json!({"seconds": seconds})),
            Self::Announce(text) => ("announce", json!({"message": text})),
            Self::Show => ("moderation", json!({})),
        }
    }

    /// The user it is about.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Mute(name, _)
            | Self::Unmute(name)
            | Self::Ban(name, _)
            | Self::Unban(name)
            | Self::DeleteLast(name) => Some(name),
            Self::Delete(_) | Self::Slow(_) | Self::Announce(_) | Self::Show => None,
        }
    }
}

/// Reads the text after a slash. Returns `None` if it is not a moderator's command, and the usage
/// if it is one that cannot be read.
pub fn read(command: &str) -> Option<Result<Order, &'static str>> {
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    let rest = rest.trim();
    let named = |order: fn(String) -> Order, usage| {
        let name = Some(rest.to_owned()).filter(|name| !name.is_empty());
        name.map(order).ok_or(usage)
    };
    Some(match verb {
        "mute" => mute(rest).ok_or("/mute NAME 10m: who, and for how long (s, m, h or d)."),
        "unmute" => named(Order::Unmute, "/unmute NAME: who."),
        "ban" => ban(rest).ok_or("/ban NAME, or /ban NAME 1h: who, and for how long."),
        "unban" => named(Order::Unban, "/unban NAME: who."),
        "delete" => match rest.strip_prefix('#').map(str::parse) {
            Some(Ok(number)) => Ok(Order::Delete(number)),
            _ => named(
                Order::DeleteLast,
                "/delete NAME for their last message, or /delete #7 for the one with this number.",
            ),
        },
        "slow" => slow(rest).ok_or("/slow 10s, at most an hour, or /slow off."),
        "announce" => named(Order::Announce, "/announce TEXT: what to say."),
        "moderation" => Ok(Order::Show),
        _ => return None,
    })
}

/// A name may contain spaces; the last word is the duration.
fn mute(rest: &str) -> Option<Order> {
    let (name, span) = rest.rsplit_once(' ')?;
    let name = name.trim();
    let seconds = seconds(span).filter(|seconds| (1..=LONGEST).contains(seconds))?;
    (!name.is_empty()).then(|| Order::Mute(name.to_owned(), seconds))
}

fn ban(rest: &str) -> Option<Order> {
    let timed = rest.rsplit_once(' ').and_then(|(name, span)| {
        let seconds = seconds(span).filter(|seconds| (1..=LONGEST).contains(seconds))?;
        Some(Order::Ban(name.trim().to_owned(), Some(seconds)))
    });
    let for_good = (!rest.is_empty()).then(|| Order::Ban(rest.to_owned(), None));
    timed.or(for_good)
}

fn slow(rest: &str) -> Option<Order> {
    if rest == "off" {
        return Some(Order::Slow(0));
    }
    let seconds = seconds(rest).filter(|seconds| *seconds <= SLOWEST)?;
    Some(Order::Slow(seconds))
}

/// Reads a number with its unit, such as `10m`.
fn seconds(span: &str) -> Option<u32> {
    let unit = match span.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number = &span[..span.len() - 1];
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = number.parse().ok().filter(|_| is_number)?;
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_says_who_what_and_for_how_long() {
        let bob = || "bob".to_owned();
        for (line, order) in [
            ("mute bob 10m", Order::Mute(bob(), 600)),
            (
                "mute ~Zo\u{eb} Z  2h",
                Order::Mute("~Zo\u{eb} Z".into(), 7_200),
            ),
            ("mute bob 365d", Order::Mute(bob(), LONGEST)),
            ("unmute bob", Order::Unmute(bob())),
            ("ban bob", Order::Ban(bob(), None)),
            ("ban bob 30s", Order::Ban(bob(), Some(30))),
            (
                "ban Bob the builder",
                Order::Ban("Bob the builder".into(), None),
            ),
            ("unban  bob ", Order::Unban(bob())),
            ("delete bob", Order::DeleteLast(bob())),
            ("delete #7", Order::Delete(7)),
            ("delete #bob", Order::DeleteLast("#bob".into())),
            ("slow 10s", Order::Slow(10)),
            ("slow 1h", Order::Slow(3_600)),
            ("slow 0s", Order::Slow(0)),
            ("slow off", Order::Slow(0)),
            (
                "announce at eight: the end",
                Order::Announce("at eight: the end".into()),
            ),
            ("moderation", Order::Show),
        ] {
            assert_eq!(read(line), Some(Ok(order)), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_usage() {
        for line in [
            "mute",
            "mute bob",
            "mute 10m",
            "mute bob 10",
            "mute bob 0s",
            "mute bob -5m",
            "mute bob +5m",
            "mute bob 366d",
            "mute bob 99999999999d",
            "unmute",
            "ban ",
            "unban",
            "delete",
            "slow",
            "slow 61m",
            "slow on",
            "announce  ",
        ] {
            let verb = line.split(' ').next().expect("a verb");
            let usage = read(line).expect(line).expect_err(line);
            assert!(usage.starts_with(&format!("/{verb} ")), "{line}: {usage}");
        }
        assert_eq!(read("mutee bob 10m"), None);
        assert_eq!(read("names"), None);
    }

    #[test]
    fn every_command_has_its_help() {
        for (command, help) in COMMANDS.iter().zip(HELP) {
            assert!(help.starts_with(&format!("{command} ")), "{command}");
            assert!(read(command.trim_start_matches('/')).is_some());
        }
    }
}
