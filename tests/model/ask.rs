//! What a client can ask, before it becomes JSON.

use serde_json::{Value, json};

use crate::support::{
    authenticate, base64, chat, chat_section, file, file_section, now, pull_request,
    pull_request_section, token, token_as_is,
};

/// The time until which a muted or banned user is so: the year 2100.
pub const FOR_LONG: u64 = 4_102_444_800;

/// A project by its streamer and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Project {
    pub streamer: String,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Forged,
    Expired,
    Empty,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub user: String,
    pub project: Project,
    /// `None`: the project's own.
    pub room: Option<String>,
    pub muted: bool,
    pub banned: bool,
    /// What it is limited to.
    pub rights: Option<Vec<&'static str>>,
    /// Why it is invalid, if it is.
    pub fault: Option<Fault>,
}

impl Token {
    /// Whether its rights include this one.
    pub fn allows(&self, right: &str) -> bool {
        let rights = self.rights.as_ref();
        rights.is_none_or(|rights| rights.contains(&right))
    }

    pub fn may_chat(&self, public_read: bool) -> bool {
        !self.banned && self.allows("chat") && (public_read || self.allows("read"))
    }

    pub fn room(&self) -> String {
        let Project { streamer, name } = &self.project;
        self.room
            .clone()
            .unwrap_or_else(|| format!("{streamer}/{name}"))
    }

    fn text(&self) -> String {
        let mut claims = json!({
            "username": self.user, "streamername": self.project.streamer,
            "streamname": self.project.name, "room": self.room,
        });
        if let Some(rights) = &self.rights {
            claims["rights"] = json!(rights);
        }
        if self.muted {
            claims["mutedUntil"] = FOR_LONG.into();
        }
        if self.banned {
            claims["bannedUntil"] = FOR_LONG.into();
        }
        match self.fault {
            None => token(claims),
            Some(Fault::Empty) => String::new(),
            Some(Fault::Expired) => {
                claims["exp"] = (now() - 60).into();
                token(claims)
            }
            Some(Fault::Forged) => {
                claims["exp"] = FOR_LONG.into();
                token_as_is(&claims, b"another secret")
            }
        }
    }
}

/// What a client asks to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section {
    Streamer { user: String, project: String },
    Member { user: String, room: String },
    Viewer { user: String, project: Project },
}

impl Section {
    fn data(&self) -> Value {
        match self {
            Self::Streamer { user, project } => file_section(user, project),
            Self::Member { user, room } => chat_section(user, room),
            Self::Viewer { user, project } => {
                pull_request_section(user, &project.streamer, &project.name)
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Streamer { .. } => "file",
            Self::Member { .. } => "chat",
            Self::Viewer { .. } => "pullrequest",
        }
    }
}

/// `part` (`None`: left out) and `maxPart`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub number: Option<u32>,
    pub count: u32,
}

/// A right that is checked before the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Nothing,
    Token,
    Read,
    Write,
    Pulls,
    Propose,
    Chat,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Authenticate(Token, Vec<Section>),
    /// An `authenticate` whose shape is invalid.
    AuthenticateBadly(Value),
    SectionAlone(Section, Option<Token>),
    Get(Project, Option<String>, bool),
    List(Project, Option<String>, bool),
    Post(String, Vec<u8>, Option<Part>),
    /// As the desktop client posts: a binary message with a piece of the whole file's base64.
    PostPiece(String, String, Part),
    /// A post or delete that says which content it starts from.
    From(String, Box<Ask>),
    Delete(String),
    Watch(Project),
    Unwatch(Project),
    Status(Project),
    Create {
        title: String,
        /// `None`: left out.
        description: Option<String>,
    },
    Finish,
    PullGet(String),
    PullDelete(String, Option<&'static str>),
    PullList,
    Say(String),
    History(Option<u64>),
    Members,
    Leave,
    /// A request with invalid parameters, after this right.
    Faulty(Right, Value),
    /// Not a JSON object.
    Garbage(&'static str),
}

impl Ask {
    /// The request; `None` if it is not a JSON object.
    pub fn json(&self) -> Option<Value> {
        let of = |project: &Project| json!({"username": project.streamer, "project": project.name});
        let reading = |project: &Project, name: &Option<String>, recursively: &bool| {
            let mut data = of(project);
            data["name"] = json!(name);
            if *recursively {
                data["recursively"] = true.into();
            }
            data
        };
        Some(match self {
            Self::Authenticate(token, sections) => {
                let mut data = json!({"token": token.text()});
                for section in sections {
                    data[section.kind()] = section.data();
                }
                authenticate(data)
            }
            Self::AuthenticateBadly(request) | Self::Faulty(_, request) => request.clone(),
            Self::SectionAlone(section, token) => {
                let mut data = section.data();
                data["token"] = json!(token.as_ref().map(Token::text));
                json!({"type": section.kind(), "subtype": "auth", "data": data})
            }
            Self::Get(project, name, deep) => file("get", reading(project, name, deep)),
            Self::List(project, name, deep) => file("list", reading(project, name, deep)),
            Self::Post(name, content, part) => {
                let mut data = json!({"name": name, "content": base64(content)});
                if let Some(part) = part {
                    data["part"] = json!(part.number);
                    data["maxPart"] = part.count.into();
                }
                file("post", data)
            }
            Self::PostPiece(name, piece, part) => file(
                "post",
                json!({
                    "name": name, "content": piece,
                    "part": part.number, "maxPart": part.count,
                }),
            ),
            Self::From(base, post) => {
                let mut request = post.json()?;
                request["data"]["base"] = json!(base);
                request
            }
            Self::Delete(name) => file("delete", json!({"name": name})),
            Self::Watch(project) => file("watch", of(project)),
            Self::Unwatch(project) => file("unwatch", of(project)),
            Self::Status(project) => file("status", of(project)),
            Self::Create { title, description } => pull_request(
                "creation",
                json!({"title": title, "description": description}),
            ),
            Self::Finish => pull_request("finish", Value::Null),
            Self::PullGet(id) => pull_request("get", json!({"id": id})),
            Self::PullDelete(id, outcome) => {
                pull_request("delete", json!({"id": id, "outcome": outcome}))
            }
            Self::PullList => pull_request("list", Value::Null),
            Self::Say(text) => chat("message", json!({"message": text})),
            Self::History(limit) => chat("history", json!({"limit": limit})),
            Self::Members => chat("members", Value::Null),
            Self::Leave => chat("leave", Value::Null),
            Self::Garbage(_) => return None,
        })
    }

    /// The request without its base, and the base.
    pub fn split_base(&self) -> (&Self, Option<&str>) {
        match self {
            Self::From(base, post) => (post, Some(base)),
            other => (other, None),
        }
    }

    /// The `name` of a `file` request as sent, which its errors carry.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Get(_, name, _) | Self::List(_, name, _) => name.as_deref(),
            Self::Post(name, ..) | Self::PostPiece(name, ..) | Self::Delete(name) => Some(name),
            Self::From(_, post) => post.name(),
            Self::Faulty(_, request) if request["type"] == "file" => {
                request["data"]["name"].as_str()
            }
            _ => None,
        }
    }
}
