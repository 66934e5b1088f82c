//! A pull request as people read it: its title and description, and what `apply` would do.

use diffy::Line;
use twicecast_client::protocol::PullRequest;

use crate::names::shown;
use crate::review::contents::Contents;
use crate::review::steps::{Action, BECOMES_EXECUTABLE, Step};
use crate::review::{apply, merge};
use crate::ui::output::cut;
use crate::ui::style::{Style, painted};
use crate::ui::time;

/// The most lines of a description that are shown.
const DESCRIPTION_LINES: usize = 200;
/// The most lines of one file that are shown.
const FILE_LINES: usize = 5_000;
/// The most differing lines that are looked for in all files together.
pub const ALL_LINES: usize = 50_000;
/// The most characters of a line that are shown.
const LINE_CHARS: usize = 2_000;

/// Prints the title, author and description of a pull request, line by line.
pub fn head(pull: &PullRequest, line: &mut dyn FnMut(String)) {
    let title = cut(pull.title.raw(), LINE_CHARS);
    let title = format!(
        "{} by {}",
        shown(&title),
        shown(&cut(pull.owner.raw(), LINE_CHARS))
    );
    line(painted(Style::Bold, &title));
    let date = time::date_and_time(pull.date / 1_000);
    line(format!("{}  {date}", shown(&pull.id)));
    if !pull.description.is_empty() {
        line(String::new());
    }
    let mut lines = pull.description.raw().lines();
    for text in lines.by_ref().take(DESCRIPTION_LINES) {
        line(format!("    {}", shown(&cut(text, LINE_CHARS))));
    }
    if lines.next().is_some() {
        line("    (the rest of the description is not shown)".to_owned());
    }
}

/// Prints the names that are not accepted, with the reasons.
pub fn refused(contents: &Contents, line: &mut dyn FnMut(String)) {
    for (name, fault) in &contents.refused {
        line(String::new());
        line(format!("{}: is not taken: {fault}", shown(name)));
    }
}

/// Prints what `apply` would do with one name. `left` is how many more lines may be shown.
pub fn step(step: &Step<'_>, left: &mut usize, line: &mut dyn FnMut(String)) {
    let name = step.name;
    line(String::new());
    if let Action::LeaveOut(why) = &step.action {
        return line(format!("{name}: not shown: {why}"));
    }
    let what = match (&step.action, step.theirs) {
        (Action::Nothing, None) => "is to be deleted, and is gone already".to_owned(),
        (Action::Fail(_, why), _) => format!("cannot be applied: {why}"),
        (action, _) => future(action),
    };
    line(painted(Style::Bold, &format!("{name}: {what}")));
    if let Some(why) = &step.held {
        let text = format!("ATTENTION: {why}. `apply` leaves it out unless --files names it.");
        line(painted(Style::Bad, &text));
    }
    match step.executable() {
        Some(true) if step.held.as_deref() == Some(BECOMES_EXECUTABLE) => {}
        Some(true) => {
            let text = format!("ATTENTION: {BECOMES_EXECUTABLE}.");
            line(painted(Style::Bad, &text));
        }
        Some(false) => line("it is no longer executable".to_owned()),
        None => {}
    }
    let ours = step.ours.as_ref().map(|ours| ours.content.as_slice());
    let new = match &step.action {
        Action::Nothing | Action::TakenBefore | Action::Keep | Action::Fail(..) => return,
        // The proposed content is not written here, but is shown all the same.
        Action::PutAside(_) => step.theirs.map(|theirs| theirs.content.as_slice()),
        _ => step.content(),
    };
    if let Some(why) = &step.private {
        return line(format!("its content is not shown: {why}"));
    }
    let (ours, new) = (ours.unwrap_or_default(), new.unwrap_or_default());
    difference(ours, new, left, line);
}

/// What would be done.
fn future(action: &Action) -> String {
    match action {
        Action::Add => "is new".to_owned(),
        Action::Replace => "is replaced".to_owned(),
        Action::Merge(_) => "is merged with what has changed here".to_owned(),
        Action::Delete => "is deleted".to_owned(),
        Action::Restore => "CONFLICT: was deleted here meanwhile; it comes back".to_owned(),
        Action::Conflict(_) => "CONFLICT: both have changed the same lines".to_owned(),
        action => apply::what(action, None),
    }
}

fn difference(old: &[u8], new: &[u8], left: &mut usize, line: &mut dyn FnMut(String)) {
    let bytes = format!("{} bytes here, {} bytes then", old.len(), new.len());
    if !merge::is_text(old) || !merge::is_text(new) {
        line(format!("binary: {bytes}"));
    } else if merge::are_too_large(&[old, new]) {
        line(format!("too large to show: {bytes}"));
    } else if *left == 0 {
        line(format!(
            "not shown after so much else (--files shows it): {bytes}"
        ));
    } else {
        *left = left.saturating_sub(hunks(old, new, line));
    }
}

/// Prints the differences, and returns how many lines they have, shown or not.
fn hunks(old: &[u8], new: &[u8], line: &mut dyn FnMut(String)) -> usize {
    let patch = diffy::create_patch_bytes(old, new);
    let all = patch.hunks().iter().map(|hunk| hunk.lines().len()).sum();
    let mut left = FILE_LINES;
    for hunk in patch.hunks() {
        let (before, after) = (hunk.old_range(), hunk.new_range());
        let place = format!(
            "@@ -{},{} +{},{} @@",
            before.start(),
            before.len(),
            after.start(),
            after.len()
        );
        line(painted(Style::Place, &place));
        for changed in hunk.lines() {
            if left == 0 {
                line(format!(
                    "(more than {FILE_LINES} lines; the rest is not shown)"
                ));
                return all;
            }
            left -= 1;
            line(match changed {
                Line::Context(text) => format!(" {}", visible(text)),
                Line::Delete(text) => painted(Style::Bad, &format!("-{}", visible(text))),
                Line::Insert(text) => painted(Style::Good, &format!("+{}", visible(text))),
            });
        }
    }
    all
}

/// A line of somebody's file, made safe for a terminal; tabs stay.
fn visible(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = cut(&String::from_utf8_lossy(line), LINE_CHARS);
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

    #[test]
    fn of_what_is_long_the_beginning_is_shown() {
        let long = "x\n".repeat(10_000);
        let mut lines = Vec::new();
        hunks(b"", long.as_bytes(), &mut |line| lines.push(line));
        assert_eq!(lines.len(), FILE_LINES + 2);
        assert!(lines.last().unwrap().contains("not shown"));
        assert!(visible("x".repeat(100_000).as_bytes()).chars().count() <= LINE_CHARS + 1);
        let pull = PullRequest {
            id: "i".into(),
            owner: "bob".into(),
            title: "t".repeat(100_000).into(),
            description: "d\n".repeat(10_000).into(),
            files: Vec::new(),
            deleted: Vec::new(),
            date: 0,
            bases: std::collections::BTreeMap::new(),
            deleted_bases: std::collections::BTreeMap::new(),
        };
        // All files together are limited, too.
        let (mut left, mut count) = (ALL_LINES, 0);
        for _ in 0..100 {
            difference(b"", long.as_bytes(), &mut left, &mut |_| count += 1);
        }
        assert!(count <= ALL_LINES, "{count}");
        let mut bytes = 0;
        head(&pull, &mut |line| bytes += line.len());
        assert!(bytes < 10_000, "{bytes}");
    }
}
