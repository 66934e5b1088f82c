//! Which versions of files were seen, where and in which order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::game::Difference;
use crate::support::unbase64;

/// Every content that was ever sent, by its first line, and its path. No two are the same.
pub type Contents = BTreeMap<String, (String, Vec<u8>)>;

/// What one connection knows of the files.
#[derive(Default)]
pub struct Replica {
    pub there: BTreeMap<String, Vec<u8>>,
    /// The first lines of everything that was seen of each path, in order; a deletion has none.
    pub seen: BTreeMap<String, Vec<String>>,
    begun: Option<(String, u64, String)>,
}

impl Replica {
    /// Takes a message, in order of arrival. Without `contents` any content is accepted.
    pub fn take(&mut self, message: &Value, contents: Option<&Contents>) -> Result<(), Difference> {
        let data = &message["data"];
        match message["type"].as_str() {
            Some("fileGet") => self.part(message, contents),
            Some("fileDeleted") => {
                let name = data["file"].as_str().unwrap_or_default().to_owned();
                if self.begun.is_some() {
                    return Err(format!("between the parts of another file {message}"));
                }
                self.there.remove(&name);
                self.seen.entry(name).or_default().push(String::new());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn part(&mut self, message: &Value, contents: Option<&Contents>) -> Result<(), Difference> {
        let data = &message["data"];
        let name = data["name"].as_str().unwrap_or_default().to_owned();
        let part = data["part"].as_u64().unwrap_or_default();
        let content = data["content"].as_str().unwrap_or_default();
        let joined = match self.begun.take() {
            None if part == 1 => content.to_owned(),
            Some((begun, last, joined)) if begun == name && part == last + 1 => joined + content,
            other => return Err(format!("part {part} of {name} after {other:?}")),
        };
        if data["part"] != data["maxPart"] {
            self.begun = Some((name, part, joined));
            return Ok(());
        }
        let content = unbase64(&joined);
        let head = head(&content);
        let is_posted = |contents: &Contents| {
            let posted = contents.get(&head);
            posted.is_some_and(|(path, bytes)| *path == name && *bytes == content)
        };
        if !contents.is_none_or(is_posted) {
            return Err(format!("nobody posted {head} as {name}, not so"));
        }
        let seen = self.seen.entry(name.clone()).or_default();
        if seen.last() != Some(&head) {
            // Each content is posted once, so it cannot come again.
            if seen.contains(&head) {
                return Err(format!("{name} went back to {head}"));
            }
            seen.push(head);
        }
        self.there.insert(name, content);
        Ok(())
    }
}

/// Which content came before which. The first line of each identifies it.
#[derive(Default)]
pub struct Order(BTreeMap<String, BTreeSet<String>>);

impl Order {
    /// These came in this order; deletions among them are left out.
    pub fn add<'a>(&mut self, seen: impl IntoIterator<Item = &'a String>) {
        let seen: Vec<_> = seen.into_iter().filter(|one| !one.is_empty()).collect();
        for two in seen.windows(2).filter(|two| two[0] != two[1]) {
            let later = self.0.entry(two[0].clone()).or_default();
            later.insert(two[1].clone());
        }
    }

    /// Whether something came after `content`.
    pub fn is_superseded(&self, content: &str) -> bool {
        self.0.contains_key(content)
    }

    /// Checks that one order explains all that was seen: then there is always a content left that
    /// nothing precedes.
    pub fn check(mut self) -> Result<(), Difference> {
        while !self.0.is_empty() {
            let later: BTreeSet<_> = self.0.values().flatten().cloned().collect();
            let before = self.0.len();
            self.0.retain(|content, _| later.contains(content));
            if self.0.len() == before {
                let round = self.0.keys();
                return Err(format!("seen in different orders: {round:?}"));
            }
        }
        Ok(())
    }
}

/// The first line of a content, which names its writer.
pub fn head(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content);
    text.lines().next().unwrap_or_default().to_owned()
}
