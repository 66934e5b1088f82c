//! What is left to do about a pull request that stays open.

use crate::names::shown;
use crate::review::apply::Outcome;
use crate::ui::command_line::CommandLine;
use crate::ui::output::{NAMED_MAX, first_names, quoted};

/// Prints what was not taken, and the commands to continue with, each on its own line and ready to
/// be typed. `command` is how they begin.
pub fn lines(command: &CommandLine, id: &str, outcome: &Outcome, line: &mut dyn FnMut(String)) {
    line(format!("{id} stays open, since not all of it was taken"));
    if !outcome.to_solve.is_empty() {
        line(format!(
            "to bring in by hand, or to leave (nothing of yours is overwritten): {}",
            first_names(&outcome.to_solve)
        ));
    }
    if !outcome.to_name.is_empty() {
        let names: Vec<_> = (outcome.to_name.iter().take(NAMED_MAX))
            .map(|name| shown(&quoted(name)))
            .collect();
        let more = match outcome.to_name.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(", and {more} more after them"),
        };
        line(format!("to take what was left out{more}:"));
        line(format!(
            "    {command} apply {id} --files {}",
            names.join(" ")
        ));
    }
    line("once you are done with it, as merged (or, without --merged, as rejected):".to_owned());
    line(format!("    {command} close {id} --merged"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(to_name: &[&str], to_solve: &[&str]) -> Vec<String> {
        let all = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let outcome = Outcome {
            to_name: all(to_name),
            to_solve: all(to_solve),
            ..Outcome::default()
        };
        let mut said = Vec::new();
        lines(&CommandLine::new("pulls"), "7d", &outcome, &mut |line| {
            said.push(line);
        });
        said
    }

    #[test]
    fn only_what_naming_takes_is_in_the_command_that_names() {
        let said = said(&["/b c", "/d"], &["/gone"]);
        assert!(said[1].ends_with(": /gone"), "{said:?}");
        let end = " pulls apply 7d --files '/b c' /d";
        assert!(
            said[3].starts_with("    ") && said[3].ends_with(end),
            "{said:?}"
        );
        assert!(said[5].ends_with(" pulls close 7d --merged"), "{said:?}");
    }

    #[test]
    fn where_there_is_nothing_to_name_no_command_names_anything() {
        let said = said(&[], &[]);
        assert!(
            said.iter().all(|line| !line.contains("--files")),
            "{said:?}"
        );
    }

    #[test]
    fn of_many_names_some_are_repeated() {
        let many = vec!["/a"; 1_000];
        let said = said(&many, &many);
        assert!(said.iter().all(|line| line.len() < 300), "{said:?}");
        assert!(said[2].contains("995 more"), "{said:?}");
    }
}
