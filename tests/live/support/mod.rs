//! Tools of the end-to-end tests: a separate server, clients, tokens and requests.

mod client;
mod described;
#[path = "../../asyncapi/document.rs"]
mod document;
mod http;
pub mod nats_server;
mod others;
mod random;
mod raw;
mod replica;
mod requests;
mod server;

pub use client::{Client, Sent};
pub use http::{UPGRADE, exchange, http};
pub use random::Random;
pub use raw::{Raw, masked, text_frame};
pub use replica::{Replica, version};
pub use requests::*;
pub use server::{Server, refused_start, run};

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

/// Longer than anything here takes on any machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The year 2100.
const FAR_FUTURE: u64 = 4_102_444_800;

/// The key of a server that nobody has configured.
const KEY: &[u8] = b"secret";

/// Seconds since the epoch.
pub fn now() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the server under test has the real clock, and so must its tokens"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .expect("after the epoch")
        .as_secs()
}

/// A token with these claims, valid for a long time unless they say otherwise.
pub fn token(mut claims: Value) -> String {
    let members = claims.as_object_mut().expect("an object");
    members.entry("exp").or_insert_with(|| FAR_FUTURE.into());
    token_as_is(&claims, KEY)
}

/// A token with these claims and no others.
pub fn token_as_is(claims: &Value, key: &[u8]) -> String {
    let header = Header::new(Algorithm::HS256);
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key)).expect("a token")
}

pub fn base64(content: impl AsRef<[u8]>) -> String {
    STANDARD.encode(content)
}

pub fn unbase64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).expect("valid base64")
}

/// `bytes` bytes that do not repeat soon.
pub fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ bytes as u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    (0..bytes).map(next).collect()
}
