//! `file`/`post`: a file, or a part of one, for the project or the open draft.

use crate::application::command::{Command, PostFile};
use crate::application::file_content::FileContent;
use crate::application::file_key::FileKey;
use crate::application::files::change_outlives_connection::{Change, Commit};
use crate::application::files::upload::{UploadKey, WholeFile};
use crate::application::files::upload_log::ReadyContent;
use crate::application::files::uploads::Taken;
use crate::application::limits::check_limit;
use crate::application::outcome::CommandOutcome;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{DraftFile, FilePath, Timestamp, WriteTarget};

pub(crate) async fn post_file(
    app: &Application,
    session: &mut Session,
    post: Checked<PostFile>,
    now: Timestamp,
) -> Result<CommandOutcome, RequestError> {
    let target = session.rights().may_write(now)?;
    match take_content(app, session, target.clone(), post).await? {
        Some((path, file)) => store(app, session, target, path, file).await,
        None => Ok(CommandOutcome::Silent),
    }
}

/// The whole file, once it has arrived.
async fn take_content(
    app: &Application,
    session: &mut Session,
    target: WriteTarget,
    post: Checked<PostFile>,
) -> Result<Option<(FilePath, WholeFile)>, RequestError> {
    let post = post?;
    let Some(part_of) = post.part else {
        let bytes = post.content.len() as u64;
        check_limit("maxFileBytes", bytes, app.limits.max_file_bytes)?;
        let file = WholeFile {
            content: ReadyContent::new(FileContent::Memory(post.content), &session.account),
            base: post.base,
            executable: post.executable,
        };
        return Ok(Some((post.path, file)));
    };
    let key: UploadKey = (target, post.path.clone());
    let taken = session
        .uploads
        .take(&key, &post, part_of, &app.limits, app.uptime())?;
    match taken {
        Taken::Whole(file) => Ok(Some((post.path, file))),
        Taken::Waiting => Ok(None),
        Taken::ToStage => {
            if let Some(upload) = session.uploads.get_mut(&key)
                && let Err(error) = upload
                    .stage(post.content, &app.ports.uploads, || app.new_staging_id())
                    .await
            {
                let refusal = RequestError::writing_file(&error);
                session.uploads.fail(key, part_of, refusal.clone());
                return Err(refusal);
            }
            Ok(None)
        }
    }
}

async fn store(
    app: &Application,
    session: &mut Session,
    target: WriteTarget,
    path: FilePath,
    file: WholeFile,
) -> Result<CommandOutcome, RequestError> {
    match target {
        // A project needs no base: only the content counts.
        WriteTarget::Project(project) => Ok(CommandOutcome::Commit(Commit {
            asker: session.asker(),
            file: FileKey { project, path },
            change: Change::Put {
                ready: file.content,
                executable: file.executable,
            },
        })),
        WriteTarget::Draft(_) => {
            store_in_draft(app, session, path, file).await?;
            Ok(Reply::FilePosted.into())
        }
    }
}

async fn store_in_draft(
    app: &Application,
    session: &mut Session,
    path: FilePath,
    WholeFile {
        content,
        base,
        executable,
    }: WholeFile,
) -> Result<(), RequestError> {
    // The target was derived from the draft, and nothing can have ended it since.
    let Some(open) = &mut session.draft else {
        return Err(RequestError::Internal);
    };
    let file = DraftFile {
        bytes: content.content.bytes(),
        base,
        executable,
    };
    let limits = &app.limits.pull_request;
    open.draft().check_write(&path, &file, limits)?;
    let put = app
        .ports
        .uploads
        .put_draft_file(open.id, &path, content.content);
    put.await
        .map_err(|error| RequestError::writing_file(&error))?;
    drop(content.hold);
    open.note_written(path, file);
    Ok(())
}

/// Completes the desktop client's upload that lacks only its last part, unless `next` is that part:
/// the connection has sent something else (`Some`), or has closed or is silent (`None`).
///
/// The answer belongs to the message that brought the upload's latest part.
pub async fn settle_upload(
    app: &Application,
    session: &mut Session,
    next: Option<&Command>,
) -> Option<CommandOutcome> {
    if !session.uploads.has_perhaps_whole() {
        return None;
    }
    let now = app.now();
    let target = session.rights().may_write(now);
    if let (Some(Command::PostFile(Ok(post))), Ok(target)) = (next, &target)
        && session.uploads.awaits(target, post)
    {
        return None;
    }
    let ((target, path), file) = session.uploads.settle()?;
    Some(match session.rights().may_write(now) {
        Err(error) => CommandOutcome::Refused(error.into()),
        Ok(_) => store(app, session, target, path, file).await.into(),
    })
}
