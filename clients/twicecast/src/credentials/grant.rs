//! What gives access to a server: nothing, a token that somebody gave, or the key that makes
//! tokens.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;
use std::{fmt, io};

use crate::credentials::claims::Claims;
use crate::credentials::flags::CommonArgs;
use crate::failure::Failure;
use crate::fs::named_file;
use crate::names::shown;

/// How many hours a token holds that is made from a key for a session of our own.
pub const OWN_TOKEN_HOURS: u32 = 12;
/// The same as a duration.
pub const OWN_TOKEN: Duration = Duration::from_secs(OWN_TOKEN_HOURS as u64 * 3_600);
/// How long before its end a token is renewed, or its end is announced.
pub const EARLY: Duration = Duration::from_secs(600);

/// The right that a user has. Its secret is not shown in debug output.
#[derive(Clone, PartialEq, Eq)]
pub enum Grant {
    /// None.
    None,
    /// A token that the user gave.
    Token(String),
    /// The key, from which tokens are made.
    Key(String),
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

impl Grant {
    /// The token or key from the flags, variables or files.
    ///
    /// # Errors
    ///
    /// A sentence, if a file cannot be read, or others can read it, too.
    pub fn of(common: &CommonArgs) -> Result<Self, Failure> {
        Ok(
            if let Some(token) = secret(common.token.as_ref(), common.token_file.as_deref())? {
                Self::Token(token)
            } else if let Some(key) = secret(common.key.as_ref(), common.key_file.as_deref())? {
                Self::Key(key)
            } else {
                Self::None
            },
        )
    }

    /// The token to authenticate with: the given one, or a new one with these claims.
    ///
    /// # Errors
    ///
    /// If the claims are not known, or signing fails.
    pub fn token(
        &self,
        claims: impl FnOnce() -> Result<Claims, Failure>,
    ) -> Result<Option<String>, Failure> {
        match self {
            Self::None => Ok(None),
            Self::Token(token) => Ok(Some(token.clone())),
            Self::Key(key) => claims()?.signed(key).map(Some),
        }
    }
}

fn secret(given: Option<&String>, file: Option<&Path>) -> Result<Option<String>, Failure> {
    if let Some(given) = given.filter(|text| !text.is_empty()) {
        return Ok(Some(given.clone()));
    }
    let Some(path) = file else { return Ok(None) };
    let dir = shown(&path.to_string_lossy());
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
    let text = named_file::read(path, is_private)
        .and_then(|content| String::from_utf8(content).map_err(no_text))
        .map_err(|error| Failure::usage(format!("The file {dir} cannot be used: {error}.")))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let slip = if text.trim().is_empty() {
        "is empty"
    } else if text.starts_with('\u{feff}') {
        "begins with a byte order mark; save it without one"
    } else if text.contains(char::is_control) {
        "has more than one line, or control characters; nothing else belongs in it"
    } else if text != text.trim() {
        "begins or ends with a space; nothing else belongs in it"
    } else {
        return Ok(Some(text.to_owned()));
    };
    Err(Failure::usage(format!("The file {dir} {slip}.")))
}

/// Whether anybody but the owner has any permission.
fn others_may(about: &Metadata) -> bool {
    about.mode().trailing_zeros() < 6
}

fn is_private(about: &Metadata) -> io::Result<()> {
    // A pipe, such as that of `<(pass show token)`, belongs to nobody else.
    if about.is_file() && others_may(about) {
        return Err(io::Error::other(
            "other users may read it; take that away with `chmod 600`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_read_from_a_file_that_nobody_else_can_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, "abc\n").unwrap();
        let common = CommonArgs {
            token_file: Some(path.clone()),
            ..CommonArgs::default()
        };
        for (mode, is_taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            match Grant::of(&common) {
                Ok(grant) => assert!(is_taken && grant == Grant::Token("abc".into()), "{mode:o}"),
                Err(failure) => {
                    let said = failure.to_string();
                    assert!(!is_taken && said.contains("chmod 600"), "{mode:o} {said}");
                    assert!(!said.contains("abc"), "{said}");
                }
            }
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(Grant::of(&common).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn slips_of_a_file_with_a_secret_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let common = CommonArgs {
            key_file: Some(path.clone()),
            ..CommonArgs::default()
        };
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for (text, why) in [
            (" \r\n\n", "is empty"),
            ("\u{feff}abc\n", "byte order mark"),
            ("abc\r\nabc\n", "more than one line"),
            ("a\0b\0", "control characters"),
            ("abc\n\n", "more than one line"),
            (" abc\n", "begins or ends with a space"),
            ("abc ", "begins or ends with a space"),
            ("abc\u{a0}\r\n", "begins or ends with a space"),
        ] {
            fs::write(&path, text).unwrap();
            let said = Grant::of(&common).unwrap_err().to_string();
            assert!(said.contains(why) && !said.contains("abc"), "{said}");
        }
        fs::write(&path, "abc\r\n").unwrap();
        assert_eq!(Grant::of(&common).unwrap(), Grant::Key("abc".into()));
    }

    #[test]
    fn nothing_that_is_printed_for_debugging_shows_the_secret() {
        for grant in [Grant::Token("abc".into()), Grant::Key("abc".into())] {
            assert!(!format!("{grant:?}").contains("abc"));
        }
    }
}
