//! What arrives on the connection of a share: results of what was sent, answers to requests, and
//! what others do.

use std::time::{Duration, Instant};

use twicecast_client::protocol;
use twicecast_client::protocol::{PullRequest, Reply, ServerMessage};

use crate::connection::Outgoing;
use crate::failure::Failure;
use crate::names::FileName;
use crate::publish::folder::REFUSED_FOR;
use crate::publish::output::Event;
use crate::publish::page::Heard;
use crate::publish::plan::Remote;
use crate::publish::session::{PULL_REQUESTS, RENEW, STATUS, Session, VIEWERS};
use crate::publish::upload::{Seen, Upload};

/// With `--once`: how often in a row files may change while they are sent.
const RESTLESS_MAX: u32 = 10;
/// How long to wait before a file that changed while it was sent is sent again.
const RESTLESS: Duration = Duration::from_secs(1);

impl Session<'_> {
    /// Records the result for a file.
    pub fn see(&mut self, seen: Seen) {
        match seen {
            Seen::Posted {
                name,
                bytes,
                content,
            } => {
                self.report.mended(name.as_str());
                self.folder.refused.remove(&name);
                self.output.tell(&Event::Sent {
                    name: name.as_str().to_owned(),
                    bytes,
                });
                let (remote, fingerprint) = match content {
                    Some(content) => {
                        self.folder.keep(&content);
                        (content.remote, content.fingerprint)
                    }
                    // The server has a mixture of what the file was while it was read: nothing
                    // equals it.
                    None => (Remote::unknown(), None),
                };
                self.folder.foreign.settled(&name);
                self.folder.known.posted(name, remote, fingerprint);
            }
            Seen::Deleted { name } => {
                self.report.mended(name.as_str());
                self.output.tell(&Event::Deleted {
                    name: name.as_str().to_owned(),
                });
                self.folder.foreign.settled(&name);
                self.folder.known.deleted(&name);
            }
            // The file is gone again; its folder reports that.
            Seen::Unreadable { gone: true, .. } => {}
            Seen::Unreadable { name, why, .. } => {
                self.fail(name.as_str(), format!("cannot be read here: {why}"));
            }
            Seen::Failed { name, why } => {
                if let Some(fingerprint) = self.folder.sending.get(&name) {
                    let refused = (*fingerprint, Instant::now());
                    self.folder.refused.insert(name.clone(), refused);
                    if !self.once {
                        self.folder
                            .look_later(name.as_str().to_owned(), REFUSED_FOR);
                    }
                }
                self.fail(name.as_str(), why);
            }
            Seen::Changed { name } if self.once && self.folder.restless >= RESTLESS_MAX => {
                self.fail(name.as_str(), "changes all the time".to_owned());
            }
            Seen::Changed { name } | Seen::Withheld { name } => {
                self.folder.restless += 1;
                self.folder.look_later(name.as_str().to_owned(), RESTLESS);
            }
            Seen::Secret { name, kind } => {
                let full = name.as_str().to_owned();
                let fingerprint = self.folder.sending.get(&name).copied();
                let before = fingerprint
                    .map(|fingerprint| self.folder.secrets.insert(name, (fingerprint, kind)));
                match before {
                    // Without delay, because the file has to be deleted on the server.
                    Some(None) => self.folder.dirty.add(full),
                    _ => self.folder.look_later(full, RESTLESS),
                }
            }
            Seen::Held => self.mind_hold(),
            Seen::Said { reference, message } => {
                if let Err(failure) = self.hear(reference, message) {
                    self.replies.ended_by.get_or_insert(failure);
                }
            }
        }
    }

    /// Asks to be told whenever the number of viewers changes.
    pub async fn ask_for_viewers(&self, outgoing: &Outgoing) {
        let (streamer, project) = (&self.credentials.streamer, &self.credentials.project);
        let watch = protocol::watch_presence(VIEWERS, streamer, project);
        outgoing.send(watch).await;
    }

    /// Asks for what the server tells only on request: how many viewers there are, if it does not
    /// report changes, and, if pull requests are known, which of them are still open.
    pub async fn ask(&mut self, upload: &Upload<'_>) {
        let (streamer, project) = (&self.credentials.streamer, &self.credentials.project);
        upload
            .send(protocol::status(STATUS, streamer, project))
            .await;
        if !self.folder.announced.is_empty() {
            self.replies.still_open.clear();
            upload.send(protocol::pull_requests(PULL_REQUESTS)).await;
        }
    }

    /// Handles an answer to these requests.
    fn answered(&mut self, reply: &Reply) {
        match reply.kind.as_str() {
            "fileStatus" | "viewersChanged" => {
                let viewers = reply.data["viewers"].as_u64();
                if let Some(count) = viewers.filter(|_| viewers != self.replies.viewers) {
                    self.replies.viewers = viewers;
                    self.output.tell(&Event::Viewers { count });
                }
            }
            "pullRequestList" => {
                let listed = reply.data.as_array().into_iter().flatten();
                let ids = listed.filter_map(|pull| pull["id"].as_str());
                self.replies.still_open.extend(ids.map(str::to_owned));
                if reply.last != Some(false) {
                    let announced = self.folder.announced.iter();
                    let closed: Vec<_> = announced
                        .filter(|id| !self.replies.still_open.contains(*id))
                        .cloned()
                        .collect();
                    for id in closed {
                        self.closed(id);
                    }
                }
            }
            "pullRequestClosed" => {
                if let Some(id) = reply.data["id"].as_str() {
                    self.closed(id.to_owned());
                }
            }
            _ => {}
        }
    }

    fn closed(&mut self, id: String) {
        if self.folder.announced.remove(&id) {
            self.output.tell(&Event::PullRequestClosed { id });
        }
    }

    /// Handles messages that are not about the files being sent.
    ///
    /// # Errors
    ///
    /// If the server no longer accepts the token, or refuses the new one.
    pub fn hear(&mut self, reference: Option<u64>, message: ServerMessage) -> Result<(), Failure> {
        match message {
            ServerMessage::Error(error) if error.code == 401 && reference != Some(RENEW) => {
                Err(self.credentials.withdrawn(&error.message))
            }
            ServerMessage::Error(error) if reference == Some(RENEW) => {
                Err(self.credentials.refused(&error.message))
            }
            other => {
                self.hear_aside(reference, other);
                Ok(())
            }
        }
    }

    pub fn hear_aside(&mut self, reference: Option<u64>, message: ServerMessage) {
        if let (Some(page), Some(heard)) = (&self.page, Heard::of(reference, &message)) {
            return page.pass_on(heard);
        }
        match message {
            ServerMessage::PullRequest(PullRequest {
                id, owner, title, ..
            }) if self.folder.announced.insert(id.raw().to_owned()) => {
                self.output.tell(&Event::PullRequest {
                    id,
                    author: owner,
                    title,
                });
            }
            ServerMessage::Reply(reply) => self.answered(&reply),
            ServerMessage::Part(part) => self.hear_of_others(&part.name),
            ServerMessage::Deleted { name, .. } => self.hear_of_others(&name),
            _ => {}
        }
    }

    /// Somebody else changes the project with the same right. We do not decide who is right. What
    /// the server now has under this name is unknown; it is compared when the file changes here, or
    /// after the next connection.
    fn hear_of_others(&mut self, name: &str) {
        if !std::mem::replace(&mut self.folder.warned_of_others, true) {
            self.output.tell(&Event::Note {
                text: format!(
                    "Somebody else streams this project at the same time and has changed {}; two \
                     folders cannot be shared as one project.",
                    crate::names::shown(name)
                ),
            });
        }
        if let Ok(name) = FileName::parse(name) {
            self.folder.foreign.heard(&name, &self.folder.known);
            self.folder.known.posted(name, Remote::unknown(), None);
        }
    }
}
