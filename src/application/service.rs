//! The service: all use cases over one set of ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use tokio_util::task::TaskTracker;

use super::abandoned::AbandonedProjects;
use super::notices::Finishes;
use super::ordering::KeyedLocks;
use super::ports::{
    ChatRooms, Clock, DraftStore, EventPublisher, IdGenerator, Presence, ProjectRegistry,
    ProjectStore, PullRequestStore, StagingId, Subscriptions, TokenVerifier, UploadStaging,
};
use super::{Command, Execution, Limits, Policy, Refusal, Session};
use crate::domain::{FilePath, ProjectId, Timestamp, Uptime};

/// What the use cases need from the world.
#[derive(Clone)]
pub struct Ports {
    /// Which projects exist.
    pub registry: Arc<dyn ProjectRegistry>,
    /// Their files.
    pub projects: Arc<dyn ProjectStore>,
    /// Pull requests that are being put together.
    pub drafts: Arc<dyn DraftStore>,
    /// Open pull requests.
    pub pull_requests: Arc<dyn PullRequestStore>,
    /// Unfinished uploads.
    pub staging: Arc<dyn UploadStaging>,
    /// Whose tokens are believed.
    pub tokens: Arc<dyn TokenVerifier>,
    /// Who receives what.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// Which streamers are there.
    pub presence: Arc<dyn Presence>,
    /// Who is told what happened.
    pub events: Arc<dyn EventPublisher>,
    /// What is said.
    pub rooms: Arc<dyn ChatRooms>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Numbers that nobody can guess.
    pub ids: Arc<dyn IdGenerator>,
}

/// The service: all use cases over one set of ports. Shared by all connections.
pub struct Application {
    pub(super) ports: Ports,
    pub(super) limits: Limits,
    pub(super) policy: Policy,
    pub(super) files: KeyedLocks<(ProjectId, FilePath)>,
    pub(super) reviews: KeyedLocks<ProjectId>,
    pub(super) finishes: Finishes,
    pub(super) abandoned: AbandonedProjects,
    pub(super) work: TaskTracker,
    last_staging_id: AtomicU64,
}

impl Application {
    /// The service over `ports`.
    pub fn new(ports: Ports, limits: Limits, policy: Policy) -> Self {
        Self {
            ports,
            limits,
            policy,
            files: KeyedLocks::default(),
            reviews: KeyedLocks::default(),
            finishes: Finishes::default(),
            abandoned: AbandonedProjects::new(policy.delete_abandoned_after),
            work: TaskTracker::new(),
            last_staging_id: AtomicU64::new(0),
        }
    }

    /// Waits until all changes in hand have been carried out. For the end of the process.
    pub async fn finish_work(&self) {
        self.work.close();
        self.work.wait().await;
    }

    /// Carries out one command of a connection. Changes of a project come back as
    /// [`Execution::Commit`], so that the caller can carry out several at once.
    pub async fn execute(self: &Arc<Self>, session: &mut Session, command: Command) -> Execution {
        let now = self.ports.clock.now();
        // What is large and not frequent is in a box: most connections are idle most of the time, and
        // each has room for what is not.
        match command {
            Command::Malformed(fault) => Execution::Refused(fault.into()),
            Command::Authenticate(request) => {
                self.authenticate(session, request, now).boxed().await
            }
            Command::AuthenticateSection(request) => {
                self.authenticate_section(session, request, now)
                    .boxed()
                    .await
            }
            Command::GetFiles(request) => self.get_files(session, request, now).boxed().await,
            Command::ListFiles(request) => self.list_files(session, request, now).boxed().await,
            Command::PostFile(request) => self.post_file(session, request, now).await,
            Command::DeleteFile(request) => self.delete_file(session, request, now).boxed().await,
            Command::WatchProject(project) => self.watch_project(session, project, now).into(),
            Command::UnwatchProject(project) => self.unwatch_project(session, project, now).into(),
            Command::ProjectStatus(project) => self
                .project_status(session, project, now)
                .boxed()
                .await
                .into(),
            Command::CreatePullRequest(request) => self
                .create_pull_request(session, request, now)
                .boxed()
                .await
                .into(),
            Command::FinishPullRequest => {
                self.finish_pull_request(session, now).boxed().await.into()
            }
            Command::GetPullRequest(id) => self.get_pull_request(session, id, now).boxed().await,
            Command::DeletePullRequest(request) => self
                .delete_pull_request(session, request, now)
                .boxed()
                .await
                .into(),
            Command::ListPullRequests => {
                match self.list_pull_requests(session, now).boxed().await {
                    Ok(pages) => Execution::PullRequests(pages),
                    Err(refusal) => Execution::Refused(refusal),
                }
            }
            Command::SendMessage(text) => self.send_message(session, text, now).into(),
            Command::ChatHistory(limit) => self.chat_history(session, limit, now).into(),
            Command::ChatMembers => self.chat_members(session, now).into(),
            Command::LeaveRoom => self.leave_room(session, now).into(),
        }
    }

    /// Carries out `work` to its end, also where the connection that waits for it goes: what it
    /// stores and whom it tells belong together.
    pub(super) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    ) -> Result<T, Refusal> {
        // A panic in there is contained by the task; its cause has been printed.
        self.work
            .spawn(work)
            .await
            .unwrap_or(Err(Refusal::Internal))
    }

    /// The time by the calendar.
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// How long the process runs.
    pub(super) fn uptime(&self) -> Uptime {
        self.ports.clock.uptime()
    }

    pub(super) fn new_staging_id(&self) -> StagingId {
        StagingId(self.last_staging_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The 400 for a project or streamer that is not there.
    pub(super) const NOT_THERE: Refusal =
        Refusal::bad("The streamer is not connected or the project is wrong");
}
