//! JSON Web Tokens (RFC 7519): accepts those that are signed with the configured key.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Map, Value};

use crate::application::ports::{TokenError, TokenVerifier};
use crate::domain::{Claims, Timestamp};

/// The longest token that is examined at all, in bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1_024;

/// A point on P-256, uncompressed (SEC 1, section 2.3.3); on larger curves it is longer.
const P256_POINT_BYTES: usize = 65;

/// The algorithm and the key by which tokens are checked.
pub enum TokenKey {
    /// HS256 with this secret.
    Secret(Vec<u8>),
    /// RS256, ES256 or `EdDSA`, depending on this public key in PEM.
    PublicKeyPem(Vec<u8>),
}

/// The key cannot be used to check tokens.
#[derive(Debug, thiserror::Error)]
#[error("this is no public key in PEM of the kind RSA, EC (P-256) or Ed25519")]
pub struct UnusableKey;

/// Accepts tokens that are signed with one key by one algorithm, never one that the token chooses.
pub struct JwtVerifier {
    key: DecodingKey,
    validation: Validation,
}

impl JwtVerifier {
    /// A verifier that requires `issuer` and `audience` only if they are given.
    ///
    /// # Errors
    /// The key is of an unknown kind.
    pub fn new(
        key: &TokenKey,
        issuer: Option<&str>,
        audience: Option<&str>,
    ) -> Result<Self, UnusableKey> {
        let (key, algorithm) = match key {
            TokenKey::Secret(secret) => (DecodingKey::from_secret(secret), Algorithm::HS256),
            TokenKey::PublicKeyPem(pem) => public_key(pem)?,
        };
        let mut validation = Validation::new(algorithm);
        // The domain compares the times with our own clock, at each message.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        // By default, a token with an audience is refused if none is configured.
        validation.validate_aud = audience.is_some();
        let mut required = Vec::new();
        if let Some(audience) = audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        if let Some(issuer) = issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.set_required_spec_claims(&required);
        Ok(Self { key, validation })
    }
}

fn public_key(pem: &[u8]) -> Result<(DecodingKey, Algorithm), UnusableKey> {
    // A private key cannot verify anything here, and it should not be on a server.
    if String::from_utf8_lossy(pem).contains("PRIVATE KEY-----") {
        return Err(UnusableKey);
    }
    if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        return Ok((key, Algorithm::RS256));
    }
    if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        // ES256 is P-256 and no other curve (RFC 7518, section 3.4).
        return match key.try_get_as_bytes() {
            Ok(point) if point.len() == P256_POINT_BYTES => Ok((key, Algorithm::ES256)),
            _ => Err(UnusableKey),
        };
    }
    let key = DecodingKey::from_ed_pem(pem).map_err(|_| UnusableKey)?;
    Ok((key, Algorithm::EdDSA))
}

impl TokenVerifier for JwtVerifier {
    fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Untrusted);
        }
        let verified = decode::<Map<String, Value>>(token, &self.key, &self.validation);
        let verified = verified.map_err(|_| TokenError::Untrusted)?;
        // We do not know any of the extensions that the token declares critical (RFC 7515, section
        // 4.1.11).
        if verified.header.crit.is_some() {
            return Err(TokenError::Untrusted);
        }
        read_claims(&verified.claims).ok_or(TokenError::IllTyped)
    }
}

fn read_claims(claims: &Map<String, Value>) -> Option<Claims> {
    let text = |name| match claims.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => None,
    };
    let until = |name| match claims.get(name) {
        None | Some(Value::Null | Value::Bool(false)) => Some(None),
        Some(value) => Some(Some(seconds(value)?).filter(|until| *until != Timestamp::default())),
    };
    let room = match claims.get("room") {
        // The existing issuer's tokens carry 0 where they mean the project's own room.
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => None,
        _ => text("room")?,
    };
    let rights = match claims.get("rights") {
        None | Some(Value::Null) => None,
        Some(words) => Some(words.as_array()?.iter().map(word).collect::<Option<_>>()?),
    };
    Some(Claims {
        username: text("username")?,
        streamer: text("streamername")?,
        project: text("streamname")?,
        room,
        muted_until: until("mutedUntil")?,
        banned_until: until("bannedUntil")?,
        rights,
        role: text("role")?,
        expires_at: seconds(claims.get("exp")?)?,
        not_before: claims
            .get("nbf")
            .filter(|value| !value.is_null())
            .map_or(Some(None), |value| seconds(value).map(Some))?,
        is_guests: false,
    })
}

fn word(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A `NumericDate` (RFC 7519, section 2): seconds since the epoch, possibly with a fraction. A time
/// before the epoch is treated as the epoch: both are long past.
fn seconds(value: &Value) -> Option<Timestamp> {
    if let Some(whole) = value.as_u64() {
        return Some(Timestamp::from_secs(whole));
    }
    let fraction = value.as_f64().filter(|seconds| seconds.is_finite())?;
    // `Duration` refuses what it cannot hold.
    let since = std::time::Duration::try_from_secs_f64(fraction.max(0.0)).ok()?;
    Some(Timestamp::default().plus(since))
}

/// Creates a token with the names in `claims`, their rights, times and expiry, which a
/// [`JwtVerifier`] with the same secret accepts.
///
/// # Errors
/// It cannot be signed, which does not happen with a secret.
pub fn issue(secret: &[u8], claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
    sign(secret, None, claims)
}

/// Like `issue`, with the header `kid` if `key_id` is given.
pub(crate) fn sign(
    secret: &[u8],
    key_id: Option<&str>,
    claims: &Claims,
) -> Result<String, jsonwebtoken::errors::Error> {
    let texts = [
        ("username", &claims.username),
        ("streamername", &claims.streamer),
        ("streamname", &claims.project),
        ("room", &claims.room),
        ("role", &claims.role),
    ];
    let texts = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, text.clone()?)));
    let mut members: Map<_, Value> = texts
        .map(|(name, text)| (name.into(), text.into()))
        .collect();
    if let Some(rights) = &claims.rights {
        members.insert("rights".into(), rights.clone().into());
    }
    let times = [
        ("mutedUntil", claims.muted_until),
        ("bannedUntil", claims.banned_until),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            members.insert(name.into(), time.as_millis().div_ceil(1_000).into());
        }
    }
    members.insert("exp".into(), (claims.expires_at.as_millis() / 1_000).into());
    let mut header = Header::new(Algorithm::HS256);
    header.kid = key_id.map(str::to_owned);
    encode(&header, &members, &EncodingKey::from_secret(secret))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

    fn verifier() -> JwtVerifier {
        JwtVerifier::new(&TokenKey::Secret(SECRET.to_vec()), None, None).expect("a secret")
    }

    fn signed(header: &Header, claims: &Value, secret: &[u8]) -> String {
        encode(header, claims, &EncodingKey::from_secret(secret)).expect("signed")
    }

    fn token(claims: &Value) -> String {
        signed(&Header::new(Algorithm::HS256), claims, SECRET)
    }

    fn base64url(text: &str) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn a_token_like_the_existing_issuers_is_believed() {
        let claims = json!({
            "iss": "https://issuer.example", "aud": "https://viewer.example", "iat": 1_700_000_000,
            "nbf": 1_700_000_000, "exp": 1_800_000_000, "username": "bob", "streamername": "ana",
            "streamname": "demo", "room": 0, "mutedUntil": false, "bannedUntil": null,
        });
        let read = verifier().verify(&token(&claims)).expect("believed");
        let expected = Claims {
            username: Some("bob".into()),
            streamer: Some("ana".into()),
            project: Some("demo".into()),
            expires_at: Timestamp::from_secs(1_800_000_000),
            not_before: Some(Timestamp::from_secs(1_700_000_000)),
            ..Claims::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn absent_null_and_empty_claims_are_the_same() {
        for nothing in [json!(null), json!("")] {
            let claims = json!({
                "exp": 1, "username": nothing, "streamername": nothing, "streamname": nothing,
                "room": nothing,
            });
            let read = verifier().verify(&token(&claims)).expect("believed");
            assert_eq!(
                read,
                Claims {
                    expires_at: Timestamp::from_secs(1),
                    ..Claims::default()
                }
            );
        }
    }

    #[test]
    fn claims_of_another_type_are_refused() {
        let base = json!({"exp": 1_800_000_000, "username": "bob"});
        for (name, value) in [
            ("exp", json!("never")),
            ("exp", json!(null)),
            ("exp", json!([1])),
            ("nbf", json!("x")),
            ("nbf", json!(true)),
            ("username", json!(5)),
            ("username", json!(["bob"])),
            ("streamername", json!({})),
            ("streamname", json!(false)),
            ("room", json!(7)),
            ("room", json!(false)),
            ("room", json!([])),
            ("mutedUntil", json!("tomorrow")),
            ("mutedUntil", json!(true)),
            ("bannedUntil", json!("0")),
            ("rights", json!("")),
            ("rights", json!("read")),
            ("rights", json!(true)),
            ("rights", json!(0)),
            ("rights", json!({"read": true})),
            ("rights", json!(["read", null])),
            ("rights", json!([["read"]])),
            ("role", json!(true)),
            ("role", json!(["moderator"])),
        ] {
            let mut claims = base.clone();
            claims[name] = value.clone();
            assert!(
                verifier().verify(&token(&claims)).is_err(),
                "{name}: {value}"
            );
        }
        assert_eq!(
            verifier().verify(&token(&json!({"username": "bob"}))),
            Err(TokenError::IllTyped)
        );
    }

    #[test]
    fn rights_are_a_list_of_words_or_nothing() {
        let rights = |value: Value| {
            let claims = json!({"exp": 1, "rights": value});
            verifier().verify(&token(&claims)).expect("believed").rights
        };
        assert_eq!(rights(json!(null)), None);
        assert_eq!(rights(json!([])), Some(vec![]));
        let words = || vec!["read".to_owned(), "fly".to_owned()];
        assert_eq!(rights(json!(words())), Some(words()));
    }

    #[test]
    fn a_role_is_a_text_or_nothing() {
        let role = |value: Value| {
            let claims = json!({"exp": 1, "role": value});
            verifier().verify(&token(&claims)).expect("believed").role
        };
        assert_eq!(role(json!(null)), None);
        assert_eq!(role(json!("")), None);
        assert_eq!(role(json!("moderator")), Some("moderator".to_owned()));
        assert_eq!(role(json!("juggler")), Some("juggler".to_owned()));
    }

    #[test]
    fn times_may_have_a_fraction_and_zero_is_no_mute() {
        let claims = json!({"exp": 1.5, "mutedUntil": 2.25, "bannedUntil": 0});
        let read = verifier().verify(&token(&claims)).expect("believed");
        assert_eq!(read.expires_at, Timestamp::from_millis(1_500));
        assert_eq!(read.muted_until, Some(Timestamp::from_millis(2_250)));
        assert_eq!(read.banned_until, None);
        let claims = json!({"exp": -1, "nbf": -1, "mutedUntil": -2.5, "bannedUntil": -5});
        let read = verifier().verify(&token(&claims)).expect("believed");
        let epoch = Timestamp::default();
        assert_eq!((read.expires_at, read.not_before), (epoch, Some(epoch)));
        assert_eq!((read.muted_until, read.banned_until), (None, None));
    }

    #[test]
    fn tokens_that_choose_their_own_algorithm_or_key_are_refused() {
        let claims = json!({"exp": 1_800_000_000, "username": "ana"});
        let good = token(&claims);
        let (head, signature) = good.rsplit_once('.').expect("three parts");
        let body = head.split_once('.').expect("three parts").1;
        let with_header = |header: &str| format!("{}.{body}.{signature}", base64url(header));
        let unsigned = |alg: &str| {
            format!(
                "{}.{body}.",
                base64url(&format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#))
            )
        };
        let mut critical = Header::new(Algorithm::HS256);
        critical.crit = Some(vec!["exp".into()]);
        let mut elsewhere = Header::new(Algorithm::HS256);
        elsewhere.kid = Some("../../dev/null".into());
        for bad in [
            String::new(),
            "...".into(),
            "a.b.c".into(),
            unsigned("none"),
            unsigned("None"),
            unsigned("nOnE"),
            unsigned("HS256"),
            with_header(r#"{"typ":"JWT"}"#),
            with_header(r#"{"alg":"RS256"}"#),
            format!("{head}."),
            format!("{good}x"),
            signed(&Header::new(Algorithm::HS384), &claims, SECRET),
            signed(&Header::new(Algorithm::HS256), &claims, b"secret"),
            signed(&critical, &claims, SECRET),
            "x".repeat(1 << 20),
        ] {
            let shown: String = bad.chars().take(60).collect();
            assert_eq!(
                verifier().verify(&bad),
                Err(TokenError::Untrusted),
                "{shown}"
            );
        }
        assert!(verifier().verify(&good).is_ok());
        assert!(
            verifier()
                .verify(&signed(&elsewhere, &claims, SECRET))
                .is_ok(),
            "kid is ignored"
        );
    }

    #[test]
    fn issuer_and_audience_count_only_where_they_are_configured() {
        let strict = |issuer, audience| {
            let key = TokenKey::Secret(SECRET.to_vec());
            JwtVerifier::new(&key, issuer, audience).expect("a secret")
        };
        let claims = json!({"exp": 1, "iss": "me", "aud": ["here", "there"]});
        assert!(
            strict(Some("me"), Some("here"))
                .verify(&token(&claims))
                .is_ok()
        );
        assert!(strict(Some("you"), None).verify(&token(&claims)).is_err());
        assert!(
            strict(None, Some("elsewhere"))
                .verify(&token(&claims))
                .is_err()
        );
        let bare = token(&json!({"exp": 1}));
        assert!(strict(Some("me"), None).verify(&bare).is_err());
        assert!(strict(None, Some("here")).verify(&bare).is_err());
        assert!(strict(None, None).verify(&bare).is_ok());
    }

    #[test]
    fn a_token_that_was_issued_here_is_believed_here() {
        let made = Claims {
            username: Some("ana".into()),
            streamer: Some("ana".into()),
            project: Some("demo".into()),
            rights: Some(vec!["read".into(), "chat".into()]),
            role: Some("moderator".into()),
            expires_at: Timestamp::from_secs(1_800_000_000),
            ..Claims::default()
        };
        let read = verifier()
            .verify(&issue(SECRET, &made).expect("signed"))
            .expect("believed");
        assert_eq!(read.username.as_deref(), Some("ana"));
        assert_eq!(read.project.as_deref(), Some("demo"));
        assert_eq!(
            (read.expires_at, read.rights, read.role),
            (made.expires_at, made.rights, made.role)
        );
    }

    /// Made for these tests with `openssl genpkey -algorithm ed25519`.
    const PRIVATE: &[u8] = b"-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEICDxQPQgehdDRUuEkVIOcBR+z1HfKjCYzVzOSDxx2L73
-----END PRIVATE KEY-----";
    const PUBLIC: &[u8] = b"-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAdlXDpTp3TcCU9yW5L0odvpbwylCrtPpuG0zpBB8GLVs=
-----END PUBLIC KEY-----";

    #[test]
    fn a_public_key_believes_its_private_key_and_no_secret_made_of_itself() {
        let key = TokenKey::PublicKeyPem(PUBLIC.to_vec());
        let verifier = JwtVerifier::new(&key, None, None).expect("a public key");
        let claims = json!({"exp": 1, "username": "ana"});
        let private = EncodingKey::from_ed_pem(PRIVATE).expect("a private key");
        let good = encode(&Header::new(Algorithm::EdDSA), &claims, &private).expect("signed");
        assert!(verifier.verify(&good).is_ok());
        let confused = signed(&Header::new(Algorithm::HS256), &claims, PUBLIC);
        assert_eq!(verifier.verify(&confused), Err(TokenError::Untrusted));
    }

    /// Made for these tests with `openssl ecparam -name prime256v1 -genkey` and `openssl ec
    /// -pubout`.
    const P256: &[u8] = b"-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAES//6BbmhRHWDvo/hOkLV1nC3knfD
qYh0InUI9fGZ4Sd/hp9A4GlCIsajuprP81ty8HYPBKNFu4vqrc5OTv2S8Q==
-----END PUBLIC KEY-----";
    /// The same with `-name secp384r1`.
    const P384: &[u8] = b"-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEk1/s39fjapv7DVnqq7MWuF0MIctX2oDK
Orz4Bm06z3tLZscKyBkL0okXAsIuqeZlofMNNfMCDwOev7SRu7zse+LirpzOH4Wn
3QoZyoAQl2/g+ezNNbRZYwXDDXcr9ABw
-----END PUBLIC KEY-----";

    #[test]
    fn what_is_no_usable_public_key_is_refused_at_once() {
        let usable = |pem: &[u8]| {
            JwtVerifier::new(&TokenKey::PublicKeyPem(pem.to_vec()), None, None).is_ok()
        };
        assert!(usable(PUBLIC));
        assert!(usable(P256));
        assert!(!usable(P384), "no token could be checked with it");
        assert!(!usable(PRIVATE));
        assert!(!usable(b"not a key"));
        assert!(!usable(b""));
    }
}
