//! The names of streams and subjects.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::adapters::outbound::nats::message::NodeId;
use crate::domain::{FilePath, ProjectId, PullRequestId, RoomName};

/// How many characters of a hash stand for a name: 132 bits.
const HASH_LENGTH: usize = 22;

/// The last part of a head's subject. No hash is as short.
const HEAD: &str = "_";

/// The last part of the subject that names a large content's owner. All others are numbers.
const OWNER: &str = "o";

/// All names on one engine that begin with one prefix. Names of people and files appear only as
/// hashes, because a subject cannot hold all of their characters.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    prefix: String,
}

/// A stream that nodes follow: whatever it keeps is told to all of them.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub name: String,
    /// The subjects of all that it keeps.
    pub subjects: String,
    /// The subjects on which that is told, once it is kept.
    pub told: String,
    /// Whether the engine keeps it in memory only, so that it may lose it.
    pub is_in_memory: bool,
}

impl Subjects {
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// The log: projects, pull requests, questions to apply them, guests, moderation and presence.
    /// It is kept on disks.
    pub fn log(&self) -> Stream {
        let prefix = &self.prefix;
        Stream {
            name: prefix.to_uppercase(),
            subjects: format!("{prefix}.s.>"),
            told: format!("{prefix}.r.>"),
            is_in_memory: false,
        }
    }

    /// What happens and is soon forgotten: the chat. It is kept in memory.
    pub fn live(&self) -> Stream {
        let prefix = &self.prefix;
        Stream {
            name: format!("{}_LIVE", prefix.to_uppercase()),
            subjects: format!("{prefix}.l.>"),
            told: format!("{prefix}.m.>"),
            is_in_memory: true,
        }
    }

    /// Messages in a room.
    pub fn chat(&self, room: &RoomName) -> String {
        format!("{}.l.c.{}", self.prefix, of_room(room))
    }

    /// The news that somebody is in a room.
    pub fn occupied(&self, room: &RoomName) -> String {
        format!("{}.l.k.{}", self.prefix, of_room(room))
    }

    /// All about a room.
    pub fn all_of_room(&self, room: &RoomName) -> String {
        format!("{}.l.*.{}", self.prefix, of_room(room))
    }

    /// The stream that keeps large contents.
    pub fn blob_stream(&self) -> String {
        format!("{}_BLOBS", self.prefix.to_uppercase())
    }

    /// All chunks of large contents, and their owners.
    pub fn all_blobs(&self) -> String {
        format!("{}.b.>", self.prefix)
    }

    /// The heads of all projects.
    pub fn heads(&self) -> String {
        format!("{}.s.f.*.{HEAD}", self.prefix)
    }

    /// The head of a project.
    pub fn head(&self, project: &ProjectId) -> String {
        format!("{}.s.f.{}.{HEAD}", self.prefix, of_project(project))
    }

    /// The files of a project, and its head.
    pub fn files(&self, project: &ProjectId) -> String {
        format!("{}.s.f.{}.*", self.prefix, of_project(project))
    }

    /// A file of a project.
    pub fn file(&self, project: &ProjectId, path: &FilePath) -> String {
        let file = hash(path.as_str().as_bytes());
        format!("{}.s.f.{}.{file}", self.prefix, of_project(project))
    }

    /// The pull requests of all projects, and their heads.
    pub fn all_pull_requests(&self) -> String {
        format!("{}.s.p.>", self.prefix)
    }

    /// The head of a project's pull requests.
    pub fn pull_request_head(&self, project: &ProjectId) -> String {
        format!("{}.s.p.{}.{HEAD}", self.prefix, of_project(project))
    }

    /// A pull request.
    pub fn pull_request(&self, project: &ProjectId, id: PullRequestId) -> String {
        format!("{}.s.p.{}.{id}", self.prefix, of_project(project))
    }

    /// Whether a subject of the log is a project's head or file.
    pub fn is_of_project(&self, subject: &str) -> bool {
        self.is_of_kind(subject, ".s.f.")
    }

    /// Whether a subject of the log is a pull request or the head of some.
    pub fn is_of_pull_request(&self, subject: &str) -> bool {
        self.is_of_kind(subject, ".s.p.")
    }

    /// Whether a subject of the log is what moderators have decided in a project.
    pub fn is_of_moderation(&self, subject: &str) -> bool {
        self.is_of_kind(subject, ".s.m.")
    }

    fn is_of_kind(&self, subject: &str, kind: &str) -> bool {
        let rest = subject.strip_prefix(self.prefix.as_str());
        rest.is_some_and(|rest| rest.starts_with(kind))
    }

    /// The guests of a project.
    pub fn guests(&self, project: &ProjectId) -> String {
        format!("{}.s.g.{}", self.prefix, of_project(project))
    }

    /// The key that signs guests' tokens.
    pub fn guest_key(&self) -> String {
        format!("{}.s.k", self.prefix)
    }

    /// What moderators have decided in a project.
    pub fn moderation(&self, project: &ProjectId) -> String {
        format!("{}.s.m.{}", self.prefix, of_project(project))
    }

    /// All that the log says about who is there.
    pub fn presence(&self) -> String {
        format!("{}.s.l.>", self.prefix)
    }

    /// Whether a node has streamer connections of a project.
    pub fn streamer(&self, project: &ProjectId, node: NodeId) -> String {
        format!("{}.s.l.s.{}.{node}", self.prefix, of_project(project))
    }

    /// The same for all projects.
    pub fn streamers_of(&self, node: NodeId) -> String {
        format!("{}.s.l.s.*.{node}", self.prefix)
    }

    /// The death of a node.
    pub fn death(&self, node: NodeId) -> String {
        format!("{}.s.l.n.{node}", self.prefix)
    }

    /// Whether a subject of the log says who is there.
    pub fn is_of_presence(&self, subject: &str) -> bool {
        self.is_of_kind(subject, ".s.l.")
    }

    /// The question to apply a pull request that is open in a project, or was last.
    pub fn apply_question(&self, project: &ProjectId) -> String {
        format!("{}.s.a.{}", self.prefix, of_project(project))
    }

    /// Whether a subject of the log is such a question.
    pub fn is_of_apply(&self, subject: &str) -> bool {
        self.is_of_kind(subject, ".s.a.")
    }

    /// Where a node says how many viewers each project has there.
    pub fn viewers(&self, node: NodeId) -> String {
        format!("{}.v.{node}", self.prefix)
    }

    /// The same for all nodes.
    pub fn all_viewers(&self) -> String {
        format!("{}.v.*", self.prefix)
    }

    /// Where nodes say where streamers look.
    pub fn focus(&self) -> String {
        format!("{}.o", self.prefix)
    }

    /// Where a node says that it lives.
    pub fn beat(&self, node: NodeId) -> String {
        format!("{}.n.{node}", self.prefix)
    }

    /// The same for all nodes.
    pub fn all_beats(&self) -> String {
        format!("{}.n.*", self.prefix)
    }

    /// Where all nodes are asked about something.
    pub fn question(&self, about: &str) -> String {
        format!("{}.q.{about}", self.prefix)
    }

    /// The head of the project, or of the pull requests, to which an entry belongs.
    pub fn head_beside(entry: &str) -> String {
        let before = entry.rsplit_once('.').map_or(entry, |(before, _)| before);
        format!("{before}.{HEAD}")
    }

    /// What says which entry of the log may name a large content.
    pub fn owner(&self, blob: &str) -> String {
        format!("{}.b.{blob}.{OWNER}", self.prefix)
    }

    /// That of all large contents.
    pub fn owners(&self) -> String {
        format!("{}.b.*.{OWNER}", self.prefix)
    }

    /// The name of the large content with this owner.
    pub fn blob_of<'a>(&self, owner: &'a str) -> Option<&'a str> {
        let rest = owner.strip_prefix(self.prefix.as_str())?;
        rest.strip_prefix(".b.")?.split('.').next()
    }

    /// A chunk of a large content.
    pub fn chunk(&self, blob: &str, number: u64) -> String {
        format!("{}.b.{blob}.{number}", self.prefix)
    }

    /// All chunks of a large content, or of all contents whose names begin with `blob` and a dot,
    /// and their owner.
    pub fn chunks(&self, blob: &str) -> String {
        format!("{}.b.{blob}.>", self.prefix)
    }
}

fn of_project(project: &ProjectId) -> String {
    // No name has a NUL, so no two projects have the same text here.
    hash(format!("{}\0{}", project.streamer, project.name).as_bytes())
}

fn of_room(room: &RoomName) -> String {
    hash(room.as_str().as_bytes())
}

fn hash(name: &[u8]) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(Sha256::digest(name));
    text.truncate(HASH_LENGTH);
    text
}
