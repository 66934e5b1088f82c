//! One connection of a share: compares, sends what differs, and continues with every change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::{sleep, sleep_until};

use crate::credentials::Credentials;
use crate::credentials::login::{self, Login};
use crate::failure::Failure;
use crate::names::FileName;
use crate::publish::folder::{Compared, Folder, lies_in};
use crate::publish::output::{Event, Never, ShareOutput};
use crate::publish::page::{Page, Wish};
use crate::publish::plan::Plan;
use crate::publish::replies::Replies;
use crate::publish::summary::Summary;
use crate::publish::upload::{Allows, Posts, Upload};
use crate::publish::watcher::POLL;
use crate::publish::{plan, upload};
use crate::ui::output::Report;
use crate::ui::progress::Progress;
use crate::{connection, listing};

const AUTHENTICATE: u64 = 1;
const LIST: u64 = 2;
pub const RENEW: u64 = 3;
pub const STATUS: u64 = 4;
pub const PULL_REQUESTS: u64 = 5;
pub const VIEWERS: u64 = 8;
/// The first reference of deletions and posts.
const FIRST_UPLOAD: u64 = 10;

/// How often everything is looked at again, even if folders are watched: some file systems do not
/// report every change.
const LOOK_AGAIN: Duration = Duration::from_secs(300);
/// How often to ask for what the server tells only on request.
const ASK_EVERY: Duration = Duration::from_secs(15);
/// How often to check, while nothing happens, whether the path still leads to the shared folder.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// How often to check whether everything is done that had to be done once.
const ONCE_LOOKS: Duration = Duration::from_millis(20);
/// If more files than this are sent at once, none is kept for later merges.
const BASES_FILES: usize = 2_000;
/// Smaller transfers than this show no bar.
const BAR_FILES: usize = 50;
const BAR_BYTES: u64 = 4 << 20;

/// How a connection ended without failing.
pub enum Ended {
    /// Everything was sent.
    Complete,
    /// Somebody stopped it.
    Stopped,
}

/// One connection of a share.
pub struct Session<'a> {
    pub credentials: &'a Credentials,
    pub output: &'a mut ShareOutput,
    pub folder: &'a mut Folder,
    /// Files with problems, across connections.
    pub report: &'a mut Report,
    /// Whether sending is paused.
    pub held: watch::Receiver<bool>,
    /// Becomes true once the server has let us in.
    pub is_connected: &'a mut bool,
    /// Becomes true once the server has had the same files as the folder.
    pub is_synced: &'a mut bool,
    /// Whether to stop when the server has the same files as the folder.
    pub once: bool,
    /// The channels to what answers the streamer's page; `None` if nothing can be applied.
    pub page: Option<&'a mut Page>,
    /// The server's replies to this connection's requests.
    pub replies: Replies,
}

impl Session<'_> {
    /// Runs until the connection ends.
    ///
    /// # Errors
    ///
    /// Why it ended.
    pub async fn run(mut self) -> Result<Ended, Failure> {
        let credentials = self.credentials;
        let login = Login::streamer(credentials, self.page.is_some());
        let token = credentials.token()?.unwrap_or_default();
        let (outgoing, mut incoming) = connection::connect(&credentials.url, None).await?;
        let (out, back) = (&outgoing, &mut incoming);
        login::authenticate(out, back, credentials, &login, &token, AUTHENTICATE).await?;
        let mut said = Vec::new();
        let (listed, unread) = listing::list(
            &outgoing,
            &mut incoming,
            credentials,
            LIST,
            &mut |message| {
                said.push(message);
            },
        )
        .await?;
        *self.is_connected = true;
        let (remote, _) = plan::known(listed);
        let folder = &mut *self.folder;
        let sending = |name: &FileName| folder.sending.contains_key(name);
        folder.foreign.listed(&folder.known, &remote, sending);
        folder.known.listed(remote);
        self.output.tell(&Event::Connected {
            url: credentials.url.clone(),
            project: credentials.full_project(),
        });
        if !self.once {
            self.ask_for_viewers(&outgoing).await;
        }
        // Among these are pull requests that were waiting.
        for message in said {
            self.hear_aside(None, message);
        }
        self.folder.unread_there = unread.iter().map(|(name, _)| name.clone()).collect();
        for (name, why) in unread {
            self.fail(
                &name,
                format!("cannot be read by the server ({why}); its operator can help"),
            );
        }
        self.folder.dirty.add_all();
        let mut upload = Upload::new(outgoing, incoming, credentials);
        let mut reference = FIRST_UPLOAD;
        let mut renewal = Instant::now() + credentials.renew_in();
        let mut look_again = Instant::now() + LOOK_AGAIN;
        let mut asking = tokio::time::interval(ASK_EVERY);
        loop {
            self.mind_hold();
            if Instant::now() >= renewal {
                renewal = Instant::now() + credentials.renew_in();
                self.renew(&upload).await?;
            }
            let is_held = *self.held.borrow();
            if !is_held && self.folder.dirty.is_due() {
                if let Ended::Stopped = self.sync(&mut upload, &mut reference).await? {
                    return Ok(Ended::Stopped);
                }
                *self.is_synced = true;
                continue;
            }
            if self.once && *self.is_synced && self.folder.is_at_rest() {
                let files = self.folder.known.count();
                self.output.tell(&Event::Complete { files });
                upload.finish().await;
                return Ok(Ended::Complete);
            }
            if self.folder.watching.is_polling() {
                look_again = look_again.min(Instant::now() + POLL);
            }
            let dirty = Arc::clone(&self.folder.dirty);
            tokio::select! {
                received = upload.next() => {
                    let (reference, message) = received?;
                    self.hear(reference, message)?;
                }
                () = dirty.settled(), if !is_held => {}
                Ok(()) = self.held.changed() => {}
                () = sleep_until(look_again.into()) => {
                    look_again = Instant::now() + LOOK_AGAIN;
                    dirty.add_all();
                }
                () = sleep_until(renewal.into()) => {}
                () = sleep(ONCE_LOOKS), if self.once => {}
                // If the path is a link that now leads elsewhere, no event tells.
                () = sleep(CHECK_EVERY), if !self.once => self.folder.check()?,
                wish = Page::next(&mut self.page) => match wish {
                    Wish::Send(request) => upload.send(request).await,
                    Wish::Tell(event) => self.output.tell(&event),
                },
                _ = asking.tick(), if !self.once => self.ask(&upload).await,
            }
        }
    }

    pub fn mind_hold(&mut self) {
        let is_held = *self.held.borrow_and_update();
        if self.output.is_paused() != is_held {
            self.output.tell(if is_held {
                &Event::Paused
            } else {
                &Event::Resumed
            });
        }
    }

    /// Makes the server equal to the folder in all places that may have changed, unless it is
    /// stopped before all of them have been compared.
    async fn sync(
        &mut self,
        upload: &mut Upload<'_>,
        reference: &mut u64,
    ) -> Result<Ended, Failure> {
        let began = Instant::now();
        let mut plan = Plan::default();
        self.folder.sending.clear();
        self.folder.check()?;
        self.folder.mind_files_elsewhere();
        for full in self.folder.dirty.take() {
            let compared = block_in_place(|| self.folder.compare(&full, &mut plan));
            // The comparison is incomplete, so nothing may be sent or deleted because of it.
            if self.folder.stop.is_cancelled() {
                return Ok(Ended::Stopped);
            }
            self.mend(&full, &compared);
            for (path, why) in compared.unreadable {
                self.fail(&path, format!("cannot be read here: {why}"));
            }
        }
        self.folder.mind_files_elsewhere();
        if let Some(text) = self.folder.watching.trouble() {
            self.output.tell(&Event::Note { text });
        }
        for text in self.folder.rules.notices() {
            self.output.tell(&Event::Note { text });
        }
        self.tell_left_out();
        let project = self.credentials.full_project();
        self.folder.foreign.check(&plan, &project)?;
        let (files, deletions) = (plan.post.len(), plan.delete.len());
        let bytes = plan.post.iter().map(|(_, size)| size).sum();
        if files + deletions > 0 {
            self.output.tell(&Event::Sending {
                files,
                bytes,
                deletions,
            });
        }
        self.folder.keeps_bases = files <= BASES_FILES;
        let before = upload.tally();
        let shows_bar = !self.output.is_json() && (files > BAR_FILES || bytes > BAR_BYTES);
        let mut progress = if shows_bar {
            self.output.lend();
            Progress::new(files + deletions, bytes)
        } else {
            Progress::hidden()
        };
        let done = self.carry_out(upload, plan, reference, &mut progress).await;
        progress.finish();
        self.output.take_back();
        done?;
        let after = upload.tally();
        self.output.tell(&Event::Synced {
            sent: after.posted - before.posted,
            bytes: after.posted_bytes - before.posted_bytes,
            deleted: after.deleted - before.deleted,
            files: self.folder.known.count(),
            seconds: began.elapsed().as_secs_f64(),
        });
        Ok(Ended::Complete)
    }

    /// All deletions are acknowledged before the first post: a file may take the place of a folder.
    async fn carry_out(
        &mut self,
        upload: &mut Upload<'_>,
        plan: Plan,
        reference: &mut u64,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let mut held = self.held.clone();
        let first = *reference;
        *reference += (plan.delete.len() + plan.post.len()) as u64;
        let posts_begin = first + plan.delete.len() as u64;
        let deletions = upload::deletions(plan.delete, BTreeMap::new(), first);
        let posts = {
            let (root, rules) = (
                Arc::clone(&self.folder.root),
                Arc::clone(&self.folder.rules),
            );
            let judge = Arc::clone(&rules);
            let allows = move |name: &FileName| rules.allow(name);
            upload::posts(Posts {
                allows_secret: Allows::when(move |name| judge.allows_secret(name)),
                root,
                files: plan.post,
                first_reference: posts_begin,
                refused: upload.refused(),
                bases: BTreeMap::new(),
                executables: None,
                allows: Allows::when(allows),
            })
        };
        for source in [deletions, posts] {
            let see = &mut |seen| self.see(seen);
            upload.pump(source, progress, &mut held, see).await?;
        }
        self.replies.ended_by.take().map_or(Ok(()), Err)
    }

    /// Clears failures at a place if the file no longer exists, or can be read again.
    fn mend(&mut self, full: &str, compared: &Compared) {
        let (known, unread_there) = (&self.folder.known, &self.folder.unread_there);
        self.report.keep_only(|path| {
            let is_open = FileName::parse(path)
                .is_ok_and(|name| compared.there.contains(&name) || known.has(&name));
            !lies_in(path, full)
                || is_open
                || unread_there.contains(path)
                || compared.unreadable.contains_key(path)
        });
    }

    pub fn fail(&mut self, name: &str, why: String) {
        if self.report.failed(name, why.clone()) {
            self.output.tell(&Event::Failed {
                name: name.to_owned(),
                why,
            });
        }
    }

    /// Sends a new token, or says that one is needed.
    async fn renew(&mut self, upload: &Upload<'_>) -> Result<(), Failure> {
        if let Some(token) = self.credentials.renewed_token()? {
            let login = Login::streamer(self.credentials, self.page.is_some());
            upload.send(login.request(RENEW, &token)).await;
        } else if let Some(text) = self.credentials.expires_soon() {
            self.output.tell(&Event::Note { text });
        }
        Ok(())
    }

    fn tell_left_out(&mut self) {
        let summary = Summary::of(&self.folder.left_out);
        if summary != self.folder.said_left_out {
            self.output.tell(&Event::LeftOut {
                ignored: summary.ignored,
                secrets: summary.secrets.clone(),
                never: (summary.never.iter())
                    .map(|(name, why)| Never {
                        name: name.clone(),
                        why: why.clone(),
                    })
                    .collect(),
            });
            self.folder.said_left_out = summary;
        }
    }
}
