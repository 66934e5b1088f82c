//! Asking for a project's list.

use crate::connection::{Incoming, Outgoing};
use crate::credentials::identity::Identity;
use crate::failure::Failure;
use crate::names::shown;
use crate::protocol;
use crate::protocol::{ListedFile, ServerMessage};

/// The project's files, and those that the server has and cannot read, each with its words. `aside`
/// is told what else the server says meanwhile, such as which pull requests wait.
///
/// # Errors
///
/// If the connection breaks, or the server does not tell.
pub async fn list(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    identity: &Identity,
    asked: u64,
    aside: &mut (dyn FnMut(ServerMessage) + Send),
) -> Result<(Vec<ListedFile>, Vec<(String, String)>), Failure> {
    outgoing
        .send(protocol::list(asked, &identity.streamer, &identity.project))
        .await;
    let mut all = Vec::new();
    let mut unread = Vec::new();
    loop {
        let (reference, message) = incoming.next().await?;
        if reference != Some(asked) {
            aside(message);
            continue;
        }
        match message {
            ServerMessage::List { files, last } => {
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
                    unread.push((name.to_owned(), error.message.clone()));
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
