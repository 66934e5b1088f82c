//! Every request with every parameter missing and of every wrong type, and messages of strange
//! shapes (section 2).

use crate::support::*;
use serde_json::{Value, json};

/// What a parameter has to be.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Flag,
    /// A part's number.
    Part,
    /// A `limit`.
    Limit,
    /// A number that may be 0.
    Count,
    /// A section of `authenticate`.
    Object,
}

use Kind::{Count, Flag, Limit, Object, Part, Text};

/// A valid request and its parameters: the name, the kind, and whether it is required.
type Row = (Value, &'static [(&'static str, Kind, bool)]);

fn rows() -> Vec<Row> {
    let demo = project();
    let own = json!({"username": "ana", "streamer": "ana", "project": "demo"});
    let all = json!({
        "token": streamer("ana", "demo")["token"], "file": demo, "pullrequest": own,
        "chat": {"username": "ana", "room": "ana/demo"},
    });
    let reading: &[_] = &[
        ("username", Text, true),
        ("project", Text, true),
        ("name", Text, false),
        ("recursively", Flag, false),
    ];
    let project: &[_] = &reading[..2];
    let part = json!({"name": "a", "content": "", "part": 1, "maxPart": 2});
    vec![
        (file("get", demo.clone()), reading),
        (file("list", demo.clone()), reading),
        (file("watch", demo.clone()), project),
        (file("unwatch", demo.clone()), project),
        (file("status", demo.clone()), project),
        (file("auth", demo), project),
        (
            chat("auth", chat_section("ana", "ana/demo")),
            &[("username", Text, true), ("room", Text, true)],
        ),
        (
            pull_request("auth", own),
            &[
                ("username", Text, true),
                ("streamer", Text, true),
                ("project", Text, true),
            ],
        ),
        (
            file("post", part),
            &[
                ("name", Text, true),
                ("content", Text, true),
                ("part", Part, false),
                ("maxPart", Part, true),
                ("base", Text, false),
            ],
        ),
        (delete("a"), &[("name", Text, true), ("base", Text, false)]),
        (
            creation(),
            &[("title", Text, true), ("description", Text, false)],
        ),
        (
            pull_request("get", json!({"id": ""})),
            &[("id", Text, true)],
        ),
        (
            pull_request("delete", json!({"id": ""})),
            &[("id", Text, true), ("outcome", Text, false)],
        ),
        (say("x"), &[("message", Text, true)]),
        (
            chat("history", json!({"limit": 1})),
            &[("limit", Limit, false)],
        ),
        (
            chat("mute", json!({"username": "bob", "seconds": 60})),
            &[("username", Text, true), ("seconds", Part, true)],
        ),
        (
            chat("ban", json!({"username": "bob"})),
            &[("username", Text, true), ("seconds", Part, false)],
        ),
        (
            chat("unmute", json!({"username": "bob"})),
            &[("username", Text, true)],
        ),
        (
            chat("unban", json!({"username": "bob"})),
            &[("username", Text, true)],
        ),
        (chat("delete", json!({"id": 1})), &[("id", Part, true)]),
        (
            chat("slow", json!({"seconds": 0})),
            &[("seconds", Count, true)],
        ),
        (
            chat("announce", json!({"message": "x"})),
            &[("message", Text, true)],
        ),
        (
            authenticate(all),
            &[
                ("token", Text, true),
                ("file", Object, false),
                ("chat", Object, false),
                ("pullrequest", Object, false),
            ],
        ),
    ]
}

/// Values that are not of that kind.
fn wrong(kind: Kind) -> Vec<Value> {
    let mut values = vec![json!([]), json!([[1]])];
    if kind != Object {
        values.extend([json!({}), json!({"a": "b"})]);
    }
    if kind != Flag {
        values.extend([json!(true), json!(false)]);
    }
    if kind != Text {
        values.extend([json!(""), json!("1"), json!("yes")]);
    }
    if ![Part, Limit, Count].contains(&kind) {
        values.push(json!(5));
    }
    values.extend([
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1e308),
        json!(u64::MAX),
    ]);
    if kind == Part {
        values.push(json!(9_007_199_254_740_993_u64));
    }
    values.retain(|value| kind != Count || value != &json!(0));
    // A limit that is too large is clamped.
    values.retain(|value| kind != Limit || value != &json!(u64::MAX));
    values
}

/// A user with every role, so that nothing is refused for lack of a right.
async fn everything(server: &Server) -> Client {
    let mut client = server.connect().await;
    let (request, _) = rows().pop().expect("authenticate");
    client.authenticate(request["data"].clone()).await;
    client
}

/// Expects a 400, then takes the roles on again in case the refusal ended them.
async fn bad(client: &mut Client, request: Value) {
    let is_authenticate = request["type"] == "authenticate";
    let answer = client.refused(400, request).await;
    assert_eq!(answer["type"], "badParametersError", "{answer}");
    if is_authenticate {
        let (request, _) = rows().pop().expect("authenticate");
        client.authenticate(request["data"].clone()).await;
    }
}

#[tokio::test]
async fn no_data_of_the_wrong_kind_is_taken_by_any_request() {
    let server = Server::start();
    let mut client = everything(&server).await;
    for (good, parameters) in rows() {
        let mut request = good.clone();
        for data in [json!([]), json!("x"), json!(5), json!(true), json!([{}])] {
            request["data"] = data;
            bad(&mut client, request.clone()).await;
        }
        // A history needs no data.
        if parameters.iter().any(|(_, _, required)| *required) {
            request["data"] = json!(null);
            bad(&mut client, request.clone()).await;
            request.as_object_mut().expect("an object").remove("data");
            bad(&mut client, request).await;
        }
    }
    client.quiet().await;
    assert_eq!(client.ok(list_all()).await["files"], json!([]));
}

#[tokio::test]
async fn no_parameter_is_missing_or_of_another_type() {
    let server = Server::alone();
    let mut client = everything(&server).await;
    let mut watcher = server.connect().await;
    watcher.ok(file("watch", project())).await;
    for (good, parameters) in rows() {
        // A client that gets only refusals is slowed down.
        client.ok(list_all()).await;
        for (name, kind, required) in parameters {
            let mut request = good.clone();
            if *required {
                request["data"][name] = json!(null);
                bad(&mut client, request.clone()).await;
                request["data"]
                    .as_object_mut()
                    .expect("an object")
                    .remove(*name);
                bad(&mut client, request.clone()).await;
            }
            for value in wrong(*kind) {
                request["data"][name] = value;
                bad(&mut client, request.clone()).await;
            }
        }
    }
    client.quiet().await;
    let listed = client.ok(pull_request("list", json!({}))).await;
    assert_eq!(listed, json!([]));
    assert_eq!(client.ok(list_all()).await["files"], json!([]));
    client.ok(post("a", "x")).await;
}

#[tokio::test]
async fn a_member_that_is_there_twice_is_refused() {
    let server = Server::start();
    let mut client = server.streamer().await;
    for message in [
        r#"{"type":"chat","type":"file","subtype":"list","data":{"username":"ana","project":"demo"}}"#,
        r#"{"type":"file","subtype":"list","subtype":"get","data":{"username":"ana","project":"demo"}}"#,
        r#"{"type":"file","subtype":"list","data":{"username":"ana","username":"bob","project":"demo"}}"#,
        r#"{"type":"file","subtype":"list","data":{},"data":{"username":"ana","project":"demo"}}"#,
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","name":"b"}}"#,
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","content":"YQ=="}}"#,
        r#"{"type":"file","subtype":"post","data":{"name":"a","content":"","base":null,"base":null}}"#,
        r#"{"type":"authenticate","data":{"token":"","token":"x"}}"#,
        r#"{"type":"authenticate","data":{"token":"x","file":{"username":"a","username":"b"}}}"#,
        r#"{"ref":1,"type":"file","subtype":"list","ref":2}"#,
    ] {
        client.send_text(message).await;
        let answer = client.next().await;
        assert_eq!(answer["code"], 400, "{answer} to {message}");
        assert_eq!(answer.get("ref"), None, "{answer}");
    }
    // Unknown members may be there twice.
    client
        .send_text(r#"{"x":1,"x":2,"type":"file","subtype":"list","data":{"username":"ana","project":"demo","x":1,"x":2}}"#)
        .await;
    assert_eq!(client.next().await["code"], 200);
}

#[tokio::test]
async fn messages_of_enormous_depth_and_width_are_answered() {
    let server = Server::start();
    let mut client = server.streamer().await;
    let list = |member: &str| {
        format!(
            r#"{{{member},"type":"file","subtype":"list","data":{{"username":"ana","project":"demo"}}}}"#
        )
    };
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let repeated = vec![r#""k":0"#; 100_000].join(",");
    let mut messages = Vec::new();
    for depth in [100, 10_000, 1_000_000] {
        messages.push("[".repeat(depth));
        messages.push(r#"{"a":"#.repeat(depth));
        messages.push(r#"{"data":"#.repeat(depth));
        messages.push(list(&format!(r#""x":{}"#, nested(depth))));
        messages.push(list(&format!(r#""x":{}"#, objects(depth))));
        messages.push(list(&format!(r#""ref":{}"#, nested(depth))));
        messages.push(format!(
            r#"{{"type":"file","subtype":"post","data":{{"name":{},"content":""}}}}"#,
            nested(depth)
        ));
    }
    messages.push(format!("{{{repeated}}}"));
    messages.push(list(&format!(r#""{}":0"#, "k".repeat(1 << 20))));
    messages.push(list(&format!(r#""x":{}"#, "1".repeat(1 << 20))));
    messages.push(list(&format!(r#""ref":0.{}"#, "1".repeat(1 << 20))));
    messages.push(list(&format!(r#""x":"{}""#, r"\u0000".repeat(100_000))));
    for message in messages {
        client.send_text(&message).await;
        let answer = client.next().await;
        let code = answer["code"].as_u64().expect("a code");
        assert!(code == 200 || code == 400, "{answer} to {message:.80}");
    }
    client.ok(post("still", "here")).await;
    client.quiet().await;
}
