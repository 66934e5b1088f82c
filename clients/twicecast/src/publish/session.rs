//! One connection of a share: compares, sends what differs, and goes on with what changes.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::{sleep, sleep_until};

use crate::credentials::login;
use crate::credentials::{Credentials, Role};
use crate::failure::Failure;
use crate::fs::fingerprint::Stamp;
use crate::fs::{dirfd, executable};
use crate::names::FileName;
use crate::protocol::{PullRequest, Reply, ServerMessage};
use crate::publish::dirty::Dirty;
use crate::publish::foreign::{Approved, Foreign};
use crate::publish::known::Known;
use crate::publish::look::look;
use crate::publish::output::{Event, Never, ShareOutput};
use crate::publish::plan::{Plan, Remote};
use crate::publish::summary::Summary;
use crate::publish::upload::{Allows, Content, Posts, Seen, Upload};
use crate::publish::watcher::{POLL, Watching};
use crate::publish::{plan, upload};
use crate::review::base_cache::History;
use crate::rules::memory::SETTLING;
use crate::rules::{Rules, Verdict};
use crate::ui::output::Report;
use crate::ui::progress::Progress;
use crate::ui::time;
use crate::{connection, listing, protocol};

const AUTHENTICATE: u64 = 1;
const LIST: u64 = 2;
const RENEW: u64 = 3;
const STATUS: u64 = 4;
const PULL_REQUESTS: u64 = 5;
/// References of deletions and posts begin here.
const FIRST_UPLOAD: u64 = 10;

/// Everything is looked at again so often even where folders are watched: nobody knows all file
/// systems.
const LOOK_AGAIN: Duration = Duration::from_secs(300);
/// So often it is asked what the server tells only who asks.
const ASK_EVERY: Duration = Duration::from_secs(15);
/// So often it is looked whether all is done that was to be done once.
const ONCE_LOOKS: Duration = Duration::from_millis(20);
/// So often a file that is to be sent once may change meanwhile.
const RESTLESS_MAX: u32 = 10;
/// What the server has refused is not sent again before so long, unless it has changed.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// A file that changes while it is sent is sent again after so long.
const RESTLESS: Duration = Duration::from_secs(1);
/// What is sent at once of more files is not kept for later merges.
const HISTORY_FILES: usize = 2_000;
/// Smaller transfers than this show no bar.
const BAR_FILES: usize = 50;
const BAR_BYTES: u64 = 4 << 20;

/// How a connection ended that did not fail.
pub enum Ended {
    /// All is sent that was to be sent once.
    Complete,
    /// Somebody stopped it.
    Stopped,
}

/// The folder, and what is known of it across connections.
pub struct Folder {
    dir: PathBuf,
    root: Arc<OwnedFd>,
    rules: Arc<Rules>,
    watching: Watching,
    dirty: Arc<Dirty>,
    known: Known,
    foreign: Foreign,
    /// What is not shared, by its path.
    left_out: BTreeMap<String, Verdict>,
    said_left_out: Summary,
    /// Pull requests that have been told of.
    announced: BTreeSet<String>,
    warned_of_others: bool,
    history: History,
    keeps_history: bool,
    /// What is being sent.
    sending: BTreeMap<FileName, Stamp>,
    /// What the server has refused, as it was, and when: it is not sent again at once.
    refused: BTreeMap<FileName, (Stamp, Instant)>,
    /// Files that the server has and cannot read.
    unread_there: BTreeSet<String>,
    /// How many places are to be looked at again later.
    later: Arc<AtomicUsize>,
    /// How often files have changed while they were sent, one after the other.
    restless: u32,
    /// What holds a secret, as it was, and of which kind.
    secrets: BTreeMap<FileName, (Stamp, &'static str)>,
}

impl Folder {
    pub fn new(
        dir: &Path,
        root: Arc<OwnedFd>,
        rules: Arc<Rules>,
        watching: Watching,
        dirty: Arc<Dirty>,
        approved: Approved,
    ) -> Self {
        Self {
            dir: dir.to_path_buf(),
            root,
            rules,
            watching,
            dirty,
            known: Known::default(),
            foreign: Foreign::new(approved),
            left_out: BTreeMap::new(),
            said_left_out: Summary::default(),
            announced: BTreeSet::new(),
            warned_of_others: false,
            history: History::default(),
            keeps_history: true,
            sending: BTreeMap::new(),
            refused: BTreeMap::new(),
            unread_there: BTreeSet::new(),
            later: Arc::default(),
            restless: 0,
            secrets: BTreeMap::new(),
        }
    }

    /// Keeps what was shared for when somebody proposes a change of it. Of a first upload of very
    /// much most will never be asked for.
    fn keep(&mut self, content: &Content) {
        if let Some(bytes) = content.bytes.as_ref().filter(|_| self.keeps_history) {
            self.history.keep(&content.remote.sha256, bytes);
        }
    }

    fn look_later(&self, full: String, wait: Duration) {
        let (dirty, later) = (Arc::clone(&self.dirty), Arc::clone(&self.later));
        later.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            sleep(wait).await;
            dirty.add(full);
            later.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Whether nothing is to be done, nor looked at again soon.
    fn is_at_rest(&self) -> bool {
        // In this order: a place becomes dirty before it is no longer waited for.
        self.later.load(Ordering::SeqCst) == 0 && self.dirty.is_empty()
    }

    /// Whether the folder is still the one that was opened: else what is gone from that says
    /// nothing.
    fn check(&self) -> Result<(), Failure> {
        let there = rustix::fs::stat(&self.dir).map(|stat| dirfd::inode(&stat));
        let open = rustix::fs::fstat(&*self.root).map(|stat| dirfd::inode(&stat));
        if there == open {
            return Ok(());
        }
        let dir = crate::names::shown(&self.dir.to_string_lossy());
        Err(Failure::usage(format!(
            "{dir} was moved, removed or replaced while it was shared; nothing more was sent or \
             deleted. Start again with the folder that you mean."
        )))
    }

    /// Looks at a place, and adds what is to be done about it to `plan`. Returns what cannot be
    /// looked at, and why.
    fn compare(&mut self, full: &str, plan: &mut Plan) -> Compared {
        let watching = &mut self.watching;
        let mut found = look(&self.root, &self.rules, full, |folder| {
            watching.folder(folder);
        });
        let (root, rules) = (&self.root, &self.rules);
        self.secrets.retain(|name, (stamp, kind)| {
            if !lies_in(name.as_str(), full) {
                return true;
            }
            // Left out as if its name said so, for as long as it holds the secret.
            match found.files.get(name) {
                Some(now) if now == stamp => {}
                Some(now) => match rules.judge_contents(root, name) {
                    Ok(Verdict::Holds(found)) => (*stamp, *kind) = (*now, found),
                    _ => return false,
                },
                None => return false,
            }
            found.files.remove(name);
            let (path, verdict) = (name.as_str().to_owned(), Verdict::Holds(kind));
            found.left_out.insert(path, verdict);
            true
        });
        let mut part = self
            .known
            .plan(full, &found, |name| fingerprint(root, rules, name));
        part.post.retain(|(name, _)| {
            let refused = self.refused.get(name);
            refused.is_none_or(|(stamp, when)| {
                found.files.get(name) != Some(stamp) || when.elapsed() > REFUSED_FOR
            })
        });
        for (name, _) in &part.post {
            self.sending
                .extend(found.files.get(name).map(|stamp| (name.clone(), *stamp)));
        }
        plan.delete.extend(part.delete);
        plan.post.extend(part.post);
        plan.same += part.same;
        self.left_out.retain(|path, _| !lies_in(path, full));
        let mut compared = Compared {
            unreadable: found.unreadable,
            there: found.files.into_keys().collect(),
        };
        for (path, verdict) in &found.left_out {
            match verdict {
                Verdict::Settling => self.look_later(path.clone(), SETTLING),
                Verdict::Unknown(why) => {
                    compared.unreadable.insert(path.clone(), why.clone());
                }
                _ => {}
            }
        }
        self.left_out.extend(found.left_out);
        compared
    }
}

/// What a place was found to be.
struct Compared {
    unreadable: BTreeMap<String, String>,
    there: BTreeSet<FileName>,
}

/// Whether a path is that place or lies below it.
fn lies_in(path: &str, full: &str) -> bool {
    let rest = path.strip_prefix(full);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Reads a file, and says what it holds and which it was, if it can be read.
/// Nothing is said of one that looks like a secret: it is read to be sent, and found to be one.
pub fn fingerprint(
    root: &OwnedFd,
    rules: &Rules,
    name: &FileName,
) -> Option<(Remote, Option<Stamp>)> {
    let read = time::now() / 1_000;
    if rules.judge_contents(root, name).ok()? != Verdict::Shared {
        return None;
    }
    let (folder, leaf) = dirfd::open_parent(root, name).ok()?;
    let file = dirfd::open_file(&folder, leaf).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    let (stamp, executable) = (Stamp::of(&stat), executable::is_set(&stat));
    let again = file.try_clone().ok()?;
    let (size, sha256) = dirfd::fingerprint(file).ok()?;
    let is_same = Stamp::of(&rustix::fs::fstat(&again).ok()?) == stamp;
    Some((
        Remote {
            size,
            sha256,
            executable,
        },
        stamp.settled(read).filter(|_| is_same),
    ))
}

/// A connection.
pub struct Session<'a> {
    pub identity: &'a Credentials,
    pub output: &'a mut ShareOutput,
    pub folder: &'a mut Folder,
    /// Files that are not right, across connections.
    pub report: &'a mut Report,
    /// Whether nothing is to be sent at the moment.
    pub held: watch::Receiver<bool>,
    /// Becomes true once the server has let us in.
    pub is_connected: &'a mut bool,
    /// Becomes true once the server has had what the folder has.
    pub is_synced: &'a mut bool,
    /// Whether it ends when the server has what the folder has.
    pub once: bool,
    /// How many viewers there were when it was last asked.
    pub viewers: Option<u64>,
    /// The pull requests of a list that is being answered.
    pub still_open: BTreeSet<String>,
}

impl Session<'_> {
    /// Goes on until the connection ends.
    ///
    /// # Errors
    ///
    /// Why it ended.
    pub async fn run(mut self) -> Result<Ended, Failure> {
        let (identity, role) = (self.identity, Role::Streamer);
        let token = identity.token()?.unwrap_or_default();
        let (outgoing, mut incoming) = connection::connect(&identity.url, None).await?;
        login::authenticate(
            &outgoing,
            &mut incoming,
            identity,
            role,
            &token,
            AUTHENTICATE,
        )
        .await?;
        let mut said = Vec::new();
        let (listed, unread) =
            listing::list(&outgoing, &mut incoming, identity, LIST, &mut |message| {
                said.push(message);
            })
            .await?;
        *self.is_connected = true;
        let (remote, _) = plan::known(listed);
        let folder = &mut *self.folder;
        let sending = |name: &FileName| folder.sending.contains_key(name);
        folder.foreign.listed(&folder.known, &remote, sending);
        folder.known.listed(remote);
        self.output.tell(&Event::Connected {
            url: identity.url.clone(),
            project: identity.full_project(),
        });
        // Among it pull requests that have waited.
        for message in said {
            self.hear_aside(message);
        }
        self.folder.unread_there = unread.iter().map(|(name, _)| name.clone()).collect();
        for (name, why) in unread {
            self.fail(
                &name,
                format!("cannot be read by the server ({why}); its operator can help"),
            );
        }
        self.folder.dirty.add_all();
        let mut upload = Upload::new(outgoing, incoming, identity);
        let mut reference = FIRST_UPLOAD;
        let mut renewal = Instant::now() + identity.renew_in();
        let mut look_again = Instant::now() + LOOK_AGAIN;
        let mut asking = tokio::time::interval(ASK_EVERY);
        loop {
            self.mind_hold();
            if Instant::now() >= renewal {
                renewal = Instant::now() + identity.renew_in();
                self.renew(&upload).await?;
            }
            let is_held = *self.held.borrow();
            if !is_held && !self.folder.dirty.is_empty() {
                self.sync(&mut upload, &mut reference).await?;
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
                _ = asking.tick(), if !self.once => self.ask(&upload).await,
            }
        }
    }

    /// Asks what the server tells only who asks: how many viewers there are, and which pull
    /// requests are open where some are.
    async fn ask(&mut self, upload: &Upload<'_>) {
        let (streamer, project) = (&self.identity.streamer, &self.identity.project);
        upload
            .send(protocol::status(STATUS, streamer, project))
            .await;
        if !self.folder.announced.is_empty() {
            self.still_open.clear();
            upload.send(protocol::pull_requests(PULL_REQUESTS)).await;
        }
    }

    /// Takes an answer to what was asked.
    fn answered(&mut self, reply: &Reply) {
        match reply.kind.as_str() {
            "fileStatus" => {
                let viewers = reply.data["viewers"].as_u64();
                if let Some(count) = viewers.filter(|_| viewers != self.viewers) {
                    self.viewers = viewers;
                    self.output.tell(&Event::Viewers { count });
                }
            }
            "pullRequestList" => {
                let listed = reply.data.as_array().into_iter().flatten();
                let ids = listed.filter_map(|pull| pull["id"].as_str());
                self.still_open.extend(ids.map(str::to_owned));
                if reply.last != Some(false) {
                    let announced = self.folder.announced.iter();
                    let closed: Vec<_> = announced
                        .filter(|id| !self.still_open.contains(*id))
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

    fn mind_hold(&mut self) {
        let is_held = *self.held.borrow_and_update();
        if self.output.is_paused() != is_held {
            self.output.tell(if is_held {
                &Event::Paused
            } else {
                &Event::Resumed
            });
        }
    }

    /// Makes the server equal to the folder in all places that may have changed.
    async fn sync(&mut self, upload: &mut Upload<'_>, reference: &mut u64) -> Result<(), Failure> {
        let began = Instant::now();
        let mut plan = Plan::default();
        self.folder.sending.clear();
        for full in self.folder.dirty.take() {
            if full.is_empty() {
                self.folder.check()?;
            }
            let compared = block_in_place(|| self.folder.compare(&full, &mut plan));
            self.mend(&full, &compared);
            for (path, why) in compared.unreadable {
                self.fail(&path, format!("cannot be read here: {why}"));
            }
        }
        if let Some(text) = self.folder.watching.trouble() {
            self.output.tell(&Event::Note { text });
        }
        for text in self.folder.rules.notices() {
            self.output.tell(&Event::Note { text });
        }
        self.tell_left_out();
        let project = self.identity.full_project();
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
        self.folder.keeps_history = files <= HISTORY_FILES;
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
        Ok(())
    }

    /// All deletions are acknowledged before the first post: a file may come where a folder was.
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
        Ok(())
    }

    /// Takes note of what came of a file.
    fn see(&mut self, seen: Seen) {
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
                let (remote, stamp) = match content {
                    Some(content) => {
                        self.folder.keep(&content);
                        (content.remote, content.stamp)
                    }
                    // A mix of what the file was while it was read: nothing is equal to it.
                    None => (Remote::unknown(), None),
                };
                self.folder.foreign.settled(&name);
                self.folder.known.posted(name, remote, stamp);
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
                if let Some(stamp) = self.folder.sending.get(&name) {
                    let refused = (*stamp, Instant::now());
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
            Seen::Secret { name, kind } => {
                let full = name.as_str().to_owned();
                let stamp = self.folder.sending.get(&name).copied();
                let before = stamp.map(|stamp| self.folder.secrets.insert(name, (stamp, kind)));
                match before {
                    // At once: what the server has of it is deleted.
                    Some(None) => self.folder.dirty.add(full),
                    _ => self.folder.look_later(full, RESTLESS),
                }
            }
            Seen::Changed { name } | Seen::Withheld { name } => {
                self.folder.restless += 1;
                self.folder.look_later(name.as_str().to_owned(), RESTLESS);
            }
            Seen::Held => self.mind_hold(),
            Seen::Said { message } => self.hear_aside(message),
        }
    }

    /// What failed at a place and is not there any more, or can be read now, has come right.
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

    fn fail(&mut self, name: &str, why: String) {
        if self.report.failed(name, why.clone()) {
            self.output.tell(&Event::Failed {
                name: name.to_owned(),
                why,
            });
        }
    }

    /// What the server says while nothing is in flight.
    fn hear(&mut self, reference: Option<u64>, message: ServerMessage) -> Result<(), Failure> {
        match message {
            ServerMessage::Error(error) if error.code == 401 && reference != Some(RENEW) => {
                Err(self.identity.withdrawn(&error.message))
            }
            ServerMessage::Error(error) if reference == Some(RENEW) => {
                Err(self.identity.refused(&error.message))
            }
            other => {
                self.hear_aside(other);
                Ok(())
            }
        }
    }

    fn hear_aside(&mut self, message: ServerMessage) {
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
            self.folder.known.posted(name, Remote::unknown(), None);
        }
    }

    /// Makes a fresh token, or says that one is needed.
    async fn renew(&mut self, upload: &Upload<'_>) -> Result<(), Failure> {
        if let Some(token) = self.identity.renewed_token()? {
            let names = login::streamer(self.identity);
            upload
                .send(protocol::authenticate(RENEW, &token, "file", &names))
                .await;
        } else if let Some(text) = self.identity.expires_soon() {
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
