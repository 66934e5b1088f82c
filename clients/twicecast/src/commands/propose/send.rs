//! Sends a proposal: opens a draft, sends the files, and finishes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustix::fd::OwnedFd;
use tokio::sync::watch;

use super::difference::Difference;
use crate::connection;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::publish::upload;
use crate::publish::upload::{Allows, Posts, Seen, Upload};
use crate::replica::record::Files;
use crate::rules::{Rules, Verdict};
use crate::ui::output::{counted, failure_line, warn};
use crate::ui::progress::Progress;
use twicecast_client::protocol;
use twicecast_client::protocol::ServerMessage;

const CREATION: u64 = 2;
const FINISH: u64 = 3;
const FIRST_UPLOAD: u64 = 10;

/// A proposal to send.
pub struct Draft<'a> {
    /// The clone's folder.
    pub root: Arc<OwnedFd>,
    /// Decides which of its files may be sent.
    pub rules: Arc<Rules>,
    /// The state that they began with.
    pub bases: &'a Files,
    /// The files to send.
    pub difference: Difference,
    /// The proposal's title.
    pub title: &'a str,
    /// The proposal's description.
    pub message: &'a str,
}

/// Whether nothing failed; otherwise names what did.
pub fn all_right(failures: &BTreeMap<FileName, String>) -> bool {
    for (name, why) in failures {
        warn(&failure_line(name.as_str(), why));
    }
    if !failures.is_empty() {
        let files = counted(failures.len(), "file");
        warn(&format!(
            "{files} could not be sent, so nothing was proposed."
        ));
    }
    failures.is_empty()
}

/// Sends the proposal and returns the connection. Returns `None` if files failed, which is
/// reported; then nothing is proposed.
///
/// # Errors
///
/// If the connection breaks, or the server refuses the proposal.
pub async fn send(
    draft: Draft<'_>,
    outgoing: Outgoing,
    mut incoming: Incoming,
    credentials: &Credentials,
) -> Result<Option<(Outgoing, Incoming)>, Failure> {
    let Draft {
        root,
        rules,
        bases,
        difference,
        title,
        message,
    } = draft;
    let creation = protocol::pull_request_creation(CREATION, title, message);
    outgoing.send(creation).await;
    accepted(&mut incoming, credentials, CREATION).await?;
    let mut upload = Upload::new(outgoing, incoming, credentials);
    let mut failures = BTreeMap::new();
    let mut see = |seen| match seen {
        Seen::Unreadable { name, why, .. } | Seen::Failed { name, why } => {
            failures.insert(name, why);
        }
        Seen::Changed { name } => {
            failures.insert(name, "changed while it was being read".to_owned());
        }
        Seen::Withheld { name } => {
            failures.insert(name, "is left out by a rule meanwhile".to_owned());
        }
        Seen::Secret { name, kind } => {
            failures.insert(name, Verdict::Holds(kind).to_string());
        }
        Seen::Posted { .. } | Seen::Deleted { .. } | Seen::Held | Seen::Said { .. } => {}
    };
    let bytes = difference
        .changed
        .values()
        .map(|changed| changed.size)
        .sum();
    let count = difference.changed.len() + difference.deleted.len();
    let mut progress = Progress::new(count, bytes);
    let (_hold, mut held) = watch::channel(false);
    let posts_begin = FIRST_UPLOAD + difference.deleted.len() as u64;
    let (hashes, executables) = (difference.bases(bases), difference.executables(bases));
    let deleted = difference.deleted.into_iter().collect();
    let deletions = upload::deletions(deleted, hashes.clone(), FIRST_UPLOAD);
    let files = difference.changed.into_iter();
    let judge = Arc::clone(&rules);
    let posts = upload::posts(Posts {
        root,
        files: files.map(|(name, changed)| (name, changed.size)).collect(),
        first_reference: posts_begin,
        refused: upload.refused(),
        bases: hashes,
        executables: Some(executables),
        allows_secret: Allows::when(move |name| judge.allows_secret(name)),
        allows: Allows::when(move |name| rules.allow(name)),
    });
    for source in [deletions, posts] {
        upload
            .pump(source, &mut progress, &mut held, &mut see)
            .await?;
    }
    progress.finish();
    if !all_right(&failures) {
        // The draft ends with the connection.
        return Ok(None);
    }
    upload.send(protocol::pull_request_finish(FINISH)).await;
    loop {
        match upload.next().await? {
            (Some(FINISH), ServerMessage::Error(error)) => {
                return Err(Failure::denied(format!(
                    "The server does not take the pull request ({}: {}).",
                    error.code,
                    shown(&error.message)
                )));
            }
            (Some(FINISH), _) => break,
            (_, ServerMessage::Error(error)) if error.code == 401 => {
                return Err(credentials.withdrawn(&error.message));
            }
            _ => {}
        }
    }
    Ok(Some(upload.into_connection()))
}

/// Waits until a request is accepted.
async fn accepted(
    incoming: &mut Incoming,
    credentials: &Credentials,
    asked: u64,
) -> Result<(), Failure> {
    let answer = incoming.answer(asked, &mut drop).await;
    answer.map_err(|error| {
        connection::refused(error, |error| match error.code {
            401 => credentials.refused(&error.message),
            code => {
                let why = &error.message;
                Failure::denied(format!(
                    "The server does not take a pull request ({code}: {why})."
                ))
            }
        })
    })?;
    Ok(())
}
