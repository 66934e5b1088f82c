//! Names of users, projects and rooms (protocol, section 3).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The longest name of a user, project or room, in bytes of UTF-8.
const MAX_NAME_BYTES: usize = 255;

/// Which rule a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The name is empty.
    #[error("must not be empty")]
    Empty,
    /// The name is longer than 255 bytes.
    #[error("must be at most {MAX_NAME_BYTES} bytes long")]
    TooLong,
    /// A project's name whose file name is longer than 255 bytes.
    #[error("must be at most {MAX_NAME_BYTES} bytes long, of which /, \\ and % take three each")]
    FileNameTooLong,
    /// The name contains a control character.
    #[error("must not hold control characters")]
    Control,
    /// A user name that is not a single path component.
    #[error("must not hold / or \\ and must not be . or ..")]
    NotOneComponent,
    /// A project's name that is one of a folder's own entries.
    #[error("must not be . or ..")]
    Dots,
    /// A user name that starts with a dot: the server keeps its own state in such a folder.
    #[error("must not start with a dot")]
    LeadingDot,
    /// A guest's name of too many characters.
    #[error("must be at most 32 characters long")]
    TooManyCharacters,
    /// A guest's name that starts with the mark of guests, which the server adds.
    #[error("must not start with ~")]
    GuestMark,
    /// A guest's name with characters that nobody sees, or that turn others around.
    #[error("must not hold invisible characters")]
    Invisible,
    /// A guest's name with white space around it.
    #[error("must not start or end with white space")]
    OuterSpace,
}

fn check_text(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        Err(NameError::Empty)
    } else if name.len() > MAX_NAME_BYTES {
        Err(NameError::TooLong)
    } else if name.chars().any(char::is_control) {
        Err(NameError::Control)
    } else {
        Ok(())
    }
}

fn check_user(name: &str) -> Result<(), NameError> {
    check_text(name)?;
    if name.contains(['/', '\\']) || name == "." || name == ".." {
        Err(NameError::NotOneComponent)
    } else if name.starts_with('.') {
        Err(NameError::LeadingDot)
    } else {
        Ok(())
    }
}

fn check_project(name: &str) -> Result<(), NameError> {
    check_text(name)?;
    if name == "." || name == ".." {
        Err(NameError::Dots)
    } else if encoded(name).len() > MAX_NAME_BYTES {
        Err(NameError::FileNameTooLong)
    } else {
        Ok(())
    }
}

/// The characters that a project's name may contain and a file name may not, each with its code.
/// The escape itself comes first, so that no two names have one file name.
const ENCODED: [(char, &str); 3] = [('%', "%25"), ('/', "%2F"), ('\\', "%5C")];

fn encoded(name: &str) -> Cow<'_, str> {
    ENCODED
        .iter()
        .fold(Cow::Borrowed(name), |name, &(letter, code)| {
            if name.contains(letter) {
                Cow::Owned(name.replace(letter, code))
            } else {
                name
            }
        })
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `name` and keeps it, byte for byte.
            ///
            /// # Errors
            /// The rule that `name` breaks.
            pub fn parse(name: &str) -> Result<Self, NameError> {
                $check(name)?;
                Ok(Self(name.into()))
            }

            /// The name as given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name! {
    /// A user: one path component that does not start with a dot. Guests' names that differ only in
    /// case are equal, so they are one name everywhere.
    UserName, check_user
}
name! {
    #[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
    /// A project of one user: a name, never a path. It may contain `/`; on disk it is one
    /// component, its [`file_name`](ProjectName::file_name).
    ProjectName, check_project
}
name! {
    #[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
    /// A chat room; may contain `/`.
    RoomName, check_text
}

impl UserName {
    /// What the names of guests start with, and nobody else's.
    pub(super) const GUEST_MARK: char = '~';

    /// The user name of a guest, whose own name has been checked.
    pub(super) fn of_guest(name: &str) -> Self {
        Self(format!("{}{name}", Self::GUEST_MARK).into())
    }

    /// The name that a guest has chosen, if this is a guest's.
    pub fn guest(&self) -> Option<&str> {
        self.0.strip_prefix(Self::GUEST_MARK)
    }

    /// The name that a guest with the name of this user would have; this may be a guest already.
    #[must_use]
    pub fn as_guest(&self) -> Self {
        self.guest()
            .map_or_else(|| Self::of_guest(&self.0), |_| self.clone())
    }
}

/// The letters in one case, also where that has more letters than the other (`ß`, `SS`).
pub(super) fn folded(name: &str) -> impl Iterator<Item = char> {
    let lower = name.chars().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase)
}

impl PartialEq for UserName {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for UserName {}

impl PartialOrd for UserName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UserName {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 != other.0 && self.guest().is_some() && other.guest().is_some() {
            return folded(&self.0).cmp(folded(&other.0));
        }
        self.0.cmp(&other.0)
    }
}

impl Hash for UserName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.guest() {
            Some(_) => folded(&self.0).for_each(|letter| letter.hash(state)),
            None => self.0.hash(state),
        }
    }
}

impl ProjectName {
    /// The name that stands for it on disk: one path component, and that of no other project.
    pub fn file_name(&self) -> Cow<'_, str> {
        encoded(&self.0)
    }

    /// The project whose [`file_name`](Self::file_name) this is; `None` if it is no project's.
    pub fn from_file_name(file_name: &str) -> Option<Self> {
        let decoded = ENCODED
            .iter()
            .rev()
            .fold(file_name.to_owned(), |name, (letter, code)| {
                name.replace(code, letter.encode_utf8(&mut [0; 4]))
            });
        // Only what would be encoded in just this way: no `%2f`, no `%41`, no bare `%`.
        let name = Self::parse(&decoded).ok()?;
        (name.file_name() == file_name).then_some(name)
    }
}

/// Whether a name with this character looks like one without it, or is read in another order: what
/// Unicode calls `Default_Ignorable_Code_Point` (UAX #44), its separators of lines, marks around
/// annotations and the blank Braille pattern.
pub fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_rule_refuses_what_it_names() {
        use NameError::{Control, Dots, Empty, LeadingDot, NotOneComponent, TooLong};
        let long = "n".repeat(256);
        let cases = [
            // name, user, project, room
            ("ana", None, None, None),
            ("Ana Müller 😀", None, None, None),
            ("..a", Some(LeadingDot), None, None),
            (".git", Some(LeadingDot), None, None),
            ("__proto__", None, None, None),
            ("", Some(Empty), Some(Empty), Some(Empty)),
            (".", Some(NotOneComponent), Some(Dots), None),
            ("..", Some(NotOneComponent), Some(Dots), None),
            ("a/b", Some(NotOneComponent), None, None),
            ("../x", Some(NotOneComponent), None, None),
            ("/", Some(NotOneComponent), None, None),
            ("a\\b", Some(NotOneComponent), None, None),
            ("100%", None, None, None),
            ("a\0b", Some(Control), Some(Control), Some(Control)),
            ("a\nb", Some(Control), Some(Control), Some(Control)),
            ("\u{7f}", Some(Control), Some(Control), Some(Control)),
            (long.as_str(), Some(TooLong), Some(TooLong), Some(TooLong)),
        ];
        for (name, user, project, room) in cases {
            assert_eq!(UserName::parse(name).err(), user, "user {name:?}");
            assert_eq!(ProjectName::parse(name).err(), project, "project {name:?}");
            assert_eq!(RoomName::parse(name).err(), room, "room {name:?}");
        }
    }

    #[test]
    fn guests_names_that_differ_in_case_are_one_name_and_those_of_users_are_not() {
        let name = |text| UserName::parse(text).expect("a name");
        for (one, other, is_same) in [
            ("~eve", "~Eve", true),
            ("~STRASSE", "~straße", true),
            ("~σίσυφος", "~ΣΊΣΥΦΟΣ", true),
            ("~eve", "~eva", false),
            ("~eve", "eve", false),
            ("eve", "Eve", false),
        ] {
            let (one, other) = (name(one), name(other));
            assert_eq!(one == other, is_same, "{one} {other}");
            assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
            let all: std::collections::HashSet<_> = [one.clone(), other.clone()].into();
            assert_eq!(all.len() == 1, is_same, "{one} {other}");
            let all: std::collections::BTreeSet<_> = [one, other].into();
            assert_eq!(all.len() == 1, is_same, "in order");
        }
    }

    #[test]
    fn the_longest_name_is_255_bytes() {
        assert!(UserName::parse(&"n".repeat(255)).is_ok());
        assert!(RoomName::parse(&"é".repeat(127)).is_ok());
        assert_eq!(RoomName::parse(&"é".repeat(128)), Err(NameError::TooLong));
    }

    #[test]
    fn a_projects_name_takes_at_most_255_bytes_encoded() {
        let name = |slashes: usize, others: usize| "/".repeat(slashes) + &"n".repeat(others);
        assert!(ProjectName::parse(&name(85, 0)).is_ok());
        assert!(ProjectName::parse(&name(1, 252)).is_ok());
        let long = ProjectName::parse(&name(1, 253));
        assert_eq!(long, Err(NameError::FileNameTooLong));
        assert_eq!(
            ProjectName::parse(&name(86, 0)),
            Err(NameError::FileNameTooLong)
        );
    }

    #[test]
    fn hostile_names_of_projects_have_file_names_of_their_own() {
        let pairs = [
            ("a/b", "a%2Fb"),
            ("a%2Fb", "a%252Fb"),
            ("a%252Fb", "a%25252Fb"),
            ("a%2fb", "a%252fb"),
            ("a\\b", "a%5Cb"),
            ("100%", "100%25"),
            ("100%25", "100%2525"),
            ("%%2F/", "%25%252F%2F"),
            ("../x", "..%2Fx"),
            ("/..", "%2F.."),
            ("./.", ".%2F."),
            ("C/C++ d\u{e9}mo", "C%2FC++ d\u{e9}mo"),
            (".twicecast", ".twicecast"),
        ];
        for (name, file_name) in pairs {
            let project = ProjectName::parse(name).expect("valid");
            assert_eq!(project.file_name(), file_name);
            assert_eq!(ProjectName::from_file_name(file_name), Some(project));
        }
    }

    #[test]
    fn a_file_name_that_no_project_has_is_nobodys() {
        let long = "n".repeat(256);
        let none = [
            "", ".", "..", "a/b", "a\\b", "100%", "%2f", "%5c", "%41", "%2", "%", "a\nb", &long,
        ];
        for file_name in none {
            assert_eq!(
                ProjectName::from_file_name(file_name),
                None,
                "{file_name:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_project_is_found_again_by_its_file_name_and_no_two_share_one(
            one in "[a.%25FC/\\\\\u{e9}]{1,12}",
            other in "[a.%25FC/\\\\\u{e9}]{1,12}",
        ) {
            let (Ok(one), Ok(other)) = (ProjectName::parse(&one), ProjectName::parse(&other)) else {
                return Ok(());
            };
            let file_name = one.file_name().into_owned();
            prop_assert!(!file_name.contains(['/', '\\', '\0']));
            prop_assert!(file_name != "." && file_name != "..");
            prop_assert_eq!(one == other, file_name == other.file_name());
            prop_assert_eq!(ProjectName::from_file_name(&file_name), Some(one));
        }

        #[test]
        fn a_file_name_stands_for_one_project_or_none(file_name in "[a.%25FCfc]{1,8}") {
            if let Some(name) = ProjectName::from_file_name(&file_name) {
                prop_assert_eq!(name.file_name(), file_name);
            }
        }
    }
}
