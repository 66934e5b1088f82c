//! Lists a whole project, and has the sentences for when the server does not.

use twicecast_client::protocol::{ListedFile, ServerMessage};

pub use twicecast_client::listing::Length;

use crate::connection::{Incoming, Outgoing, refused};
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::names::shown;

/// The project's files, and those that the server has but cannot read, each with the server's
/// words. All other messages that arrive in the meantime, such as waiting pull requests, go to
/// `aside`.
///
/// # Errors
///
/// If the connection breaks, or the server does not list the project.
pub async fn list(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    credentials: &Credentials,
    asked: u64,
    aside: &mut (dyn FnMut(ServerMessage) + Send),
) -> Result<(Vec<ListedFile>, Vec<(String, String)>), Failure> {
    let whose = (&*credentials.streamer, &*credentials.project);
    let listed = twicecast_client::listing::list(outgoing, incoming, whose, asked, aside).await;
    let (files, unread) = listed.map_err(|error| {
        refused(error, |error| {
            if error.code == 401 {
                credentials.withdrawn(&error.message)
            } else if error.kind == "failReadPathError" {
                let project = shown(&credentials.full_project());
                Failure::not_yet(format!("The server has no {project}."))
            } else {
                Failure::connection(format!(
                    "The server could not list the project ({}: {}); try again.",
                    error.code, error.message
                ))
            }
        })
    })?;
    let unread = unread.into_iter().map(|error| {
        let name = error.file.unwrap_or_default();
        (name, error.message.raw().to_owned())
    });
    Ok((files, unread.collect()))
}
