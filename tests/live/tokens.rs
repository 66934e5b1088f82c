//! Which tokens are accepted (section 3).

use crate::support::*;
use serde_json::{Value, json};

#[tokio::test]
async fn tokens_that_prove_nothing_are_refused() {
    let server = Server::start();
    let claims = json!({"username": "ana", "streamername": "ana", "streamname": "demo"});
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        token(claims)
    };
    let exp = now() + 1_000;
    let mut expiring = claims.clone();
    expiring["exp"] = json!(exp);
    let unsigned = |header: &str| {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.", encode(header), encode(&expiring.to_string()))
    };
    let tokens = [
        unsigned(r#"{"alg":"none"}"#),
        unsigned(r#"{"alg":"nOnE","typ":"JWT"}"#),
        unsigned(r#"{"alg":"HS256"}"#),
        unsigned(r"{}"),
        token_as_is(&expiring, b"another secret"),
        token_as_is(&claims, b"secret"),
        with("exp", json!("never")),
        with("exp", json!(null)),
        with("exp", json!(now() - 10)),
        with("nbf", json!("x")),
        with("nbf", json!(now() + 60)),
        with("username", json!(null)),
        with("username", json!("")),
        with("username", json!(5)),
        with("room", json!(5)),
        with("mutedUntil", json!("x")),
        with("streamname", json!("..")),
        with("streamername", json!("..")),
        "...".to_owned(),
        "x".repeat(20_000),
    ];
    for token in tokens {
        let mut client = server.connect().await;
        let data = json!({"token": token, "file": file_section("ana", "demo")});
        client.refused(401, authenticate(data)).await;
        client.refused(401, post("a", "x")).await;
    }
    let data =
        json!({"token": token_as_is(&expiring, b"secret"), "file": file_section("ana", "demo")});
    server.connect().await.authenticate(data).await;
}

#[tokio::test]
async fn a_claim_of_the_room_that_is_absent_or_0_means_the_projects_own() {
    let server = Server::start();
    for room in [json!(null), json!(0), json!("")] {
        let token = token(
            json!({"username": "bob", "streamername": "ana", "streamname": "demo",
            "room": room, "mutedUntil": false, "bannedUntil": 0}),
        );
        let mut client = server.connect().await;
        let own = json!({"token": token, "chat": chat_section("bob", "ana/demo")});
        client.authenticate(own).await;
        let other = json!({"token": token, "chat": chat_section("bob", "r")});
        client.refused(401, authenticate(other)).await;
    }
}
