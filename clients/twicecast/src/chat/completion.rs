//! What Tab adds to a line.

use twicecast_client::untrusted::may_stand;

use crate::chat::orders;

/// The commands that everybody has.
const COMMANDS: [&str; 3] = ["/names", "/help", "/quit"];

/// What a line can be completed with.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Who is there or has said something.
    pub names: Vec<String>,
    /// Whether moderators' commands can be used.
    pub moderates: bool,
}

/// What to add at the cursor, and the choices if there are several.
#[derive(Debug, PartialEq, Eq)]
pub struct Completion {
    pub added: String,
    pub choices: Vec<String>,
}

/// Completes what stands before the cursor; `None` if there is nothing to complete it with.
pub fn complete(typed: &str, offer: &Offer) -> Option<Completion> {
    if !typed.starts_with('/') {
        return None;
    }
    let Some((command, beginning)) = typed.split_once(' ') else {
        let own = if offer.moderates {
            &orders::COMMANDS[..]
        } else {
            &[]
        };
        return among(typed, COMMANDS.iter().chain(own).copied());
    };
    if !(offer.moderates && orders::COMMANDS_OF_NAMES.contains(&command)) {
        return None;
    }
    // A name that cannot be typed cannot be completed either.
    let names = offer.names.iter().map(String::as_str);
    among(beginning, names.filter(|name| name.chars().all(may_stand)))
}

fn among<'a>(typed: &str, all: impl Iterator<Item = &'a str>) -> Option<Completion> {
    let mut fit: Vec<&str> = all.filter(|one| one.starts_with(typed)).collect();
    fit.sort_unstable();
    fit.dedup();
    let (first, others) = fit.split_first()?;
    if others.is_empty() {
        let added = format!("{} ", &first[typed.len()..]);
        let choices = Vec::new();
        return Some(Completion { added, choices });
    }
    let last = others.last()?;
    // The list is sorted: all share what the first and the last have in common.
    let mut common = 0;
    for (one, other) in first.char_indices().zip(last.chars()) {
        if one.1 != other {
            break;
        }
        common = one.0 + one.1.len_utf8();
    }
    Some(Completion {
        added: first[typed.len()..common.max(typed.len())].to_owned(),
        choices: fit.into_iter().map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(moderates: bool) -> Offer {
        let names = ["bob", "~b\u{f6}rn", "~b\u{f6}rk", "evil\u{1b}[2J", "bob"];
        Offer {
            names: names.map(str::to_owned).to_vec(),
            moderates,
        }
    }

    #[test]
    fn commands_and_names_are_completed_as_far_as_they_are_clear() {
        let added = |typed, moderates| {
            let completion = complete(typed, &offer(moderates));
            completion.map(|completion| (completion.added, completion.choices.len()))
        };
        let one = |added: &str| Some((added.to_owned(), 0));
        assert_eq!(added("/na", false), one("mes "));
        assert_eq!(added("/mu", false), None);
        assert_eq!(added("/mu", true), one("te "));
        assert_eq!(added("/u", true), Some(("n".to_owned(), 2)));
        assert_eq!(added("/mute b", true), one("ob "));
        assert_eq!(added("/mute ~", true), Some(("b\u{f6}r".to_owned(), 2)));
        assert_eq!(added("/mute ~b\u{f6}rn", true), one(" "));
        assert_eq!(added("/mute b", false), None);
        assert_eq!(added("/mute evil", true), None);
        assert_eq!(added("/slow b", true), None);
        assert_eq!(added("bo", true), None);
        assert_eq!(added("/x", true), None);
    }
}
