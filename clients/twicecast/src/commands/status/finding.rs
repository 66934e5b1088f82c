//! What was found out, as values.

use serde::Deserialize;
use twicecast_client::untrusted::Untrusted;

use crate::credentials::PartialCredentials;
use crate::ui::time::now;

/// All that was found out.
#[derive(Debug)]
pub struct Findings {
    /// What the flags and the token say.
    pub credentials: PartialCredentials,
    /// What the server says about itself, or why it says nothing.
    pub health: Result<Health, String>,
    /// Its answers.
    pub answers: Answers,
}

/// What the server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// Its version.
    pub version: Untrusted,
    /// The time that its clock showed, in seconds since the epoch.
    #[serde(skip)]
    pub date: Option<u64>,
}

/// The server's answers to each question: `None` if it was not asked, a sentence if it did not
/// answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whether it accepts connections.
    pub connection: Option<Result<(), String>>,
    /// Whether it accepts the token.
    pub token: Option<Result<(), String>>,
    /// The state of the project.
    pub project: Option<Result<Project, String>>,
    /// Whether the project does not exist.
    pub is_absent: bool,
    /// How many pull requests are open.
    pub pull_requests: PullRequests,
}

/// The state of a project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Whether the streamer is online.
    pub streamer: bool,
    /// How many connections view it.
    pub viewers: u64,
    /// How many files it has.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many bytes they may have.
    pub max_bytes: u64,
}

/// What is known about open pull requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PullRequests {
    /// The server could not be asked, or did not let us get far enough.
    #[default]
    Unknown,
    /// Nothing is told without a token.
    NeedToken,
    /// Asking would make the streamer online.
    WouldShowUp,
    /// The number of everybody's.
    All(usize),
    /// The number of the user's own.
    Own(usize),
    /// Refused, and why.
    Refused(String),
}

impl Findings {
    /// Whether nothing would keep the user from starting.
    pub fn is_well(&self) -> bool {
        let answers = &self.answers;
        matches!(answers.connection, Some(Ok(())))
            && !matches!(answers.token, Some(Err(_)))
            && !matches!(answers.project, Some(Err(_)))
            && !matches!(answers.pull_requests, PullRequests::Refused(_))
            && !self.has_expired()
    }

    /// Whether the token has expired by this machine's clock.
    pub fn has_expired(&self) -> bool {
        self.expires_in().is_some_and(|seconds| seconds <= 0)
    }

    /// In how many seconds the token expires.
    pub fn expires_in(&self) -> Option<i64> {
        let expires = self.credentials.token.as_ref()?.expires?;
        Some(i64::try_from(expires).ok()?.saturating_sub(now() / 1000))
    }
}
