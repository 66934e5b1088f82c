//! Asking for a project's list.

use crate::connection::{Incoming, Outgoing};
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::names::shown;
use crate::protocol;
use crate::protocol::{ListedFile, ServerMessage};

/// A project with more files than this is not listed, …
const FILES_MAX: usize = 1_000_000;
/// … nor one whose names are longer than this together.
const NAME_BYTES_MAX: usize = 256 << 20;

/// How long a list has grown.
#[derive(Debug, Default)]
pub struct Length {
    files: usize,
    name_bytes: usize,
}

impl Length {
    /// Counts more of it.
    ///
    /// # Errors
    ///
    /// A sentence, if it is longer than any that is taken.
    pub fn add<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
        for name in names {
            self.files += 1;
            self.name_bytes += name.len();
        }
        if self.files <= FILES_MAX && self.name_bytes <= NAME_BYTES_MAX {
            return Ok(());
        }
        Err(Failure::denied(
            "The server lists more than 1,000,000 files, or 256 MiB of names, for the project; \
             that is more than this program takes.",
        ))
    }
}

/// The project's files, and those that the server has and cannot read, each with its words. `aside`
/// is told what else the server says meanwhile, such as which pull requests wait.
///
/// # Errors
///
/// If the connection breaks, or the server does not tell.
pub async fn list(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    identity: &Credentials,
    asked: u64,
    aside: &mut (dyn FnMut(ServerMessage) + Send),
) -> Result<(Vec<ListedFile>, Vec<(String, String)>), Failure> {
    outgoing
        .send(protocol::list(asked, &identity.streamer, &identity.project))
        .await;
    let mut all = Vec::new();
    let mut unread = Vec::new();
    let mut length = Length::default();
    loop {
        let (reference, message) = incoming.next().await?;
        if reference != Some(asked) {
            aside(message);
            continue;
        }
        match message {
            ServerMessage::List { files, last } => {
                length.add(files.iter().map(|file| file.name.as_str()))?;
                all.extend(files);
                if last {
                    return Ok((all, unread));
                }
            }
            ServerMessage::Error(error) if error.code == 401 => {
                return Err(identity.withdrawn(&error.message));
            }
            ServerMessage::Error(error) => {
                if let Some(name) = error.unread_file() {
                    length.add([name].into_iter())?;
                    unread.push((name.to_owned(), error.message.raw().to_owned()));
                    continue;
                }
                if error.kind == "failReadPathError" {
                    let project = shown(&identity.full_project());
                    return Err(Failure::not_yet(format!("The server has no {project}.")));
                }
                return Err(Failure::connection(format!(
                    "The server could not list the project ({}: {}); try again.",
                    error.code,
                    shown(&error.message)
                )));
            }
            _ => {}
        }
    }
}
