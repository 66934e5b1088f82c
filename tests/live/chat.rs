//! The chat (section 7).

use crate::support::*;
use serde_json::{Value, json};

async fn with_claims(server: &Server, claims: Value) -> Client {
    let mut client = server.connect().await;
    let section = chat_section(claims["username"].as_str().expect("a name"), "r");
    let data = json!({"token": token(claims), "chat": section});
    client.authenticate(data).await;
    client
}

#[tokio::test]
async fn all_others_in_the_room_get_a_message_with_exactly_its_members() {
    let server = Server::start();
    let mut bob = server.member("bob", "r").await;
    let mut bobs_other = server.member("bob", "r").await;
    let mut carl = server.member("carl", "r").await;
    let mut elsewhere = server.member("dora", "R").await;
    let mut forged = say("<b>\u{1b} é😀");
    for (name, value) in [
        ("username", "admin"),
        ("room", "R"),
        ("code", "999"),
        ("x", "y"),
    ] {
        forged["data"][name] = json!(value);
    }
    let before = now() * 1_000;
    let answer = bob.ask(with_ref(forged, 1)).await;
    assert_eq!(
        answer,
        json!({"code": 200, "type": "chatMessage", "data": "OK", "ref": 1})
    );
    let told = carl.next().await;
    let (id, date) = (told["data"]["id"].clone(), told["data"]["date"].clone());
    let expected = json!({"code": 200, "type": "chatMessage", "data": {
        "message": "<b>\u{1b} é😀", "username": "bob", "room": "r", "id": id, "date": date}});
    assert_eq!(told, expected);
    assert!(id.is_u64());
    assert!((before..before + 60_000).contains(&date.as_u64().expect("a number")));
    assert_eq!(bobs_other.next().await, expected);
    for client in [&mut bob, &mut bobs_other, &mut carl, &mut elsewhere] {
        client.quiet().await;
    }
}

#[tokio::test]
async fn everybody_hears_the_same_order_and_history_keeps_it() {
    let server = Server::with(&["--chat-history", "5", "--chat-messages-per-second", "0"]);
    let mut ears = server.member("ear", "r").await;
    let mut others = server.member("other", "r").await;
    let mut bob = server.member("bob", "r").await;
    let mut carl = server.member("carl", "r").await;
    for n in 0..10 {
        bob.send(say(&format!("b{n}"))).await;
        carl.send(say(&format!("c{n}"))).await;
    }
    let heard = ears.expect_all("chatMessage", 20).await;
    assert_eq!(heard, others.expect_all("chatMessage", 20).await);
    assert!(heard.is_sorted_by_key(|message| message["id"].as_u64()));
    for author in ["b", "c"] {
        let said = |message: &Value| message["message"].as_str().map(str::to_owned);
        let own: Vec<_> = heard
            .iter()
            .filter_map(said)
            .filter(|m| m.starts_with(author))
            .collect();
        assert!(own.is_sorted() && own.len() == 10);
    }
    let mut late = server.member("late", "r").await;
    late.quiet().await;
    for (data, first) in [
        (json!({}), 15),
        (json!({"limit": null}), 15),
        (json!({"limit": 2}), 18),
        (json!({"limit": 1_000_000}), 15),
    ] {
        let answer = late.ask(chat("history", data)).await;
        assert_eq!(answer["type"], "chatHistory");
        assert_eq!(
            answer["data"].as_array().map(Vec::as_slice),
            Some(&heard[first..])
        );
    }
    late.ok(json!({"type": "chat", "subtype": "history"})).await;
    for wrong in [json!(0), json!(-1), json!("2"), json!(1.5)] {
        late.refused(400, chat("history", json!({"limit": wrong})))
            .await;
    }
}

#[tokio::test]
async fn members_are_distinct_names_in_order_and_a_member_who_leaves_hears_no_more() {
    let server = Server::start();
    let mut bob = server.member("bob", "r").await;
    let mut second = server.member("bob", "r").await;
    let mut ada = server.member("ada", "r").await;
    let members = || chat("members", json!({}));
    assert_eq!(bob.ok(members()).await, json!(["ada", "bob"]));
    let expected = json!({"code": 200, "type": "chatLeave", "data": "OK"});
    assert_eq!(ada.ask(chat("leave", json!({}))).await, expected);
    assert_eq!(bob.ok(members()).await, json!(["bob"]));
    second.ok(chat("leave", json!({}))).await;
    assert_eq!(bob.ok(members()).await, json!(["bob"]));
    bob.ok(say("alone")).await;
    ada.quiet().await;
    for request in [
        say("x"),
        members(),
        chat("history", json!({})),
        chat("leave", json!({})),
    ] {
        ada.refused(401, request).await;
    }
    let claims = json!({"username": "ada", "room": "s"});
    ada.authenticate(json!({"token": token(claims), "chat": chat_section("ada", "s")}))
        .await;
    assert_eq!(ada.ok(members()).await, json!(["ada"]));
}

#[tokio::test]
async fn nobody_speaks_in_a_room_that_their_token_does_not_name() {
    let server = Server::start();
    let mut carl = server.member("carl", "r").await;
    let mut anyone = server.connect().await;
    anyone.refused(401, say("x")).await;
    anyone
        .refused(401, chat("auth", chat_section("carl", "r")))
        .await;
    let mut outsider = server.member("eve", "s").await;
    outsider
        .refused(401, chat("auth", chat_section("eve", "r")))
        .await;
    outsider
        .refused(401, chat("auth", chat_section("carl", "s")))
        .await;
    outsider.ok(say("to nobody")).await;
    carl.quiet().await;
}

#[tokio::test]
async fn a_member_who_says_too_much_is_told_when_to_go_on() {
    let server = Server::with(&["--chat-messages-per-second", "1", "--chat-burst", "3"]);
    let mut carl = server.member("carl", "r").await;
    let mut bob = server.member("bob", "r").await;
    bob.send_all((0..4).map(|_| say("x"))).await;
    bob.expect_all("chatMessage", 3).await;
    let refused = bob.next().await;
    assert_eq!(
        (&refused["code"], &refused["type"]),
        (&json!(429), &json!("rateLimitedError"))
    );
    assert_eq!(refused["retryAfter"], 1);
    let mut bobs_other = server.member("bob", "r").await;
    bobs_other
        .refused(429, say("per user, not per connection"))
        .await;
    carl.ok(say("others may")).await;
    assert_eq!(carl.expect_all("chatMessage", 3).await.len(), 3);
    carl.quiet().await;
}

#[tokio::test]
async fn the_muted_are_silent_and_the_banned_stay_out() {
    let server = Server::start();
    let mut carl = server.member("carl", "r").await;
    let until = now() + 1_000;
    let mut muted = with_claims(
        &server,
        json!({"username": "bob", "room": "r", "mutedUntil": until}),
    )
    .await;
    let refused = muted.refused(401, say("x")).await;
    assert_eq!(
        (&refused["type"], &refused["until"]),
        (&json!("badAuthError"), &json!(until))
    );
    muted.ok(chat("history", json!({}))).await;
    carl.ok(say("carl hears")).await;
    muted.expect("chatMessage").await;
    let past = json!({"username": "bob", "room": "r", "mutedUntil": now() - 10, "bannedUntil": 1});
    with_claims(&server, past).await.ok(say("again")).await;
    carl.expect("chatMessage").await;
    let banned = token(json!({"username": "bob", "room": "r", "bannedUntil": until}));
    let data = json!({"token": banned, "chat": chat_section("bob", "r")});
    let mut banned = server.connect().await;
    let refused = banned.refused(401, authenticate(data)).await;
    assert_eq!(
        (&refused["banned"], &refused["until"]),
        (&json!(true), &json!(until))
    );
    carl.quiet().await;
}

#[tokio::test]
async fn a_member_whose_queue_overflows_is_closed_with_1013_and_the_others_hear_all() {
    let flags = [
        "--chat-messages-per-second",
        "0",
        "--max-queue-bytes",
        "131072",
        "--part-bytes",
        "49152",
    ];
    let server = Server::with(&flags);
    let mut deaf = Client::narrow(&server.url()).await;
    let section = chat_section("deaf", "r");
    let token = token(json!({"username": "deaf", "room": "r"}));
    deaf.authenticate(json!({"token": token, "chat": section}))
        .await;
    let mut bob = server.member("bob", "r").await;
    let mut carl = server.member("carl", "r").await;
    let text = "x".repeat(4_000);
    // Somewhat more than the queue of the deaf member and the sockets can hold.
    for _ in 0..200 {
        bob.ok(say(&text)).await;
        assert_eq!(carl.expect("chatMessage").await["message"], text);
    }
    let members = carl.ok(chat("members", json!({}))).await;
    assert_eq!(members, json!(["bob", "carl"]));
    let (heard, code) = deaf.rest_until_closed().await;
    assert_eq!(code, 1_013);
    assert!(heard.len() < 200, "{}", heard.len());
}
