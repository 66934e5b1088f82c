//! A pull request as people read it: what it says of itself, and what would change in the folder.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use diffy::Line;

use super::decide::text;
use super::working;
use crate::moment;
use crate::names::{FileName, shown};
use crate::protocol::PullRequest;
use crate::report::say;

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// Shows a pull request against the working files.
pub(super) fn show(
    root: &OwnedFd,
    pull: &PullRequest,
    files: &BTreeMap<FileName, Vec<u8>>,
    is_coloured: bool,
) {
    let paint = Paint(is_coloured);
    say(&paint.line(
        BOLD,
        &format!("{} by {}", shown(&pull.title), shown(&pull.owner)),
    ));
    say(&format!(
        "{}  {}",
        shown(&pull.id),
        moment::date_and_time(pull.date / 1_000)
    ));
    if !pull.description.is_empty() {
        say("");
        for line in pull.description.lines() {
            say(&format!("    {}", shown(line)));
        }
    }
    for (name, theirs) in files {
        say("");
        match working(root, name) {
            Ok(ours) => file(name, ours.as_deref(), Some(theirs), paint),
            Err(error) => say(&format!("{name}: {error}")),
        }
    }
    for name in &pull.deleted {
        say("");
        match FileName::parse(name).map(|name| (working(root, &name), name)) {
            Ok((Ok(Some(ours)), name)) => file(&name, Some(&ours), None, paint),
            Ok((Ok(None), name)) => say(&format!("{name}: to be deleted, and gone already")),
            Ok((Err(error), name)) => say(&format!("{name}: to be deleted: {error}")),
            Err(fault) => say(&format!("{}: to be deleted: {fault}", shown(name))),
        }
    }
}

fn file(name: &FileName, ours: Option<&[u8]>, theirs: Option<&[u8]>, paint: Paint) {
    let what = match (ours, theirs) {
        (None, _) => "new",
        (_, None) => "deleted",
        _ => "changed",
    };
    say(&paint.line(BOLD, &format!("{what} {name}")));
    let (ours, theirs) = (ours.unwrap_or_default(), theirs.unwrap_or_default());
    let (Some(old), Some(new)) = (text(ours), text(theirs)) else {
        let (from, to) = (ours.len(), theirs.len());
        return say(&format!("binary: {from} bytes here, {to} bytes proposed"));
    };
    if old == new {
        return say("the same as here");
    }
    for hunk in diffy::create_patch(old, new).hunks() {
        let (before, after) = (hunk.old_range(), hunk.new_range());
        say(&paint.line(
            CYAN,
            &format!(
                "@@ -{},{} +{},{} @@",
                before.start(),
                before.len(),
                after.start(),
                after.len()
            ),
        ));
        for line in hunk.lines() {
            say(&match line {
                Line::Context(line) => format!(" {}", visible(line)),
                Line::Delete(line) => paint.line(RED, &format!("-{}", visible(line))),
                Line::Insert(line) => paint.line(GREEN, &format!("+{}", visible(line))),
            });
        }
    }
}

/// A line of somebody's file, fit for a terminal; tabs stay.
fn visible(line: &str) -> String {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let pieces: Vec<_> = line.split('\t').map(shown).collect();
    pieces.join("\t")
}

/// Colours, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn line(self, colour: &str, line: &str) -> String {
        if self.0 {
            format!("{colour}{line}{PLAIN}")
        } else {
            line.to_owned()
        }
    }
}
