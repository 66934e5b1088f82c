//! What an operator does to projects, whether or not a server runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::application::event::Event;
use crate::application::file_key::FileKey;
use crate::application::moderation::moderations::Moderations;
use crate::application::ports::{
    EventPublisher, GuestStore, ProjectState, ProjectStore, PullRequestStore, Rescanned,
    StoreError, Topic,
};
use crate::domain::{Outcome, ProjectEntry, ProjectId, PullRequestId, UserName};

/// The use cases of operators. No token is asked for: anyone who can reach them may do all this.
#[derive(Clone)]
pub struct Operator {
    /// Which projects exist, and their files.
    pub projects: Arc<dyn ProjectStore>,
    /// Open pull requests.
    pub pull_requests: Arc<dyn PullRequestStore>,
    /// The names of guests.
    pub guests: Arc<dyn GuestStore>,
    /// What moderators have decided.
    pub moderations: Arc<Moderations>,
    /// Who is told what happened; nobody where no server runs.
    pub events: Option<Arc<dyn EventPublisher>>,
}

/// What goes with a project that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holdings {
    /// How many files it has.
    pub files: u64,
    /// How many bytes these have.
    pub bytes: u64,
    /// How many pull requests are open.
    pub pull_requests: usize,
}

impl Operator {
    /// Turns a folder that the server did not create into a project.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder; `Failed`.
    pub async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.projects.adopt(project).await
    }

    /// Turns a folder that the server did not create into a user's folder.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder; `Failed`.
    pub async fn adopt_user(&self, user: &UserName) -> Result<(), StoreError> {
        self.projects.adopt_user(user).await
    }

    /// What [`remove`](Self::remove) would remove.
    ///
    /// # Errors
    /// `NotFound` if there is neither such a project nor anything left of one; `Failed`.
    pub async fn holdings(&self, project: &ProjectId) -> Result<Holdings, StoreError> {
        let open = self.pull_requests.open(project, None).await?;
        let mut holdings = Holdings {
            files: 0,
            bytes: 0,
            pull_requests: open.len(),
        };
        if self.projects.state(project).await? == ProjectState::Registered {
            let usage = self.projects.usage(project).await?;
            holdings.files = usage.files;
            holdings.bytes = usage.bytes;
        } else if open.is_empty() && !self.is_anything_kept(project).await {
            return Err(StoreError::NotFound);
        }
        Ok(holdings)
    }

    /// Removes a project with its files, its guests' names, its moderation and its open pull
    /// requests. Connections that receive the project are told of each file, and the owners of the
    /// pull requests of their end. If a crash or a failure leaves something, the next attempt
    /// removes it.
    ///
    /// # Errors
    /// `NotFound` if there is neither such a project nor anything left of one; `Failed`.
    pub async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        let (events, of) = (self.events.clone(), project.clone());
        let topic = Topic::Updates(project.clone());
        let tell = Box::new(move |path, version| {
            let project = of.clone();
            let file = Arc::new(FileKey { project, path });
            if let Some(events) = &events {
                events.publish(&topic, Event::FileDeleted { file, version }, None);
            }
        });
        let is_anything_kept = self.is_anything_kept(project).await;
        let removed = self.projects.remove(project, tell).await;
        if matches!(removed, Ok(()) | Err(StoreError::NotFound)) {
            self.guests.free(project).await?;
            self.moderations.remove(project).await?;
        }
        let open = self.pull_requests.open(project, None).await?;
        match removed {
            Err(StoreError::NotFound) if is_anything_kept || !open.is_empty() => {}
            removed => removed?,
        }
        for id in open {
            self.close(project, id).await?;
        }
        Ok(())
    }

    /// Looks at a project again, and tells connections that receive it of each file that differs
    /// from what was known. Returns how many do.
    ///
    /// # Errors
    /// `NotFound` if there is no such project; `Failed`.
    pub async fn rescan(&self, project: &ProjectId) -> Result<usize, StoreError> {
        let (events, of) = (self.events.clone(), project.clone());
        let topic = Topic::Updates(project.clone());
        let found = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&found);
        let tell = Box::new(move |path, version, rescanned| {
            counted.fetch_add(1, Ordering::Relaxed);
            let project = of.clone();
            let file = Arc::new(FileKey { project, path });
            let event = match rescanned {
                Rescanned::Gone => Event::FileDeleted { file, version },
                Rescanned::Changed(entry) => Event::FileUpdated {
                    file,
                    entry: ProjectEntry { version, ..entry },
                    content: None,
                },
            };
            if let Some(events) = &events {
                events.publish(&topic, event, None);
            }
        });
        self.projects.rescan(project, tell).await?;
        Ok(found.load(Ordering::Relaxed))
    }

    /// Looks at all projects of a user again. Returns how many files differ.
    ///
    /// # Errors
    /// `NotFound` if they have no project; `Failed`.
    pub async fn rescan_user(&self, user: &UserName) -> Result<usize, StoreError> {
        let mut projects = self.projects.projects().await?;
        projects.retain(|project| project.streamer == *user);
        if projects.is_empty() {
            return Err(StoreError::NotFound);
        }
        let mut found = 0;
        for project in projects {
            found += self.rescan(&project).await?;
        }
        Ok(found)
    }

    /// Whether guests' names or moderation are kept; true if that cannot be read.
    async fn is_anything_kept(&self, project: &ProjectId) -> bool {
        let guests = self.guests.is_kept(project).await;
        guests.unwrap_or(true) || self.moderations.is_kept(project).await
    }

    async fn close(&self, project: &ProjectId, id: PullRequestId) -> Result<(), StoreError> {
        let owner = self.pull_requests.find(project, id).await;
        let owner = owner.map(|found| Topic::Outcomes(project.clone(), found.owner));
        let events = self.events.clone();
        let outcome = Outcome::Closed;
        let tell = Box::new(move || {
            if let (Some(events), Ok(topic)) = (events, owner) {
                events.publish(&topic, Event::PullRequestClosed { id, outcome }, None);
            }
        });
        match self.pull_requests.delete(project, id, outcome, tell).await {
            // Somebody else has already deleted it.
            Err(StoreError::NotFound) => Ok(()),
            deleted => deleted,
        }
    }
}
