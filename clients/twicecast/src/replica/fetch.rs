//! Gets some files of a project one after the other, and requests the next ones in advance.

use std::collections::{BTreeMap, VecDeque};

use twicecast_client::protocol;
use twicecast_client::protocol::ServerMessage;

use crate::connection::{Incoming, Outgoing};
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::replica::assembly::Assembly;
use crate::replica::staging::Staging;
use crate::replica::tree;

/// The most requests that wait for their answers.
const GETS_MAX: usize = 16;

/// Gets files, given with their sizes in the server's list. `take` gets each one when it is here,
/// or the reason why it is not.
///
/// # Errors
///
/// If the connection breaks, or the server no longer lets us read.
pub async fn fetch(
    (outgoing, incoming): (&Outgoing, &mut Incoming),
    credentials: &Credentials,
    files: Vec<(FileName, u64)>,
    first_reference: u64,
    staging: &mut Staging,
    take: &mut (dyn FnMut(FileName, Result<tree::Incoming, String>) + Send),
) -> Result<(), Failure> {
    let mut waiting: VecDeque<(u64, (FileName, u64))> = (first_reference..).zip(files).collect();
    let mut asked: BTreeMap<u64, (FileName, u64)> = BTreeMap::new();
    let mut assembly: Option<Assembly> = None;
    loop {
        while asked.len() < GETS_MAX {
            let Some((reference, file)) = waiting.pop_front() else {
                break;
            };
            let (streamer, project) = (&credentials.streamer, &credentials.project);
            let request = protocol::get(reference, streamer, project, Some(file.0.as_str()));
            outgoing.send(request).await;
            asked.insert(reference, file);
        }
        if asked.is_empty() {
            return Ok(());
        }
        let (reference, message) = incoming.next().await?;
        let Some((reference, (name, size))) =
            reference.and_then(|reference| Some((reference, asked.get(&reference)?)))
        else {
            // Live changes are left for the next time.
            continue;
        };
        match message {
            ServerMessage::Part(part) if part.name == name.as_str() => {
                let mut begun = match assembly.take() {
                    Some(begun) => begun,
                    None => Assembly::begin(&part, Some(reference), Some(*size), staging)?,
                };
                if begun.take(&part)? {
                    let result = begun.finish().result;
                    let result = result.map(|(_, incoming)| incoming);
                    take(name.clone(), result.map_err(|why| why.to_string()));
                    asked.remove(&reference);
                } else {
                    assembly = Some(begun);
                }
            }
            ServerMessage::Error(error) if error.code == 401 => {
                return Err(credentials.withdrawn(&error.message));
            }
            ServerMessage::Error(error) => {
                assembly = None;
                let why = format!("not sent by the server ({})", shown(&error.message));
                take(name.clone(), Err(why));
                asked.remove(&reference);
            }
            // The server has sent no part, only the end of its answer.
            ServerMessage::GetDone => {
                take(name.clone(), Err("not sent by the server".to_owned()));
                asked.remove(&reference);
            }
            _ => {}
        }
    }
}
