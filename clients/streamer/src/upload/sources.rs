//! Where messages come from: deletions, and files read a few parts ahead of the connection.

use std::os::fd::OwnedFd;
use std::sync::{Arc, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::{Item, Message, Refused, Verb};
use crate::names::FileName;
use crate::parts::{self, Outcome};
use crate::{place, protocol};

/// Messages that are made and wait to go out.
const READY_MAX: usize = 4;

/// Whether the server has refused that file.
pub(super) fn is_in(refused: &Refused, reference: u64) -> bool {
    refused
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(&reference)
}

/// A source of deletions.
pub fn deletions(names: Vec<FileName>, first_reference: u64) -> mpsc::Receiver<Item> {
    let (sender, receiver) = mpsc::channel(READY_MAX);
    tokio::spawn(async move {
        for (reference, name) in (first_reference..).zip(names) {
            let text = protocol::delete(reference, name.as_str());
            let message = Message {
                reference,
                name,
                verb: Verb::Delete,
                text,
                bytes: 0,
                of: 0,
                first: true,
            };
            if sender.send(Item::Send(message)).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// A source of posts, read one after the other, a few messages ahead of the connection.
pub fn posts(
    root: Arc<OwnedFd>,
    files: Vec<(FileName, u64)>,
    first_reference: u64,
    refused: Refused,
) -> mpsc::Receiver<Item> {
    let (sender, receiver) = mpsc::channel(READY_MAX);
    spawn_blocking(move || {
        for (reference, (name, size)) in (first_reference..).zip(files) {
            let open = || {
                Ok(place::open_parent(&root, &name)
                    .and_then(|(folder, leaf)| place::open_file(&folder, leaf))?)
            };
            let mut fault = None;
            let read = parts::read(open, |part| {
                if is_in(&refused, reference) {
                    return false;
                }
                let text = match protocol::post(
                    reference,
                    name.as_str(),
                    part.number,
                    &STANDARD.encode(part.bytes),
                ) {
                    Ok(text) => text,
                    Err(error) => {
                        fault = Some(error.to_string());
                        return false;
                    }
                };
                let bytes = part.bytes.len() as u64;
                let message = Message {
                    reference,
                    name: name.clone(),
                    verb: Verb::Post,
                    text,
                    bytes,
                    of: size.max(bytes),
                    first: part.is_first(),
                };
                sender.blocking_send(Item::Send(message)).is_ok()
            });
            let said = match (read, fault) {
                (Err(error), _) => Some(Item::Unreadable(reference, name, error.to_string())),
                (_, Some(error)) => Some(Item::Unreadable(reference, name, error)),
                (Ok(Outcome::Changed), _) => Some(Item::Changed(name)),
                (Ok(Outcome::Whole | Outcome::Stopped), _) => None,
            };
            if said.is_some_and(|item| sender.blocking_send(item).is_err()) || sender.is_closed() {
                return;
            }
        }
    });
    receiver
}
