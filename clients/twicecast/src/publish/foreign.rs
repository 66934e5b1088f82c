//! Files on the server that this run did not put there. The share stops before it destroys many of
//! them: the person agreed to lose what was there at the start, not what somebody adds later.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::publish::known::Known;
use crate::publish::plan::{Plan, Remote};
use crate::ui::output::{counted, first_names};

/// More files than this are not deleted or overwritten unasked.
const UNASKED_MAX: usize = 5;

/// What may be lost without another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approved {
    /// Anything: `--yes`.
    All,
    /// Files that the person was asked about, or that are few.
    Deletions(BTreeSet<FileName>),
}

impl Default for Approved {
    fn default() -> Self {
        Self::Deletions(BTreeSet::new())
    }
}

/// Files in the server's list that this run did not put there.
#[derive(Debug, Default)]
pub struct Foreign {
    approved: Approved,
    has_connected: bool,
    /// How many files the server has.
    there: usize,
    /// Files that this run knows nothing about.
    added: BTreeSet<FileName>,
    /// Files that this run has sent and whose content is different now.
    changed: BTreeSet<FileName>,
}

impl Foreign {
    /// Starts with what the person has agreed to.
    pub fn new(approved: Approved) -> Self {
        Self {
            approved,
            ..Self::default()
        }
    }

    /// Records a list, before `known` replaces its own. Files that were being sent when a
    /// connection broke (`sending`) may have arrived without an answer, so they are this run's own.
    pub fn listed(
        &mut self,
        known: &Known,
        now: &BTreeMap<FileName, Remote>,
        sending: impl Fn(&FileName) -> bool,
    ) {
        let Approved::Deletions(approved) = &self.approved else {
            return;
        };
        self.there = now.len();
        (self.added, self.changed) = Default::default();
        for (name, remote) in now {
            if sending(name) || approved.contains(name) {
                continue;
            }
            // The executable bit does not count: some servers do not store it.
            let is_other = |before: &Remote| {
                before.is_known() && (before.size, &before.sha256) != (remote.size, &remote.sha256)
            };
            match known.remote(name) {
                None => drop(self.added.insert(name.clone())),
                Some(before) if self.has_connected && is_other(before) => {
                    self.changed.insert(name.clone());
                }
                Some(_) => {}
            }
        }
        self.has_connected = true;
    }

    /// Records a file that somebody else has just put there, before `known` does.
    pub fn heard(&mut self, name: &FileName, known: &Known) {
        if self.approved == Approved::All {
            return;
        }
        if known.remote(name).is_none() {
            self.there += 1;
            self.added.insert(name.clone());
        } else if !self.added.contains(name) {
            self.changed.insert(name.clone());
        }
    }

    /// Whether a plan may be carried out.
    ///
    /// # Errors
    ///
    /// A sentence, if many files would be lost that the person was not asked about.
    pub fn check(&self, plan: &Plan, project: &str) -> Result<(), Failure> {
        let gone = plan.delete.iter().filter(|name| {
            // A file that somebody else has changed is theirs as well.
            self.added.contains(*name) || self.changed.contains(*name)
        });
        let overwritten = plan.post.iter().map(|(name, _)| name);
        let overwritten = overwritten.filter(|name| self.changed.contains(*name));
        let lost: Vec<_> = gone.chain(overwritten).collect();
        let is_all = !lost.is_empty() && lost.len() == self.there;
        if lost.len() <= UNASKED_MAX && !is_all {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "Somebody else has put or changed {} in {} that would be deleted or overwritten now: \
             {}. None of that was done. Start again to be asked, or with --yes.",
            counted(lost.len(), "file"),
            shown(project),
            first_names(lost)
        )))
    }

    /// Notes that a file is this run's own from now on, or gone.
    pub fn settled(&mut self, name: &FileName) {
        self.added.remove(name);
        self.changed.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    fn names(of: &str, count: usize) -> Vec<FileName> {
        (0..count).map(|i| name(&format!("/{of}{i}"))).collect()
    }

    fn holding(names: &[FileName], content: &str) -> BTreeMap<FileName, Remote> {
        let remote = Remote {
            size: 1,
            sha256: content.to_owned(),
            executable: false,
        };
        names.iter().map(|n| (n.clone(), remote.clone())).collect()
    }

    fn deleting(names: &[FileName]) -> Plan {
        Plan {
            delete: names.to_vec(),
            ..Plan::default()
        }
    }

    fn sending(names: &[FileName]) -> Plan {
        Plan {
            post: names.iter().map(|name| (name.clone(), 1)).collect(),
            ..Plan::default()
        }
    }

    /// A share of `own` files that were all on the server, after it has reconnected.
    fn connected_again(own: &[FileName], now: &BTreeMap<FileName, Remote>) -> Foreign {
        let (mut foreign, mut known) = (Foreign::default(), Known::default());
        foreign.listed(&known, &BTreeMap::new(), |_| false);
        known.listed(holding(own, "mine"));
        foreign.listed(&known, now, |_| false);
        foreign
    }

    #[test]
    fn only_what_was_agreed_to_is_deleted_whatever_came_since_the_question() {
        let (asked, later) = (names("asked", 9), names("later", 6));
        for (approved, more, is_refused) in [
            (
                Approved::Deletions(asked.iter().cloned().collect()),
                0,
                false,
            ),
            (
                Approved::Deletions(asked.iter().cloned().collect()),
                5,
                false,
            ),
            (
                Approved::Deletions(asked.iter().cloned().collect()),
                6,
                true,
            ),
            (Approved::default(), 0, true),
            (Approved::All, 6, false),
        ] {
            let there = [&asked[..], &later[..more]].concat();
            let mut foreign = Foreign::new(approved.clone());
            foreign.listed(&Known::default(), &holding(&there, "x"), |_| false);
            let result = foreign.check(&deleting(&there), "ana/demo");
            assert_eq!(
                result.is_err(),
                is_refused,
                "{approved:?} {more}: {result:?}"
            );
        }
    }

    #[test]
    fn the_only_file_is_not_deleted_unasked() {
        let only = names("only", 1);
        let mut foreign = Foreign::default();
        foreign.listed(&Known::default(), &holding(&only, "x"), |_| false);
        let failure = foreign.check(&deleting(&only), "ana/demo").unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.to_string().contains("1 file"), "{failure}");
    }

    #[test]
    fn what_this_run_has_sent_it_deletes_after_a_reconnect_without_a_question() {
        let own = names("own", 50);
        let foreign = connected_again(&own, &holding(&own, "mine"));
        assert_eq!(foreign.check(&deleting(&own), "ana/demo"), Ok(()));
    }

    #[test]
    fn what_somebody_else_has_sent_meanwhile_is_neither_deleted_nor_overwritten() {
        let own = names("own", 50);
        let changed = connected_again(&own, &holding(&own, "theirs"));
        for plan in [deleting(&own), sending(&own)] {
            let failure = changed.check(&plan, "ana/demo").unwrap_err().to_string();
            assert!(
                failure.contains("50 files") && failure.contains("/own0, /own1"),
                "{failure}"
            );
            assert!(
                !failure.contains("/own14"),
                "no more than five are named: {failure}"
            );
        }
        let mut now = holding(&own, "mine");
        now.extend(holding(&names("theirs", 6), "theirs"));
        let added = connected_again(&own, &now);
        assert!(
            added
                .check(&deleting(&names("theirs", 6)), "ana/demo")
                .is_err()
        );
        assert_eq!(added.check(&sending(&own), "ana/demo"), Ok(()));
    }

    #[test]
    fn what_arrived_without_an_answer_is_not_taken_for_somebody_elses() {
        let own = names("own", 50);
        let (mut foreign, known) = (Foreign::default(), Known::default());
        foreign.listed(&known, &BTreeMap::new(), |_| false);
        foreign.listed(&known, &holding(&own, "mine"), |name| own.contains(name));
        assert_eq!(foreign.check(&deleting(&own), "ana/demo"), Ok(()));
    }

    #[test]
    fn what_was_settled_is_ours() {
        let own = names("own", 50);
        let mut foreign = connected_again(&own, &holding(&own, "theirs"));
        for name in &own {
            foreign.settled(name);
        }
        assert_eq!(foreign.check(&sending(&own), "ana/demo"), Ok(()));
    }

    #[test]
    fn what_somebody_else_puts_there_while_this_runs_is_theirs_too() {
        let mut known = Known::default();
        known.listed(holding(&names("own", 20), "x"));
        let there = holding(&names("own", 20), "x");
        let heard = |approved, count| {
            let mut foreign = Foreign::new(approved);
            foreign.listed(&known, &there, |_| false);
            for name in names("theirs", count) {
                foreign.heard(&name, &known);
            }
            foreign.check(&deleting(&names("theirs", count)), "ana/demo")
        };
        assert!(heard(Approved::default(), UNASKED_MAX).is_ok());
        assert!(heard(Approved::default(), UNASKED_MAX + 1).is_err());
        assert!(heard(Approved::All, UNASKED_MAX + 1).is_ok());
        let mut foreign = Foreign::new(Approved::default());
        foreign.listed(&known, &there, |_| false);
        let own = names("own", UNASKED_MAX + 1);
        for name in &own {
            foreign.heard(name, &known);
        }
        let posts = own.into_iter().map(|name| (name, 1)).collect();
        let plan = Plan {
            post: posts,
            ..Plan::default()
        };
        assert!(foreign.check(&plan, "ana/demo").is_err());
    }
}
