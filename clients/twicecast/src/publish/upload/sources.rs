//! Sources of messages: deletions, and files that are read a few parts ahead of the connection.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::fstat;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use twicecast_client::protocol;

use crate::fs::{dirfd, executable, sha256};
use crate::names::FileName;
use crate::parts;
use crate::parts::{Outcome, PART_BYTES};
use crate::publish::plan::Remote;
use crate::publish::upload::item::{Allows, Content, Item, Message, Refused, Verb, is_in};
use crate::rules::contents::{self, Scanner};
use crate::ui::time;

/// Messages that are ready and wait to be sent.
const READY_MAX: usize = 4;

/// A source of deletions, with the bases of those that have one.
pub fn deletions(
    names: Vec<FileName>,
    bases: BTreeMap<String, String>,
    first_reference: u64,
) -> mpsc::Receiver<Item> {
    let (sender, receiver) = mpsc::channel(READY_MAX);
    tokio::spawn(async move {
        for (reference, name) in (first_reference..).zip(names) {
            let base = bases.get(name.as_str()).map(String::as_str);
            let text = protocol::delete(reference, name.as_str(), base);
            let message = Message {
                reference,
                name,
                verb: Verb::Delete,
                text,
                bytes: 0,
                of: 0,
                first: true,
                content: None,
                judged: None,
            };
            if sender.send(Item::Send(message)).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// Files to send.
pub struct Posts {
    /// The folder that contains them.
    pub root: Arc<OwnedFd>,
    /// Their names, and their sizes as far as they are known.
    pub files: Vec<(FileName, u64)>,
    /// The reference of the first file; the others follow.
    pub first_reference: u64,
    /// The files that the server has refused so far.
    pub refused: Refused,
    /// For a pull request: the base of each file, by name.
    pub bases: BTreeMap<String, String>,
    /// For a pull request: the executable bits, by name, of files whose author has changed them.
    /// `None` sends every file's bit as it is.
    pub executables: Option<BTreeMap<String, bool>>,
    /// Says whether a file is sent although it looks like a secret.
    pub allows_secret: Allows,
    /// Asked about a file after each of its parts is read, and again if that part has had to wait.
    pub allows: Allows,
}

/// The kind of secret in a file of several parts: its beginning is searched before anything of it
/// is sent. A file of one part is checked as a whole later. If the file cannot be read, the next
/// attempt says why.
fn in_a_long_file(open: impl Fn() -> std::io::Result<File>) -> Option<&'static str> {
    let file = open().ok()?;
    let is_long = file.metadata().ok()?.len() > PART_BYTES as u64;
    contents::look_into(is_long.then_some(file)?).ok().flatten()
}

/// What to report about a file that has been read.
fn what_came_of_it(
    read: std::io::Result<Outcome>,
    withheld: bool,
    secret: Option<&'static str>,
    reference: u64,
    name: FileName,
) -> Option<Item> {
    match read {
        Err(error) => Some(Item::Unreadable(reference, name, error)),
        Ok(_) if withheld => Some(Item::Withheld(reference, name)),
        Ok(Outcome::Stopped) => secret.map(|kind| Item::Secret(reference, name, kind)),
        Ok(Outcome::Changed) => Some(Item::Changed(name)),
        Ok(Outcome::Whole) => None,
    }
}

/// How the executable bit is sent: in a proposal only if it was changed, otherwise as the file has
/// it.
fn bit(changed: Option<&BTreeMap<String, bool>>, name: &FileName, has: bool) -> Option<bool> {
    match changed {
        Some(changed) => changed.get(name.as_str()).copied(),
        None => Some(has),
    }
}

/// A source of posts. Files are read one after the other, a few messages ahead of the connection.
pub fn posts(posts: Posts) -> mpsc::Receiver<Item> {
    let Posts {
        root,
        files,
        first_reference,
        refused,
        bases,
        executables,
        allows_secret,
        allows,
    } = posts;
    let (sender, receiver) = mpsc::channel(READY_MAX);
    spawn_blocking(move || {
        for (reference, (name, size)) in (first_reference..).zip(files) {
            let (opened, is_executable) = (Cell::new(0), Cell::new(false));
            let open = || {
                opened.set(time::now() / 1_000);
                let file = dirfd::open_parent(&root, &name)
                    .and_then(|(folder, leaf)| dirfd::open_file(&folder, leaf))?;
                is_executable.set(executable::is_set(&fstat(&file)?));
                Ok(file)
            };
            let is_judged = !allows_secret.ask(&name);
            let mut secret = is_judged.then(|| in_a_long_file(open)).flatten();
            let mut scanner = Scanner::default();
            let mut fault: Option<std::io::Error> = None;
            let mut withheld = false;
            // A secret may begin in one part and end in the next, so each part is sent only once
            // the next has been searched.
            let mut newest: Option<Item> = None;
            let (mut hash, mut sent) = (Sha256::new(), 0);
            let read = parts::read(open, |part| {
                if secret.is_some() || is_in(&refused, reference) {
                    return false;
                }
                withheld = !allows.ask(&name);
                if withheld {
                    return false;
                }
                if part.is_first() {
                    (hash, sent, scanner) = (Sha256::new(), 0, Scanner::default());
                    newest = None;
                }
                secret = is_judged.then(|| scanner.push(part.bytes)).flatten();
                if secret.is_some() {
                    return false;
                }
                hash.update(part.bytes);
                sent += part.bytes.len() as u64;
                let content = part.whole.map(|fingerprint| Content {
                    remote: Remote {
                        size: sent,
                        sha256: sha256::hex(&hash.clone().finalize()),
                        executable: is_executable.get(),
                    },
                    fingerprint: fingerprint.settled(opened.get()),
                    // A file of one part is here completely.
                    bytes: part.number.is_none().then(|| part.bytes.to_vec()),
                });
                let text = match protocol::post(
                    reference,
                    name.as_str(),
                    part.number,
                    &STANDARD.encode(part.bytes),
                    bases.get(name.as_str()).map(String::as_str),
                    bit(executables.as_ref(), &name, is_executable.get()),
                ) {
                    Ok(text) => text,
                    Err(error) => {
                        fault = Some(error.into());
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
                    content,
                    judged: Some((Instant::now(), allows.clone())),
                };
                let before = newest.replace(Item::Send(message));
                before.is_none_or(|item| sender.blocking_send(item).is_ok())
            });
            let read = fault.map_or(read, Err);
            let is_read = matches!(read, Ok(Outcome::Whole | Outcome::Changed));
            if let Some(item) = newest.filter(|_| is_read)
                && sender.blocking_send(item).is_err()
            {
                return;
            }
            let said = what_came_of_it(read, withheld, secret, reference, name);
            if said.is_some_and(|item| sender.blocking_send(item).is_err()) || sender.is_closed() {
                return;
            }
        }
    });
    receiver
}
