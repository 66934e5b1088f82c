//! The format of what the log says about questions to apply a pull request.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::adapters::outbound::nats::message::NodeId;
use crate::application::ConnectionId;
use crate::application::ports::{ApplyAnswer, ApplyQuestion};
use crate::domain::{ApplyOutcome, FilePath, ProjectId, ProjectName, PullRequestId, UserName};

/// A question and how far it has come. The log keeps the latest step only, so each says all that
/// there is to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Question {
    /// No other question has the same.
    name: String,
    streamer: String,
    project: String,
    /// Its number; 0 in the first step, whose place in the log it is.
    request: u64,
    id: String,
    /// Which files, in the first step only; `None` means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<Vec<String>>,
    asker_node: NodeId,
    asker: u64,
    /// The node one of whose connections is asked.
    pub applier_node: NodeId,
    pub step: Step,
}

/// What has become of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Step {
    Asked,
    Accepted,
    Answered {
        #[serde(with = "OutcomeName")]
        outcome: ApplyOutcome,
        conflicts: Vec<String>,
        message: String,
    },
    /// The connection that was asked is gone.
    Left,
    /// Nobody has accepted it in time.
    Late,
    /// The connection that asks is gone.
    Withdrawn,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ApplyOutcome", rename_all = "lowercase")]
enum OutcomeName {
    Applied,
    Partly,
    Declined,
    Failed,
}

/// Where the connection that asks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker {
    pub node: NodeId,
    pub connection: ConnectionId,
}

impl Step {
    pub fn answered(answer: &ApplyAnswer) -> Self {
        Self::Answered {
            outcome: answer.outcome,
            conflicts: texts(&answer.conflicts),
            message: answer.message.to_string(),
        }
    }

    /// Whether the question is open after this.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Asked | Self::Accepted)
    }
}

impl Question {
    /// What is asked of a node.
    pub fn new(name: String, asked: &ApplyQuestion, own: NodeId, applier_node: NodeId) -> Self {
        Self {
            name,
            streamer: asked.project.streamer.to_string(),
            project: asked.project.name.to_string(),
            request: 0,
            id: asked.id.to_string(),
            files: asked.files.as_deref().map(texts),
            asker_node: own,
            asker: asked.asker.0,
            applier_node,
            step: Step::Asked,
        }
    }

    /// The same question at its next step.
    pub fn next(self, request: u64, step: Step) -> Self {
        Self {
            request,
            files: None,
            step,
            ..self
        }
    }

    /// Its number, if this is at `sequence` of the log.
    pub fn request(&self, sequence: u64) -> u64 {
        match self.step {
            Step::Asked => sequence,
            _ => self.request,
        }
    }

    pub fn asker(&self) -> Asker {
        Asker {
            node: self.asker_node,
            connection: ConnectionId(self.asker),
        }
    }

    /// No other question has the same name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For which project it is; `None` if that cannot be a name.
    pub fn project(&self) -> Option<ProjectId> {
        Some(ProjectId {
            streamer: UserName::parse(&self.streamer).ok()?,
            name: ProjectName::parse(&self.project).ok()?,
        })
    }

    pub fn id(&self) -> Option<PullRequestId> {
        PullRequestId::parse(&self.id)
    }

    pub fn files(&self) -> Option<Arc<[FilePath]>> {
        self.files.as_deref().map(paths)
    }
}

fn texts(paths: &[FilePath]) -> Vec<String> {
    paths.iter().map(FilePath::to_string).collect()
}

/// Names that are none are left out.
pub(crate) fn paths(texts: &[String]) -> Arc<[FilePath]> {
    let paths = texts.iter().filter_map(|text| FilePath::parse(text).ok());
    paths.collect()
}
