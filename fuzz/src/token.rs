//! Tokens, against the contract's sentences about them and an HMAC made here.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use file_ws_server::adapters::outbound::jwt::{JwtVerifier, TokenKey};
use file_ws_server::application::ports::{TokenError, TokenVerifier};
use file_ws_server::domain::{Claims, Identity, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

const SECRET: &[u8; 37] = b"a secret of at least thirty-two bytes";

/// The time at which tokens are shown, in seconds since the epoch.
const NOW: u64 = 1_700_000_000;

const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

static VERIFIER: LazyLock<JwtVerifier> = LazyLock::new(|| {
    JwtVerifier::new(&TokenKey::Secret(SECRET.to_vec()), None, None).expect("a secret is a key")
});

/// The first byte says what follows: a token (`t`), changes to a good token (`c`), claims to sign
/// (`s`), or a header and claims to sign (`h`), with a line break between them.
pub fn token(data: &[u8]) {
    match data.split_first() {
        Some((b't', token)) => shown(&String::from_utf8_lossy(token)),
        Some((b'c', changes)) => changed(changes),
        Some((b's', claims)) => claimed(claims),
        Some((b'h', parts)) => headed(parts),
        _ => {}
    }
}

/// A token is accepted only if it is signed with the key, as the contract says.
fn shown(token: &str) {
    let verified = VERIFIER.verify(token);
    if verified == Err(TokenError::Untrusted) {
        return;
    }
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    assert_eq!(signature, sign(signed), "signed with another key");
    let (header, claims) = signed.split_once('.').expect("three parts");
    let header: Value = json(&decoded(header)).expect("JSON");
    assert_eq!(header["alg"], "HS256", "signed by another algorithm");
    assert!(header["crit"].is_null(), "believed without understanding");
    let claims = json(&decoded(claims)).expect("a JSON object");
    match verified {
        Ok(verified) => {
            read_as(&verified, &claims);
            identified(&verified, &claims);
        }
        Err(_) => assert!(!well_typed(&claims)),
    }
}

/// A good token in which every two bytes replace one letter.
fn changed(changes: &[u8]) {
    let claims = format!(r#"{{"exp":{},"username":"ana"}}"#, NOW + 60);
    let good = signed(HEADER.as_bytes(), claims.as_bytes());
    let mut token = good.clone().into_bytes();
    for change in changes.chunks_exact(2) {
        let place = usize::from(change[0]) % token.len();
        token[place] = change[1];
    }
    let token = String::from_utf8_lossy(&token);
    shown(&token);
    assert_eq!(VERIFIER.verify(&token).is_ok(), token == good);
}

/// Signed claims are accepted if they have the contract's types, and not otherwise.
fn claimed(claims: &[u8]) {
    shown(&signed(HEADER.as_bytes(), claims));
    // Written again, so that each claim appears once, as every issuer writes them.
    let Ok(claims) = json::<Map<String, Value>>(claims).map(Value::from) else {
        return;
    };
    let token = signed(HEADER.as_bytes(), claims.to_string().as_bytes());
    let short = token.len() <= 16 * 1_024;
    // The contract does not know this claim, but it must still have the type that RFC 7519 gives
    // it: the library fails on a list or an object there, and no issuer writes one.
    let subject = claims["sub"].is_array() || claims["sub"].is_object();
    if well_typed(&claims) && short && !subject {
        assert!(VERIFIER.verify(&token).is_ok());
    }
}

/// A signed token with any header.
fn headed(parts: &[u8]) {
    let end = parts.iter().position(|byte| *byte == b'\n');
    let (header, claims) = parts.split_at(end.unwrap_or(parts.len()));
    shown(&signed(header, claims.get(1..).unwrap_or_default()));
}

/// An accepted token identifies the user it names, for as long as it says.
fn identified(claims: &Claims, json: &Value) {
    let now = Timestamp::from_secs(NOW);
    let Ok(identity) = Identity::from_claims(claims, now) else {
        return;
    };
    assert_eq!(json["username"], identity.user.as_str());
    assert!(!identity.is_expired(now));
    assert!(seconds(&json["exp"]).is_some_and(|exp| exp > 1.0));
    if let Some(start) = seconds(&json["nbf"]) {
        // A fraction is rounded down to the millisecond.
        assert!(start < from_whole(NOW) + 5.001);
    }
    if let Some(project) = &identity.project {
        assert_eq!(json["streamername"], project.streamer.as_str());
        assert_eq!(json["streamname"], project.name.as_str());
        assert!(identity.names(project));
        let own = identity.user == project.streamer;
        assert_eq!(identity.streams(project), own);
    }
    if let Some(room) = &identity.room {
        let own = identity.project.as_ref().map(ToString::to_string);
        assert!(json["room"] == room.as_str() || own.as_deref() == Some(room.as_str()));
        let banned = identity.banned_until.is_some_and(|until| now < until);
        assert_eq!(identity.may_enter(room, now), !banned);
    }
}

/// Whether each claim has the type that the contract gives it.
fn well_typed(claims: &Value) -> bool {
    let text = |name: &str| claims[name].is_null() || claims[name].is_string();
    let time = |name: &str| seconds(&claims[name]).is_some();
    let until = |name: &str| matches!(claims[name], Value::Null | Value::Bool(false)) || time(name);
    let rights = &claims["rights"];
    let words = rights.as_array();
    claims.is_object()
        && (rights.is_null() || words.is_some_and(|words| words.iter().all(Value::is_string)))
        && text("username")
        && text("streamername")
        && text("streamname")
        && (text("room") || claims["room"].as_f64() == Some(0.0))
        && until("mutedUntil")
        && until("bannedUntil")
        && time("exp")
        && (claims["nbf"].is_null() || time("nbf"))
}

/// The values read are those of the claims.
fn read_as(read: &Claims, claims: &Value) {
    assert!(well_typed(claims), "of another type");
    let text = |name: &str| claims[name].as_str().filter(|text| !text.is_empty());
    assert_eq!(read.username.as_deref(), text("username"));
    assert_eq!(read.streamer.as_deref(), text("streamername"));
    assert_eq!(read.project.as_deref(), text("streamname"));
    assert_eq!(read.room.as_deref(), text("room"));
    assert_eq!(Value::from(read.rights.clone()), claims["rights"]);
    same_time(Some(read.expires_at), &claims["exp"]);
    same_time(read.not_before, &claims["nbf"]);
    same_time(
        read.muted_until.or(none(&claims["mutedUntil"])),
        &claims["mutedUntil"],
    );
    same_time(
        read.banned_until.or(none(&claims["bannedUntil"])),
        &claims["bannedUntil"],
    );
}

/// A mute or ban that ends at once counts as none.
fn none(claim: &Value) -> Option<Timestamp> {
    seconds(claim)
        .filter(|seconds| *seconds < 0.001)
        .map(|_| Timestamp::default())
}

fn same_time(read: Option<Timestamp>, claim: &Value) {
    let read = read.map(|read| from_whole(read.as_millis()) / 1_000.0);
    // Later times do not fit into milliseconds, so the end of time stands for all of them.
    let expected = seconds(claim).map(|seconds| seconds.min(from_whole(u64::MAX) / 1_000.0));
    match (read, expected) {
        (Some(read), Some(expected)) => {
            // Down to the millisecond, and as exactly as a fraction of that size can be.
            let near = 0.001_5_f64.max(expected * 1e-12);
            assert!((read - expected).abs() <= near, "{read} is not {expected}");
        }
        (read, expected) => assert_eq!(read, expected),
    }
}

/// A time as tokens have it; a time that no clock will ever show (2^64 seconds) is none, and a time
/// before the epoch counts as the epoch.
fn seconds(claim: &Value) -> Option<f64> {
    let no_clock = 18_446_744_073_709_551_616.0;
    claim
        .as_f64()
        // The greatest whole number is rounded up to that.
        .filter(|seconds| claim.is_u64() || *seconds < no_clock)
        .map(|seconds| seconds.max(0.0))
}

#[expect(clippy::cast_precision_loss, reason = "compared with leeway")]
fn from_whole(number: u64) -> f64 {
    number as f64
}

fn json<T: serde::de::DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(text)
}

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let encoded = |part| URL_SAFE_NO_PAD.encode(part);
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let signature = sign(&signed);
    format!("{signed}.{signature}")
}

/// HS256 (RFC 7518, section 3.2; RFC 2104), computed here so that the adapter's library does not
/// check itself.
fn sign(text: &str) -> String {
    let mut inner = [0x36_u8; 64];
    let mut outer = [0x5c_u8; 64];
    for (at, byte) in SECRET.iter().enumerate() {
        inner[at] ^= byte;
        outer[at] ^= byte;
    }
    let digest = Sha256::new().chain_update(inner).chain_update(text);
    let digest = Sha256::new()
        .chain_update(outer)
        .chain_update(digest.finalize());
    URL_SAFE_NO_PAD.encode(digest.finalize())
}
