//! Random requests: few names, users and projects, so that they conflict with each other.

mod logins;

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::ask::{Ask, Part, Project, Right};
use crate::faults;
use crate::game::nothing;
use crate::model::World;
use crate::support::{Random, base64};

const PATHS: [&str; 8] = ["a", "a/b", "a/b/c", "d", "d/e", "d-x", "d/e/f", "a/g"];
const SIZES: [usize; 10] = [0, 1, 2, 3, 299, 300, 301, 700, 1_000, 1_001];
/// Longer than a content that is pushed as it came, and than what an upload keeps in memory.
const GREAT_SIZES: [usize; 3] = [60_000, 70_000, 300_000];

pub struct Generator {
    random: Random,
    /// What distinguishes this history's users and rooms from those of all others.
    tag: String,
    great: bool,
    /// The parts that each connection still has to send of the uploads it has begun.
    plans: Vec<VecDeque<Ask>>,
}

impl Generator {
    pub fn new(random: Random, tag: String, connections: usize, great: bool) -> Self {
        Self {
            random,
            tag,
            great,
            plans: vec![VecDeque::new(); connections],
        }
    }

    pub fn below(&mut self, bound: usize) -> usize {
        let number = self.random.below(bound as u64);
        usize::try_from(number).unwrap_or_default()
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let index = self.below(from.len());
        from[index].clone()
    }

    /// A project of this history; the third never exists.
    pub fn project(&self, number: usize) -> Project {
        Project {
            streamer: format!("ana{}", self.tag),
            name: ["demo", "side", "none"][number].to_owned(),
        }
    }

    fn any_project(&mut self) -> Project {
        let number = self.pick(&[0, 0, 0, 0, 0, 0, 1, 1, 2]);
        self.project(number)
    }

    /// The next request of connection `me`.
    pub fn ask(&mut self, me: usize, world: &World) -> Ask {
        let connection = &world.connections[me];
        let writes = connection.is_streamer || connection.draft.is_some();
        if connection.token.is_none() && self.below(10) < 6 {
            return self.authenticate(me);
        }
        if !self.plans[me].is_empty()
            && self.below(10) < 7
            && let Some(part) = self.plans[me].pop_front()
        {
            return part;
        }
        // Drafts are short-lived, so that some are finished before their connection changes user.
        match &connection.draft {
            Some(draft) if !draft.files.is_empty() && self.one_in(4) => return Ask::Finish,
            None if connection.is_viewer && self.one_in(8) => return self.creation(),
            _ => {}
        }
        if connection.is_streamer && self.one_in(60) {
            return self.absence(me);
        }
        match self.below(100) {
            0..22 if writes || self.one_in(5) => {
                let post = Ask::Post(self.file_name(), self.content(), None);
                self.perhaps_from(post)
            }
            22..32 if writes => {
                self.plan(me);
                self.plans[me].pop_front().unwrap_or(Ask::Finish)
            }
            32..42 if writes || self.one_in(5) => {
                let delete = Ask::Delete(self.name(world));
                self.perhaps_from(delete)
            }
            42..50 => Ask::Get(self.any_project(), self.asked(world), self.one_in(4)),
            50..56 => Ask::List(self.any_project(), self.asked(world), self.one_in(4)),
            56..60 => Ask::Watch(self.any_project()),
            60..62 => Ask::Unwatch(self.any_project()),
            62..65 => Ask::Status(self.any_project()),
            65..69 => self.creation(),
            69..73 if connection.draft.is_some() || self.one_in(8) => Ask::Finish,
            73..75 => Ask::PullGet(self.id(world)),
            75..77 => Ask::PullDelete(self.id(world), self.outcome()),
            77..79 => Ask::PullList,
            79..83 => Ask::Say(self.words()),
            83..84 => Ask::History(self.one_in(2).then_some(2)),
            84..86 => Ask::Members,
            86..87 => Ask::Leave,
            87..90 => self.authenticate(me),
            90..92 => self.alone(me),
            92..96 => self.faulty(),
            96 if self.one_in(3) => {
                let badly = self.pick(&faults::authentications());
                Ask::AuthenticateBadly(badly)
            }
            _ => Ask::Post(self.file_name(), self.content(), None),
        }
    }

    fn faulty(&mut self) -> Ask {
        if self.one_in(10) {
            return Ask::Garbage(self.pick(&faults::GARBAGE));
        }
        let (right, request): (Right, Value) = self.pick(&faults::requests(&self.project(0)));
        Ask::Faulty(right, request)
    }

    fn spelled(&mut self, path: &str) -> String {
        match self.below(10) {
            0..4 => path.to_owned(),
            4..8 => format!("/{path}"),
            8 => format!("./{path}"),
            _ => path.replace('/', "//"),
        }
    }

    fn file_name(&mut self) -> String {
        let path = self.pick(&PATHS);
        self.spelled(path)
    }

    /// The name of a file or folder, in the project or in a pull request.
    fn name(&mut self, world: &World) -> String {
        let mut name = self.file_name();
        if self.one_in(12) && !world.pulls.is_empty() {
            name = format!("{}/{name}", self.id(world));
        }
        if self.one_in(4) {
            name.push('/');
        }
        name
    }

    fn asked(&mut self, world: &World) -> Option<String> {
        match self.below(8) {
            0 => None,
            1 => Some(String::new()),
            2 => Some("/".to_owned()),
            3 if !world.pulls.is_empty() => Some(self.id(world)),
            _ => Some(self.name(world)),
        }
    }

    pub fn content(&mut self) -> Vec<u8> {
        let bytes = if self.great && self.one_in(8) {
            self.pick(&GREAT_SIZES)
        } else {
            self.pick(&SIZES)
        };
        let start = self.below(251);
        let all = (0..=250_u8).cycle().skip(start);
        all.take(bytes).collect()
    }

    /// A file in parts, often with an error or a repetition.
    fn plan(&mut self, me: usize) {
        let name = self.file_name();
        let count = self.pick(&[1, 2, 2, 3, 3, 4]);
        let mut numbers: Vec<u32> = (1..=count).collect();
        if self.one_in(3) {
            // In another order.
            for index in (1..numbers.len()).rev() {
                let other = self.below(index + 1);
                numbers.swap(index, other);
            }
        }
        if self.one_in(3) {
            let again = self.pick(&[1, 1, 2, count, count + 1]);
            let at = self.below(numbers.len() + 1);
            numbers.insert(at, again);
        }
        let is_numbered = !self.one_in(6);
        for number in numbers {
            let part = Part {
                number: is_numbered.then_some(number),
                count: if self.one_in(20) { count + 1 } else { count },
            };
            let name = if self.one_in(4) {
                format!("/{name}")
            } else {
                name.clone()
            };
            let content = self.content();
            let post = self.perhaps_from(Ask::Post(name, content, Some(part)));
            self.plans[me].push_back(post);
        }
    }

    /// A post or delete that may say which content it starts from.
    fn perhaps_from(&mut self, change: Ask) -> Ask {
        if self.one_in(3) {
            let base = self.pick(&["a", "0", "9"]).repeat(64);
            Ask::From(base, Box::new(change))
        } else {
            change
        }
    }

    /// A file as the desktop client sends it: in pieces of 500 characters, of which it announces
    /// one too many if the length is an exact multiple; sometimes that last one comes after all.
    pub fn pieces(&mut self) -> Vec<Ask> {
        let name = self.file_name();
        let bytes = self.pick(&[10, 374, 375, 375, 376, 749, 750, 750, 1_125]);
        let text = base64(vec![7; bytes]);
        let count = u32::try_from(text.len() / 500 + 1).unwrap_or(1);
        let mut pieces: Vec<_> = text
            .as_bytes()
            .chunks(500)
            .map(|piece| String::from_utf8_lossy(piece).into_owned())
            .zip(1..)
            .collect();
        if self.one_in(4) {
            pieces.push(("YWJj".to_owned(), count));
        }
        if self.one_in(8) {
            pieces.reverse();
        }
        let is_numbered = !self.one_in(6);
        let piece = |(piece, number): (String, u32)| {
            let number = is_numbered.then_some(number);
            Ask::PostPiece(name.clone(), piece, Part { number, count })
        };
        let pieces = pieces.into_iter().map(piece);
        let mut pieces: Vec<_> = pieces.map(|post| self.perhaps_from(post)).collect();
        if self.one_in(4) {
            // A message that is not part of the upload comes before its last piece.
            let last = pieces.len() - 1;
            pieces.insert(last, nothing());
        }
        pieces
    }

    fn creation(&mut self) -> Ask {
        Ask::Create {
            title: self
                .pick(&["t", "more", "", "0123456789", "0123456789x"])
                .to_owned(),
            description: self.pick(&[None, Some(""), Some("d")]).map(str::to_owned),
        }
    }

    fn id(&mut self, world: &World) -> String {
        if world.pulls.is_empty() || self.one_in(10) {
            let unknown = ["1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07", "nothing"];
            return self.pick(&unknown).to_owned();
        }
        self.pick(&world.pulls).id()
    }

    fn outcome(&mut self) -> Option<&'static str> {
        self.pick(&[None, Some("merged"), Some("closed")])
    }

    fn words(&mut self) -> String {
        let number = self.below(1_000);
        let words = self.pick(&[
            "",
            "hi",
            "ä\u{0}\"",
            "0123456789abcdefghi",
            "0123456789abcdefghij",
        ]);
        if words == "hi" {
            return json!(number).to_string();
        }
        words.to_owned()
    }
}
