//! What connections are told without asking.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;

use super::apply::apply_notice;
use super::envelope::{OK, success};
use super::files::{FilePart, file_part, part_count};
use super::moderation::chat_moderated;
use super::shapes::{Stored, WireChatMessage, WireProject, WirePullRequest};
use crate::adapters::delivery::WireFrame;
use crate::application::memory::MemoryBudget;
use crate::application::{Event, FileKey};
use crate::domain::{Outcome, ProjectEntry, PullRequest};

/// An encoder for the hub: the frames that report an event, each reserved from `budget` once.
pub fn event_encoder(
    budget: Arc<MemoryBudget>,
    part_bytes: usize,
) -> impl Fn(&Event, usize) -> Vec<WireFrame> + Send + Sync + 'static {
    move |reported, receivers| {
        let frames = event(reported, part_bytes).into_iter();
        frames
            .map(|frame| WireFrame::shared(frame, receivers, &budget))
            .collect()
    }
}

/// The messages that report an event; none if its receivers have to read the content back.
pub(crate) fn event(event: &Event, part_bytes: usize) -> Vec<Bytes> {
    match event {
        Event::FileUpdated {
            file,
            entry,
            content: Some(content),
        } => {
            let count = part_count(content.len() as u64, part_bytes);
            let mut contents = content.chunks(part_bytes);
            let part = |part| FilePart {
                path: &file.path,
                content: contents.next().unwrap_or_default(),
                part,
                count,
                base: None,
                executable: entry.executable.then_some(true),
                project: Some(&file.project),
            };
            let parts = (1..=count).map(part);
            parts.map(|part| file_part(&part, None)).collect()
        }
        Event::FileUpdated { content: None, .. } => Vec::new(),
        Event::FileChanged { file, entry } => vec![file_changed(file, entry)],
        Event::FileDeleted { file, .. } => {
            let data = Stored {
                message: OK,
                file: file.path.as_str(),
                username: Some(file.project.streamer.as_str()),
                project: Some(file.project.name.as_str()),
            };
            vec![success("fileDeleted", data, None)]
        }
        Event::Presence { project, connected } => {
            let kind = if *connected {
                "streamerConnected"
            } else {
                "streamerDisconnected"
            };
            vec![success(kind, WireProject::from(project), None)]
        }
        Event::ViewersChanged { project, viewers } => {
            #[derive(Serialize)]
            struct Viewers<'a> {
                #[serde(flatten)]
                project: WireProject<'a>,
                viewers: usize,
            }
            let data = Viewers {
                project: project.into(),
                viewers: *viewers,
            };
            vec![success("viewersChanged", data, None)]
        }
        Event::FocusChanged { file, line } => {
            #[derive(Serialize)]
            struct Focus<'a> {
                #[serde(flatten)]
                project: WireProject<'a>,
                name: &'a str,
                #[serde(skip_serializing_if = "Option::is_none")]
                line: Option<u32>,
            }
            let data = Focus {
                project: (&file.project).into(),
                name: file.path.as_str(),
                line: *line,
            };
            vec![success("focusChanged", data, None)]
        }
        Event::PullRequestCreated(created) => vec![pull_request_created(created)],
        Event::PullRequestClosed { id, outcome } => {
            let outcome = match outcome {
                Outcome::Merged => "merged",
                Outcome::Closed => "closed",
                Outcome::Withdrawn => "withdrawn",
            };
            let data = json!({"id": id.to_string(), "outcome": outcome});
            vec![success("pullRequestClosed", data, None)]
        }
        Event::Apply(notice) => vec![apply_notice(notice)],
        Event::ChatMessage(message) => {
            vec![success("chatMessage", WireChatMessage::from(message), None)]
        }
        Event::ChatDeleted { room, id } => {
            let data = json!({"room": room.as_str(), "id": id});
            vec![success("chatDeleted", data, None)]
        }
        Event::ChatSlowed { room, seconds } => {
            let data = json!({"room": room.as_str(), "seconds": seconds});
            vec![success("chatSlowed", data, None)]
        }
        Event::ChatModerated {
            room,
            action,
            user,
            until,
        } => vec![chat_moderated(room, action, user, *until)],
    }
}

fn file_changed(file: &FileKey, entry: &ProjectEntry) -> Bytes {
    #[derive(Serialize)]
    struct Changed<'a> {
        name: &'a str,
        size: u64,
        modified: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        executable: Option<bool>,
        #[serde(flatten)]
        project: WireProject<'a>,
    }
    let data = Changed {
        name: file.path.as_str(),
        size: entry.bytes,
        modified: entry.modified.as_millis(),
        executable: entry.executable.then_some(true),
        project: (&file.project).into(),
    };
    success("fileChanged", data, None)
}

/// Says that a pull request waits for the streamer.
pub(crate) fn pull_request_created(created: &PullRequest) -> Bytes {
    success("pullRequestCreated", WirePullRequest::from(created), None)
}
