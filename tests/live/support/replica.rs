//! What a reader knows of a project whose files say which version they are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::unbase64;

/// A file's content that says which version it is.
pub fn version(number: u64, bytes: usize) -> String {
    let line = format!("{number}\n");
    line.repeat(bytes / line.len() + 1)
}

/// What a reader knows of the files.
#[derive(Default)]
pub struct Replica {
    /// The newest version of each that is there; 0 means none.
    pub there: BTreeMap<String, u64>,
    /// The newest version of each that was ever seen, and whether it was deleted afterwards.
    seen: BTreeMap<String, (u64, bool)>,
    /// The file of which some parts are still missing.
    begun: Option<(String, u64, String)>,
}

impl Replica {
    pub fn take(&mut self, message: &Value) {
        let data = &message["data"];
        match message["type"].as_str() {
            Some("fileGet") => self.part(data),
            Some("fileDeleted") => {
                assert!(
                    self.begun.is_none(),
                    "no other message of files between parts"
                );
                let name = data["file"].as_str().expect("a name").to_owned();
                self.there.remove(&name);
                self.seen.entry(name).or_default().1 = true;
            }
            _ => {}
        }
    }

    fn part(&mut self, data: &Value) {
        let name = data["name"].as_str().expect("a name").to_owned();
        let part = data["part"].as_u64().expect("a number");
        let content = data["content"].as_str().expect("content");
        let joined = match self.begun.take() {
            None => {
                assert_eq!(part, 1, "{name}");
                content.to_owned()
            }
            Some((begun, last, joined)) => {
                assert_eq!((begun, last + 1), (name.clone(), part), "parts in order");
                joined + content
            }
        };
        if data["part"] == data["maxPart"] {
            self.whole(name, &unbase64(&joined));
        } else {
            self.begun = Some((name, part, joined));
        }
    }

    fn whole(&mut self, name: String, content: &[u8]) {
        let text = std::str::from_utf8(content).expect("text");
        let mut lines = text.lines();
        let first = lines.next().expect("a line");
        assert!(
            lines.all(|line| line == first),
            "parts of two versions of {name}"
        );
        let number: u64 = first.parse().expect("a number");
        let (newest, was_deleted) = self.seen.get(&name).copied().unwrap_or_default();
        let goes_on = number > newest || (number == newest && !was_deleted);
        assert!(
            goes_on,
            "{name} went from {newest} (deleted: {was_deleted}) to {number}"
        );
        self.seen.insert(name.clone(), (number, false));
        self.there.insert(name, number);
    }
}
