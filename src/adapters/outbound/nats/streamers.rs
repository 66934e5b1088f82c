//! Which nodes have streamer connections of which projects, as the log tells: without IO.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::adapters::outbound::nats::message::{Message, NodeId};
use crate::domain::{ProjectId, ProjectName, UserName};

/// What the log says about presence.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Kept {
    /// Whether the node that tells it has streamer connections of a project.
    Streamer {
        streamer: String,
        project: String,
        is_there: bool,
    },
    /// A node is dead, whatever it may still tell.
    Death { dead: NodeId },
}

impl Kept {
    /// Whether the node that tells it has streamer connections of a project.
    pub fn streamer(project: &ProjectId, is_there: bool) -> Self {
        Self::Streamer {
            streamer: project.streamer.as_str().to_owned(),
            project: project.name.as_str().to_owned(),
            is_there,
        }
    }
}

/// Where the streamers are. Every node that is told the same in the same order finds the same
/// transitions.
#[derive(Debug, Default)]
pub(crate) struct Streamers {
    /// Only projects with a streamer.
    nodes: HashMap<ProjectId, BTreeSet<NodeId>>,
    /// The nodes that have told something, and are not dead.
    known: BTreeSet<NodeId>,
    dead: HashSet<NodeId>,
}

impl Streamers {
    /// The log tells this. Returns the projects to which the first streamer has come with it
    /// (`true`), or which the last has left.
    pub fn follow(&mut self, told: Message<Kept>) -> Vec<(ProjectId, bool)> {
        match told.body {
            Kept::Streamer {
                streamer,
                project,
                is_there,
            } => {
                let (streamer, name) = (UserName::parse(&streamer), ProjectName::parse(&project));
                let (Ok(streamer), Ok(name)) = (streamer, name) else {
                    return Vec::new();
                };
                let project = ProjectId { streamer, name };
                let is_transition = self.set(&project, told.node, is_there);
                is_transition
                    .then_some((project, is_there))
                    .into_iter()
                    .collect()
            }
            Kept::Death { dead } => self.die(dead),
        }
    }

    /// Returns whether that is a transition.
    fn set(&mut self, project: &ProjectId, node: NodeId, is_there: bool) -> bool {
        if self.dead.contains(&node) {
            return false;
        }
        self.known.insert(node);
        if !is_there {
            return self.leave(project, node);
        }
        let nodes = self.nodes.entry(project.clone()).or_default();
        nodes.insert(node) && nodes.len() == 1
    }

    fn die(&mut self, node: NodeId) -> Vec<(ProjectId, bool)> {
        self.dead.insert(node);
        self.known.remove(&node);
        let all: Vec<_> = self.nodes.keys().cloned().collect();
        let left = all.into_iter().filter(|project| self.leave(project, node));
        left.map(|project| (project, false)).collect()
    }

    /// Returns whether it was the last node of the project.
    fn leave(&mut self, project: &ProjectId, node: NodeId) -> bool {
        let Some(nodes) = self.nodes.get_mut(project) else {
            return false;
        };
        let was_last = nodes.remove(&node) && nodes.is_empty();
        if was_last {
            self.nodes.remove(project);
        }
        was_last
    }

    /// How many nodes other than this one have streamer connections of a project.
    pub fn elsewhere(&self, project: &ProjectId, own: NodeId) -> usize {
        let nodes = self.nodes.get(project).into_iter().flatten();
        nodes.filter(|node| **node != own).count()
    }

    /// The nodes that have told something, and are not dead.
    pub fn known(&self) -> impl Iterator<Item = NodeId> {
        self.known.iter().copied()
    }
}

#[cfg(test)]
mod tests;
