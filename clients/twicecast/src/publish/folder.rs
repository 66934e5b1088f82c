//! The shared folder, and what is known about it across connections.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::fs::fingerprint::Fingerprint;
use crate::fs::{dirfd, executable};
use crate::names::FileName;
use crate::publish::dirty::Dirty;
use crate::publish::foreign::{Approved, Foreign};
use crate::publish::known::Known;
use crate::publish::look::look;
use crate::publish::plan::{Plan, Remote};
use crate::publish::summary::Summary;
use crate::publish::upload::Content;
use crate::publish::watcher::Watching;
use crate::review::base_cache::BaseCache;
use crate::rules::memory::SETTLING;
use crate::rules::{Rules, Verdict};
use crate::ui::time;

/// How long a file that the server has refused is not sent again, unless it changes.
pub const REFUSED_FOR: Duration = Duration::from_secs(60);

/// The folder, and what is known about it across connections.
pub struct Folder {
    dir: PathBuf,
    pub root: Arc<OwnedFd>,
    pub rules: Arc<Rules>,
    pub watching: Watching,
    pub dirty: Arc<Dirty>,
    pub known: Known,
    pub foreign: Foreign,
    /// What is not shared, and why, by path.
    pub left_out: BTreeMap<String, Verdict>,
    pub said_left_out: Summary,
    /// Pull requests that the streamer has been told about.
    pub announced: BTreeSet<String>,
    pub warned_of_others: bool,
    base_cache: BaseCache,
    pub keeps_bases: bool,
    /// Files that are being sent.
    pub sending: BTreeMap<FileName, Fingerprint>,
    /// Files that hold a secret: the fingerprint that they had, and the kind of secret.
    pub secrets: BTreeMap<FileName, (Fingerprint, &'static str)>,
    /// Files that the server has refused: the fingerprint that they had, and when. They are not
    /// sent again at once.
    pub refused: BTreeMap<FileName, (Fingerprint, Instant)>,
    /// Files that the server has and cannot read.
    pub unread_there: BTreeSet<String>,
    /// How many places have to be looked at again later.
    later: Arc<AtomicUsize>,
    /// How often in a row files have changed while they were sent.
    pub restless: u32,
    /// Reading stops when this is cancelled.
    pub stop: CancellationToken,
    /// The latest change of git's configuration for which the files elsewhere are watched.
    generation: Option<u64>,
}

impl Folder {
    /// A folder in which nothing has been looked at yet.
    pub fn new(
        dir: &Path,
        root: Arc<OwnedFd>,
        rules: Arc<Rules>,
        watching: Watching,
        dirty: Arc<Dirty>,
        approved: Approved,
        stop: CancellationToken,
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
            base_cache: BaseCache::default(),
            keeps_bases: true,
            sending: BTreeMap::new(),
            secrets: BTreeMap::new(),
            refused: BTreeMap::new(),
            unread_there: BTreeSet::new(),
            later: Arc::default(),
            restless: 0,
            stop,
            generation: None,
        }
    }

    /// Keeps a content that was sent, for when somebody proposes a change to it. In a very large
    /// first upload most contents would never be needed, so none are kept.
    pub fn keep(&mut self, content: &Content) {
        if let Some(bytes) = content.bytes.as_ref().filter(|_| self.keeps_bases) {
            self.base_cache.keep(&content.remote.sha256, bytes);
        }
    }

    pub fn look_later(&self, full: String, wait: Duration) {
        let (dirty, later) = (Arc::clone(&self.dirty), Arc::clone(&self.later));
        later.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            sleep(wait).await;
            dirty.add(full);
            later.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Whether nothing is left to do or to look at again soon.
    pub fn is_at_rest(&self) -> bool {
        // The order matters: a place becomes dirty before it stops being counted as waiting.
        self.later.load(Ordering::SeqCst) == 0 && self.dirty.is_empty()
    }

    /// Whether the folder at the path is still the one that was opened. If it is not, nothing can
    /// be concluded from missing files.
    pub fn check(&self) -> Result<(), Failure> {
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

    /// Watches the files elsewhere that contain rules or say where they are. If there are other
    /// such files now, everything is looked at again.
    pub fn mind_files_elsewhere(&mut self) {
        let generation = Some(self.rules.generation());
        if self.generation == generation {
            return;
        }
        for file in self.rules.files_elsewhere() {
            self.watching.file_elsewhere(file);
        }
        if self.generation.is_some() {
            self.dirty.add_all();
        }
        self.generation = generation;
    }

    /// Looks at a place, and adds what has to be done to `plan`. Returns what cannot be read, and
    /// why. Once `stop` is cancelled neither is complete, and must not be acted upon.
    pub fn compare(&mut self, full: &str, plan: &mut Plan) -> Compared {
        let (watching, stop) = (&mut self.watching, self.stop.clone());
        let mut found = look(&self.root, &self.rules, full, |folder| {
            watching.folder(folder);
            !stop.is_cancelled()
        });
        let own = FileName::parse(full).ok();
        if let Some(file) = own.and_then(|name| found.files.get(&name)) {
            self.dirty.weigh(full, file.size);
        }
        let (root, rules) = (&self.root, &self.rules);
        self.secrets.retain(|name, (fingerprint, kind)| {
            if !lies_in(name.as_str(), full) {
                return true;
            }
            // The file is left out, as if by its name, as long as it holds the secret.
            match found.files.get(name) {
                Some(now) if now == fingerprint || stop.is_cancelled() => {}
                Some(now) => match rules.judge_contents(root, name) {
                    Ok(Verdict::Holds(found)) => (*fingerprint, *kind) = (*now, found),
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
            .plan(full, &found, |name| fingerprint(root, rules, name, &stop));
        part.post.retain(|(name, _)| {
            let refused = self.refused.get(name);
            refused.is_none_or(|(fingerprint, when)| {
                found.files.get(name) != Some(fingerprint) || when.elapsed() > REFUSED_FOR
            })
        });
        for (name, _) in &part.post {
            self.sending.extend(
                found
                    .files
                    .get(name)
                    .map(|fingerprint| (name.clone(), *fingerprint)),
            );
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

/// What was found in a place.
pub struct Compared {
    pub unreadable: BTreeMap<String, String>,
    pub there: BTreeSet<FileName>,
}

/// Whether a path is that place or below it.
pub fn lies_in(path: &str, full: &str) -> bool {
    let rest = path.strip_prefix(full);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Reads a file, and returns its content's size and hash and its fingerprint. `None` if it cannot
/// be read, or looks like a secret: such a file is treated as changed, and found again when it is
/// sent.
pub fn fingerprint(
    root: &OwnedFd,
    rules: &Rules,
    name: &FileName,
    stop: &CancellationToken,
) -> Option<(Remote, Option<Fingerprint>)> {
    if stop.is_cancelled() {
        return None;
    }
    let read = time::now() / 1_000;
    if rules.judge_contents(root, name).ok()? != Verdict::Shared {
        return None;
    }
    let (folder, leaf) = dirfd::open_parent(root, name).ok()?;
    let file = dirfd::open_file(&folder, leaf).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    let (fingerprint, executable) = (Fingerprint::of(&stat), executable::is_set(&stat));
    let again = file.try_clone().ok()?;
    let (size, sha256) = dirfd::fingerprint_until(stop, file).ok()?;
    let is_same = Fingerprint::of(&rustix::fs::fstat(&again).ok()?) == fingerprint;
    Some((
        Remote {
            size,
            sha256,
            executable,
        },
        fingerprint.settled(read).filter(|_| is_same),
    ))
}
