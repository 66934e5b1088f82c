//! The story of a project from its first file to its last pull request, told step by step: a
//! request that is refused once on the way is repeated and must then succeed.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::*;

/// File names without the leading `/`, with contents.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// What the story does, and what must be true of it.
pub struct Story {
    project: String,
    ana: Client,
    eve: Client,
    bob: Client,
    /// What the project contains, according to the answers.
    pub files: Tree,
    /// Answers that were refusals, in short.
    pub refusals: Vec<String>,
}

impl Story {
    /// Three connections that have not authenticated yet.
    pub async fn begin(server: &Server, project: &str) -> Self {
        Self {
            project: project.to_owned(),
            ana: server.connect().await,
            eve: server.connect().await,
            bob: server.connect().await,
            files: Tree::new(),
            refusals: Vec::new(),
        }
    }

    /// Tells the whole story. [`mirrored`](Self::mirrored) waits until the viewer has seen its end.
    pub async fn tell(&mut self) {
        let viewing = |name| authenticate(viewer(name, "ana", &self.project));
        let (eve, bob) = (viewing("eve"), viewing("bob"));
        let ana = authenticate(streamer("ana", &self.project));
        again(&mut self.ana, &[ana], &mut self.refusals).await;
        again(&mut self.eve, &[eve], &mut self.refusals).await;
        again(&mut self.bob, &[bob], &mut self.refusals).await;

        self.post("top", b"first").await;
        self.post("src/deep/new", &noise(5_000)).await;
        self.post("top", b"second, longer").await;
        self.upload("src/large", &noise(400_000), 4).await;
        self.upload("src/large", &noise(300_000), 3).await;
        self.post("empty", b"").await;
        self.read("top").await;
        self.read("src/large").await;
        self.read_all().await;
        self.list().await;
        self.status().await;
        self.delete("empty").await;
        self.delete("src/deep").await;
        self.propose().await;
        self.post("top", b"third").await;
        self.post("end", b"").await;
    }

    fn naming(&self, subtype: &str, name: &str) -> Value {
        let data = json!({"username": "ana", "project": self.project, "name": name});
        file(subtype, data)
    }

    async fn post(&mut self, name: &str, content: &[u8]) {
        self.put(name, content, &[post(name, content)]).await;
    }

    async fn upload(&mut self, name: &str, content: &[u8], parts: usize) {
        let chunks = content.chunks(content.len().div_ceil(parts));
        let requests: Vec<_> = (1..)
            .zip(chunks)
            .map(|(part, chunk)| post_part(name, chunk, part, parts as u64))
            .collect();
        self.put(name, content, &requests).await;
    }

    async fn put(&mut self, name: &str, content: &[u8], requests: &[Value]) {
        let answers = ask(&mut self.ana, requests).await;
        if !is_well(&answers) {
            self.refused(&answers, &["failWriteFileError"]);
            // The old version is as it was.
            let old = self.files.get(name).cloned();
            let read = self.naming("get", name);
            let answers = ask(&mut self.ana, &[read]).await;
            assert_eq!(content_of(&answers, name), old, "{name} {answers:?}");
            let answers = ask(&mut self.ana, requests).await;
            assert!(is_well(&answers), "still refused: {answers:?}");
        }
        self.files.insert(name.to_owned(), content.to_vec());
    }

    fn refused(&mut self, answers: &[Value], allowed: &[&str]) {
        for answer in answers {
            let kind = answer["type"].as_str().expect("a type");
            assert!(answer["code"] == 200 || allowed.contains(&kind), "{answer}");
            if answer["code"] != 200 {
                self.refusals.push(format!("{kind} {}", answer["message"]));
            }
        }
    }

    async fn read(&mut self, name: &str) {
        let read = self.naming("get", name);
        let mut answers = ask(&mut self.ana, std::slice::from_ref(&read)).await;
        if !is_well(&answers) {
            self.refused(&answers, &["failReadFileError"]);
            answers = ask(&mut self.ana, &[read]).await;
        }
        assert_eq!(content_of(&answers, name).as_ref(), self.files.get(name));
    }

    async fn read_all(&mut self) {
        let read = self.naming("get", "");
        let mut answers = ask(&mut self.bob, std::slice::from_ref(&read)).await;
        if !is_well(&answers) {
            self.refused(&answers, &["failReadFileError", "failReadPathError"]);
            answers = ask(&mut self.bob, &[read]).await;
        }
        let mut tree = Tree::new();
        apply(&mut tree, &answers);
        assert_eq!(
            tree.keys().collect::<Vec<_>>(),
            self.files.keys().collect::<Vec<_>>()
        );
        assert!(tree == self.files, "the contents differ");
    }

    async fn list(&mut self) {
        let list = self.naming("list", "");
        let mut answers = ask(&mut self.bob, std::slice::from_ref(&list)).await;
        if !is_well(&answers) {
            self.refused(&answers, &["failReadFileError", "failReadPathError"]);
            answers = ask(&mut self.bob, &[list]).await;
        }
        let listed = answers[0]["data"]["files"].as_array().expect("a list");
        assert_eq!(listed.len(), self.files.len(), "{answers:?}");
        for file in listed {
            let name = file["name"]
                .as_str()
                .expect("a name")
                .trim_start_matches('/');
            assert_eq!(file["size"], self.files[name].len());
        }
    }

    async fn status(&mut self) {
        let status = self.naming("status", "");
        let mut answers = ask(&mut self.ana, std::slice::from_ref(&status)).await;
        if !is_well(&answers) {
            self.refused(&answers, &["failReadPathError"]);
            answers = ask(&mut self.ana, &[status]).await;
        }
        let bytes: usize = self.files.values().map(Vec::len).sum();
        assert_eq!(answers[0]["data"]["files"], self.files.len());
        assert_eq!(answers[0]["data"]["bytes"], bytes);
    }

    async fn delete(&mut self, name: &str) {
        let answers = ask(&mut self.ana, &[delete(name)]).await;
        if !is_well(&answers) {
            self.refused(&answers, &["failWriteFileError", "failReadFileError"]);
            // Everything that was not deleted is there.
            let read = self.naming("get", "");
            let answers = ask(&mut self.ana, &[read]).await;
            assert!(is_well(&answers), "{answers:?}");
            let mut tree = Tree::new();
            apply(&mut tree, &answers);
            for (kept, content) in &tree {
                assert_eq!(self.files.get(kept), Some(content), "{kept}");
            }
            let below = format!("{name}/");
            for file in self.files.keys().filter(|file| !file.starts_with(&below)) {
                assert!(tree.contains_key(file), "{file} is gone");
            }
            let answers = ask(&mut self.ana, &[delete(name)]).await;
            assert!(is_well(&answers), "still refused: {answers:?}");
        }
        let below = format!("{name}/");
        let stays = |file: &String| file != name && !file.starts_with(&below);
        self.files.retain(|file, _| stays(file));
    }

    /// Bob's pull request, from draft to end.
    async fn propose(&mut self) {
        let (bob, refusals) = (&mut self.bob, &mut self.refusals);
        let large = noise(300_000);
        let parts: Vec<_> = (1..)
            .zip(large.chunks(100_000))
            .map(|(part, chunk)| post_part("idea/large", chunk, part, 3))
            .collect();
        again(bob, &[creation()], refusals).await;
        again(bob, &[post("idea/small", "small")], refusals).await;
        again(bob, &[post("mistake", "")], refusals).await;
        again(bob, &[delete("mistake")], refusals).await;
        again(bob, &parts, refusals).await;
        again(bob, &[delete("top")], refusals).await;
        again(bob, &[finish()], refusals).await;
        let list = pull_request("list", json!({}));
        let listed = again(&mut self.ana, &[list], refusals).await;
        let open = &listed[0]["data"][0];
        assert_eq!(open["files"], json!(["/idea/large", "/idea/small"]));
        assert_eq!(open["deleted"], json!(["/top"]));
        let id = json!({"id": open["id"]});
        let got = again(&mut self.ana, &[pull_request("get", id.clone())], refusals).await;
        let mut tree = Tree::new();
        apply(&mut tree, &got);
        assert_eq!(tree["idea/small"], b"small");
        assert!(tree["idea/large"] == large, "byte for byte");
        again(&mut self.ana, &[pull_request("delete", id)], refusals).await;
    }

    /// What the viewer has seen of the project, once the last file has come.
    pub async fn mirrored(&mut self) -> Tree {
        let mut tree = Tree::new();
        let mut pushed = self.eve.rest().await;
        loop {
            apply(&mut tree, &pushed);
            let unread = pushed.iter().filter_map(|message| message["file"].as_str());
            let unread: Vec<_> = unread.map(|name| self.naming("get", name)).collect();
            if unread.is_empty() && tree.contains_key("end") {
                return tree;
            }
            // The viewer was told that an update could not be read, and asks for it.
            for read in unread.iter().cloned() {
                self.eve.send(read).await;
            }
            pushed = if unread.is_empty() {
                vec![self.eve.next().await]
            } else {
                self.eve.rest().await
            };
        }
    }
}

/// Sends the requests; returns everything that answers them.
async fn ask(client: &mut Client, requests: &[Value]) -> Vec<Value> {
    for request in requests {
        client.send(with_ref(request.clone(), "asked")).await;
    }
    let mut answers = client.rest().await;
    answers.retain(|answer| answer["ref"] == "asked");
    assert!(!answers.is_empty(), "no answer to {requests:?}");
    answers
}

/// Sends a request and, if it is refused, sends it again; then it must succeed.
async fn again(client: &mut Client, requests: &[Value], refusals: &mut Vec<String>) -> Vec<Value> {
    let answers = ask(client, requests).await;
    let Some(refusal) = answers.iter().find(|answer| answer["code"] != 200) else {
        return answers;
    };
    let allowed = ["internalError", "failWriteFileError", "failReadFileError"];
    let kind = refusal["type"].as_str().expect("a type");
    assert!(allowed.contains(&kind), "{refusal}");
    refusals.push(format!("{kind} {}", refusal["message"]));
    let answers = ask(client, requests).await;
    assert!(is_well(&answers), "still refused: {answers:?}");
    answers
}

fn is_well(answers: &[Value]) -> bool {
    answers.iter().all(|answer| answer["code"] == 200)
}

fn name_of(value: &Value) -> &str {
    value.as_str().expect("a name").trim_start_matches('/')
}

/// Applies the messages to a tree.
fn apply(tree: &mut Tree, messages: &[Value]) {
    for message in messages {
        let data = &message["data"];
        if message["type"] == "fileGet" {
            let name = name_of(&data["name"]).to_owned();
            let file = tree.entry(name).or_default();
            if data["part"] == 1 {
                file.clear();
            }
            file.extend(unbase64(data["content"].as_str().expect("content")));
        } else if message["type"] == "fileDeleted" {
            tree.remove(name_of(&data["file"]));
        }
    }
}

/// The content of one file; `None` if it could not be read.
fn content_of(answers: &[Value], name: &str) -> Option<Vec<u8>> {
    let mut tree = Tree::new();
    apply(&mut tree, answers);
    tree.remove(name)
}

/// The files on the disk.
pub fn on_disk(folder: &Path) -> Tree {
    fn look(folder: &Path, prefix: &str, tree: &mut Tree) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = format!("{prefix}{}", entry.file_name().display());
            if entry.file_type().expect("a type").is_dir() {
                look(&entry.path(), &format!("{name}/"), tree);
            } else {
                tree.insert(name, std::fs::read(entry.path()).expect("readable"));
            }
        }
    }
    let mut tree = Tree::new();
    look(folder, "", &mut tree);
    tree
}
