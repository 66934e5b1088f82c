//! What a connection of a share hears: what came of the files sent, answers to questions, and what
//! others do.

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

/// So often a file that is to be sent once may change meanwhile.
const RESTLESS_MAX: u32 = 10;
/// A file that changes while it is sent is sent again after so long.
const RESTLESS: Duration = Duration::from_secs(1);

impl Session<'_> {
    /// Takes note of what came of a file.
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
                    // A mix of what the file was while it was read: nothing is equal to it.
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
            // It has gone again; its folder tells of that.
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
                    // At once: what the server has of it is deleted.
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

    /// Asks to be told how many viewers there are whenever that changes.
    pub async fn ask_for_viewers(&self, outgoing: &Outgoing) {
        let (streamer, project) = (&self.credentials.streamer, &self.credentials.project);
        let watch = protocol::watch_presence(VIEWERS, streamer, project);
        outgoing.send(watch).await;
    }

    /// Asks what the server tells only who asks: how many viewers there are, where it tells that to
    /// nobody else, and which pull requests are open where some are.
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

    /// Takes an answer to what was asked.
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

    /// What the server says that is not about the files that are sent.
    ///
    /// # Errors
    ///
    /// If the server withdraws the right, or refuses the fresh token.
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

    /// Somebody else, with the same right, changes the project. Who is right is not for us to say;
    /// what they have changed is not known any more, and is compared when it changes here or the
    /// connection is taken up again.
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
