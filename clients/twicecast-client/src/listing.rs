//! Lists that a server spreads over many messages: a project's files, and open pull requests.

use crate::connection::{Incoming, Outgoing};
use crate::error::Error;
use crate::protocol;
use crate::protocol::{ListedFile, PullRequest, ServerError, ServerMessage};

/// The most files or messages in a project's list.
const FILES_MAX: usize = 1_000_000;
/// The most bytes of names in a project's list.
const NAME_BYTES_MAX: usize = 256 << 20;
/// The most open pull requests; real projects have far fewer.
const PULL_REQUESTS_MAX: usize = 10_000;
/// The most bytes of text in all open pull requests.
const TEXT_BYTES_MAX: usize = 256 << 20;

/// How long a list has become.
#[derive(Debug, Default)]
pub struct Length {
    messages: usize,
    files: usize,
    name_bytes: usize,
}

impl Length {
    /// Counts one more message of the list.
    ///
    /// # Errors
    ///
    /// [`Error::TooMuch`], after more than 1,000,000 files or messages, or 256 MiB of names.
    pub fn add<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
        self.messages += 1;
        for name in names {
            self.files += 1;
            self.name_bytes += name.len();
        }
        let is_long = self.files.max(self.messages) > FILES_MAX;
        if !is_long && self.name_bytes <= NAME_BYTES_MAX {
            return Ok(());
        }
        Err(Error::TooMuch(
            "1,000,000 files, or 256 MiB of names, for the project",
        ))
    }
}

/// The project's files, and an error for each file that the server has but cannot read. All other
/// messages that arrive in the meantime, such as waiting pull requests, go `aside`.
///
/// # Errors
///
/// If the connection breaks, the server refuses, or the list is longer than [`Length`] allows.
pub async fn list(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    (streamer, project): (&str, &str),
    asked: u64,
    aside: &mut (dyn FnMut(ServerMessage) + Send),
) -> Result<(Vec<ListedFile>, Vec<ServerError>), Error> {
    outgoing
        .send(protocol::list(asked, streamer, project))
        .await;
    let mut all = Vec::new();
    let mut unread = Vec::new();
    let mut length = Length::default();
    loop {
        match incoming.answer(asked, aside).await {
            Ok(ServerMessage::List { files, last }) => {
                length.add(files.iter().map(|file| file.name.as_str()))?;
                all.extend(files);
                if last {
                    return Ok((all, unread));
                }
            }
            Ok(_) => {}
            Err(Error::Refused(error)) if error.unread_file().is_some() => {
                // The server's words about the file count as well.
                length.name_bytes += error.message.raw().len();
                length.add(error.unread_file().into_iter())?;
                unread.push(*error);
            }
            Err(error) => return Err(error),
        }
    }
}

/// The open pull requests, oldest first: all for the streamer, their own for a viewer.
///
/// # Errors
///
/// If the connection breaks, the server refuses, or there are more than 10,000 of them or more than
/// 256 MiB of text.
pub async fn pull_requests(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    asked: u64,
    aside: &mut (dyn FnMut(ServerMessage) + Send),
) -> Result<Vec<PullRequest>, Error> {
    outgoing.send(protocol::pull_requests(asked)).await;
    let mut all = Vec::new();
    let mut bytes = 0;
    let mut messages = 0;
    loop {
        messages += 1;
        let ServerMessage::Reply(reply) = incoming.answer(asked, aside).await? else {
            return Err(incoming.not_understood("a `list` is answered with something else"));
        };
        let some: Vec<PullRequest> = serde_json::from_value(reply.data)
            .map_err(|error| incoming.not_understood(&error.to_string()))?;
        bytes += some.iter().map(text_bytes).sum::<usize>();
        all.extend(some);
        if all.len().max(messages) > PULL_REQUESTS_MAX || bytes > TEXT_BYTES_MAX {
            return Err(Error::TooMuch(
                "10,000 open pull requests, or 256 MiB of them",
            ));
        }
        if reply.last != Some(false) {
            return Ok(all);
        }
    }
}

/// The bytes of all texts of a pull request together.
pub(crate) fn text_bytes(pull: &PullRequest) -> usize {
    let names = pull.files.iter().chain(&pull.deleted);
    let bases = pull.bases.iter().chain(&pull.deleted_bases);
    let texts = [&pull.id, &pull.owner, &pull.title, &pull.description];
    let texts = texts.map(|text| text.raw().len());
    let bases = bases.map(|(name, base)| name.len() + base.len());
    texts.iter().sum::<usize>() + names.map(String::len).sum::<usize>() + bases.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{Options, connect};
    use futures_util::SinkExt as _;
    use tokio_tungstenite::tungstenite::Message;

    #[test]
    fn a_list_has_an_end_in_files_and_in_bytes() {
        let mut length = Length::default();
        length.add(std::iter::repeat_n("/a", FILES_MAX)).unwrap();
        assert!(matches!(
            length.add(["/a"].into_iter()),
            Err(Error::TooMuch(_))
        ));
        let long = "a".repeat(NAME_BYTES_MAX);
        let mut length = Length::default();
        length.add([&*long].into_iter()).unwrap();
        assert!(length.add(["a"].into_iter()).is_err());
        let mut length = Length::default();
        let empty = |length: &mut Length| length.add(std::iter::empty());
        for _ in 0..FILES_MAX {
            empty(&mut length).unwrap();
        }
        assert!(empty(&mut length).is_err());
    }

    #[tokio::test]
    async fn a_server_that_lists_pull_requests_without_end_is_left() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let pull = serde_json::json!({"id": "i", "owner": "o", "title": "t", "date": 1});
        let some = serde_json::json!({"code": 200, "type": "pullRequestList", "ref": 1,
            "data": vec![pull; 1_000], "last": false});
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let mut sent = 0;
            while socket.send(Message::text(some.to_string())).await.is_ok() {
                sent += 1;
            }
            sent
        });
        let (outgoing, mut incoming) = connect(&url, Options::default()).await.unwrap();
        let listed = pull_requests(&outgoing, &mut incoming, 1, &mut drop).await;
        assert!(matches!(listed, Err(Error::TooMuch(_))), "{listed:?}");
        drop((outgoing, incoming));
        assert!(serving.await.unwrap() > PULL_REQUESTS_MAX / 1_000);
    }
}
