//! What must be true of everything that was received.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::LAST_WORDS;
use super::script::{ALL, Known, MEMBERS, Request, STREAMERS, Script};
use super::versions::{Contents, Replica, head};
use crate::ask::Ask;
use crate::game::Difference;
use crate::matching::Marks;

/// All messages of one connection, in the order in which they arrived.
pub type Received = Vec<Value>;

/// Everything that was posted into the project, whole or in parts.
pub fn contents(scripts: &[Script]) -> Contents {
    let mut contents = Contents::new();
    for me in STREAMERS {
        let mut first_half = Vec::new();
        for request in &scripts[me].requests {
            if let Ask::Post(name, content, part) = &request.ask {
                let whole = [first_half.as_slice(), content].concat();
                if part.and_then(|part| part.number) == Some(1) {
                    first_half.clone_from(content);
                } else {
                    first_half.clear();
                    contents.insert(head(&whole), (format!("/{name}"), whole));
                }
            }
        }
    }
    contents
}

pub struct Outcome<'a> {
    pub scripts: &'a [Script],
    received: &'a [Received],
    pub replicas: Vec<Replica>,
    /// Where the answers to each request are in what was received.
    answers: Vec<BTreeMap<u64, Vec<usize>>>,
}

impl<'a> Outcome<'a> {
    pub fn new(
        scripts: &'a [Script],
        received: &'a [Received],
        contents: &Contents,
    ) -> Result<Self, Difference> {
        let mut replicas = Vec::new();
        let mut answers = Vec::new();
        for (me, received) in received.iter().enumerate() {
            let mut replica = Replica::default();
            let mut answered: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
            for (place, message) in received.iter().enumerate() {
                if let Some(reference) = message["ref"].as_u64() {
                    answered.entry(reference).or_default().push(place);
                }
                let taken = replica.take(message, Some(contents));
                taken.map_err(|what| format!("to {me}: {what}"))?;
            }
            replicas.push(replica);
            answers.push(answered);
        }
        Ok(Self {
            scripts,
            received,
            replicas,
            answers,
        })
    }

    pub fn check(&self, tree: &Replica) -> Result<(), Difference> {
        let mut marks = vec![Marks::default(); ALL];
        for (me, marks) in marks.iter_mut().enumerate() {
            let checked = self.check_answers(me, marks);
            checked.map_err(|what| format!("{me}: {what}"))?;
        }
        self.check_notices(&mut marks)?;
        self.check_chat()?;
        self.check_convergence(tree)?;
        self.check_shared(tree)
    }

    pub fn answers(&self, me: usize, request: &Request) -> Vec<&'a Value> {
        let places = self.answers[me].get(&request.reference);
        let places = places.into_iter().flatten();
        places.map(|place| &self.received[me][*place]).collect()
    }

    /// Each request has the answers it can have, in an order in which they can come.
    fn check_answers(&self, me: usize, marks: &mut Marks) -> Result<(), Difference> {
        let requests = &self.scripts[me].requests;
        for request in requests {
            let answers = self.answers(me, request);
            let is_good = match &request.known {
                Known::Exactly(expected) => {
                    let mut pairs = expected.iter().zip(&answers);
                    expected.len() == answers.len()
                        && pairs.all(|(expected, answer)| marks.matches(expected, answer))
                }
                Known::Perhaps(error) => match answers[..] {
                    [answer] => answer["code"] == 200 || answer["type"] == *error,
                    _ => false,
                },
                Known::Files => {
                    let names: BTreeSet<_> = answers
                        .iter()
                        .filter_map(|answer| {
                            answer["data"]["content"]
                                .as_str()
                                .and(answer["data"]["name"].as_str())
                        })
                        .collect();
                    let last = answers.last();
                    last.is_some_and(|last| last["data"]["files"] == names.len())
                        && answers[..answers.len() - 1]
                            .is_sorted_by_key(|answer| answer["data"]["name"].as_str())
                }
            };
            if !is_good {
                return Err(format!("{request:.300?} was answered {answers:.2000?}"));
            }
        }
        for (index, later) in requests.iter().enumerate() {
            for earlier in &requests[..index] {
                let places = |request: &Request| self.answers[me].get(&request.reference);
                let (Some(first), Some(second)) = (places(earlier), places(later)) else {
                    continue;
                };
                if first.last() > second.first() && !may_overtake(&earlier.ask, &later.ask) {
                    let (one, two) = (earlier.reference, later.reference);
                    return Err(format!("the answer to {two} came before that to {one}"));
                }
            }
        }
        Ok(())
    }

    /// Each streamer was told once of each pull request, those of one author in the author's order.
    fn check_notices(&self, marks: &mut [Marks]) -> Result<(), Difference> {
        let pulls = self.scripts.iter().map(|script| &script.world.pulls);
        for me in STREAMERS {
            let notices = self.received[me].iter();
            let mut notices: Vec<_> = notices
                .filter(|message| message["type"] == "pullRequestCreated")
                .collect();
            for (pulls, marks) in pulls.clone().zip(marks.iter_mut()) {
                let mut from = 0;
                for pull in pulls {
                    let expected = pull.created();
                    let mut rest = (from..notices.len())
                        .filter(|index| marks.matches(&expected, notices[*index]));
                    let Some(found) = rest.next() else {
                        return Err(format!("{me} was not told of {expected}"));
                    };
                    notices.remove(found);
                    from = found;
                }
            }
            if !notices.is_empty() {
                return Err(format!("{me} was told too much: {notices:?}"));
            }
        }
        Ok(())
    }

    /// Every member of the room heard the others once, all in one order.
    fn check_chat(&self) -> Result<(), Difference> {
        let mut said = BTreeMap::new();
        for me in MEMBERS {
            let mut last = 0;
            let mut heard: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            for message in &self.received[me] {
                let data = &message["data"];
                if message["type"] != "chatMessage" || data.is_string() {
                    continue;
                }
                let id = data["id"].as_u64().unwrap_or_default();
                let text = data["message"].as_str().unwrap_or_default();
                if id <= last || *said.entry(id).or_insert(text) != text {
                    return Err(format!("{me} heard {data} after {last}"));
                }
                last = id;
                heard.entry(text.to_owned()).or_default().push(id);
            }
            let mut expected = vec![LAST_WORDS.to_owned()];
            for other in MEMBERS.into_iter().filter(|other| *other != me) {
                let mut last = 0;
                for request in &self.scripts[other].requests {
                    if let Ask::Say(text) = &request.ask {
                        expected.push(text.clone());
                        let id = heard.get(text).map_or(0, |ids| ids[0]);
                        if id <= last {
                            return Err(format!("{me} did not hear {text:?} in its turn"));
                        }
                        last = id;
                    }
                }
            }
            if me == 0 {
                expected.remove(0);
            }
            let is_once = heard.values().all(|ids| ids.len() == 1);
            if !is_once || heard.len() != expected.len() {
                return Err(format!("{me} heard {heard:?} and not {expected:?}"));
            }
        }
        Ok(())
    }
}

/// Whether deleting `name` deletes `path`.
pub fn covers(name: &str, path: &str) -> bool {
    let rest = path.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether the answer to a later request may come first: changes of different files.
fn may_overtake(earlier: &Ask, later: &Ask) -> bool {
    let changed = |ask: &Ask| match ask {
        Ask::Post(name, ..) | Ask::Delete(name) => Some(name.clone()),
        _ => None,
    };
    match (changed(earlier), changed(later)) {
        (Some(one), Some(two)) => !covers(&one, &two) && !covers(&two, &one),
        _ => false,
    }
}
