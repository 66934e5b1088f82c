//! The open pull requests as a list: what is shown of each, and which one the user means.

use twicecast_client::protocol::PullRequest;
use twicecast_client::untrusted::Untrusted;

use crate::failure::Failure;
use crate::names::shown;
use crate::ui::command_line::CommandLine;
use crate::ui::output::{counted, cut};
use crate::ui::time;

/// The most pull requests that are listed, and the most characters of a name and a title.
const LISTED_MAX: usize = 200;
const NAME_CHARS: usize = 60;
const TITLE_CHARS: usize = 120;

/// The open pull requests for people, line by line, oldest first.
pub fn lines(all: &[PullRequest], line: &mut dyn FnMut(String)) {
    for pull in all.iter().take(LISTED_MAX) {
        let changes = counted(pull.files.len() + pull.deleted.len(), "file");
        line(format!(
            "{}  {}  {}: {} ({changes})",
            short(&pull.id),
            time::date_and_time(pull.date / 1_000),
            shown(&cut(pull.owner.raw(), NAME_CHARS)),
            shown(&cut(pull.title.raw(), TITLE_CHARS))
        ));
    }
    match all.len().checked_sub(LISTED_MAX + 1) {
        Some(more) => line(format!("and {} more (--json lists all)", more + 1)),
        None if all.is_empty() => line("no pull request is open".to_owned()),
        None => {}
    }
}

/// As much of an id as is shown to people.
pub fn short(id: &Untrusted) -> String {
    id.beginning(8).to_string()
}

/// Finds the pull request whose id begins with `id`. `command` is how a command begins that lists
/// them.
///
/// # Errors
///
/// A sentence, if there is none or more than one.
pub fn find<'a>(
    all: &'a [PullRequest],
    id: &str,
    command: &CommandLine,
) -> Result<&'a PullRequest, Failure> {
    let mut found = all.iter().filter(|pull| pull.id.raw().starts_with(id));
    match (found.next(), found.next()) {
        (Some(pull), None) if !id.is_empty() => Ok(pull),
        (Some(_), _) => Err(Failure::usage(format!(
            "Several pull requests begin with {}; give more of the id.",
            shown(id)
        ))),
        (None, _) => Err(Failure::usage(format!(
            "No open pull request begins with {}; `{command} list` shows those that are open.",
            shown(id)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pull(id: &str, text: &str) -> PullRequest {
        let json = serde_json::json!({"id": id, "owner": text, "title": text, "date": 1});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn however_many_and_however_long_they_are_the_list_has_an_end() {
        let long = "t".repeat(10_000);
        for (count, lines) in [
            (0, 1),
            (1, 1),
            (LISTED_MAX, LISTED_MAX),
            (10_000, LISTED_MAX + 1),
        ] {
            let all = vec![pull(&long, &long); count];
            let (mut counted, mut longest, mut last) = (0, 0, String::new());
            super::lines(&all[..], &mut |line| {
                counted += 1;
                longest = line.len().max(longest);
                last = line;
            });
            assert_eq!(counted, lines, "{count}");
            assert!(longest < 300, "{longest}");
            assert_eq!(last.contains("9800 more"), count == 10_000, "{last}");
        }
    }

    #[test]
    fn one_is_meant_by_how_its_id_begins_where_no_other_begins_so() {
        let all = ["7d3f", "7d40", "8"].map(|id| pull(id, "t"));
        let command = CommandLine::new("pulls");
        assert_eq!(find(&all, "7d3", &command).unwrap().id.raw(), "7d3f");
        for unclear in ["7d", "", "9"] {
            assert!(find(&all, unclear, &command).is_err(), "{unclear:?}");
        }
    }
}
