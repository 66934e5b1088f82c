//! What the use cases count, for operators.

use std::time::Duration;

use crate::application::command::RequestKind;
use crate::application::connection_kind::ConnectionKind;
use crate::application::counting::{Count, Durations, Tally, closed_set};
use crate::application::request_error::ErrorKind;

closed_set! {
    /// What has become of a request or of a change.
    pub enum Outcome {
        /// It was carried out.
        Done = "done",
        /// It was answered with an error.
        Refused = "refused",
    }
}

impl<T, E> From<&Result<T, E>> for Outcome {
    fn from(result: &Result<T, E>) -> Self {
        if result.is_ok() {
            Self::Done
        } else {
            Self::Refused
        }
    }
}

closed_set! {
    /// How a change alters a project.
    pub enum ChangeKind {
        /// It stores a file.
        Put = "put",
        /// It deletes a file or a folder.
        Delete = "delete",
    }
}

/// What the use cases count.
#[derive(Debug, Default)]
pub struct Counts {
    /// The connections now, by what they are for.
    pub connections: Tally<ConnectionKind>,
    /// The connections of guests now.
    pub guests: Count,
    /// The unfinished uploads now.
    pub uploads: Count,
    /// Requests.
    pub requests: Tally<RequestKind, Tally<Outcome>>,
    /// Errors that clients were told.
    pub errors: Tally<ErrorKind>,
    /// Tokens that were refused.
    pub failed_authentications: Count,
    /// Changes of projects, from their beginning to their answer.
    pub commits: Tally<ChangeKind, Tally<Outcome, Durations>>,
}

impl Counts {
    /// Counts a change, and the request that has asked for it.
    pub(crate) fn commit(&self, change: ChangeKind, outcome: Outcome, took: Duration) {
        let request = match change {
            ChangeKind::Put => RequestKind::PostFile,
            ChangeKind::Delete => RequestKind::DeleteFile,
        };
        self.requests.of(request).of(outcome).one();
        self.commits.of(change).of(outcome).add(took);
    }
}
