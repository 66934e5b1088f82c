//! A pull request as people read it: what it says of itself, and what would change in the folder.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use diffy::Line;

use crate::fs::atomic;
use crate::names::{FileName, shown};
use crate::protocol::PullRequest;
use crate::review::contents::Contents;
use crate::review::{merge, policy};
use crate::ui::output::say;
use crate::ui::time;

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// A pull request, and what there is to show it against.
pub struct Shown<'a> {
    /// What it says of itself.
    pub pull: &'a PullRequest,
    /// What it proposes.
    pub contents: &'a Contents,
    /// The shared folder.
    pub root: &'a OwnedFd,
    /// The names that are left alone, each with the reason.
    pub left_alone: &'a BTreeMap<FileName, String>,
    /// Whether in colours.
    pub is_coloured: bool,
}

impl Shown<'_> {
    /// Shows it.
    pub fn show(&self) {
        self.head();
        for (name, theirs) in &self.contents.files {
            say("");
            self.name(name, Some(theirs));
        }
        for (name, fault) in &self.contents.refused {
            say(&format!("\n{}: is not taken: {fault}", shown(name)));
        }
        for name in &self.contents.deleted {
            say("");
            self.name(name, None);
        }
    }

    fn head(&self) {
        let pull = self.pull;
        let (title, owner) = (shown(&pull.title), shown(&pull.owner));
        say(&self.painted(BOLD, &format!("{title} by {owner}")));
        let date = time::date_and_time(pull.date / 1_000);
        say(&format!("{}  {date}", shown(&pull.id)));
        if !pull.description.is_empty() {
            say("");
        }
        for line in pull.description.lines() {
            say(&format!("    {}", shown(line)));
        }
    }

    /// One of its names; without `theirs` it is to be deleted.
    fn name(&self, name: &FileName, theirs: Option<&[u8]>) {
        if policy::is_rules(name) {
            say(&self.painted(
                RED,
                &format!("ATTENTION: {name} holds the rules that say what is SHARED and what is not. `apply` leaves it out unless --files names it."),
            ));
        }
        if let Some(why) = self.left_alone.get(name) {
            return say(&format!("{name}: not shown: {why}"));
        }
        match (atomic::read(self.root, name), theirs) {
            (Ok(None), None) => say(&format!("{name}: to be deleted, and gone already")),
            (Ok(ours), theirs) => self.file(name, ours.as_deref(), theirs),
            (Err(error), _) => say(&format!("{name}: {error}")),
        }
    }

    fn file(&self, name: &FileName, ours: Option<&[u8]>, theirs: Option<&[u8]>) {
        let what = match (ours, theirs) {
            (None, _) => "new",
            (_, None) => "deleted",
            _ => "changed",
        };
        say(&self.painted(BOLD, &format!("{what} {name}")));
        let (old, new) = (ours.unwrap_or_default(), theirs.unwrap_or_default());
        let bytes = format!("{} bytes here, {} bytes proposed", old.len(), new.len());
        if old == new && ours.is_some() {
            say("the same as here");
        } else if !merge::is_text(old) || !merge::is_text(new) {
            say(&format!("binary: {bytes}"));
        } else if merge::are_too_large(&[old, new]) {
            say(&format!("too large to show: {bytes}"));
        } else {
            self.hunks(old, new);
        }
    }

    fn hunks(&self, old: &[u8], new: &[u8]) {
        for hunk in diffy::create_patch_bytes(old, new).hunks() {
            let (before, after) = (hunk.old_range(), hunk.new_range());
            let place = format!(
                "@@ -{},{} +{},{} @@",
                before.start(),
                before.len(),
                after.start(),
                after.len()
            );
            say(&self.painted(CYAN, &place));
            for line in hunk.lines() {
                say(&match line {
                    Line::Context(line) => format!(" {}", visible(line)),
                    Line::Delete(line) => self.painted(RED, &format!("-{}", visible(line))),
                    Line::Insert(line) => self.painted(GREEN, &format!("+{}", visible(line))),
                });
            }
        }
    }

    fn painted(&self, colour: &str, line: &str) -> String {
        if self.is_coloured {
            format!("{colour}{line}{PLAIN}")
        } else {
            line.to_owned()
        }
    }
}

/// A line of somebody's file, fit for a terminal; tabs stay.
fn visible(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = String::from_utf8_lossy(line);
    let pieces: Vec<_> = line.split('\t').map(shown).collect();
    pieces.join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_whatever_they_hold() {
        assert_eq!(visible(b"a\tb\x1b[2J\r\n"), "a\tb\\u{1b}[2J\\r");
        assert_eq!(visible(b"gr\xfcn"), "gr\u{fffd}n");
    }
}
