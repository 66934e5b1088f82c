//! `file`/`post`: a file, or a part of one, for the project or the open draft.

use super::uploads::{Taken, UploadKey, WholeFile, WriteTarget, check_file_bytes};
use super::{Application, Checked, Command, Commit, Execution, PostFile, Refusal, Reply, Session};
use crate::domain::{DraftFile, FilePath, Timestamp};

impl Application {
    pub(super) async fn post_file(
        &self,
        session: &mut Session,
        post: Checked<PostFile>,
        now: Timestamp,
    ) -> Execution {
        let target = match session.may_write(now) {
            Ok(target) => target,
            Err(error) => return Execution::Refused(error.into()),
        };
        match self.take_content(session, target.clone(), post).await {
            Ok(Some((path, file))) => self.store(session, target, path, file).await,
            Ok(None) => Execution::Silent,
            Err(refusal) => Execution::Refused(refusal),
        }
    }

    /// The whole file, once it has come.
    async fn take_content(
        &self,
        session: &mut Session,
        target: WriteTarget,
        post: Checked<PostFile>,
    ) -> Result<Option<(FilePath, WholeFile)>, Refusal> {
        let post = post?;
        let Some(part_of) = post.part else {
            check_file_bytes(post.content.len() as u64, &self.limits)?;
            let file = WholeFile {
                content: post.content.into(),
                base: post.base,
            };
            return Ok(Some((post.path, file)));
        };
        let key: UploadKey = (target, post.path.clone());
        match session
            .uploads
            .take(&key, &post, part_of, &self.limits, self.uptime())?
        {
            Taken::Whole(file) => Ok(Some((post.path, file))),
            Taken::Waiting => Ok(None),
            Taken::Heavy => {
                let staged = self.stage(session, &key).await;
                staged.inspect_err(|refusal| {
                    session.uploads.fail(key, part_of, refusal.clone());
                })?;
                Ok(None)
            }
        }
    }

    /// Moves what has gathered of an upload out of memory.
    async fn stage(&self, session: &mut Session, key: &UploadKey) -> Result<(), Refusal> {
        let Some(log) = session.uploads.log_mut(key) else {
            return Ok(());
        };
        log.spill(&self.ports.staging, || self.new_staging_id())
            .await
            .map_err(|error| Refusal::writing_file(&error))
    }

    async fn store(
        &self,
        session: &mut Session,
        target: WriteTarget,
        path: FilePath,
        file: WholeFile,
    ) -> Execution {
        match target {
            // What its streamer started from concerns nobody: his content is what counts.
            WriteTarget::Project(project) => {
                let content = file.content;
                Execution::Commit(Commit::put(session.connection, project, path, content))
            }
            WriteTarget::Draft(_) => self.store_in_draft(session, path, file).await.into(),
        }
    }

    async fn store_in_draft(
        &self,
        session: &mut Session,
        path: FilePath,
        WholeFile { content, base }: WholeFile,
    ) -> Result<Reply, Refusal> {
        // The target was made from the draft, and nothing can have ended it since.
        let Some(open) = &mut session.draft else {
            return Err(Refusal::Internal);
        };
        let file = DraftFile {
            bytes: content.content.bytes(),
            base,
        };
        open.draft
            .check_write(&path, &file, &self.limits.pull_request)?;
        let put = self
            .ports
            .drafts
            .put_file(open.id, &path, content.content)
            .await;
        put.map_err(|error| Refusal::writing_file(&error))?;
        open.draft.note_written(path, file);
        Ok(Reply::FilePosted)
    }

    /// Takes the desktop client's upload that lacks only its last part for whole, unless `next`
    /// is that part: the connection has sent something else (`Some`), has closed or is silent
    /// (`None`).
    ///
    /// The answer belongs to the message that brought the upload's latest part.
    pub async fn settle_upload(
        &self,
        session: &mut Session,
        next: Option<&Command>,
    ) -> Option<Execution> {
        if !session.uploads.has_perhaps_whole() {
            return None;
        }
        let now = self.now();
        let target = session.may_write(now);
        if let (Some(Command::PostFile(Ok(post))), Ok(target)) = (next, &target)
            && session.uploads.awaits(target, post)
        {
            return None;
        }
        let ((target, path), file) = session.uploads.settle()?;
        Some(match session.may_write(now) {
            Err(error) => Execution::Refused(error.into()),
            Ok(_) => self.store(session, target, path, file).await,
        })
    }
}
