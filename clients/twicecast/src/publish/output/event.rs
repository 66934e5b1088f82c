//! What happens while a folder is shared.

use std::path::PathBuf;

use serde::Serialize;

use twicecast_client::untrusted::Untrusted;

/// An invitation that the streamer sends to a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestInvitation {
    /// The guest's name.
    pub name: String,
    /// The file that holds it.
    pub file: PathBuf,
    /// Its text, with a token in it, if the streamer wants it shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What happens while a folder is shared. In JSON its name is in `event`, and times are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// The server has let us in.
    Connected {
        /// The server's address.
        url: String,
        /// The project.
        project: String,
    },
    /// The link that viewers open in a browser.
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
    /// How viewers get the project in a terminal, and what the streamer can type.
    Invitation {
        /// The command for viewers; its token can only read.
        command: String,
        /// When the tokens end, in seconds since the epoch.
        until: u64,
        /// The people who may also chat and propose changes.
        guests: Vec<GuestInvitation>,
        /// The command with which the streamer looks at pull requests.
        pulls: String,
        /// The command with which the streamer chats.
        chat: String,
    },
    /// Files that differ are about to be sent.
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
    /// The server has the same files as the folder.
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
        /// How much is left out by rules of ignore files.
        ignored: usize,
        /// What is left out by the list of secrets.
        secrets: Vec<String>,
        /// Links, special files, and names that no server accepts.
        never: Vec<Never>,
    },
    /// What would be done; nothing is done.
    WouldDo {
        /// Files that would be sent.
        send: Vec<String>,
        /// Their bytes.
        bytes: u64,
        /// Files that would be deleted on the server.
        delete: Vec<String>,
    },
    /// Everything was sent, once.
    Complete {
        /// All files that are shared.
        files: usize,
    },
    /// The connection is lost.
    Lost {
        /// Why.
        why: String,
        /// When the next attempt is made.
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
        /// Its author.
        author: Untrusted,
        /// The title that its author gave it.
        title: Untrusted,
    },
    /// A pull request is no longer open.
    PullRequestClosed {
        /// Its id.
        id: String,
    },
    /// The streamer's page asks to apply a pull request, and the streamer has to answer.
    ApplyAsked {
        /// Its id.
        id: Untrusted,
        /// Its author.
        author: Untrusted,
        /// The title that its author gave it.
        title: Untrusted,
        /// The files that would change.
        files: Vec<String>,
        /// The ones among them that `pulls apply` takes only by name.
        held: Vec<String>,
    },
    /// A result of a pull request that is applied from the page.
    Applied {
        /// The result.
        text: String,
    },
    /// The number of viewers has changed.
    Viewers {
        /// Their number.
        count: u64,
    },
    /// Something that is worth knowing.
    Note {
        /// The sentence.
        text: String,
    },
    /// The share has ended.
    Stopped {
        /// Why, if nobody asked for it.
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
