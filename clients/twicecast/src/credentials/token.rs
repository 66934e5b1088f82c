//! Tokens: making one from a key, and looking into one for the names it carries.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What a token says of its bearer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Who bears it.
    pub username: String,
    /// Whose project it is about.
    pub streamername: String,
    /// Which project.
    pub streamname: String,
    /// The chat room.
    pub room: String,
    /// Seconds since the epoch.
    pub exp: u64,
}

impl Claims {
    /// Claims that hold for that many hours from now; without a room, the project's own.
    pub fn new(user: &str, streamer: &str, project: &str, room: Option<&str>, hours: u32) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Self {
            username: user.to_owned(),
            streamername: streamer.to_owned(),
            streamname: project.to_owned(),
            room: room.map_or_else(|| format!("{streamer}/{project}"), str::to_owned),
            exp: now + u64::from(hours) * 3600,
        }
    }

    /// Signs the claims with the server's key (HS256).
    ///
    /// # Errors
    ///
    /// Only if the signing library fails.
    pub fn signed(&self, key: &str) -> Result<String, Failure> {
        jsonwebtoken::encode(
            &Header::new(Algorithm::HS256),
            self,
            &EncodingKey::from_secret(key.as_bytes()),
        )
        .map_err(|error| {
            Failure::usage(format!(
                "The token could not be signed with this key: {error}."
            ))
        })
    }
}

/// The names in a token that somebody else made. They are only used as defaults; the server
/// verifies the token.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NamesInToken {
    /// The bearer.
    pub username: Option<String>,
    /// The streamer.
    pub streamername: Option<String>,
    /// The project.
    pub streamname: Option<String>,
}

/// How long a token that somebody else made still holds, if it can be read and says so.
pub fn expires_in(token: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Expiry {
        exp: f64,
    }
    let expiry: Expiry = jsonwebtoken::dangerous::insecure_decode(token).ok()?.claims;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let expires = Duration::try_from_secs_f64(expiry.exp).ok()?;
    Some(expires.saturating_sub(now))
}

impl NamesInToken {
    /// Reads the names without verifying anything; a token that cannot be read has none.
    pub fn peek(token: &str) -> Self {
        let names: Self = jsonwebtoken::dangerous::insecure_decode(token)
            .map(|data| data.claims)
            .unwrap_or_default();
        let full = |name: Option<String>| name.filter(|name| !name.is_empty());
        Self {
            username: full(names.username),
            streamername: full(names.streamername),
            streamname: full(names.streamname),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};

    #[test]
    fn a_token_carries_the_claims_and_is_signed_with_the_key() {
        let claims = Claims::new("bob", "ana", "demo", None, 12);
        let token = claims.signed("secret").unwrap();
        let verified = jsonwebtoken::decode::<serde_json::Value>(
            &token,
            &DecodingKey::from_secret(b"secret"),
            &Validation::new(Algorithm::HS256),
        )
        .unwrap();
        assert_eq!(verified.claims["username"], "bob");
        assert_eq!(verified.claims["streamername"], "ana");
        assert_eq!(verified.claims["streamname"], "demo");
        assert_eq!(verified.claims["room"], "ana/demo");
        assert!(
            jsonwebtoken::decode::<serde_json::Value>(
                &token,
                &DecodingKey::from_secret(b"other"),
                &Validation::new(Algorithm::HS256)
            )
            .is_err()
        );
    }

    #[test]
    fn the_names_in_a_token_are_defaults() {
        let token = Claims::new("bob", "ana", "demo", None, 1)
            .signed("any")
            .unwrap();
        let names = NamesInToken::peek(&token);
        assert_eq!(names.username.as_deref(), Some("bob"));
        assert_eq!(names.streamername.as_deref(), Some("ana"));
        assert_eq!(NamesInToken::peek("no token"), NamesInToken::default());
    }
}
