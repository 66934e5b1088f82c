//! Guests' tokens: signed with the server's own secret, and told from all other tokens by their
//! header `kid`.

use std::sync::Arc;

use jsonwebtoken::decode_header;

use crate::adapters::outbound::jwt::{JwtVerifier, MAX_TOKEN_BYTES, TokenKey, UnusableKey, sign};
use crate::application::ports::{GuestKey, GuestTokens, StoreError, TokenError, TokenVerifier};
use crate::domain::Claims;

/// The `kid` of a guest's token.
const KEY_ID: &str = "twicecast-guest";

/// Makes guests' tokens, and verifies both guests' tokens and all others, each with its own key
/// alone.
pub struct GuestJwts {
    key: GuestKey,
    guests: JwtVerifier,
    others: Arc<dyn TokenVerifier>,
}

impl GuestJwts {
    /// Signs and verifies guests' tokens with `key`, and leaves all other tokens to `others`.
    ///
    /// # Errors
    /// The key is of an unknown kind, which does not happen with a secret.
    pub fn new(key: GuestKey, others: Arc<dyn TokenVerifier>) -> Result<Self, UnusableKey> {
        let guests = JwtVerifier::new(&TokenKey::Secret(key.0.to_vec()), None, None)?;
        Ok(Self {
            key,
            guests,
            others,
        })
    }
}

impl TokenVerifier for GuestJwts {
    fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        // This does not trust the header: it only decides which key the signature must fit.
        let is_guests = token.len() <= MAX_TOKEN_BYTES
            && decode_header(token).is_ok_and(|header| header.kid.as_deref() == Some(KEY_ID));
        if !is_guests {
            return self.others.verify(token);
        }
        let claims = self.guests.verify(token)?;
        Ok(Claims {
            is_guests,
            ..claims
        })
    }
}

impl GuestTokens for GuestJwts {
    fn issue(&self, claims: &Claims) -> Result<String, StoreError> {
        sign(&self.key.0, Some(KEY_ID), claims).map_err(StoreError::failed)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;
    use crate::adapters::outbound::jwt::issue;
    use crate::domain::Timestamp;

    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
    const OWN: GuestKey = GuestKey([7; 32]);

    fn tokens_beside(issuer: Option<&str>, audience: Option<&str>) -> GuestJwts {
        let others = JwtVerifier::new(&TokenKey::Secret(SECRET.to_vec()), issuer, audience);
        GuestJwts::new(OWN, Arc::new(others.expect("a secret"))).expect("a secret")
    }

    fn claims() -> Claims {
        Claims {
            username: Some("~bob".into()),
            streamer: Some("ana".into()),
            project: Some("demo".into()),
            rights: Some(vec!["read".into(), "chat".into()]),
            expires_at: Timestamp::from_secs(1_800_000_000),
            muted_until: Some(Timestamp::from_millis(1_500)),
            banned_until: Some(Timestamp::from_secs(3)),
            ..Claims::default()
        }
    }

    fn signed(kid: Option<&str>, algorithm: Algorithm, secret: &[u8]) -> String {
        let mut header = Header::new(algorithm);
        header.kid = kid.map(str::to_owned);
        let claims = json!({"username": "~bob", "exp": 1_800_000_000});
        encode::<Value>(&header, &claims, &EncodingKey::from_secret(secret)).expect("signed")
    }

    #[test]
    fn a_guests_token_is_believed_as_one_whatever_is_configured_for_others() {
        for (issuer, audience) in [(None, None), (Some("me"), Some("here"))] {
            let tokens = tokens_beside(issuer, audience);
            let token = tokens.issue(&claims()).expect("signed");
            let expected = Claims {
                is_guests: true,
                // Rounded up, so that nobody may speak too early.
                muted_until: Some(Timestamp::from_secs(2)),
                ..claims()
            };
            assert_eq!(tokens.verify(&token), Ok(expected));
        }
    }

    #[test]
    fn neither_key_passes_for_the_other() {
        let tokens = tokens_beside(None, None);
        let others = issue(SECRET, &claims()).expect("signed");
        let verified = tokens.verify(&others).expect("believed");
        assert!(!verified.is_guests, "the domain refuses such a name");
        for (what, token) in [
            (
                "the other key",
                signed(Some(KEY_ID), Algorithm::HS256, SECRET),
            ),
            ("no kid", signed(None, Algorithm::HS256, &OWN.0)),
            (
                "another kid",
                signed(Some("guest"), Algorithm::HS256, &OWN.0),
            ),
            ("HS384", signed(Some(KEY_ID), Algorithm::HS384, &OWN.0)),
            ("no key", signed(Some(KEY_ID), Algorithm::HS256, b"")),
            ("no token", "x".repeat(1 << 20)),
        ] {
            assert_eq!(tokens.verify(&token), Err(TokenError::Untrusted), "{what}");
        }
        let token = tokens.issue(&claims()).expect("signed");
        let changed = format!("{token}x");
        assert_eq!(tokens.verify(&changed), Err(TokenError::Untrusted));
        let (head, signature) = token.rsplit_once('.').expect("three parts");
        let body = head.split_once('.').expect("three parts").1;
        // {"alg":"none","kid":"twicecast-guest"}
        let unsigned = "eyJhbGciOiJub25lIiwia2lkIjoidHdpY2VjYXN0LWd1ZXN0In0";
        for signature in [signature, ""] {
            let unsigned = format!("{unsigned}.{body}.{signature}");
            assert_eq!(tokens.verify(&unsigned), Err(TokenError::Untrusted));
        }
        let later = GuestJwts::new(GuestKey([8; 32]), Arc::new(tokens)).expect("a secret");
        assert_eq!(later.verify(&token), Err(TokenError::Untrusted));
    }
}
