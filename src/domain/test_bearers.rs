//! Who asks, in tests of the rules about rights and roles.

use super::identity::{Claims, Identity};
use super::roles::{Roles, Streaming};
use super::time::Timestamp;

pub const NOW: Timestamp = Timestamp::from_secs(1_000);
pub const EXPIRY: Timestamp = Timestamp::from_secs(2_000);

/// The bearer of a token of this user for `ana/demo`.
pub fn bearer(user: &str) -> Identity {
    let claims = Claims {
        username: Some(user.into()),
        streamer: Some("ana".into()),
        project: Some("demo".into()),
        expires_at: EXPIRY,
        ..Claims::default()
    };
    Identity::from_claims(&claims, NOW).expect("valid")
}

/// The roles of a connection that is in no room.
pub fn roles(streamer: bool, viewer: bool) -> Roles {
    Roles {
        streamer: streamer.then(Streaming::default),
        viewer,
        room: None,
    }
}
