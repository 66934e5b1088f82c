//! A summary of what is not shared.

use std::collections::BTreeMap;

use crate::names::NameFault;
use crate::rules::Verdict;
use crate::rules::skip::Skip;

/// How much is left out, and which secrets.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Files and folders that rules of ignore files name.
    pub ignored: usize,
    /// What is held back by the list of secrets.
    pub secrets: Vec<String>,
    /// Links, special files, and names that no server accepts, each with the reason.
    pub never: Vec<(String, String)>,
}

impl Summary {
    /// Summarises what is left out.
    pub fn of(left_out: &BTreeMap<String, Verdict>) -> Self {
        let mut summary = Self::default();
        for (path, verdict) in left_out {
            match verdict {
                Verdict::Ignored { .. } => summary.ignored += 1,
                Verdict::Secret(_) | Verdict::Holds(_) => summary.secrets.push(path.clone()),
                // What cannot be read is reported separately. Nobody needs to hear about `.git`,
                // leftovers of editors and this program's own temporary files.
                Verdict::Unknown(_)
                | Verdict::Settling
                | Verdict::Never(Skip::Name(
                    NameFault::Git | NameFault::Repository | NameFault::WorkFolder,
                ))
                | Verdict::Leftover(_)
                | Verdict::Shared => {}
                Verdict::Never(why) => summary.never.push((path.clone(), why.to_string())),
            }
        }
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_git_and_to_this_program_is_not_told() {
        let never = |path: &str, fault| (path.to_owned(), Verdict::Never(Skip::Name(fault)));
        let left_out = BTreeMap::from([
            never("/.git", NameFault::Git),
            never("/.twicecast-0123.tmp", NameFault::WorkFolder),
            ("/link".to_owned(), Verdict::Never(Skip::Link)),
        ]);
        let told: Vec<_> = Summary::of(&left_out).never;
        assert_eq!(told, [("/link".to_owned(), Skip::Link.to_string())]);
    }
}
