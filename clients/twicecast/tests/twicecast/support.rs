//! A small server that speaks the contract, with faults that a test can switch on.

mod folders;
mod process;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;

pub use folders::{files, set_mode, tree, write};
pub use process::{
    Live, Said, Unheard, command, exit_code, mirror_once, share_once, token_of, twicecast,
};

pub type Files = BTreeMap<String, Vec<u8>>;

/// What the server does wrong, or in an unusual way.
#[derive(Debug, Default, Clone)]
pub struct Faults {
    /// Acknowledgements are held back until this many wait, or the client sends nothing more; then
    /// they are sent in reverse order.
    pub reverse_acks: bool,
    /// Requests for these files fail with this code and message.
    pub refuse: HashMap<String, (u64, &'static str)>,
    /// After this many posts, the connection is dropped without a close frame.
    pub drop_after_posts: Option<usize>,
    /// Every authentication fails with this error.
    pub refuse_authentication: Option<(u64, &'static str)>,
    /// Reading needs a token.
    pub private: bool,
    /// Invalid names that are listed and sent although no server may do so.
    pub hostile: Files,
    /// The project does not exist.
    pub absent: bool,
    /// The server has these files but cannot read them: a list has an error in their place.
    pub unreadable: Vec<String>,
    /// These files are listed, but no longer exist when they are asked for.
    pub vanish_after_list: Vec<String>,
    /// These files are listed with a size of one byte.
    pub understated: Vec<String>,
    /// These files are listed with this size.
    pub overstated: BTreeMap<String, u64>,
}

#[derive(Debug, Default)]
pub struct Inside {
    pub files: Files,
    pub faults: Faults,
    /// The verbs of all requests, with the name if there is one.
    pub log: Vec<String>,
    pub connections: usize,
    pub open_uploads_seen: usize,
}

#[derive(Clone)]
pub struct FakeServer {
    pub url: String,
    pub inside: Arc<Mutex<Inside>>,
    pushes: broadcast::Sender<Push>,
}

#[derive(Debug, Clone)]
enum Push {
    Text(String),
    All(String),
    Drop,
}

impl FakeServer {
    pub async fn start(files: Files, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let inside = Arc::new(Mutex::new(Inside {
            files,
            faults,
            ..Inside::default()
        }));
        let server = Self {
            url,
            inside,
            pushes: broadcast::channel(10_000).0,
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.inside.lock().unwrap().connections += 1;
                tokio::spawn(accepting.clone().serve(stream));
            }
        });
        server
    }

    pub fn files(&self) -> Files {
        self.inside.lock().unwrap().files.clone()
    }

    pub fn log(&self) -> Vec<String> {
        self.inside.lock().unwrap().log.clone()
    }

    pub fn connections(&self) -> usize {
        self.inside.lock().unwrap().connections
    }

    /// A streamer posts: the file changes, and everybody gets it, in parts of 3 bytes.
    pub fn post(&self, name: &str, content: &[u8]) {
        let mut inside = self.inside.lock().unwrap();
        inside.files.insert(name.to_owned(), content.to_owned());
        for text in parts(name, content, None, true) {
            let _ = self.pushes.send(Push::Text(text));
        }
    }

    /// A streamer deletes.
    pub fn delete(&self, name: &str) {
        self.inside.lock().unwrap().files.remove(name);
        let push = json!({"code":200,"type":"fileDeleted","data":{"message":"OK","file":name,"username":"ana","project":"demo"}});
        let _ = self.pushes.send(Push::Text(push.to_string()));
    }

    pub fn push(&self, message: &Value) {
        let _ = self.pushes.send(Push::Text(message.to_string()));
    }

    /// Sends a message to everybody, whether or not they watch.
    pub fn tell_all(&self, message: &Value) {
        let _ = self.pushes.send(Push::All(message.to_string()));
    }

    pub fn drop_all(&self) {
        let _ = self.pushes.send(Push::Drop);
    }

    async fn serve(self, stream: TcpStream) {
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
            return;
        };
        let mut pushes = self.pushes.subscribe();
        let mut connection = Connection::default();
        loop {
            let replies = tokio::select! {
                biased;
                message = socket.next() => match message {
                    Some(Ok(message)) if message.is_text() || message.is_binary() => {
                        let request: Value = serde_json::from_slice(&message.into_data()).unwrap();
                        match connection.answer(&mut self.inside.lock().unwrap(), &request) {
                            Some(replies) => replies,
                            None => return,
                        }
                    }
                    Some(Ok(_)) => continue,
                    _ => return,
                },
                push = pushes.recv() => match push {
                    Ok(Push::All(text)) => vec![text],
                    Ok(_) if !connection.watches => continue,
                    Ok(Push::Text(text)) => vec![text],
                    _ => return,
                },
                // No request is coming, so everything that was held back is sent.
                () = std::future::ready(()), if !connection.held.is_empty() && connection.is_idle(&mut socket).await => {
                    connection.held.drain(..).rev().collect()
                }
            };
            for reply in replies {
                if socket.send(Message::text(reply)).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[derive(Default)]
struct Connection {
    watches: bool,
    reads: bool,
    held: Vec<String>,
    uploads: HashMap<String, (u64, BTreeMap<u64, Vec<u8>>)>,
    posts: usize,
}

impl Connection {
    /// Whether no request arrives for a moment; a real server need not guess that.
    async fn is_idle(&self, socket: &mut tokio_tungstenite::WebSocketStream<TcpStream>) -> bool {
        let mut byte = [0];
        let peek = socket.get_mut().peek(&mut byte);
        tokio::time::timeout(std::time::Duration::from_millis(100), peek)
            .await
            .is_err()
    }

    fn answer(&mut self, inside: &mut Inside, request: &Value) -> Option<Vec<String>> {
        let reference = &request["ref"];
        let data = &request["data"];
        let verb = request["subtype"]
            .as_str()
            .or(request["type"].as_str())
            .unwrap();
        let name = data["name"].as_str().unwrap_or_default();
        inside.log.push(format!("{verb} {name}").trim().to_owned());
        if inside.faults.private && !self.reads && ["watch", "get", "list"].contains(&verb) {
            return Some(vec![error(
                reference,
                401,
                "badAuthError",
                "a token is needed",
                name,
            )]);
        }
        Some(match verb {
            "authenticate" => {
                if let Some((code, message)) = inside.faults.refuse_authentication {
                    return Some(vec![error(reference, code, "badAuthError", message, "")]);
                }
                self.reads = true;
                self.watches = data.get("pullrequest").is_some();
                let section = if self.watches {
                    "pullRequestAuth"
                } else {
                    "fileAuth"
                };
                vec![
                    json!({"code":200,"type":section,"ref":reference,"data":"OK"}).to_string(),
                    json!({"code":200,"type":"authentication","ref":reference,"data":{"message":"OK","opts":{"sep":"/"}}}).to_string(),
                ]
            }
            "status" => vec![
                json!({"code":200,"type":"fileStatus","ref":reference,"data":{"streamer":false,"viewers":1}}).to_string(),
            ],
            "watch" => {
                self.watches = true;
                vec![json!({"code":200,"type":"fileWatch","ref":reference,"data":"OK"}).to_string()]
            }
            "list" if inside.faults.absent => {
                vec![error(
                    reference,
                    409,
                    "failReadPathError",
                    "Path / doesn't exist or cannot be read",
                    "",
                )]
            }
            "list" => {
                let replies = Self::list(inside, reference);
                for name in inside.faults.vanish_after_list.clone() {
                    inside.files.remove(&name);
                }
                replies
            }
            "get" => Self::get(inside, reference, data["name"].as_str()),
            "delete" => {
                if let Some((code, message)) = inside.faults.refuse.get(name) {
                    return Some(vec![error(
                        reference,
                        *code,
                        "failWriteFileError",
                        message,
                        name,
                    )]);
                }
                if inside.files.remove(name).is_none() {
                    return Some(vec![error(
                        reference,
                        409,
                        "failReadFileError",
                        "File doesn't exist or cannot be read",
                        name,
                    )]);
                }
                vec![json!({"code":200,"type":"fileDelete","message":"OK","ref":reference,"data":{"message":"OK","file":name}}).to_string()]
            }
            "post" => return self.post(inside, reference, data),
            other => panic!("the client asked for {other}"),
        })
    }

    fn list(inside: &Inside, reference: &Value) -> Vec<String> {
        let all: Vec<Value> = (inside.files.iter().chain(&inside.faults.hostile))
            .filter(|(name, _)| !inside.faults.unreadable.contains(name))
            .map(|(name, content)| {
                let size = inside.faults.overstated.get(name).copied();
                let size = size.unwrap_or(content.len() as u64);
                let size = if inside.faults.understated.contains(name) {
                    1
                } else {
                    size
                };
                json!({"name":name,"size":size,"modified":1,"sha256":sha256(content)})
            })
            .collect();
        // The lists are small, so that there are several.
        let chunks: Vec<&[Value]> = if all.is_empty() {
            vec![&[]]
        } else {
            all.chunks(10).collect()
        };
        let count = chunks.len();
        let reply = |(index, files): (usize, &&[Value])| {
            json!({"code":200,"type":"fileList","ref":reference,"data":{"name":"/","files":files,"part":index + 1,"last":index + 1 == count}}).to_string()
        };
        let unread = |name: &String| {
            error(
                reference,
                409,
                "failReadFileError",
                &format!("File {name} doesn't exist or cannot be read"),
                name,
            )
        };
        let errors = inside.faults.unreadable.iter().map(unread);
        errors.chain(chunks.iter().enumerate().map(reply)).collect()
    }

    fn get(inside: &Inside, reference: &Value, name: Option<&str>) -> Vec<String> {
        let mut replies = Vec::new();
        let all = inside.files.iter().chain(&inside.faults.hostile);
        let asked: Vec<_> = all
            .filter(|(file, _)| name.is_none_or(|name| name == *file))
            .collect();
        if let (true, Some(name)) = (asked.is_empty(), name) {
            return vec![error(
                reference,
                409,
                "failReadFileError",
                "File doesn't exist or cannot be read",
                name,
            )];
        }
        for (name, content) in &asked {
            replies.extend(parts(name, content, Some(reference), false));
        }
        replies.push(json!({"code":200,"type":"fileGetDone","ref":reference,"data":{"name":name.unwrap_or("/"),"files":asked.len()}}).to_string());
        replies
    }

    fn post(
        &mut self,
        inside: &mut Inside,
        reference: &Value,
        data: &Value,
    ) -> Option<Vec<String>> {
        let name = data["name"].as_str().unwrap().to_owned();
        let content = STANDARD.decode(data["content"].as_str().unwrap()).unwrap();
        if let Some((code, message)) = inside.faults.refuse.get(&name) {
            return Some(vec![error(
                reference,
                *code,
                "limitExceededError",
                message,
                &name,
            )]);
        }
        let complete = match (data["part"].as_u64(), data["maxPart"].as_u64()) {
            (None, None) => Some(content),
            (Some(part), Some(max_part)) => {
                assert!(part == max_part || content.len().is_multiple_of(3));
                let upload = self
                    .uploads
                    .entry(name.clone())
                    .or_insert_with(|| (max_part, BTreeMap::new()));
                if part == 1 && upload.1.contains_key(&1) {
                    *upload = (max_part, BTreeMap::new());
                }
                assert_eq!(upload.0, max_part);
                upload.1.insert(part, content);
                let is_complete = upload.1.len() as u64 == max_part;
                inside.open_uploads_seen = inside.open_uploads_seen.max(self.uploads.len());
                is_complete.then(|| {
                    self.uploads
                        .remove(&name)
                        .unwrap()
                        .1
                        .into_values()
                        .flatten()
                        .collect()
                })
            }
            other => panic!("{other:?}"),
        };
        let Some(content) = complete else {
            return Some(Vec::new());
        };
        let is_folder = inside
            .files
            .keys()
            .any(|file| file.starts_with(&format!("{name}/")));
        let below_file = name
            .match_indices('/')
            .skip(1)
            .any(|(at, _)| inside.files.contains_key(&name[..at]));
        if is_folder || below_file {
            return Some(vec![error(
                reference,
                409,
                "failWriteFileError",
                "File cannot be created or written",
                &name,
            )]);
        }
        inside.files.insert(name.clone(), content);
        self.posts += 1;
        if inside
            .faults
            .drop_after_posts
            .is_some_and(|posts| self.posts >= posts)
        {
            return None;
        }
        let ack = json!({"code":200,"type":"filePost","message":"OK","ref":reference,"data":{"message":"OK","file":name}}).to_string();
        if !inside.faults.reverse_acks {
            return Some(vec![ack]);
        }
        self.held.push(ack);
        Some(if self.held.len() >= 20 {
            self.held.drain(..).rev().collect()
        } else {
            Vec::new()
        })
    }
}

fn parts(name: &str, content: &[u8], reference: Option<&Value>, is_push: bool) -> Vec<String> {
    let chunks: Vec<&[u8]> = if content.is_empty() {
        vec![b""]
    } else {
        content.chunks(if is_push { 3 } else { 49_152 }).collect()
    };
    let count = chunks.len();
    let message = |(index, chunk): (usize, &&[u8])| {
        let mut message = json!({"code":200,"type":"fileGet","data":{"name":name,"content":STANDARD.encode(chunk),"part":index + 1,"maxPart":count}});
        if let Some(reference) = reference {
            message["ref"] = reference.clone();
        }
        if is_push {
            message["data"]["username"] = json!("ana");
            message["data"]["project"] = json!("demo");
        }
        message.to_string()
    };
    chunks.iter().enumerate().map(message).collect()
}

fn error(reference: &Value, code: u64, kind: &str, message: &str, file: &str) -> String {
    json!({"code":code,"type":kind,"message":message,"file":file,"ref":reference}).to_string()
}

pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            hex.extend(
                [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap()),
            );
            hex
        })
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    let claims = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).expect("a token"))
        .unwrap();
    serde_json::from_slice(&claims).unwrap()
}
