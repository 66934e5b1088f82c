//! Which nodes have streamer connections of which projects, as the log tells: without IO.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::adapters::outbound::nats::message::{Message, NodeId};
use crate::domain::{ProjectId, ProjectName, UserName};

/// What the log says about presence.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Kept {
    /// Whether the node that tells it has streamer connections of a project, and any that apply
    /// pull requests.
    Streamer {
        streamer: String,
        project: String,
        is_there: bool,
        #[serde(default)]
        applies: bool,
    },
    /// A node is dead, whatever it may still tell.
    Death { dead: NodeId },
}

impl Kept {
    /// What a node has of a project.
    pub fn streamer(project: &ProjectId, is_there: bool, applies: bool) -> Self {
        Self::Streamer {
            streamer: project.streamer.as_str().to_owned(),
            project: project.name.as_str().to_owned(),
            is_there,
            applies,
        }
    }
}

type NodesOfProjects = HashMap<ProjectId, BTreeSet<NodeId>>;

/// Where the streamers are. Every node that is told the same in the same order finds the same
/// transitions.
#[derive(Debug, Default)]
pub(crate) struct Streamers {
    /// Only projects with a streamer.
    nodes: NodesOfProjects,
    /// Only projects with a connection that applies pull requests.
    appliers: NodesOfProjects,
    /// The nodes that have told something, and are not dead.
    known: BTreeSet<NodeId>,
    dead: HashSet<NodeId>,
}

impl Streamers {
    /// Does what the log tells. Returns the projects whose first streamer has come with it
    /// (`true`), or whose last has left.
    pub fn follow(&mut self, told: Message<Kept>) -> Vec<(ProjectId, bool)> {
        match told.body {
            Kept::Streamer {
                streamer,
                project,
                is_there,
                applies,
            } => {
                let (streamer, name) = (UserName::parse(&streamer), ProjectName::parse(&project));
                let (Ok(streamer), Ok(name)) = (streamer, name) else {
                    return Vec::new();
                };
                let project = ProjectId { streamer, name };
                let is_transition = self.set(&project, told.node, is_there, applies);
                is_transition
                    .then_some((project, is_there))
                    .into_iter()
                    .collect()
            }
            Kept::Death { dead } => self.die(dead),
        }
    }

    /// Returns whether that is a transition.
    fn set(&mut self, project: &ProjectId, node: NodeId, is_there: bool, applies: bool) -> bool {
        if self.dead.contains(&node) {
            return false;
        }
        self.known.insert(node);
        if applies {
            come(&mut self.appliers, project, node);
        } else {
            leave(&mut self.appliers, project, node);
        }
        if is_there {
            come(&mut self.nodes, project, node)
        } else {
            leave(&mut self.nodes, project, node)
        }
    }

    fn die(&mut self, node: NodeId) -> Vec<(ProjectId, bool)> {
        self.dead.insert(node);
        self.known.remove(&node);
        leave_all(&mut self.appliers, node);
        let left = leave_all(&mut self.nodes, node).into_iter();
        left.map(|project| (project, false)).collect()
    }

    /// How many nodes other than this one have streamer connections of a project.
    pub fn elsewhere(&self, project: &ProjectId, own: NodeId) -> usize {
        let nodes = self.nodes.get(project).into_iter().flatten();
        nodes.filter(|node| **node != own).count()
    }

    /// A node other than this one that has connections which apply pull requests of a project.
    pub fn applier(&self, project: &ProjectId, own: NodeId) -> Option<NodeId> {
        let nodes = self.appliers.get(project).into_iter().flatten();
        nodes.copied().find(|node| *node != own)
    }

    pub fn is_dead(&self, node: NodeId) -> bool {
        self.dead.contains(&node)
    }

    /// The nodes that have told something, and are not dead.
    pub fn known(&self) -> impl Iterator<Item = NodeId> {
        self.known.iter().copied()
    }
}

/// Returns whether it is the first node of the project.
fn come(all: &mut NodesOfProjects, project: &ProjectId, node: NodeId) -> bool {
    let nodes = all.entry(project.clone()).or_default();
    nodes.insert(node) && nodes.len() == 1
}

/// Returns whether it was the last node of the project.
fn leave(all: &mut NodesOfProjects, project: &ProjectId, node: NodeId) -> bool {
    let Some(nodes) = all.get_mut(project) else {
        return false;
    };
    let was_last = nodes.remove(&node) && nodes.is_empty();
    if was_last {
        all.remove(project);
    }
    was_last
}

/// Returns the projects whose last node it was.
fn leave_all(all: &mut NodesOfProjects, node: NodeId) -> Vec<ProjectId> {
    let projects: Vec<_> = all.keys().cloned().collect();
    let left = projects
        .into_iter()
        .filter(|project| leave(all, project, node));
    left.collect()
}

#[cfg(test)]
mod tests;
