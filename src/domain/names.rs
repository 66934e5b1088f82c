//! Names of users, projects and rooms (protocol, section 3).

use std::fmt;
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
    /// The name contains a control character.
    #[error("must not hold control characters")]
    Control,
    /// A user or project name that is not a single path component.
    #[error("must not hold / or \\ and must not be . or ..")]
    NotOneComponent,
    /// A user name that starts with a dot: the server keeps its own state in such a folder.
    #[error("must not start with a dot")]
    LeadingDot,
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

fn check_component(name: &str) -> Result<(), NameError> {
    check_text(name)?;
    if name.contains(['/', '\\']) || name == "." || name == ".." {
        return Err(NameError::NotOneComponent);
    }
    Ok(())
}

fn check_user(name: &str) -> Result<(), NameError> {
    check_component(name)?;
    if name.starts_with('.') {
        Err(NameError::LeadingDot)
    } else {
        Ok(())
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A user: one path component that does not start with a dot.
    UserName, check_user
}
name! {
    /// A project of one user: one path component.
    ProjectName, check_component
}
name! {
    /// A chat room; may contain `/`.
    RoomName, check_text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_refuses_what_it_names() {
        use NameError::{Control, Empty, LeadingDot, NotOneComponent, TooLong};
        let long = "n".repeat(256);
        let cases = [
            // name, user, project, room
            ("ana", None, None, None),
            ("Ana Müller 😀", None, None, None),
            ("..a", Some(LeadingDot), None, None),
            (".git", Some(LeadingDot), None, None),
            ("__proto__", None, None, None),
            ("", Some(Empty), Some(Empty), Some(Empty)),
            (".", Some(NotOneComponent), Some(NotOneComponent), None),
            ("..", Some(NotOneComponent), Some(NotOneComponent), None),
            ("a/b", Some(NotOneComponent), Some(NotOneComponent), None),
            ("a\\b", Some(NotOneComponent), Some(NotOneComponent), None),
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
    fn the_longest_name_is_255_bytes() {
        assert!(UserName::parse(&"n".repeat(255)).is_ok());
        assert!(RoomName::parse(&"é".repeat(127)).is_ok());
        assert_eq!(RoomName::parse(&"é".repeat(128)), Err(NameError::TooLong));
    }
}
