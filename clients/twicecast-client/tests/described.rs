//! The library sends what `docs/asyncapi.yaml` describes, and reads what that says the server
//! sends.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use twicecast_client::protocol as library;

use document::{Sender, document, strict_document};

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../../../tests/asyncapi/document.rs"]
mod document;

const ID: &str = "9b2f0c1e-5d64-4f0a-8a3b-7c6d5e4f3a2b";
const BASE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Each function that makes a request, with a request that it makes.
fn requests() -> Vec<(&'static str, String)> {
    let file = json!({"username": "ana", "project": "demo"});
    let viewer = json!({"username": "bob", "streamer": "ana", "project": "demo"});
    let post = |part, base, executable| {
        library::post(1, "/a", part, "QQ==", base, executable).expect("a request")
    };
    vec![
        ("authenticate", library::authenticate(1, "t", "file", &file)),
        (
            "authenticate",
            library::authenticate(1, "t", "pullrequest", &viewer),
        ),
        ("watch", library::watch(1, "ana", "demo")),
        ("watch_presence", library::watch_presence(1, "ana", "demo")),
        ("list", library::list(1, "ana", "demo")),
        ("status", library::status(1, "ana", "demo")),
        ("get", library::get(1, "ana", "demo", None)),
        ("get", library::get(1, "ana", "demo", Some("/a"))),
        ("pull_requests", library::pull_requests(1)),
        ("pull_request_get", library::pull_request_get(1, ID)),
        (
            "pull_request_delete",
            library::pull_request_delete(1, ID, "merged"),
        ),
        ("pull_request_accept", library::pull_request_accept(1, 7)),
        (
            "pull_request_applied",
            library::pull_request_applied(1, 7, "partly", &["/a"], "m"),
        ),
        ("focus", library::focus(1, "/a", Some(12))),
        ("focus", library::focus(1, "/a", None)),
        (
            "pull_request_creation",
            library::pull_request_creation(1, "T", "D"),
        ),
        ("pull_request_finish", library::pull_request_finish(1)),
        ("delete", library::delete(1, "/a", Some(BASE))),
        ("delete", library::delete(1, "/a", None)),
        ("post", post(None, None, None)),
        ("post", post(Some((2, 3)), Some(BASE), Some(true))),
    ]
}

#[test]
fn what_the_library_sends_is_described() {
    for (_, request) in requests() {
        let request = serde_json::from_str(&request).expect("JSON");
        let found = strict_document().identify(Sender::Client, &request);
        assert!(found.is_ok(), "{}", found.err().unwrap_or_default());
    }
}

#[test]
fn none_of_its_requests_is_left_out_here() {
    let source = include_str!("../src/protocol/requests.rs");
    let public = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub fn "));
    let public = public.filter_map(|line| Some(line.split_once('(')?.0.to_owned()));
    let tried = requests().into_iter().map(|(name, _)| name.to_owned());
    assert_eq!(tried.collect::<BTreeSet<_>>(), public.collect());
}

#[test]
fn the_library_reads_every_message_of_the_server() {
    for message in &document().messages {
        if message.sender == Sender::Client {
            continue;
        }
        for example in message.examples() {
            let read = library::parse(&example.to_string());
            let (reference, _) = read.unwrap_or_else(|error| panic!("{error}: {example}"));
            assert_eq!(reference, example.get("ref").and_then(Value::as_u64));
        }
    }
}
