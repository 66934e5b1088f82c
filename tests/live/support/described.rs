//! Checks that what goes over the sockets is as `docs/asyncapi.yaml` describes it. Optimised builds
//! skip this, because there the benches measure the server.

use serde_json::Value;

use super::document::{Sender, document};

/// A message of the server; asserts that it is as described.
pub fn message(text: &str) -> Value {
    let message = serde_json::from_str(text).expect("JSON");
    if cfg!(debug_assertions) {
        let found = document().identify(Sender::Server, &message);
        assert!(found.is_ok(), "{}", found.err().unwrap_or_default());
    }
    message
}

/// Asserts that a request that the server is to accept is as described.
pub fn request(request: &Value) {
    if cfg!(debug_assertions) {
        let found = document().identify(Sender::Client, request);
        assert!(found.is_ok(), "{}", found.err().unwrap_or_default());
    }
}

/// Asserts that this message is one of the described answers to the request, or one that comes
/// unasked, between request and answer.
pub fn answer(request: &Value, answer: &Value) {
    if cfg!(debug_assertions)
        && let Some(answers) = document().answers(request)
    {
        let found = document().identify(Sender::Server, answer);
        let found = found.expect("a described message");
        let is_known = found.is_unasked() || answers.contains(&found.name.as_str());
        assert!(is_known, "`{}` answers {request:.300}", found.name);
    }
}
