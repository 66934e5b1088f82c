//! What happens while a folder is shared.

use std::path::PathBuf;

use serde::Serialize;

use twicecast_client::untrusted::Untrusted;

/// What the streamer is to send somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestInvitation {
    /// Who.
    pub name: String,
    /// The file that holds it.
    pub file: PathBuf,
    /// Itself, with a token in it, where the streamer wants it shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What happens while a folder is shared. Written as JSON its name stands in `event`, and times are
/// in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// The server has let us in.
    Connected {
        /// The server.
        url: String,
        /// The project.
        project: String,
    },
    /// What viewers open in a browser.
    Link {
        /// The link.
        link: String,
        /// Until when the token in it holds, in seconds since the epoch, if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
        /// Who can open it, and what they may do.
        #[serde(skip)]
        about: String,
        /// Whether it is shown as a QR code, too.
        #[serde(skip)]
        has_qr: bool,
    },
    /// How a viewer sees it in a terminal.
    Invitation {
        /// For their shell; its token can only read.
        command: String,
        /// When the tokens end, in seconds since the epoch.
        until: u64,
        /// Who may chat and propose changes, too.
        guests: Vec<GuestInvitation>,
        /// With which the streamer looks at what they propose.
        pulls: String,
        /// With which the streamer talks to them.
        chat: String,
    },
    /// What differs is about to be sent.
    Sending {
        /// Files to send.
        files: usize,
        /// Their bytes.
        bytes: u64,
        /// Files to delete.
        deletions: usize,
    },
    /// The server has stored a file.
    Sent {
        /// Its name.
        name: String,
        /// Its bytes.
        bytes: u64,
    },
    /// The server has deleted a file.
    Deleted {
        /// Its name.
        name: String,
    },
    /// A file could not be sent or deleted.
    Failed {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// The server has what the folder has.
    Synced {
        /// Files sent just now.
        sent: usize,
        /// Their bytes.
        bytes: u64,
        /// Files deleted just now.
        deleted: usize,
        /// All files that are shared.
        files: usize,
        /// How long it took.
        seconds: f64,
    },
    /// What is not shared has changed.
    LeftOut {
        /// By rules of ignore files.
        ignored: usize,
        /// By the list of secrets.
        secrets: Vec<String>,
        /// Links, special files, names that no server takes.
        never: Vec<Never>,
    },
    /// What would be done, where nothing is.
    WouldDo {
        /// Files that would be sent.
        send: Vec<String>,
        /// Their bytes.
        bytes: u64,
        /// Files that would be deleted on the server.
        delete: Vec<String>,
    },
    /// All is sent that was to be sent once.
    Complete {
        /// All files that are shared.
        files: usize,
    },
    /// The connection is lost.
    Lost {
        /// Why.
        why: String,
        /// When it is tried again.
        retry_in: f64,
    },
    /// Nothing is sent until further notice.
    Paused,
    /// Changes are sent again.
    Resumed,
    /// A viewer has sent a pull request.
    PullRequest {
        /// Its id.
        id: Untrusted,
        /// Who.
        author: Untrusted,
        /// What its author calls it.
        title: Untrusted,
    },
    /// A pull request is not open any more.
    PullRequestClosed {
        /// Its id.
        id: String,
    },
    /// The streamer's page asks to apply a pull request, and the streamer is to say whether.
    ApplyAsked {
        /// Its id.
        id: Untrusted,
        /// Who.
        author: Untrusted,
        /// What its author calls it.
        title: Untrusted,
        /// The files that would change.
        files: Vec<String>,
        /// Those of them that `pulls apply` takes only where they are named.
        held: Vec<String>,
    },
    /// Something has come of a pull request that was applied from the page.
    Applied {
        /// What.
        text: String,
    },
    /// How many viewers there are.
    Viewers {
        /// Their number.
        count: u64,
    },
    /// Something that is worth knowing.
    Note {
        /// What.
        text: String,
    },
    /// The end.
    Stopped {
        /// Why, where nobody wanted it.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// Something that is never sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Never {
    /// Its path.
    pub name: String,
    /// Why.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_object_that_says_which_it_is() {
        let event = Event::Lost {
            why: "gone".to_owned(),
            retry_in: 1.5,
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"event":"lost","why":"gone","retryIn":1.5}"#
        );
        assert_eq!(
            serde_json::to_string(&Event::Paused).unwrap(),
            r#"{"event":"paused"}"#
        );
    }
}
