//! Data shapes that several messages share.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{ChatMessage, ContentHash, FilePath, ProjectId, PullRequest};

/// A file that has been stored or deleted.
#[derive(Serialize)]
pub(crate) struct Stored<'a> {
    pub message: &'static str,
    pub file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<&'a str>,
}

/// Which project something is about.
#[derive(Serialize)]
pub(crate) struct WireProject<'a> {
    username: &'a str,
    project: &'a str,
}

impl<'a> From<&'a ProjectId> for WireProject<'a> {
    fn from(project: &'a ProjectId) -> Self {
        Self {
            username: project.streamer.as_str(),
            project: project.name.as_str(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct WireChatMessage<'a> {
    message: &'a str,
    username: &'a str,
    room: &'a str,
    id: u64,
    date: u64,
    /// Left out if the message is no announcement.
    #[serde(skip_serializing_if = "Option::is_none")]
    announcement: Option<bool>,
}

impl<'a> From<&'a ChatMessage> for WireChatMessage<'a> {
    fn from(message: &'a ChatMessage) -> Self {
        Self {
            message: &message.text,
            username: message.username.as_str(),
            room: message.room.as_str(),
            id: message.id,
            date: message.date.as_millis(),
            announcement: message.is_announcement.then_some(true),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WirePullRequest<'a> {
    id: String,
    owner: &'a str,
    title: &'a str,
    description: &'a str,
    date: u64,
    /// `date` again, under the name in the original's documentation.
    data: u64,
    files: Vec<&'a str>,
    deleted: Vec<&'a str>,
    /// Left out if there is none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bases: BTreeMap<&'a str, String>,
    /// Likewise.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    deleted_bases: BTreeMap<&'a str, String>,
}

impl<'a> From<&'a PullRequest> for WirePullRequest<'a> {
    fn from(made: &'a PullRequest) -> Self {
        let names = |paths: &'a [FilePath]| paths.iter().map(FilePath::as_str).collect();
        let texts = |bases: &'a BTreeMap<FilePath, ContentHash>| {
            let texts = bases.iter();
            texts
                .map(|(path, base)| (path.as_str(), base.to_string()))
                .collect()
        };
        Self {
            id: made.id.to_string(),
            owner: made.owner.as_str(),
            title: &made.title,
            description: &made.description,
            date: made.date.as_millis(),
            data: made.date.as_millis(),
            files: names(&made.files),
            deleted: names(&made.deleted),
            bases: texts(&made.bases),
            deleted_bases: texts(&made.deleted_bases),
        }
    }
}
