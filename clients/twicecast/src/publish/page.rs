//! What a share's connection passes between the streamer's page and the task that answers it. The
//! page asks to apply a pull request, and the connection cannot do that while it sends files.

use tokio::sync::mpsc;
use twicecast_client::protocol::{Reply, ServerMessage};

use crate::publish::output::Event;

/// The reference of an `accept`.
pub const ACCEPT: u64 = 6;
/// The reference of an `applied`.
pub const APPLIED: u64 = 7;

/// What arrives from the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It asks for a pull request to be applied.
    Asked {
        /// The question's number.
        request: u64,
        /// The pull request's id, as the server sent it.
        id: String,
        /// The files that are wanted; `None` means all.
        files: Option<Vec<String>>,
    },
    /// It no longer asks.
    Withdrawn {
        /// The question's number.
        request: u64,
    },
    /// Whether an accepted question may be acted on now.
    Accepted(bool),
    /// The server refuses what it was told about the end.
    Refused,
    /// The connection is lost, and with it all questions.
    Lost,
}

/// What the answering task wants to be sent or printed.
#[derive(Debug)]
pub enum Wish {
    /// To the server.
    Send(String),
    /// To the streamer.
    Tell(Event),
}

/// The connection's two channels to the answering task.
#[derive(Debug)]
pub struct Page {
    /// Passes what arrives to the task.
    pub heard: mpsc::UnboundedSender<Heard>,
    /// Receives what the task wants.
    pub wishes: mpsc::Receiver<Wish>,
    /// Lets other tasks make wishes, too.
    pub wish: mpsc::Sender<Wish>,
}

impl Page {
    /// Passes on what arrives. The server keeps only one question open at a time, so little waits
    /// there.
    pub fn pass_on(&self, heard: Heard) {
        let _ = self.heard.send(heard);
    }

    /// Waits for the next wish; for ever if nothing answers the page.
    pub async fn next(page: &mut Option<&mut Self>) -> Wish {
        let wish = match page {
            Some(page) => page.wishes.recv().await,
            None => None,
        };
        match wish {
            Some(wish) => wish,
            None => std::future::pending().await,
        }
    }
}

impl Heard {
    /// Reads a message, if it concerns the page.
    pub fn of(reference: Option<u64>, message: &ServerMessage) -> Option<Self> {
        match message {
            ServerMessage::Reply(reply) if reference == Some(ACCEPT) => {
                (reply.kind == "pullRequestAccept").then_some(Self::Accepted(true))
            }
            ServerMessage::Error(_) if reference == Some(ACCEPT) => Some(Self::Accepted(false)),
            ServerMessage::Error(_) if reference == Some(APPLIED) => Some(Self::Refused),
            ServerMessage::Reply(reply) => Self::push(reply),
            _ => None,
        }
    }

    fn push(reply: &Reply) -> Option<Self> {
        let request = reply.data["request"].as_u64()?;
        match reply.kind.as_str() {
            "pullRequestApplyAsked" => {
                let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
                let files = reply.data["files"].as_array();
                let files = files.map(|files| files.iter().filter_map(text).collect());
                let id = text(&reply.data["id"])?;
                Some(Self::Asked { request, id, files })
            }
            "pullRequestApplyWithdrawn" => Some(Self::Withdrawn { request }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_their_end_and_the_leave_to_go_on_are_heard_and_nothing_else() {
        let heard = |reference, json: serde_json::Value| {
            let (_, message) = twicecast_client::protocol::parse(&json.to_string()).unwrap();
            Heard::of(reference, &message)
        };
        let push = |kind: &str, data| serde_json::json!({"code":200,"type":kind,"data":data});
        let asked = serde_json::json!({"request":7,"id":"x","files":["/a"]});
        assert_eq!(
            heard(None, push("pullRequestApplyAsked", asked)),
            Some(Heard::Asked {
                request: 7,
                id: "x".to_owned(),
                files: Some(vec!["/a".to_owned()]),
            })
        );
        let withdrawn = push(
            "pullRequestApplyWithdrawn",
            serde_json::json!({"request":7}),
        );
        assert_eq!(
            heard(None, withdrawn),
            Some(Heard::Withdrawn { request: 7 })
        );
        let accept = push("pullRequestAccept", "OK".into());
        assert_eq!(heard(Some(ACCEPT), accept), Some(Heard::Accepted(true)));
        let late = serde_json::json!({"code":409,"type":"failApplyError","message":"late"});
        assert_eq!(
            heard(Some(ACCEPT), late.clone()),
            Some(Heard::Accepted(false))
        );
        assert_eq!(heard(Some(APPLIED), late), Some(Heard::Refused));
        let nonsense = push("pullRequestApplyAsked", serde_json::json!({"request":"7"}));
        assert_eq!(heard(None, nonsense), None);
    }
}
