//! What the doctor finds: how bad it is, its name, what was found and what to do.

use std::fmt::{self, Write as _};

use serde::{Serialize, Serializer};

/// How bad a finding is. A worse one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to do.
    Ok,
    /// It could not be looked at.
    Unknown,
    /// It works, but not for everybody, not for long or not as safely as one may think.
    Warning,
    /// The server does not start, or others cannot use it.
    Error,
}

impl Severity {
    /// The exit code of a doctor whose worst finding this is.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ok | Self::Unknown => 0,
            Self::Warning => 1,
            Self::Error => 2,
        }
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A kind of finding, a row of `docs/doctor.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The name of its kind or, if all is well, of what was looked at.
    pub name: &'static str,
    /// What was found.
    pub says: Shown,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<Shown>,
}

impl Finding {
    /// A finding that all is well.
    pub fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self {
            severity: Severity::Ok,
            name,
            says: Shown(says.into()),
            cure: None,
        }
    }

    /// A finding of this kind.
    pub fn of(kind: Kind, says: impl Into<String>, cure: impl Into<String>) -> Self {
        let cure = Some(cure.into()).filter(|cure| !cure.is_empty());
        Self {
            severity: kind.severity,
            name: kind.name,
            says: Shown(says.into()),
            cure: cure.map(Shown),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<8} {}: {}",
            self.severity.word(),
            self.name,
            self.says
        )?;
        match &self.cure {
            Some(cure) => write!(f, " → {cure}"),
            None => Ok(()),
        }
    }
}

/// A text that may hold what others wrote, such as the names of folders or a server's answer. What
/// could steer a terminal, or hide, is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            if steers(letter) {
                write!(f, "{}", letter.escape_unicode())?;
            } else {
                f.write_char(letter)?;
            }
        }
        Ok(())
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether it is a control character, is invisible, or changes the direction of others.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The first few of many names, and how many more there are.
pub(super) fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let first = names.iter().take(SHOWN).map(String::as_str);
    let first = first.collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => first,
        Some(more) => format!("{first} and {more} more"),
    }
}

/// A number of bytes in a unit that suits it.
pub(super) fn bytes(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut rest = bytes;
    while rest >= 10_240 && unit + 1 < units.len() {
        (rest, unit) = (rest / 1_024, unit + 1);
    }
    format!("{rest} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_in_which_nothing_steers_a_terminal() {
        let kind = Kind {
            name: "folders-not-adopted",
            severity: Severity::Warning,
        };
        let finding = Finding::of(kind, "a\u{1b}[2J\u{202e}b é", "adopt\nit");
        assert_eq!(
            finding.to_string(),
            "warning  folders-not-adopted: a\\u{1b}[2J\\u{202e}b é → adopt\\u{a}it"
        );
        let json = serde_json::to_string(&finding).expect("JSON");
        assert!(!json.contains("\\u001b"), "{json}");
        assert_eq!(Finding::ok("key", "good").to_string(), "ok       key: good");
    }

    #[test]
    fn the_worst_decides_the_exit_code() {
        use Severity::{Error, Ok, Unknown, Warning};
        for (severity, code) in [(Ok, 0), (Unknown, 0), (Warning, 1), (Error, 2)] {
            assert_eq!(severity.exit_code(), code, "{severity:?}");
        }
        assert!(Ok < Unknown && Unknown < Warning && Warning < Error);
    }

    #[test]
    fn of_many_names_five_are_shown() {
        let names = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>();
        assert_eq!(some(&names(5)), "0, 1, 2, 3, 4");
        assert_eq!(some(&names(7)), "0, 1, 2, 3, 4 and 2 more");
    }

    #[test]
    fn bytes_have_a_unit_that_suits_them() {
        let texts = [0, 10_239, 10_240, 1 << 30, u64::MAX].map(bytes);
        let expected = [
            "0 bytes",
            "10239 bytes",
            "10 KiB",
            "1024 MiB",
            "16777215 TiB",
        ];
        assert_eq!(texts, expected);
    }
}
