//! Tokens: makes one from a key, and reads the names in one.

use std::time::Duration;

use clap::ValueEnum;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::Value;
use twicecast_client::protocol::whole_seconds;

use crate::failure::Failure;
use crate::ui::time::now_in_seconds;

/// What a token may allow beyond naming its bearer: the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// To read the project.
    Read,
    /// To be in the chat room; where reading needs a token, `read` too.
    Chat,
    /// To send pull requests; needs `read` too.
    Propose,
}

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The user who bears it.
    pub username: String,
    /// The streamer whose project it is for.
    pub streamername: String,
    /// The project's name.
    pub streamname: String,
    /// The chat room; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub room: String,
    /// Until when it holds, in seconds since the epoch.
    pub exp: u64,
    /// The only rights that it gives; without the claim, all that the names give.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Vec<Right>>,
    /// An additional role of the bearer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
}

impl Claims {
    /// Claims that hold for that many hours from now. If no room is given, it is the project's own.
    pub fn new(user: &str, streamer: &str, project: &str, room: Option<&str>, hours: u32) -> Self {
        Self {
            username: user.to_owned(),
            streamername: streamer.to_owned(),
            streamname: project.to_owned(),
            room: room.map_or_else(|| format!("{streamer}/{project}"), str::to_owned),
            exp: now_in_seconds() + u64::from(hours) * 3600,
            rights: None,
            role: None,
        }
    }

    /// The same claims, limited to these rights.
    #[must_use]
    pub fn limited_to(mut self, rights: Option<&[Right]>) -> Self {
        self.rights = rights.map(<[Right]>::to_vec);
        self
    }

    /// The same claims, with or without the role of a moderator.
    #[must_use]
    pub fn of_moderator(self, moderates: bool) -> Self {
        let role = moderates.then_some("moderator");
        Self { role, ..self }
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

/// The claims of a token that somebody else made. They are not verified: the server does that.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// The user who bears it.
    pub username: Option<String>,
    /// The streamer.
    pub streamername: Option<String>,
    /// The project.
    pub streamname: Option<String>,
    /// The chat room; the project's own if the token names none.
    pub room: Option<String>,
    /// Until when it holds, in seconds since the epoch.
    pub expires: Option<u64>,
    /// Until when its bearer is muted, in seconds since the epoch.
    pub muted_until: Option<u64>,
    /// Until when its bearer is banned, in seconds since the epoch.
    pub banned_until: Option<u64>,
    /// Whether it limits the rights that it gives.
    pub is_limited: bool,
}

impl TokenView {
    /// Reads a token; `None` if it is not one.
    pub fn read(token: &str) -> Option<Self> {
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token)
            .ok()?
            .claims;
        let name = |name: &str| {
            let text = claims[name].as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let time = |name: &str| whole_seconds(&claims[name]).filter(|seconds| *seconds > 0);
        let (streamername, streamname) = (name("streamername"), name("streamname"));
        let own_room = own_room(streamername.as_deref(), streamname.as_deref());
        Some(Self {
            username: name("username"),
            room: name("room").or(own_room),
            streamername,
            streamname,
            expires: whole_seconds(&claims["exp"]),
            muted_until: time("mutedUntil"),
            banned_until: time("bannedUntil"),
            is_limited: !claims["rights"].is_null(),
        })
    }

    /// How long it still holds, zero if it has expired; `None` if it does not say.
    pub fn expires_in(&self) -> Option<Duration> {
        Some(Duration::from_secs(
            self.expires?.saturating_sub(now_in_seconds()),
        ))
    }
}

/// The room of a project.
pub fn own_room(streamer: Option<&str>, project: Option<&str>) -> Option<String> {
    Some(format!("{}/{}", streamer?, project?))
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
    fn a_limited_token_says_its_rights_and_one_that_is_not_says_nothing() {
        let claims = Claims::new("bob", "ana", "demo", None, 1);
        let all = serde_json::to_value(&claims).unwrap();
        assert_eq!(all.get("rights"), None);
        let few = claims.limited_to(Some(&[Right::Read, Right::Propose]));
        let few = serde_json::to_value(few).unwrap();
        assert_eq!(few["rights"], serde_json::json!(["read", "propose"]));
    }

    #[test]
    fn a_moderators_token_says_so_and_no_other_has_a_role() {
        let claims = Claims::new("bob", "ana", "demo", None, 1);
        let role = |claims: &Claims| serde_json::to_value(claims).unwrap()["role"].clone();
        assert_eq!(role(&claims), serde_json::Value::Null);
        let claims = claims.of_moderator(true);
        assert_eq!(role(&claims), "moderator");
    }

    #[test]
    fn a_token_whose_room_is_zero_means_the_projects_own() {
        let claims = serde_json::json!({
            "username": "bob", "streamername": "ana", "streamname": "demo", "room": 0, "exp": 7.5,
            "mutedUntil": false, "bannedUntil": 9,
        });
        let token = jsonwebtoken::encode(
            &jsonwebtoken::Header::default(),
            &claims,
            &jsonwebtoken::EncodingKey::from_secret(b"k"),
        )
        .unwrap();
        let view = TokenView::read(&token).unwrap();
        assert_eq!(view.room.as_deref(), Some("ana/demo"));
        assert_eq!(
            (view.expires, view.muted_until, view.banned_until),
            (Some(8), None, Some(9))
        );
        assert_eq!(view.expires_in(), Some(Duration::ZERO));
        assert_eq!(TokenView::read("no token"), None);
    }
}
