//! How many viewers each project has at the other nodes, as these say: without IO.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::adapters::outbound::nats::message::NodeId;
use crate::domain::{ProjectId, ProjectName, UserName};

/// How many projects are told of in one message: with names of 255 bytes it stays below 1 MiB.
const TOLD_AT_ONCE: usize = 200;

/// What a node tells of its viewers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// How often the node has told everything anew.
    round: u64,
    /// Whether it has told everything in this round.
    is_complete: bool,
    /// Streamer, project, and how many.
    viewers: Vec<(String, String, usize)>,
}

/// What this node and the others have told each other.
#[derive(Debug, Default)]
pub(crate) struct Viewers {
    /// By node: how many viewers, and the round in which that was told. No zeros.
    elsewhere: HashMap<NodeId, HashMap<ProjectId, (usize, u64)>>,
    /// What the others know of this node. No zeros.
    told: HashMap<ProjectId, usize>,
    /// The projects for which that may have changed.
    changed: HashSet<ProjectId>,
    round: u64,
}

impl Viewers {
    /// How many viewers a project has at the other nodes.
    pub fn elsewhere(&self, project: &ProjectId) -> usize {
        let counts = self.elsewhere.values();
        let of_project = counts.filter_map(|counts| counts.get(project));
        of_project.map(|(viewers, _)| viewers).sum()
    }

    /// Notes that this node's number of viewers of a project may have changed.
    pub fn change(&mut self, project: &ProjectId) {
        self.changed.insert(project.clone());
    }

    /// What this node has to tell: what has changed or, `anew`, everything.
    pub fn tell(&mut self, anew: bool, viewers: impl Fn(&ProjectId) -> usize) -> Vec<Told> {
        let mut news = HashMap::new();
        for project in std::mem::take(&mut self.changed) {
            let now = viewers(&project);
            let before = if now == 0 {
                self.told.remove(&project).unwrap_or(0)
            } else {
                self.told.insert(project.clone(), now).unwrap_or(0)
            };
            if now != before {
                news.insert(project, now);
            }
        }
        let all = if anew { &self.told } else { &news };
        let all = all.iter().map(|(project, viewers)| {
            let ProjectId { streamer, name } = project;
            let (streamer, name) = (streamer.as_str().to_owned(), name.as_str().to_owned());
            (streamer, name, *viewers)
        });
        let all: Vec<_> = all.collect();
        let mut parts: Vec<_> = all.chunks(TOLD_AT_ONCE).collect();
        if anew {
            self.round += 1;
            if parts.is_empty() {
                parts.push(&[]);
            }
        }
        let last = parts.len();
        let told = parts.into_iter().zip(1..).map(|(part, number)| Told {
            round: self.round,
            is_complete: anew && number == last,
            viewers: part.to_vec(),
        });
        told.collect()
    }

    /// Takes in what another node has told. Returns the projects whose numbers have changed.
    pub fn hear(&mut self, node: NodeId, told: Told) -> Vec<ProjectId> {
        let counts = self.elsewhere.entry(node).or_default();
        let mut changed = Vec::new();
        for (streamer, name, viewers) in told.viewers {
            let (Ok(streamer), Ok(name)) = (UserName::parse(&streamer), ProjectName::parse(&name))
            else {
                continue;
            };
            let project = ProjectId { streamer, name };
            let before = if viewers == 0 {
                counts.remove(&project)
            } else {
                counts.insert(project.clone(), (viewers, told.round))
            };
            if before.map_or(0, |(viewers, _)| viewers) != viewers {
                changed.push(project);
            }
        }
        if told.is_complete {
            let gone = counts.extract_if(|_, (_, round)| *round != told.round);
            changed.extend(gone.map(|(project, _)| project));
        }
        changed
    }

    /// Forgets the nodes that are gone. Returns the projects whose numbers have changed.
    pub fn forget(&mut self, is_gone: impl Fn(NodeId) -> bool) -> Vec<ProjectId> {
        let gone = self.elsewhere.extract_if(|node, _| is_gone(*node));
        gone.flat_map(|(_, counts)| counts.into_keys()).collect()
    }
}

#[cfg(test)]
mod tests;
