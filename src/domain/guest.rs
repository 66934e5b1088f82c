//! Guests: people without an account who get a name from the server (protocol, section 3).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::names::{NameError, UserName, is_invisible};
use super::time::Timestamp;

/// How long a guest's token is valid, and so how long their name is theirs at the least.
pub const GUEST_LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// How much longer nobody else gets the name, so that what a guest did at the last moment, such
/// as to finish a pull request, is over before another bears it.
const NAME_GRACE: Duration = Duration::from_secs(60);

/// The most characters of a guest's name.
const MAX_CHARACTERS: usize = 32;

/// What an operator lets guests do (`guests`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestAccess {
    /// There are none.
    Off,
    /// Read and chat.
    Chat,
    /// Read, chat and open pull requests.
    Propose,
}

impl GuestAccess {
    /// The value of the key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Chat => "chat",
            Self::Propose => "propose",
        }
    }

    /// The words of the claim `rights` in a guest's token.
    pub const fn rights(self) -> &'static [&'static str] {
        match self {
            Self::Off => &[],
            Self::Chat => &["read", "chat"],
            Self::Propose => &["read", "chat", "propose"],
        }
    }
}

/// The name that a guest has chosen; others know them as [`user_name`](Self::user_name).
#[derive(Clone, PartialEq, Eq)]
pub struct GuestName(Arc<str>);

impl GuestName {
    /// Checks `name` and keeps it, byte for byte.
    ///
    /// # Errors
    /// The rule that `name` breaks.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        UserName::parse(name)?;
        if name.chars().count() > MAX_CHARACTERS {
            Err(NameError::TooManyCharacters)
        } else if name.starts_with(UserName::GUEST_MARK) {
            Err(NameError::GuestMark)
        } else if name.chars().any(is_invisible) {
            Err(NameError::Invisible)
        } else if name != name.trim() {
            Err(NameError::OuterSpace)
        } else {
            Ok(Self(name.into()))
        }
    }

    /// The name that the guest has among users.
    pub fn user_name(&self) -> UserName {
        UserName::of_guest(&self.0)
    }

    /// The name as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name made of this one and a number that `is_taken` does not know.
    fn alternative(&self, is_taken: impl Fn(&str) -> bool) -> Self {
        let free = (2_u64..).find_map(|number| {
            let suffix = format!("-{number}");
            let stem = self.0.chars().take(MAX_CHARACTERS - suffix.len());
            let name = stem.collect::<String>() + &suffix;
            (!is_taken(&folded(&name))).then_some(name)
        });
        // The numbers do not run out: each that is taken stands for a name in memory.
        Self(free.unwrap_or_default().into())
    }
}

impl fmt::Debug for GuestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The same for all spellings of a name that differ in case only, also where one has more
/// characters than the other (`ß`, `SS`).
fn folded(name: &str) -> String {
    name.to_lowercase().to_uppercase()
}

/// Why a guest does not get a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuestError {
    /// Somebody has it.
    #[error("the name is taken; {} is free", free.as_str())]
    Taken {
        /// A similar name that is free.
        free: GuestName,
    },
    /// As many names of the project are taken as may be.
    #[error("too many names of guests are taken in the project")]
    TooMany,
}

/// A guest who wants a name in a project.
#[derive(Debug, Clone)]
pub struct GuestEntry {
    /// The name.
    pub name: GuestName,
    /// Until when it is theirs.
    pub until: Timestamp,
    /// The time now.
    pub now: Timestamp,
    /// The streamer of the project, whose name no guest gets.
    pub streamer: UserName,
    /// Those who are muted or banned there: no guest gets their names either.
    pub moderated: BTreeSet<UserName>,
    /// The authors of the project's open pull requests: guests among them keep their names.
    pub authors: BTreeSet<UserName>,
    /// `maxGuests`: how many names may be taken.
    pub max_guests: usize,
}

/// The names of a project's guests, each with the time until which it is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guests(Vec<(GuestName, Timestamp)>);

impl Guests {
    /// The guests that a store has kept.
    pub fn restore(kept: Vec<(GuestName, Timestamp)>) -> Self {
        Self(kept)
    }

    /// The guests that a store has to keep.
    pub fn kept(&self) -> &[(GuestName, Timestamp)] {
        &self.0
    }

    /// Gives a guest the name that they want, and forgets those who have left theirs.
    ///
    /// # Errors
    /// Why they do not get it.
    pub fn take(&mut self, entry: GuestEntry) -> Result<(), GuestError> {
        self.0
            .retain(|(_, until)| entry.now < until.plus(NAME_GRACE));
        let own = self.0.iter().map(|(name, _)| name.as_str());
        let authors = entry.authors.iter().filter_map(UserName::guest);
        let mut taken: BTreeSet<_> = own.chain(authors).map(folded).collect();
        if taken.len() >= entry.max_guests {
            return Err(GuestError::TooMany);
        }
        taken.insert(folded(entry.streamer.as_str()));
        let moderated = entry.moderated.iter().filter_map(UserName::guest);
        taken.extend(moderated.map(folded));
        if taken.contains(&folded(entry.name.as_str())) {
            let free = entry.name.alternative(|name| taken.contains(name));
            return Err(GuestError::Taken { free });
        }
        self.0.push((entry.name, entry.until));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> GuestName {
        GuestName::parse(text).expect("a guest's name")
    }

    fn entry(text: &str, now: u64) -> GuestEntry {
        GuestEntry {
            name: name(text),
            until: Timestamp::from_secs(now).plus(GUEST_LIFETIME),
            now: Timestamp::from_secs(now),
            streamer: UserName::parse("zoe").expect("a user's name"),
            moderated: BTreeSet::new(),
            authors: BTreeSet::new(),
            max_guests: 1_000,
        }
    }

    fn by(text: &str, authors: &[&str]) -> GuestEntry {
        let authors = authors.iter().map(|author| UserName::parse(author));
        GuestEntry {
            authors: authors.collect::<Result<_, _>>().expect("users' names"),
            ..entry(text, 0)
        }
    }

    fn suggested(guests: &mut Guests, entry: GuestEntry) -> String {
        match guests.take(entry) {
            Err(GuestError::Taken { free }) => free.as_str().to_owned(),
            other => panic!("{other:?} instead of a suggestion"),
        }
    }

    #[test]
    fn a_guests_name_has_the_rules_of_users_and_its_own() {
        use NameError::{
            Control, Empty, GuestMark, Invisible, LeadingDot, NotOneComponent, OuterSpace,
            TooManyCharacters,
        };
        for (text, error) in [
            ("bob", None),
            ("Zoë 😀", None),
            ("a~b~", None),
            (&"😀".repeat(32), None),
            (&"n".repeat(33), Some(TooManyCharacters)),
            (&"😀".repeat(33), Some(TooManyCharacters)),
            ("", Some(Empty)),
            ("~bob", Some(GuestMark)),
            ("~", Some(GuestMark)),
            (" bob", Some(OuterSpace)),
            ("bob\u{a0}", Some(OuterSpace)),
            ("\u{3000}", Some(OuterSpace)),
            (".bob", Some(LeadingDot)),
            ("b/b", Some(NotOneComponent)),
            ("b\\b", Some(NotOneComponent)),
            ("b\tb", Some(Control)),
            ("b\u{200b}ob", Some(Invisible)),
            ("\u{202e}bob", Some(Invisible)),
            ("b\u{ad}ob", Some(Invisible)),
            ("ana\u{fe0f}", Some(Invisible)),
            ("a\u{34f}na", Some(Invisible)),
            ("\u{3164}", Some(Invisible)),
            ("ana\u{2800}", Some(Invisible)),
            ("ana\u{e0101}", Some(Invisible)),
            ("\u{115f}", Some(Invisible)),
            ("ana\u{17b4}", Some(Invisible)),
        ] {
            assert_eq!(GuestName::parse(text).err(), error, "{text:?}");
        }
        assert_eq!(name("bob").user_name().as_str(), "~bob");
        assert!(UserName::parse(name(&"😀".repeat(32)).user_name().as_str()).is_ok());
    }

    #[test]
    fn what_guests_may_do_is_in_the_key() {
        for (access, key, rights) in [
            (GuestAccess::Off, "off", &[][..]),
            (GuestAccess::Chat, "chat", &["read", "chat"]),
            (
                GuestAccess::Propose,
                "propose",
                &["read", "chat", "propose"],
            ),
        ] {
            assert_eq!((access.as_str(), access.rights()), (key, rights));
        }
    }

    #[test]
    fn no_guest_is_named_like_the_streamer() {
        let mut guests = Guests::default();
        assert_eq!(suggested(&mut guests, entry("Zoe", 0)), "Zoe-2");
        let full = GuestEntry {
            max_guests: 1,
            ..entry("bob", 0)
        };
        assert_eq!(guests.take(full), Ok(()), "the streamer is no guest");
    }

    #[test]
    fn no_guest_is_named_like_one_who_is_muted_or_banned_and_they_take_no_places() {
        let banned = ["~Bob", "pat"].map(|name| UserName::parse(name).expect("a name"));
        let beside = |text| GuestEntry {
            moderated: banned.clone().into(),
            max_guests: 1,
            ..entry(text, 0)
        };
        let mut guests = Guests::default();
        assert_eq!(suggested(&mut guests, beside("bob")), "bob-2");
        assert_eq!(guests.take(beside("pat")), Ok(()), "that one is no guest");
    }

    #[test]
    fn a_name_is_taken_in_any_case_and_another_is_suggested() {
        for (first, second, free) in [
            ("bob", "bob", "bob-2"),
            ("bob", "BoB", "BoB-2"),
            ("Straße", "STRASSE", "STRASSE-2"),
            ("σίσυφος", "ΣΊΣΥΦΟΣ", "ΣΊΣΥΦΟΣ-2"),
        ] {
            let mut guests = Guests::default();
            guests.take(entry(first, 0)).expect("is free");
            assert_eq!(suggested(&mut guests, entry(second, 0)), free);
            guests.take(entry(free, 0)).expect("was suggested");
        }
        let mut guests = Guests::default();
        for taken in ["bob", "Bob-2", "BOB-3", "bob-5", "bo"] {
            guests.take(entry(taken, 0)).expect("is free");
        }
        assert_eq!(suggested(&mut guests, entry("bob", 0)), "bob-4");
        assert_eq!(suggested(&mut guests, entry("bob-2", 0)), "bob-2-2");
    }

    #[test]
    fn a_suggestion_is_no_longer_than_a_name_may_be() {
        let long = "é".repeat(32);
        let mut guests = Guests::default();
        guests.take(entry(&long, 0)).expect("is free");
        for number in 2..=10 {
            let free = suggested(&mut guests, entry(&long, 0));
            let stem = if number < 10 { 30 } else { 29 };
            assert_eq!(free, format!("{}-{number}", "é".repeat(stem)));
            guests.take(entry(&free, 0)).expect("was suggested");
        }
    }

    #[test]
    fn a_name_is_free_again_a_minute_after_its_time() {
        let mut guests = Guests::default();
        guests.take(entry("bob", 100)).expect("is free");
        let over = 100 + GUEST_LIFETIME.as_secs() + 60;
        assert_eq!(suggested(&mut guests, entry("bob", over - 1)), "bob-2");
        guests.take(entry("BOB", over)).expect("is free again");
        let kept: Vec<_> = guests.kept().iter().map(|(name, _)| name).collect();
        assert_eq!(kept, [&name("BOB")], "what is over is forgotten");
    }

    #[test]
    fn who_has_an_open_pull_request_keeps_their_name() {
        let mut guests = Guests::default();
        assert_eq!(suggested(&mut guests, by("bob", &["~Bob", "ana"])), "bob-2");
        guests.take(by("ana", &["~Bob", "ana"])).expect("no guest");
        let mut guests = Guests::default();
        guests.take(by("bob", &["bob", "a~bob"])).expect("no guest");
    }

    #[test]
    fn so_many_names_may_be_taken_and_not_one_more() {
        let limited = |text, authors: &[&str]| GuestEntry {
            max_guests: 2,
            ..by(text, authors)
        };
        let mut guests = Guests::default();
        guests.take(limited("one", &["ana"])).expect("is free");
        guests.take(limited("two", &[])).expect("is free");
        let full = Err(GuestError::TooMany);
        assert_eq!(guests.take(limited("three", &[])), full);
        assert_eq!(guests.take(limited("two", &[])), full);
        let mut guests = Guests::default();
        guests.take(limited("one", &["~One"])).expect_err("taken");
        assert_eq!(guests.take(limited("two", &["~one", "~three"])), full);
        guests.take(limited("two", &["~one"])).expect("is free");
        let once = GuestEntry {
            max_guests: 2,
            ..by("three", &["~two"])
        };
        guests.take(once).expect("the author is counted once");
    }
}
