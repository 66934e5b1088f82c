//! Requests of the protocol, about ana's project `demo` unless stated otherwise.

use serde_json::{Value, json};

use super::{base64, token};

/// The data with which a streamer authenticates to stream a project.
pub fn streamer(name: &str, project: &str) -> Value {
    let claims = json!({"username": name, "streamername": name, "streamname": project});
    json!({"token": token(claims), "file": file_section(name, project)})
}

/// The data with which a viewer authenticates to view a project.
pub fn viewer(name: &str, streamer: &str, project: &str) -> Value {
    let claims = json!({"username": name, "streamername": streamer, "streamname": project});
    let section = pull_request_section(name, streamer, project);
    json!({"token": token(claims), "pullrequest": section})
}

pub fn file_section(name: &str, project: &str) -> Value {
    json!({"username": name, "project": project})
}

pub fn chat_section(name: &str, room: &str) -> Value {
    json!({"username": name, "room": room})
}

pub fn pull_request_section(name: &str, streamer: &str, project: &str) -> Value {
    json!({"username": name, "streamer": streamer, "project": project})
}

fn with_data(mut request: Value, data: Value) -> Value {
    request["data"] = data;
    request
}

pub fn authenticate(data: Value) -> Value {
    with_data(json!({"type": "authenticate"}), data)
}

pub fn file(subtype: &str, data: Value) -> Value {
    with_data(json!({"type": "file", "subtype": subtype}), data)
}

pub fn chat(subtype: &str, data: Value) -> Value {
    with_data(json!({"type": "chat", "subtype": subtype}), data)
}

pub fn say(message: &str) -> Value {
    chat("message", json!({"message": message}))
}

pub fn pull_request(subtype: &str, data: Value) -> Value {
    with_data(json!({"type": "pullrequest", "subtype": subtype}), data)
}

pub fn creation() -> Value {
    pull_request("creation", json!({"title": "a title", "description": ""}))
}

pub fn finish() -> Value {
    json!({"type": "pullrequest", "subtype": "finish"})
}

pub fn post(name: &str, content: impl AsRef<[u8]>) -> Value {
    file("post", json!({"name": name, "content": base64(content)}))
}

pub fn post_part(name: &str, content: impl AsRef<[u8]>, part: u64, of: u64) -> Value {
    let content = base64(content);
    file(
        "post",
        json!({"name": name, "content": content, "part": part, "maxPart": of}),
    )
}

/// The same post or delete with the base that it starts from.
pub fn with_base(mut request: Value, base: impl Into<Value>) -> Value {
    request["data"]["base"] = base.into();
    request
}

pub fn delete(name: &str) -> Value {
    file("delete", json!({"name": name}))
}

pub fn project() -> Value {
    json!({"username": "ana", "project": "demo"})
}

pub fn get(name: &str) -> Value {
    file(
        "get",
        json!({"username": "ana", "project": "demo", "name": name}),
    )
}

pub fn get_all() -> Value {
    file("get", project())
}

pub fn list_all() -> Value {
    file("list", project())
}

/// The same with a `ref`.
pub fn with_ref(mut request: Value, reference: impl Into<Value>) -> Value {
    request["ref"] = reference.into();
    request
}
