//! What becomes of a file or folder, and why.

use std::fmt;

use crate::names::shown;
use crate::rules::skip::Skip;

/// Whether something is shared, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Shared,
    /// A rule of an ignore file: the file as people write it, the line, and what it says.
    Ignored {
        /// Where the rule stands.
        file: String,
        /// In which line, from 1.
        line: usize,
        /// The rule.
        rule: String,
    },
    /// It looks like a secret, by this pattern of the built-in list.
    Secret(&'static str),
    /// It holds what looks like a secret of this kind. Not the secret itself, which is on nobody's
    /// screen.
    Holds(&'static str),
    /// An editor or the system has made it beside the files of the project, as this. It is never
    /// sent, whatever rules say of the file that it is about.
    Leftover(&'static str),
    /// No rule decides; it is never sent.
    Never(Skip),
    /// A rule file cannot be read: what it says of this is not known, and so it is not sent.
    Unknown(String),
    /// A rule file on the way is just being written: for a moment it may be empty, or not there.
    Settling,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => f.write_str("shared: no rule leaves it out"),
            Self::Ignored { file, line, rule } => {
                write!(
                    f,
                    "ignored by `{}` in {}, line {line}",
                    shown(rule),
                    shown(file)
                )
            }
            Self::Secret(pattern) => write!(
                f,
                "held back as a secret (`{pattern}` of the built-in list; --allow lifts it)"
            ),
            Self::Holds(kind) => write!(
                f,
                "held back, since it holds what looks like {kind} (--allow lifts it)"
            ),
            Self::Leftover(what) => write!(f, "never sent: {what}"),
            Self::Never(skip) => write!(f, "never sent: {skip}"),
            Self::Unknown(why) => write!(f, "held back: {}", shown(why)),
            Self::Settling => {
                f.write_str("held back for a moment: its rules are just being written")
            }
        }
    }
}
