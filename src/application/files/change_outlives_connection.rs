//! A change of a project is carried out in parallel with others, and to its end even if its
//! connection dies (protocol, sections 1 and 4). An upload that is not complete ends with the
//! connection ([`disconnect`](crate::application::session::disconnect)).

use std::sync::{Arc, Mutex};

use tokio::time::Instant;

use crate::application::connection_id::ConnectionId;
use crate::application::counts::{ChangeKind, Outcome};
use crate::application::event::Event;
use crate::application::fair_share::ProcessorShare;
use crate::application::file_content::FileContent;
use crate::application::file_key::FileKey;
use crate::application::files::upload_log::ReadyContent;
use crate::application::locks::lock;
use crate::application::ports::{FilesBelow, StoreError, Topic};
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::domain::{FilePath, ProjectId};

/// Content up to this length is sent to receivers as it came; longer content is read back from the
/// store for each receiver when there is room, so that it does not stay in memory.
const EVENT_CONTENT_BYTES: u64 = 64 * 1_024;

/// How many files of a folder are looked up at a time while it is deleted.
const DELETE_BATCH: usize = 256;

/// Who has asked for a change, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker {
    /// `None`: the server itself.
    pub connection: Option<ConnectionId>,
    pub at: Instant,
}

/// A change of a project, checked and ready to be carried out.
#[derive(Debug)]
pub struct Commit {
    pub(crate) asker: Asker,
    /// The file or folder that it changes. Two changes of one connection whose paths touch must not
    /// overlap.
    pub file: FileKey,
    pub(crate) change: Change,
}

#[derive(Debug)]
pub(crate) enum Change {
    Put {
        ready: ReadyContent,
        executable: Option<bool>,
    },
    Delete {
        means_folder: bool,
    },
}

impl Change {
    fn kind(&self) -> ChangeKind {
        match self {
            Self::Put { .. } => ChangeKind::Put,
            Self::Delete { .. } => ChangeKind::Delete,
        }
    }
}

impl Commit {
    /// How many bytes of content it holds in memory.
    pub fn bytes(&self) -> usize {
        match &self.change {
            Change::Put { ready, .. } => ready.content.memory_bytes(),
            Change::Delete { .. } => 0,
        }
    }
}

/// Where the answer to a change goes. It is given once, even if the work ends in a panic.
///
/// Shared by the use case, which reports failures, and the callback that the store calls in turn.
struct Answer(Mutex<Option<Box<Answering>>>);

type Answering = dyn FnOnce(Result<Reply, RequestError>) + Send;

impl Answer {
    fn give(&self, outcome: Result<Reply, RequestError>) {
        let answer = lock(&self.0).take();
        if let Some(answer) = answer {
            answer(outcome);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Its task contains the panic; the cause has been printed.
        self.give(Err(RequestError::Internal));
    }
}

/// Starts a change and waits until it has been carried out and answered; the project's other
/// connections are told.
///
/// The work continues if the returned future is dropped: once started, a change reaches the store
/// *and* its receivers, whatever happens to the connection that asked for it.
///
/// `answer` is called before the next change of the same file is stored, so that the answers reach
/// the connection in that order, too. It must not wait. It receives 409, 413 or 500 if nothing has
/// changed, except that a folder may be deleted in part.
pub fn commit<A>(
    app: &Arc<Application>,
    share: &Arc<ProcessorShare>,
    commit: Commit,
    answer: A,
) -> impl Future<Output = ()> + Send + use<A>
where
    A: FnOnce(Result<Reply, RequestError>) + Send + 'static,
{
    let (own, counted) = (Arc::clone(app), Arc::clone(app));
    let (kind, begun) = (commit.change.kind(), Instant::now());
    let answer = move |outcome: Result<Reply, RequestError>| {
        let counts = &counted.counts;
        counts.commit(kind, Outcome::from(&outcome), begun.elapsed());
        answer(outcome);
    };
    let answer = Arc::new(Answer(Mutex::new(Some(Box::new(answer)))));
    let work = app.work.spawn(share.work(async move {
        if let Err(refusal) = carry_out(&own, commit, &answer).await {
            answer.give(Err(refusal));
        }
    }));
    async move {
        let _ = work.await;
    }
}

async fn carry_out(
    app: &Application,
    commit: Commit,
    answer: &Arc<Answer>,
) -> Result<(), RequestError> {
    let (asker, file) = (commit.asker, Arc::new(commit.file));
    match commit.change {
        Change::Put { ready, executable } => put(app, asker, file, ready, executable, answer).await,
        Change::Delete { means_folder } => {
            let always = || true;
            let (project, path) = (file.project.clone(), file.path.clone());
            if !means_folder && delete_one(app, asker, file, always, Some(answer)).await? {
                return Ok(());
            }
            let is_there = if app.policy.ignores_folder_deletions {
                is_folder(app, &project, path).await?
            } else {
                delete_below(app, asker, &project, Some(path), always).await?
            };
            if !is_there {
                return Err(RequestError::UnreadableFile);
            }
            answer.give(Ok(Reply::FileDeleted));
            Ok(())
        }
    }
}

async fn put(
    app: &Application,
    asker: Asker,
    file: Arc<FileKey>,
    ready: ReadyContent,
    executable: Option<bool>,
    answer: &Arc<Answer>,
) -> Result<(), RequestError> {
    let ReadyContent { content, hold } = ready;
    let event_content = match &content {
        FileContent::Memory(bytes) if content.bytes() <= EVENT_CONTENT_BYTES => Some(bytes.clone()),
        FileContent::Memory(_) | FileContent::Staged(_) => None,
    };
    let (events, answer_in_turn) = (Arc::clone(&app.ports.events), Arc::clone(answer));
    let (told, topic) = (Arc::clone(&file), Topic::Updates(file.project.clone()));
    let in_turn = move |entry| {
        drop(hold);
        let event = Event::FileUpdated {
            file: told,
            entry,
            content: event_content,
        };
        events.publish(&topic, event, asker.connection);
        answer_in_turn.give(Ok(Reply::FilePosted));
    };
    let (store, quota) = (&app.ports.projects, app.limits.project);
    let put = store.put_file(
        &file,
        asker.at,
        content,
        executable,
        quota,
        Box::new(in_turn),
    );
    match put.await {
        Ok(_) => {
            // If another server's change has overtaken this one, `in_turn` has been dropped.
            answer.give(Ok(Reply::FilePosted));
            Ok(())
        }
        Err(error) => Err(RequestError::writing_file(&error)),
    }
}

/// Deletes one file, if it exists and is still `wanted` when its turn comes. Its receivers are told
/// then, and `answer` is given.
async fn delete_one(
    app: &Application,
    asker: Asker,
    file: Arc<FileKey>,
    wanted: impl Fn() -> bool + Send + 'static,
    answer: Option<&Arc<Answer>>,
) -> Result<bool, RequestError> {
    let (events, answer_in_turn) = (Arc::clone(&app.ports.events), answer.cloned());
    let (told, topic) = (Arc::clone(&file), Topic::Updates(file.project.clone()));
    let in_turn = move |version| {
        let event = Event::FileDeleted {
            file: told,
            version,
        };
        events.publish(&topic, event, asker.connection);
        if let Some(answer) = answer_in_turn {
            answer.give(Ok(Reply::FileDeleted));
        }
    };
    let store = &app.ports.projects;
    let (wanted, in_turn) = (Box::new(wanted), Box::new(in_turn));
    match store.delete_file(&file, asker.at, wanted, in_turn).await {
        Ok(_) => {
            // If another server's change has overtaken this one, `in_turn` has been dropped.
            if let Some(answer) = answer {
                answer.give(Ok(Reply::FileDeleted));
            }
            Ok(true)
        }
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(RequestError::writing_file(&error)),
    }
}

/// Whether there are files below `path`.
async fn is_folder(
    app: &Application,
    project: &ProjectId,
    path: FilePath,
) -> Result<bool, RequestError> {
    let below = FilesBelow {
        folder: Some(path),
        recursively: true,
        after: None,
    };
    match app.ports.projects.files_below(project, &below, 1).await {
        Ok(files) => Ok(!files.is_empty()),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(RequestError::reading_file(&error)),
    }
}

/// Deletes all files of a folder (`None`: the project's own) for as long as `wanted` says so, and
/// tells of each separately. Returns whether there were any.
pub(crate) async fn delete_below(
    app: &Application,
    asker: Asker,
    project: &ProjectId,
    folder: Option<FilePath>,
    wanted: impl Fn() -> bool + Send + Clone + 'static,
) -> Result<bool, RequestError> {
    let mut files = FilesBelow {
        folder,
        recursively: true,
        after: None,
    };
    let mut any = false;
    loop {
        let store = &app.ports.projects;
        let next = match store.files_below(project, &files, DELETE_BATCH).await {
            Ok(next) => next,
            Err(StoreError::NotFound) => return Ok(any),
            Err(error) => return Err(RequestError::reading_file(&error)),
        };
        let Some((last, _)) = next.last() else {
            return Ok(any);
        };
        files.after = Some(last.clone());
        for (path, _) in next {
            if !wanted() {
                return Ok(any);
            }
            let project = project.clone();
            let file = Arc::new(FileKey { project, path });
            any |= delete_one(app, asker, file, wanted.clone(), None).await?;
        }
    }
}

#[cfg(test)]
mod tests;
