//! What must be true of the files in the end.

use std::collections::BTreeMap;

use super::ENDS;
use super::check::{Outcome, covers};
use super::script::{ALL, STREAMERS};
use super::versions::{Order, Replica, head};
use crate::ask::Ask;
use crate::game::Difference;

impl Outcome<'_> {
    /// Everyone who received all updates ends with the project's files; streamers lack their own.
    pub fn check_convergence(&self, tree: &Replica) -> Result<(), Difference> {
        for me in 0..ALL {
            let is_others = |name: &&String| {
                let own = name.starts_with(&format!("/s{me}/")) || ENDS.contains(&name.as_str());
                !STREAMERS.contains(&me) || (name.starts_with("/s") && !own)
            };
            let of = |replica: &Replica| -> BTreeMap<_, _> {
                let there = replica.there.iter();
                let there = there.filter(|(name, _)| is_others(name));
                there
                    .map(|(name, content)| (name.clone(), head(content)))
                    .collect()
            };
            let (own, all) = (of(&self.replicas[me]), of(tree));
            if own != all {
                return Err(format!("{me} ended with {own:?} instead of {all:?}"));
            }
        }
        for me in STREAMERS {
            let mut files = self.scripts[me].world.projects.values().flatten();
            if let Some((name, _)) =
                files.find(|(name, file)| tree.there.get(*name) != Some(&file.content))
            {
                return Err(format!("{name} is not there as {me} left it"));
            }
            let own = format!("/s{me}/");
            let there = tree
                .there
                .keys()
                .filter(|name| name.starts_with(&own))
                .count();
            let known = self.scripts[me].world.projects.values().map(BTreeMap::len);
            if there != known.sum::<usize>() {
                return Err(format!("{own} holds {there} files"));
            }
        }
        Ok(())
    }

    /// All saw the versions of a file in one order, which keeps each writer's own order. The
    /// version that is there in the end comes last.
    pub fn check_shared(&self, tree: &Replica) -> Result<(), Difference> {
        let mut order = Order::default();
        for seen in self
            .replicas
            .iter()
            .flat_map(|replica| replica.seen.values())
        {
            order.add(seen);
        }
        for me in STREAMERS {
            let mut own: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for request in &self.scripts[me].requests {
                let answers = self.answers(me, request);
                let is_done = answers.first().is_some_and(|answer| answer["code"] == 200);
                match &request.ask {
                    Ask::Post(name, content, None) if is_done => {
                        own.entry(name).or_default().push(head(content));
                    }
                    Ask::Delete(name) if is_done => {
                        // The writer's earlier posts are gone by now.
                        let gone = own.keys().filter(|path| covers(name, path));
                        let gone: Vec<_> = gone.copied().collect();
                        for path in gone {
                            let before = own.entry(path).or_default();
                            before.push(format!("{me} deletes {}", request.reference));
                        }
                    }
                    _ => {}
                }
            }
            for own in own.values() {
                order.add(own);
            }
        }
        for (name, content) in &tree.there {
            if order.is_superseded(&head(content)) {
                return Err(format!("{name} ends with the superseded {}", head(content)));
            }
            let below = |other: &String| other.starts_with(&format!("{name}/"));
            if tree.there.keys().any(below) {
                return Err(format!("{name} is a file and a folder"));
            }
        }
        order.check()
    }
}
