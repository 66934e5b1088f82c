//! The verdict about a file or folder, with its reason.

use std::fmt;

use crate::names::shown;
use crate::rules::skip::Skip;

/// Whether something is shared, and which rule decides that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is sent.
    Shared,
    /// A rule of an ignore file leaves it out.
    Ignored {
        /// The file with the rule, as people write it.
        file: String,
        /// The line of the rule, from 1.
        line: usize,
        /// The rule.
        rule: String,
    },
    /// Its name looks like a secret, by this pattern of the built-in list.
    Secret(&'static str),
    /// It contains what looks like a secret of this kind. The secret itself must not appear on a
    /// screen.
    Holds(&'static str),
    /// An editor or the system left it next to the project's files; this says what it is. It is
    /// never sent, whatever the rules say about the file that it belongs to.
    Leftover(&'static str),
    /// It is never sent, and no rule can change that.
    Never(Skip),
    /// A rule file cannot be read. What it says about this is unknown, so this is not sent.
    Unknown(String),
    /// A rule file above it is being written, and may be empty or missing for a moment.
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
