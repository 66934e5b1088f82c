//! What each connection of a concurrent history asks, and what is known of it in advance.

use serde_json::{Value, json};

use crate::ask::{Ask, Part, Project, Section, Token};
use crate::model::World;
use crate::support::Random;

/// Names to which both streamers write.
const SHARED: [&str; 5] = ["x", "x/y", "x/y/z", "w", "w"];
const REQUESTS: usize = 30;

/// How much is known of the answers to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// No other connection affects it: the answers are these.
    Exactly(Vec<Value>),
    /// Another streamer may conflict with it: success, or this error.
    Perhaps(&'static str),
    /// The project's files, whatever they are by then.
    Files,
}

#[derive(Debug, Clone)]
pub struct Request {
    pub ask: Ask,
    pub reference: u64,
    pub known: Known,
}

pub struct Script {
    pub login: Ask,
    pub requests: Vec<Request>,
    /// The model of this connection's own state.
    pub world: World,
}

/// The participants: two connections of ana's and two viewers with drafts, all four in the room;
/// and two watchers, of which one reads only once everything is over.
pub const STREAMERS: [usize; 2] = [0, 1];
pub const MEMBERS: [usize; 4] = [0, 1, 2, 3];
pub const WATCHERS: [usize; 2] = [4, 5];
pub const LATE: usize = 5;
pub const ALL: usize = 6;

/// A file's content that names its writer and its number.
fn version(me: usize, number: usize, bytes: usize) -> Vec<u8> {
    let line = format!("{me}.{number}\n");
    line.repeat(bytes / line.len() + 1).into_bytes()
}

struct Writer<'a> {
    me: usize,
    project: &'a Project,
    random: Random,
    world: World,
    requests: Vec<Request>,
}

impl Writer<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).unwrap_or_default()
    }

    /// A request that no other connection affects.
    fn own(&mut self, ask: Ask) {
        let reference = self.requests.len() as u64;
        let reaction = self.world.ask(0, &ask, Some(&json!(reference)));
        self.requests.push(Request {
            ask,
            reference,
            known: Known::Exactly(reaction.replies),
        });
    }

    fn shared(&mut self, ask: Ask, known: Known) {
        let reference = self.requests.len() as u64;
        self.requests.push(Request {
            ask,
            reference,
            known,
        });
    }

    fn content(&mut self) -> Vec<u8> {
        // Now and then a file that is read back from the store for each receiver.
        let bytes = match self.below(24) {
            0 => 70_000,
            1..=3 => 10_000,
            4..=11 => 700,
            _ => 10,
        };
        version(self.me, self.requests.len(), bytes)
    }

    fn say(&mut self) {
        let text = format!("{} says {}", self.me, self.requests.len());
        self.own(Ask::Say(text));
    }

    /// One file in two parts, with something between them.
    fn in_parts(&mut self, name: &str) {
        let content = self.content();
        let (first, second) = content.split_at(content.len() / 2);
        let part = |number| {
            Some(Part {
                number: Some(number),
                count: 2,
            })
        };
        let (first, second) = (first.to_vec(), second.to_vec());
        self.own(Ask::Post(name.to_owned(), first, part(1)));
        self.say();
        self.own(Ask::Post(name.to_owned(), second, part(2)));
    }

    fn stream(&mut self) {
        let own = ["p", "q", "q/r", "deep/er/f"][self.below(4)];
        let own = format!("s{}/{own}", self.me);
        let shared = SHARED[self.below(SHARED.len())].to_owned();
        let folder = Some(format!("s{}/", self.me));
        let project = self.project.clone();
        match self.below(12) {
            0..3 => {
                let content = self.content();
                self.own(Ask::Post(own, content, None));
            }
            3 => self.in_parts(&own),
            4 => self.own(Ask::Delete(own)),
            5 => self.own(Ask::Get(project, folder, true)),
            6 => self.own(Ask::List(project, Some(own), false)),
            7 | 8 => {
                let content = self.content();
                let ask = Ask::Post(shared, content, None);
                self.shared(ask, Known::Perhaps("failWriteFileError"));
            }
            9 => {
                let ask = Ask::Delete(shared);
                self.shared(ask, Known::Perhaps("failReadFileError"));
            }
            10 => self.shared(Ask::Get(project, None, false), Known::Files),
            _ => self.say(),
        }
    }

    fn view(&mut self) {
        let name = ["new", "new/er", "fine"][self.below(3)].to_owned();
        let project = self.project.clone();
        match self.below(12) {
            0 | 1 => {
                let title = format!("{} {}", self.me, self.requests.len());
                self.own(Ask::Create {
                    title,
                    description: None,
                });
            }
            2..5 => {
                let content = self.content();
                self.own(Ask::Post(name, content, None));
            }
            5 => self.in_parts(&name),
            6 => self.own(Ask::Delete(name)),
            7 | 8 => self.own(Ask::Finish),
            9 => self.own(Ask::PullList),
            10 => self.shared(Ask::Get(project, None, false), Known::Files),
            _ => self.say(),
        }
    }

    fn watch(&mut self) {
        let project = self.project.clone();
        self.shared(Ask::Get(project, None, false), Known::Files);
        self.own(Ask::Delete("x".to_owned()));
    }
}

/// The script of connection `me`.
pub fn script(me: usize, project: &Project, world: World, random: Random) -> Script {
    let name = ["ana", "ana", "bob", "eve", "", ""][me];
    let user = project.streamer.replace("ana", name);
    let token = Token {
        user: user.clone(),
        project: project.clone(),
        room: None,
        muted: false,
        banned: false,
        rights: None,
        fault: None,
    };
    let member = Section::Member {
        user: user.clone(),
        room: token.room(),
    };
    let role = if STREAMERS.contains(&me) {
        Section::Streamer {
            user,
            project: project.name.clone(),
        }
    } else {
        Section::Viewer {
            user,
            project: project.clone(),
        }
    };
    let login = if WATCHERS.contains(&me) {
        Ask::Watch(project.clone())
    } else {
        Ask::Authenticate(token, vec![role, member])
    };
    let mut writer = Writer {
        me,
        project,
        random,
        world,
        requests: Vec::new(),
    };
    writer.world.projects.entry(project.clone()).or_default();
    writer.world.connect(0);
    writer.world.ask(0, &login, None);
    let requests = if WATCHERS.contains(&me) { 6 } else { REQUESTS };
    while writer.requests.len() < requests {
        match me {
            _ if STREAMERS.contains(&me) => writer.stream(),
            _ if MEMBERS.contains(&me) => writer.view(),
            _ => writer.watch(),
        }
    }
    Script {
        login,
        requests: writer.requests,
        world: writer.world,
    }
}
