//! Invalid requests, each with the right that is checked first.

use serde_json::{Value, json};

use crate::ask::{Project, Right};
use crate::support::{chat, file, pull_request};

/// Messages that are not JSON objects.
pub const GARBAGE: [&str; 4] = ["nonsense", "[1]", "{\"type\":\"file\"", "null"];

pub fn requests(project: &Project) -> Vec<(Right, Value)> {
    let reading = |more: Value| {
        let mut data = json!({"username": project.streamer, "project": project.name});
        for (key, value) in more.as_object().into_iter().flatten() {
            data[key] = value.clone();
        }
        data
    };
    let whole = json!({"username": "a/b", "project": "x"});
    vec![
        (Right::Nothing, json!({"type": "nothing"})),
        (Right::Nothing, json!({"type": 5, "subtype": "get"})),
        (Right::Nothing, json!({"type": "file"})),
        (Right::Nothing, file("fly", json!({"name": "a"}))),
        (
            Right::Nothing,
            json!({"type": "chat", "subtype": "say", "data": {}}),
        ),
        (Right::Read, json!({"type": "file", "subtype": "get"})),
        (Right::Read, file("get", whole.clone())),
        (Right::Read, file("get", reading(json!({"name": "../a"})))),
        (Right::Read, file("get", reading(json!({"name": 7})))),
        (
            Right::Read,
            file("get", reading(json!({"recursively": "yes"}))),
        ),
        (Right::Read, file("list", reading(json!({"name": "a\\b"})))),
        (
            Right::Read,
            file("list", json!({"username": project.streamer})),
        ),
        (Right::Read, file("watch", whole.clone())),
        (Right::Read, file("unwatch", json!({"project": "demo"}))),
        (Right::Read, file("status", whole)),
        (
            Right::Write,
            json!({"type": "file", "subtype": "post", "data": 1}),
        ),
        (Right::Write, file("post", json!({"name": "a"}))),
        (
            Right::Write,
            file("post", json!({"name": "a", "content": "!"})),
        ),
        (
            Right::Write,
            file("post", json!({"name": "a", "content": 1})),
        ),
        (Right::Write, file("post", json!({"content": "YQ=="}))),
        (
            Right::Write,
            file("post", json!({"name": "a", "content": "", "base": "a"})),
        ),
        (
            Right::Write,
            file("post", json!({"name": "a/", "content": ""})),
        ),
        (
            Right::Write,
            file("post", json!({"name": "/", "content": ""})),
        ),
        (
            Right::Write,
            file("post", json!({"name": "a\u{1}", "content": ""})),
        ),
        (Right::Write, post_part(&json!(1), &Value::Null)),
        (Right::Write, post_part(&json!(0), &json!(2))),
        (Right::Write, post_part(&json!("1"), &json!(2))),
        (Right::Write, post_part(&json!(1.0), &json!(2))),
        (
            Right::Write,
            post_part(&json!(2_147_483_648_u64), &json!(2_147_483_648_u64)),
        ),
        (Right::Write, file("delete", json!({}))),
        (Right::Write, file("delete", json!({"name": "/"}))),
        (Right::Write, file("delete", json!({"name": "a/.."}))),
        (Right::Write, file("delete", json!({"name": null}))),
        (
            Right::Propose,
            pull_request("creation", json!({"title": "t", "description": 1})),
        ),
        (
            Right::Propose,
            pull_request("creation", json!({"title": 1, "description": ""})),
        ),
        (Right::Pulls, pull_request("get", json!({}))),
        (Right::Pulls, pull_request("get", json!({"id": 1}))),
        (
            Right::Pulls,
            pull_request("delete", json!({"outcome": "merged"})),
        ),
        (
            Right::Pulls,
            pull_request("delete", json!({"id": "x", "outcome": "lost"})),
        ),
        (Right::Chat, chat("history", json!({"limit": 0}))),
        (Right::Chat, chat("history", json!({"limit": "1"}))),
        (Right::Token, file("auth", json!({"username": 1}))),
        (Right::Token, json!({"type": "chat", "subtype": "auth"})),
    ]
}

fn post_part(part: &Value, count: &Value) -> Value {
    file(
        "post",
        json!({"name": "a", "content": "YQ==", "part": part, "maxPart": count}),
    )
}

/// Each makes `authenticate` fail because of its shape.
pub fn authentications() -> Vec<Value> {
    let of = |data: Value| json!({"type": "authenticate", "data": data});
    vec![
        json!({"type": "authenticate"}),
        of(json!({})),
        of(json!({"token": 5})),
        of(json!({"token": "x", "file": []})),
        of(json!({"token": "x", "file": {"username": "a/b", "project": "demo"}})),
        of(json!({"token": "x", "chat": {"username": "bob", "room": ""}})),
        json!({"type": "authenticate", "data": {"token": "x"}, "ref": [1]}),
    ]
}
