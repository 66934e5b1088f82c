//! Guests: people without an account who get a name from the server (protocol, section 3).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::client_address::ClientAddress;
use super::names::{NameError, UserName, folded, is_invisible};
use super::time::Timestamp;

/// How long a guest's token is valid, and so the shortest time for which the name is theirs.
pub const GUEST_LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// For how much longer nobody else gets the name. So what a guest did at the last moment, such as
/// finishing a pull request, is over before somebody else has the name.
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

    /// Whether the name of `user` begins with the same letter, be it upper or lower case. A name
    /// that begins with another letter can neither equal this one nor be suggested instead of it.
    pub fn begins_like(&self, user: &UserName) -> bool {
        let other = user.guest().unwrap_or(user.as_str());
        folded(&self.0).next() == folded(other).next()
    }

    /// A name made of this one and a number, which is not taken.
    fn alternative(&self, is_taken: impl Fn(&UserName) -> bool) -> Self {
        let numbered = (2_u64..).map(|number| {
            let suffix = format!("-{number}");
            let stem = self.0.chars().take(MAX_CHARACTERS - suffix.len());
            Self((stem.collect::<String>() + &suffix).into())
        });
        let mut free = numbered.filter(|name| !is_taken(&name.user_name()));
        // The numbers do not run out: each that is taken stands for a name in memory.
        free.next().unwrap_or_else(|| self.clone())
    }
}

impl fmt::Debug for GuestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
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
    /// The project has as many taken names as allowed.
    #[error("too many names of guests are taken in the project")]
    TooMany,
}

/// A guest who wants a name in a project.
#[derive(Debug, Clone)]
pub struct GuestEntry {
    /// The name, and what is kept with it.
    pub guest: Guest,
    /// The time now.
    pub now: Timestamp,
    /// Users and guests whose names no guest gets; they do not count towards `max_guests`.
    pub reserved: BTreeSet<UserName>,
    /// The authors of the project's open pull requests: guests among them keep their names.
    pub authors: BTreeSet<UserName>,
    /// `maxGuests`: how many names may be taken.
    pub max_guests: usize,
}

/// A guest who has a name in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The name.
    pub name: GuestName,
    /// Until when it is theirs.
    pub until: Timestamp,
    /// The address from which they took it; `None` if no ban may concern it, because others share
    /// it.
    pub address: Option<ClientAddress>,
}

/// The guests of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guests(Vec<Guest>);

impl Guests {
    /// The guests that a store has kept.
    pub fn restore(kept: Vec<Guest>) -> Self {
        Self(kept)
    }

    /// The guests that a store has to keep.
    pub fn kept(&self) -> &[Guest] {
        &self.0
    }

    /// Gives a guest the name that they want, and forgets guests whose names have expired.
    ///
    /// # Errors
    /// Why they do not get it.
    pub fn take(&mut self, entry: GuestEntry) -> Result<(), GuestError> {
        self.0.retain(|guest| guest.has_name_at(entry.now));
        let own = self.0.iter().map(|guest| guest.name.user_name());
        let authors = entry.authors.into_iter();
        let authors = authors.filter(|author| author.guest().is_some());
        let mut taken: BTreeSet<_> = own.chain(authors).collect();
        if taken.len() >= entry.max_guests {
            return Err(GuestError::TooMany);
        }
        taken.extend(entry.reserved.iter().map(UserName::as_guest));
        let name = &entry.guest.name;
        if taken.contains(&name.user_name()) {
            let free = name.alternative(|name| taken.contains(name));
            return Err(GuestError::Taken { free });
        }
        self.0.push(entry.guest);
        Ok(())
    }

    /// The address from which a guest took the name that is theirs at the time `now`, if it is
    /// kept.
    pub fn address_of(&self, user: &UserName, now: Timestamp) -> Option<ClientAddress> {
        let mut own = self.0.iter().filter(|guest| guest.has_name_at(now));
        let guest = own.find(|guest| guest.name.user_name() == *user);
        guest.and_then(|guest| guest.address)
    }
}

impl Guest {
    fn has_name_at(&self, now: Timestamp) -> bool {
        now < self.until.plus(NAME_GRACE)
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
            guest: Guest {
                name: name(text),
                until: Timestamp::from_secs(now).plus(GUEST_LIFETIME),
                address: Some(ClientAddress(7)),
            },
            now: Timestamp::from_secs(now),
            reserved: BTreeSet::new(),
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
    fn no_guest_gets_a_reserved_name_in_any_case_and_such_names_take_no_places() {
        let reserved = ["zoe", "~Bob", "Bob-2"].map(|name| UserName::parse(name).expect("a name"));
        let beside = |text| GuestEntry {
            reserved: reserved.clone().into(),
            max_guests: 1,
            ..entry(text, 0)
        };
        let mut guests = Guests::default();
        assert_eq!(suggested(&mut guests, beside("Zoe")), "Zoe-2");
        assert_eq!(suggested(&mut guests, beside("bob")), "bob-3");
        assert_eq!(guests.take(beside("pat")), Ok(()));
    }

    #[test]
    fn what_begins_like_a_name_may_be_it_or_its_suggestion() {
        let begins_like =
            |user: &str| name("éve").begins_like(&UserName::parse(user).expect("a name"));
        for user in ["éve", "~Éve", "ÉVE-2", "~é"] {
            assert!(begins_like(user), "{user}");
        }
        assert!(!begins_like("eve") && !begins_like("~bob"));
    }

    #[test]
    fn from_where_a_guest_took_their_name_is_known_as_long_as_it_is_theirs() {
        let mut guests = Guests::default();
        guests.take(entry("Bob", 100)).expect("is free");
        let shared = Guest {
            address: None,
            ..entry("eve", 100).guest
        };
        let shared = GuestEntry {
            guest: shared,
            ..entry("eve", 100)
        };
        guests.take(shared).expect("is free");
        let of = |user: &str, seconds| {
            let user = UserName::parse(user).expect("a name");
            guests.address_of(&user, Timestamp::from_secs(seconds))
        };
        let over = 100 + GUEST_LIFETIME.as_secs() + 60;
        assert_eq!(of("~bOB", over - 1), Some(ClientAddress(7)));
        assert_eq!(of("~bob", over), None, "the name is not theirs any more");
        for other in ["bob", "~pat", "~eve"] {
            assert_eq!(of(other, 100), None, "{other}");
        }
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
        let kept: Vec<_> = guests.kept().iter().map(|guest| &guest.name).collect();
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
