//! Looks at a pull request and applies it as `pulls apply` does, without a command line of its own.

use std::path::Path;

use twicecast_client::protocol::PullRequest;

use crate::commands::pulls;
use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::fs::atomic;
use crate::names::{FileName, shown};
use crate::publish::output::Event;
use crate::review::apply;
use crate::review::contents::Contents;
use crate::review::inbox::Inbox;
use crate::review::listed::short;
use crate::review::policy::Policy;
use crate::review::steps::{Steps, held};
use crate::review::taken::Taken;
use crate::review::wanted::Wanted;
use crate::ui::output::{Line, first_names};

/// A pull request that waits for the streamer's yes or no.
pub struct Reviewed {
    pull: PullRequest,
    contents: Contents,
    /// Its files that are wanted.
    files: Vec<FileName>,
    /// The wanted files that `pulls apply` takes only by name.
    pub held: Vec<String>,
}

/// What was done with a pull request.
pub struct Applied {
    /// Whether the whole pull request was taken and reported as merged.
    pub is_whole: bool,
    /// Files with changes on both sides.
    pub conflicts: Vec<FileName>,
    /// What the streamer should know about it.
    pub message: String,
}

impl Reviewed {
    /// The question to the streamer.
    pub fn question(&self) -> Event {
        Event::ApplyAsked {
            id: self.pull.id.clone(),
            author: self.pull.owner.clone(),
            title: self.pull.title.clone(),
            files: self.files.iter().map(ToString::to_string).collect(),
            held: self.held.clone(),
        }
    }
}

/// Fetches the pull request with this id and compares it with the folder `dir`. If `files` are
/// given, only these are wanted.
///
/// # Errors
///
/// A sentence, if the server cannot be reached or has no such pull request.
pub async fn look(
    credentials: &Credentials,
    dir: &Path,
    id: &str,
    files: Option<&[String]>,
) -> Result<Box<Reviewed>, Failure> {
    let mut inbox = Inbox::enter(credentials).await?;
    let all = inbox.list().await?;
    let pull = all.into_iter().find(|pull| pull.id.raw() == id);
    let pull = pull.ok_or_else(|| Failure::usage("It is not open any more."))?;
    let (root, project) = pulls::open(dir, &mut inbox).await?;
    let contents = inbox.contents(&pull).await?;
    inbox.leave().await;
    let names = pull.files.iter().chain(&pull.deleted);
    let names = names.filter(|name| files.is_none_or(|files| files.contains(name)));
    let files: Vec<_> = names
        .filter_map(|name| FileName::parse(name).ok())
        .collect();
    let is_held = |name: &&FileName| {
        let ours = atomic::read(&root, name).ok().flatten();
        let is_executable = project.get(*name).is_some_and(|stored| stored.executable);
        held(
            name,
            ours.as_ref(),
            contents.files.get(*name),
            is_executable,
        )
        .is_some()
    };
    let held = files.iter().filter(is_held).map(ToString::to_string);
    let held = held.collect();
    Ok(Box::new(Reviewed {
        pull,
        contents,
        files,
        held,
    }))
}

/// Applies a pull request to the folder `dir`, and reports it as merged if all of it was taken. The
/// files that were shown and approved count as named, except those that the rules of `share` leave
/// out.
///
/// # Errors
///
/// A sentence, if the server cannot be reached, or nothing can be written.
pub async fn apply(
    credentials: &Credentials,
    dir: &Path,
    allow: &[String],
    reviewed: Box<Reviewed>,
    tell: &mut (dyn FnMut(Line) + Send),
) -> Result<Applied, Failure> {
    let mut inbox = Inbox::enter(credentials).await?;
    let all = inbox.list().await?;
    let Reviewed { pull, contents, .. } = &*reviewed;
    if !all.iter().any(|open| open.id.raw() == pull.id.raw()) {
        return Err(Failure::usage("It is not open any more."));
    }
    let (root, project) = pulls::open(dir, &mut inbox).await?;
    let policy = Policy::new(dir, allow)?;
    let mut named = Vec::new();
    for name in &reviewed.files {
        if policy.refusal(name).await.is_none() {
            named.push(name.to_string());
        }
    }
    if named.is_empty() {
        return Err(Failure::usage(
            "The rules of share leave out all of its files.",
        ));
    }
    let mut taken = Taken::of(&credentials.full_project(), dir, &all);
    let wanted = Wanted::among(&named, &named);
    let mut steps = Steps {
        inbox: &mut inbox,
        root: &root,
        policy: &policy,
        pull,
        project: &project,
        wanted: &wanted,
        taken: &mut taken,
        rehearsed: None,
    };
    let outcome = apply::run(dir, &mut steps, contents, tell).await?;
    let is_all = outcome.is_whole() && contents.refused.is_empty();
    if is_all {
        inbox.close(pull.id.raw(), "merged").await?;
        tell(Line::Said(format!(
            "{} is reported as merged",
            short(&pull.id)
        )));
    }
    inbox.leave().await;
    let left = outcome.to_name.iter().chain(&outcome.to_solve);
    let left: Vec<_> = left.chain(contents.refused.keys()).collect();
    let message = match left.as_slice() {
        [] => String::new(),
        left => format!("not taken: {}", first_names(left)),
    };
    Ok(Applied {
        is_whole: is_all,
        conflicts: outcome.conflicts,
        message: shown(&message),
    })
}
