//! Why a command ends: one sentence for the user, and what the shell and the reconnecting loop do
//! with it.

use std::path::Path;
use std::{fmt, io};

use twicecast_client::untrusted::shown;

/// Why a command cannot go on. Files that fail one by one are counted instead, in
/// [`crate::ui::output::Report`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    kind: Kind,
    sentence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The command line, or the folder it names, is not usable.
    Usage,
    /// The server could not be reached, or the connection broke.
    Connection,
    /// The server does not let us in.
    Denied,
    /// The token expired while the session was open.
    Expired,
    /// The project does not exist yet.
    NotYet,
}

impl Failure {
    /// The command line or the local folder is at fault.
    pub fn usage(sentence: impl Into<String>) -> Self {
        Self::new(Kind::Usage, sentence)
    }

    /// The folder that was given does not exist, is no folder, or cannot be read.
    pub fn of_folder(dir: &Path, error: &io::Error) -> Self {
        let dir = shown(&dir.to_string_lossy());
        Self::usage(match error.kind() {
            io::ErrorKind::NotADirectory => {
                format!("{dir} is a file and no folder; give the folder that it lies in.")
            }
            io::ErrorKind::NotFound => format!("There is no folder {dir}; check its path."),
            _ => format!("The folder {dir} cannot be read: {error}."),
        })
    }

    /// The server is not there, or went away.
    pub fn connection(sentence: impl Into<String>) -> Self {
        Self::new(Kind::Connection, sentence)
    }

    /// The server refused the token, the names or the request.
    pub fn denied(sentence: impl Into<String>) -> Self {
        Self::new(Kind::Denied, sentence)
    }

    /// The token expired during the session.
    pub fn expired(sentence: impl Into<String>) -> Self {
        Self::new(Kind::Expired, sentence)
    }

    /// The project does not exist yet, but may appear.
    pub fn not_yet(sentence: impl Into<String>) -> Self {
        Self::new(Kind::NotYet, sentence)
    }

    fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            sentence: sentence.into(),
        }
    }

    /// The same failure, with one more sentence.
    #[must_use]
    pub fn and(mut self, sentence: &str) -> Self {
        self.sentence.push(' ');
        self.sentence.push_str(sentence);
        self
    }

    /// Whether another attempt may succeed later without anybody's help. After an expired token it
    /// may only if a new one can be made.
    pub fn may_pass(&self, can_renew_token: bool) -> bool {
        match self.kind {
            Kind::Usage | Kind::Denied => false,
            Kind::Connection | Kind::NotYet => true,
            Kind::Expired => can_renew_token,
        }
    }

    /// Whether the project did not exist yet.
    pub fn is_not_yet(&self) -> bool {
        self.kind == Kind::NotYet
    }

    /// The process's exit code, as `--help` documents it.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Connection | Kind::Denied | Kind::Expired | Kind::NotYet => 3,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}
