//! What a node does when the log tells of something: its replica follows, and it tells those who
//! asked for the change or are connected here.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::sleep;

use crate::adapters::outbound::nats::engine::AGAIN;
use crate::adapters::outbound::nats::entry::{Content, Entry, What};
use crate::adapters::outbound::nats::follower::Follows;
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::moderation;
use crate::adapters::outbound::nats::pending_changes::Told;
use crate::adapters::outbound::nats::replica::Placed;
use crate::adapters::outbound::nats::replicas::{Node, place};
use crate::application::ports::Topic;
use crate::application::{Event, FileKey};
use crate::domain::{FilePath, ProjectEntry, Version};

impl Node {
    fn follow_project(&self, placed: &Placed) {
        let Placed {
            sequence,
            at,
            entry,
        } = placed;
        let path = match &entry.what {
            What::Head(_) => None,
            What::Put(path, _) | What::Gone(path) => Some(path),
        };
        let told = self.own.take(&entry.change, path);
        let version = Version::new(*sequence);
        let then = |gone: Vec<FilePath>| match (told, &entry.what) {
            (Some(Told::Put(in_turn)), What::Put(_, put)) => in_turn(put.known(*sequence, *at)),
            (Some(Told::Gone(in_turn)), _) => in_turn(version),
            (Some(Told::Removed(mut tell)), _) => {
                for path in gone {
                    tell(path, version);
                }
            }
            (_, What::Head(_)) => {
                for path in gone {
                    self.tell_others(entry, &path, None, version);
                }
            }
            (_, What::Put(path, put)) => {
                let content = match &put.content {
                    Content::Inline(content) => Some(content.clone()),
                    Content::Blob(_) => None,
                };
                let known = put.known(*sequence, *at);
                self.tell_others(entry, path, Some((known, content)), version);
            }
            (_, What::Gone(path)) => self.tell_others(entry, path, None, version),
        };
        match self.known(&entry.project) {
            Some(replica) => {
                replica.note_change(*at);
                replica.apply(placed, then);
            }
            None => then(Vec::new()),
        }
    }

    /// Tells the connections here what another node has changed.
    fn tell_others(
        &self,
        entry: &Entry,
        path: &FilePath,
        put: Option<(ProjectEntry, Option<Bytes>)>,
        version: Version,
    ) {
        let file = Arc::new(FileKey {
            project: entry.project.clone(),
            path: path.clone(),
        });
        let event = match put {
            Some((entry, content)) => Event::FileUpdated {
                file,
                entry,
                content,
            },
            None => Event::FileDeleted { file, version },
        };
        let topic = Topic::Updates(entry.project.clone());
        self.events.publish(&topic, event, None);
    }
}

impl Follows for Node {
    fn follow(&self, message: &Logged) {
        let subjects = &self.engine.subjects;
        if subjects.is_of_project(&message.subject) {
            match place(message) {
                Ok(placed) => {
                    let is_own = self.names.has_given(&placed.entry.change);
                    if is_own && matches!(placed.entry.what, What::Gone(_)) {
                        self.tombstones.note(message);
                    }
                    self.follow_project(&placed);
                }
                Err(error) => {
                    tracing::error!(%error, "the log has what this server does not understand");
                }
            }
        } else if subjects.is_of_pull_request(&message.subject) {
            self.reviews.follow(message);
        } else if subjects.is_of_moderation(&message.subject)
            && let Some(decided) = self.decided.get()
        {
            match moderation::project_of(&message.payload) {
                Ok(project) => decided(&project),
                Err(error) => tracing::error!(%error, "the log has a decision that is none"),
            }
        } else if subjects.is_of_presence(&message.subject) {
            if let Some(dead) = self.presence.follow(message) {
                self.apply_relay.die(dead);
            }
        } else if subjects.is_of_apply(&message.subject) {
            self.apply_relay.follow(message);
        }
    }

    fn begin_again(self: Arc<Self>) {
        tracing::warn!("this server was cut off from the log for long, and reads it again");
        self.forget_all();
        tokio::spawn(async move {
            while let Err(error) = self.reviews.close_what_is_gone(&self.engine).await {
                tracing::warn!(%error, "cannot see which pull requests are still open");
                sleep(AGAIN).await;
            }
        });
    }
}
