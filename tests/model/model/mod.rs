//! What the contract says the server does, in memory: one request at a time, no sockets, no disk,
//! no concurrency. It shares nothing with the server.
//!
//! Answers are the JSON that must come, with marks for what only the server can know (`matching`).

mod chat;
mod error;
mod identity;
mod names;
mod projects;
mod pulls;
mod reading;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::ask::{Ask, Project, Right, Token};
use crate::support::unbase64;
use error::RequestError;
use uploads::Uploads;

/// The server's configuration, as far as it affects answers.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub public_read: bool,
    pub part_bytes: usize,
    pub file_bytes: usize,
    pub project_bytes: usize,
    pub project_files: usize,
    pub open_uploads: usize,
    pub pull_bytes: usize,
    pub pull_files: usize,
    pub open_pulls: usize,
    pub title_bytes: usize,
    pub chat_bytes: usize,
    pub chat_history: usize,
    pub watches: usize,
    pub failed_authentications: usize,
}

/// A file, its base, and the number of the change that made it.
#[derive(Debug, Clone)]
pub struct File {
    pub content: Vec<u8>,
    /// Only for a file of a draft or pull request.
    pub base: Option<String>,
    pub change: u64,
}

/// By their full names, `/` first; in byte order.
pub type Files = BTreeMap<String, File>;

#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub title: String,
    pub description: String,
    pub files: Files,
    /// With their bases.
    pub deleted: BTreeMap<String, Option<String>>,
}

/// An open pull request.
#[derive(Debug, Clone)]
pub struct Pull {
    pub number: u64,
    pub project: Project,
    pub owner: String,
    pub draft: Draft,
}

#[derive(Debug, Default)]
pub struct Connection {
    pub is_open: bool,
    pub token: Option<Token>,
    pub is_streamer: bool,
    pub is_viewer: bool,
    pub room: Option<String>,
    pub watches: BTreeSet<Project>,
    pub draft: Option<Draft>,
    uploads: Uploads,
    failed_authentications: usize,
    /// The name and `ref` of its latest request.
    latest: (String, Option<Value>),
    /// The pull requests that it was told of as a streamer's connection.
    told: BTreeSet<u64>,
}

/// The results of a request, and who gets them.
#[derive(Debug, Default)]
pub struct Reaction {
    /// To the asker, in this order.
    pub replies: Vec<Value>,
    /// To these connections, once each.
    pub pushes: Vec<(usize, Value)>,
    /// What the contract leaves open.
    pub perhaps: Vec<(usize, Value)>,
    /// The asker's connection is closed with 1008.
    pub closes: bool,
}

type Answer = Result<Vec<Value>, RequestError>;

pub struct World {
    pub limits: Limits,
    /// Those that exist.
    pub projects: BTreeMap<Project, Files>,
    /// The open ones, oldest first.
    pub pulls: Vec<Pull>,
    pub rooms: BTreeMap<String, Vec<Value>>,
    pub connections: Vec<Connection>,
    last_number: u64,
    pushes: Vec<(usize, Value)>,
    perhaps: Vec<(usize, Value)>,
}

impl World {
    pub fn new(limits: Limits, connections: usize) -> Self {
        Self {
            limits,
            projects: BTreeMap::new(),
            pulls: Vec::new(),
            rooms: BTreeMap::new(),
            connections: (0..connections).map(|_| Connection::default()).collect(),
            last_number: 0,
            pushes: Vec::new(),
            perhaps: Vec::new(),
        }
    }

    pub fn connect(&mut self, me: usize) {
        self.connections[me].is_open = true;
    }

    /// The connection is gone, with all its state.
    pub fn disconnect(&mut self, me: usize) -> Reaction {
        let streamed = self.streamed();
        for reply in self.settle(me, None) {
            self.perhaps.push((me, reply));
        }
        self.connections[me] = Connection::default();
        self.tell_presence(me, &streamed);
        self.reaction(Vec::new())
    }

    /// Carries out a request.
    pub fn ask(&mut self, me: usize, ask: &Ask, reference: Option<&Value>) -> Reaction {
        let streamed = self.streamed();
        let mut settled = self.settle(me, Some(ask));
        let name = ask.name().unwrap_or_default().to_owned();
        self.connections[me].latest = (name, reference.cloned());
        let answer = self.answer(me, ask);
        let counts = matches!(
            ask,
            Ask::Authenticate(..) | Ask::SectionAlone(..) | Ask::Faulty(Right::Token, _)
        );
        let is_unauthorized = matches!(
            answer,
            Err(RequestError::Unauthorized | RequestError::Banned)
        );
        let mut replies = answer.unwrap_or_else(|error| vec![error.json(ask.name())]);
        // A client that sends no JSON object has sent no `ref` either.
        if let Some(reference) = reference.filter(|_| !matches!(ask, Ask::Garbage(_))) {
            for reply in &mut replies {
                reply["ref"] = reference.clone();
            }
        } else {
            replies.retain(|reply| reply["type"] != "fileGetDone");
        }
        settled.append(&mut replies);
        let failures = &mut self.connections[me].failed_authentications;
        *failures += usize::from(counts && is_unauthorized);
        let closes = *failures >= self.limits.failed_authentications;
        if closes {
            self.connections[me] = Connection::default();
        }
        self.tell_presence(me, &streamed);
        Reaction {
            closes,
            ..self.reaction(settled)
        }
    }

    fn reaction(&mut self, replies: Vec<Value>) -> Reaction {
        Reaction {
            replies,
            pushes: std::mem::take(&mut self.pushes),
            perhaps: std::mem::take(&mut self.perhaps),
            closes: false,
        }
    }

    fn answer(&mut self, me: usize, ask: &Ask) -> Answer {
        let (ask, base) = ask.split_base();
        match ask {
            Ask::Authenticate(token, sections) => self.authenticate(me, token, sections),
            Ask::AuthenticateBadly(_) => {
                self.fail_closed(me);
                Err(RequestError::Bad)
            }
            Ask::SectionAlone(section, token) => {
                self.authenticate_alone(me, section, token.as_ref())
            }
            Ask::Get(project, name, deep) => self.get(me, project, name.as_deref(), *deep),
            Ask::List(project, name, deep) => self.list(me, project, name.as_deref(), *deep),
            Ask::Post(name, content, part) => self.post(me, name, content, *part, None, base),
            Ask::PostPiece(name, piece, part) => {
                let content = unbase64(piece);
                self.post(me, name, &content, Some(*part), Some(piece), base)
            }
            Ask::Delete(name) => self.delete(me, name, base),
            Ask::Watch(project) => self.watch(me, project),
            Ask::Unwatch(project) => self.unwatch(me, project),
            Ask::Status(project) => self.status(me, project),
            Ask::Create { title, description } => {
                self.create(me, title, description.as_deref().unwrap_or_default())
            }
            Ask::Finish => self.finish(me),
            Ask::PullGet(id) => self.pull_get(me, id),
            Ask::PullDelete(id, outcome) => self.pull_delete(me, id, outcome.unwrap_or("closed")),
            Ask::PullList => self.pull_list(me),
            Ask::Say(text) => self.say(me, text),
            Ask::History(limit) => self.history(me, *limit),
            Ask::Members => self.members(me),
            Ask::Leave => {
                self.may_chat(me)?;
                self.connections[me].room = None;
                Ok(vec![ok("chatLeave")])
            }
            Ask::Faulty(right, request) => {
                self.check_right(me, *right)?;
                if let Some(project) = named(request).filter(|_| *right == Right::Read) {
                    self.check_may_read(me, &project)?;
                }
                Err(RequestError::Bad)
            }
            // `split_base` has already taken the wrapped request out.
            Ask::From(..) | Ask::Garbage(_) => Err(RequestError::Bad),
        }
    }

    fn check_right(&self, me: usize, right: Right) -> Result<(), RequestError> {
        let connection = &self.connections[me];
        let token = connection.token.as_ref();
        let has_token = token.is_some();
        let allows = |right| token.is_some_and(|token| token.allows(right));
        let has_role = connection.is_streamer || connection.is_viewer;
        let allowed = match right {
            Right::Nothing => true,
            Right::Token => has_token,
            Right::Read => has_token || self.limits.public_read,
            Right::Write => connection.is_streamer || connection.draft.is_some(),
            Right::Pulls => has_role,
            Right::Propose => has_role && allows("propose"),
            Right::Chat => connection.room.is_some(),
        };
        allowed.then_some(()).ok_or(RequestError::Unauthorized)
    }

    fn push(&mut self, to: usize, message: Value) {
        self.pushes.push((to, message));
    }

    /// A number that was not given before.
    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

/// The project that a request names, if it names one validly.
fn named(request: &Value) -> Option<Project> {
    let name = |member: &str| {
        let name = request["data"][member].as_str()?;
        (!name.contains('/')).then(|| name.to_owned())
    };
    Some(Project {
        streamer: name("username")?,
        name: name("project")?,
    })
}

fn success(kind: &str, data: Value) -> Value {
    let mut answer = json!({"code": 200, "type": kind});
    answer["data"] = data;
    answer
}

fn ok(kind: &str) -> Value {
    success(kind, "OK".into())
}
