//! Guests (section 3): a name and a token for somebody without an account.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::*;

/// Made for these tests with `openssl genpkey -algorithm ed25519`.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEICDxQPQgehdDRUuEkVIOcBR+z1HfKjCYzVzOSDxx2L73
-----END PRIVATE KEY-----";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAdlXDpTp3TcCU9yW5L0odvpbwylCrtPpuG0zpBB8GLVs=
-----END PUBLIC KEY-----";

const HALF_A_DAY: u64 = 12 * 3_600;

fn enter(name: &str) -> Value {
    enter_into(name, "ana", "demo")
}

fn enter_into(name: &str, streamer: &str, project: &str) -> Value {
    let data = json!({"name": name, "streamer": streamer, "project": project});
    json!({"type": "guest", "subtype": "enter", "data": data})
}

/// A server that takes guests, with ana's project in it.
async fn server(guests: &str, flags: &[&str]) -> (Server, Client) {
    streamed_at(Server::with(&[&["--guests", guests], flags].concat())).await
}

/// The same, but always a single server.
async fn server_alone(guests: &str, flags: &[&str]) -> (Server, Client) {
    streamed_at(Server::alone_with(&[&["--guests", guests], flags].concat())).await
}

async fn streamed_at(server: Server) -> (Server, Client) {
    let mut ana = server.streamer().await;
    ana.ok(post("a", "x")).await;
    (server, ana)
}

async fn token_of(client: &mut Client, name: &str) -> String {
    let pass = client.ok(enter(name)).await;
    pass["token"].as_str().expect("a token").to_owned()
}

/// The roles of a guest of ana's project.
fn roles(token: &str, name: &str) -> Value {
    json!({
        "token": token,
        "chat": chat_section(name, "ana/demo"),
        "pullrequest": pull_request_section(name, "ana", "demo"),
    })
}

async fn guest(server: &Server, name: &str) -> Client {
    let mut client = server.connect().await;
    let token = token_of(&mut client, name).await;
    client
        .authenticate(roles(&token, &format!("~{name}")))
        .await;
    client
}

async fn abilities(client: &mut Client) -> Value {
    client.ok(file("status", project())).await["you"].take()
}

#[tokio::test]
async fn a_guest_enters_chats_and_proposes_what_the_streamer_accepts() {
    let (server, mut ana) = server("propose", &[]).await;
    let room =
        json!({"token": streamer("ana", "demo")["token"], "chat": chat_section("ana", "ana/demo")});
    ana.authenticate(room).await;
    let mut client = server.connect().await;
    let before = now();
    let mut pass = client.ok(with_ref(enter("Bob"), 7)).await;
    let expires = pass["expires"].as_u64().expect("a time");
    let at = expires / 1_000 - HALF_A_DAY;
    assert!((before..=now()).contains(&at), "{pass}");
    assert_eq!(expires % 1_000, 0);
    let token = pass["token"].take();
    pass["expires"].take();
    let rights = ["read", "chat", "propose"];
    let expected = json!({"token": null, "name": "~Bob", "rights": rights, "expires": null});
    assert_eq!(pass, expected);

    client.refused(401, say("hello")).await;
    let nobody = abilities(&mut client).await;
    assert_eq!(nobody["name"], Value::Null, "it does not authenticate");
    let token = token.as_str().expect("a token");
    client.authenticate(roles(token, "~Bob")).await;
    let you = abilities(&mut client).await;
    assert_eq!(
        (&you["name"], &you["chat"], &you["propose"], &you["stream"]),
        (&json!("~Bob"), &json!(true), &json!(true), &json!(false))
    );
    client.ok(say("hello")).await;
    let heard = ana.expect("chatMessage").await;
    assert_eq!(
        (&heard["username"], &heard["message"]),
        (&json!("~Bob"), &json!("hello"))
    );
    client.ok(creation()).await;
    client.ok(post("a", "better")).await;
    client.ok(finish()).await;
    let told = ana.expect("pullRequestCreated").await;
    assert_eq!(
        (&told["owner"], &told["files"]),
        (&json!("~Bob"), &json!(["/a"]))
    );
    let merged = json!({"id": told["id"], "outcome": "merged"});
    ana.ok(pull_request("delete", merged)).await;
    assert_eq!(
        client.expect("pullRequestClosed").await["outcome"],
        "merged"
    );
    for request in [post("a", "mine"), delete("a")] {
        client.refused(401, request).await;
    }
    let section = json!({"token": token, "file": file_section("~Bob", "demo")});
    client.refused(401, authenticate(section)).await;
}

#[tokio::test]
async fn guests_who_may_chat_may_not_propose() {
    let (server, _ana) = server("chat", &[]).await;
    let mut bob = server.connect().await;
    let pass = bob.ok(enter("bob")).await;
    assert_eq!(pass["rights"], json!(["read", "chat"]));
    let mut bob = server.connect().await;
    bob.authenticate(roles(pass["token"].as_str().expect("a token"), "~bob"))
        .await;
    bob.ok(say("hello")).await;
    bob.refused(401, creation()).await;
    assert_eq!(abilities(&mut bob).await["propose"], false);
    let status = bob.ok(file("status", project())).await;
    assert_eq!(status["guests"], "chat");
}

#[tokio::test]
async fn without_the_key_there_are_no_guests_and_no_file_is_made_for_them() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let refused = ana.refused(401, enter("bob")).await;
    assert!(
        refused["message"]
            .as_str()
            .is_some_and(|why| why.contains("guests")),
        "{refused}"
    );
    let ill_typed = json!({"type": "guest", "subtype": "enter", "data": {}});
    server.connect().await.refused(401, ill_typed).await;
    assert_eq!(ana.ok(file("status", project())).await["guests"], "off");
    assert!(!server.base().join(".twicecast/guest-key").exists());
}

#[tokio::test]
async fn names_that_no_guest_may_have_and_projects_that_are_not_there_are_refused() {
    let (server, _ana) = server_alone("chat", &[]).await;
    let mut client = server.connect().await;
    for name in [
        "",
        "~bob",
        " bob",
        "bob ",
        "a/b",
        ".bob",
        "a\nb",
        &"n".repeat(33),
    ] {
        client.refused(400, enter(name)).await;
    }
    for data in [
        json!({}),
        json!({"name": "bob"}),
        json!({"name": 5, "streamer": "ana", "project": "demo"}),
        json!({"name": "bob", "streamer": "..", "project": "demo"}),
        json!({"name": "bob", "streamer": "ana", "project": "other"}),
        json!({"name": "bob", "streamer": "nobody", "project": "demo"}),
    ] {
        let request = json!({"type": "guest", "subtype": "enter", "data": data});
        client.refused(400, request).await;
    }
    std::fs::create_dir(server.base().join("ana/foreign")).expect("made");
    client
        .refused(400, enter_into("bob", "ana", "foreign"))
        .await;
    client.ok(enter(&"😀".repeat(32))).await;
}

#[tokio::test]
async fn a_damaged_file_gives_nobody_a_name_and_fills_no_log() {
    let (mut server, _ana) = server_alone("chat", &["--log-level", "debug"]).await;
    let mut client = server.connect().await;
    client.ok(enter("bob")).await;
    let kept = server.base().join(".twicecast/guests/ana/demo");
    std::fs::write(&kept, "damaged").expect("written");
    client.refused(409, enter("bob")).await;
    server.restart();
    let mut client = server.connect().await;
    for name in ["bob", "eve", "eve"] {
        client.refused(500, enter(name)).await;
    }
    let log = server.log();
    let told = log.lines();
    let mut told = told.filter(|line| line.contains("could not give a guest a name"));
    let first = told.next().expect("it is told");
    assert!(first.contains("ERROR"), "{first}");
    let later: Vec<_> = told.collect();
    assert_eq!(later.len(), 2, "{log}");
    for line in later {
        assert!(line.contains("DEBUG"), "not at the usual level: {line}");
    }
}

#[tokio::test]
async fn a_taken_name_is_told_with_a_free_one_also_after_a_restart() {
    let (mut server, _ana) = server_alone("propose", &[]).await;
    let mut client = server.connect().await;
    let token = token_of(&mut client, "bob").await;
    let refused = client.refused(409, with_ref(enter("BOB"), "again")).await;
    let why = json!({"code": 409, "type": "nameTakenError", "ref": "again", "suggestion": "BOB-2",
        "message": "the name is taken; BOB-2 is free"});
    assert_eq!(refused, why);
    client.ok(enter("BOB-2")).await;
    client.authenticate(roles(&token, "~bob")).await;
    client.ok(creation()).await;
    client.ok(post("a", "y")).await;
    client.ok(finish()).await;

    server.restart();
    let mut client = server.connect().await;
    let refused = client.refused(409, enter("bob")).await;
    assert_eq!(refused["suggestion"], "bob-3");
    client.authenticate(roles(&token, "~bob")).await;
    let own = client
        .ok(json!({"type": "pullrequest", "subtype": "list"}))
        .await;
    assert_eq!(own[0]["owner"], "~bob");

    // The server's record, changed as if half a day had passed. The pull request still bears the
    // name.
    let kept = server.base().join(".twicecast/guests/ana/demo");
    let record = std::fs::read_to_string(&kept).expect("is there");
    let mut record: Value = serde_json::from_str(&record).expect("JSON");
    for guest in record["guests"].as_array_mut().expect("guests") {
        guest["until"] = json!(1);
    }
    std::fs::write(&kept, record.to_string()).expect("written");
    server.restart();
    let mut client = server.connect().await;
    let refused = client.refused(409, enter("bob")).await;
    assert_eq!(refused["suggestion"], "bob-2", "that one is free again");
    client.authenticate(roles(&token, "~bob")).await;
    let withdrawn = json!({"id": own[0]["id"]});
    client.ok(pull_request("delete", withdrawn)).await;
    client.ok(enter("bob")).await;
}

#[tokio::test]
async fn so_many_guests_may_come_into_a_project_and_from_an_address() {
    let (server, _ana) = server_alone("chat", &["--max-guests", "2"]).await;
    let mut client = server.connect().await;
    for name in ["a", "b"] {
        client.ok(enter(name)).await;
    }
    let full = client.refused(413, enter("c")).await;
    assert_eq!(
        full["message"],
        "the limit maxGuests of 2 would be exceeded"
    );

    let trusting = [
        "--max-guests-per-address",
        "2",
        "--trusted-proxies",
        "127.0.0.1",
    ];
    let (server, _ana) = server_alone("chat", &trusting).await;
    server.connect().await.ok(enter("a")).await;
    // Refused names do not count.
    for _ in 0..3 {
        server.connect().await.refused(409, enter("a")).await;
    }
    server.connect().await.ok(enter("b")).await;
    let refused = server.connect().await.refused(429, enter("c")).await;
    assert_eq!(refused["type"], "rateLimitedError");
    let wait = refused["retryAfter"].as_u64().expect("seconds");
    assert!((3_500..=3_600).contains(&wait), "{refused}");
    for (address, name, code) in [
        ("2001:db8::1", "c", 200),
        ("2001:db8::2", "d", 200),
        ("2001:db8::ffff:3", "e", 429),
        ("192.0.2.1", "e", 200),
        ("2001:db8:0:1::1", "f", 200),
    ] {
        let mut behind = Raw::socket(&server).await;
        let head = format!("X-Forwarded-For: {address}\r\nOrigin: http://localhost\r\n");
        let head = behind.upgrade(&head, b"").await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        let answers = behind.send_and_take(&text_frame(&enter(name)), 1).await;
        assert_eq!(answers[0]["code"], code, "{address}: {}", answers[0]);
    }
}

#[tokio::test]
async fn no_other_token_names_a_user_like_a_guest() {
    let (server, _ana) = server("propose", &[]).await;
    let mut client = server.connect().await;
    let real = token_of(&mut client, "bob").await;
    let claims = json!({"username": "~eve", "streamername": "ana", "streamname": "demo",
        "exp": now() + 1_000});
    let own = json!({"username": "~eve", "streamername": "~eve", "streamname": "demo",
        "exp": now() + 1_000});
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("twicecast-guest".to_owned());
    let secret = EncodingKey::from_secret(b"secret");
    let forged = jsonwebtoken::encode(&header, &claims, &secret).expect("a token");
    let plain = token_as_is(&claims, b"secret");
    for token in [&plain, &forged] {
        let refused = client
            .refused(401, authenticate(roles(token, "~eve")))
            .await;
        assert_eq!(refused["type"], "badAuthError");
    }
    let data = json!({"token": token_as_is(&own, b"secret"), "file": file_section("~eve", "demo")});
    client.refused(401, authenticate(data)).await;
    // A guest's token is good for no other name and no other room.
    client
        .refused(401, authenticate(roles(&real, "~eve")))
        .await;
    client.refused(401, authenticate(roles(&real, "bob"))).await;
    let elsewhere = json!({"token": real, "chat": chat_section("~bob", "dan/other")});
    client.refused(401, authenticate(elsewhere)).await;
    client.authenticate(roles(&real, "~bob")).await;
    let said = refused_start(server.folder(), &["token", "--user", "~eve"]);
    assert!(said.contains("those of guests"), "{said}");
}

#[tokio::test]
async fn a_server_that_only_knows_a_public_key_takes_guests_too() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("key.pem"), PUBLIC).expect("written");
    let flags = [
        "--public-key-file",
        "key.pem",
        "--host",
        "127.0.0.1",
        "--guests",
        "chat",
        "--issuer",
        "https://issuer.example",
        "--audience",
        "files",
    ];
    let server = Server::start_in(folder, flags.map(str::to_owned).to_vec());
    let private = EncodingKey::from_ed_pem(PRIVATE.as_bytes()).expect("a private key");
    let issued = |user: &str, streamer: &str| {
        let claims = json!({"username": user, "streamername": streamer, "streamname": "demo",
            "iss": "https://issuer.example", "aud": "files", "exp": now() + 1_000});
        let header = Header::new(Algorithm::EdDSA);
        jsonwebtoken::encode(&header, &claims, &private).expect("a token")
    };
    let mut ana = server.connect().await;
    let data = json!({"token": issued("ana", "ana"), "file": file_section("ana", "demo")});
    ana.authenticate(data).await;
    let mut bob = guest(&server, "bob").await;
    bob.ok(say("hello")).await;
    let mut eve = server.connect().await;
    eve.refused(401, authenticate(roles(&issued("~eve", "ana"), "~eve")))
        .await;
    eve.authenticate(roles(&issued("eve", "ana"), "eve")).await;
}

#[tokio::test]
async fn where_reading_needs_a_token_so_does_entering_and_nobody_reads_for_longer() {
    let (server, _ana) = server("chat", &["--public-read", "false"]).await;
    let mut client = server.connect().await;
    client.refused(401, enter("bob")).await;
    client
        .authenticate(json!({"token": viewer("eve", "dan", "other")["token"]}))
        .await;
    client.refused(401, enter("bob")).await;
    let exp = now() + 1_000;
    let claims = json!({"username": "eve", "streamername": "ana", "streamname": "demo",
        "rights": ["read"], "exp": exp, "mutedUntil": exp});
    client
        .authenticate(json!({"token": token_as_is(&claims, b"secret")}))
        .await;
    let pass = client.ok(enter("bob")).await;
    assert_eq!(pass["expires"], exp * 1_000);
    client
        .authenticate(roles(pass["token"].as_str().expect("a token"), "~bob"))
        .await;
    assert_eq!(client.refused(401, say("hello")).await["until"], exp);
    // Entering again as a guest does not make the token last longer.
    assert_eq!(client.ok(enter("pat")).await["expires"], exp * 1_000);
}

#[tokio::test]
async fn after_a_restart_with_less_a_token_gives_less() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.json");
    let guests = |what: &str| std::fs::write(&config, format!("{{\"guests\":\"{what}\"}}"));
    guests("propose").expect("written");
    let mut server = Server::start_in(folder, Vec::new());
    let _ana = server.streamer().await;
    let token = token_of(&mut server.connect().await, "bob").await;
    let mut may_propose = async |what: &str, expected: Option<bool>| {
        guests(what).expect("written");
        server.restart();
        let mut client = server.connect().await;
        match expected {
            None => drop(
                client
                    .refused(401, authenticate(json!({"token": token})))
                    .await,
            ),
            Some(may) => {
                client.authenticate(json!({"token": token})).await;
                assert_eq!(abilities(&mut client).await["propose"], may);
            }
        }
    };
    may_propose("chat", Some(false)).await;
    may_propose("off", None).await;
    may_propose("propose", Some(true)).await;
}

#[tokio::test]
async fn names_of_a_project_that_is_removed_are_free() {
    let (mut server, _ana) = server_alone("chat", &[]).await;
    let remove = ["remove", "ana/demo", "--yes", "--base-dir", "base"];
    let kept = server.base().join(".twicecast/guests/ana/demo");
    for is_running in [true, false] {
        let mut ana = server.streamer().await;
        ana.ok(enter("bob")).await;
        ana.refused(409, enter("bob")).await;
        assert!(kept.exists());
        if !is_running {
            assert!(server.stop());
        }
        let output = run(server.folder(), &remove);
        assert!(output.status.success(), "{output:?}");
        assert!(!kept.exists());
        if is_running {
            ana.expect("fileDeleted").await;
            ana.refused(400, enter("bob")).await;
        } else {
            server.restart();
        }
    }
    // Adopting gives back the files, but takes nobody's name.
    let mut ana = server.streamer().await;
    ana.ok(enter("bob")).await;
    std::fs::create_dir_all(server.base().join("ana/found")).expect("made");
    let adopt = ["adopt", "ana/found", "--base-dir", "base"];
    assert!(run(server.folder(), &adopt).status.success());
    ana.ok(enter_into("bob", "ana", "found")).await;
}

#[tokio::test]
async fn two_who_want_one_name_at_once_do_not_both_get_it() {
    let (server, _ana) = server("chat", &[]).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(server.connect().await);
    }
    let asked = clients.iter_mut().map(|client| client.ask(enter("bob")));
    let answers = futures_util::future::join_all(asked).await;
    let given = answers
        .iter()
        .filter(|answer| answer["code"] == 200)
        .count();
    let taken = answers
        .iter()
        .filter(|answer| answer["code"] == 409)
        .count();
    assert_eq!((given, taken), (1, 7), "{answers:?}");
}

#[tokio::test]
async fn a_guest_who_reads_along_is_a_viewer_like_anybody_and_who_only_chats_is_none() {
    let (server, mut ana) = server("propose", &[]).await;
    let mut told = server.connect().await;
    let data = json!({"username": "ana", "project": "demo", "presence": true});
    told.ok(file("watch", data)).await;
    let viewers = async |client: &mut Client, count: u64| {
        while client.expect("viewersChanged").await["viewers"] != count {}
    };
    viewers(&mut told, 1).await;
    let mut bob = guest(&server, "bob").await;
    viewers(&mut told, 2).await;
    // A connection that also watches still counts once.
    bob.ok(file("watch", project())).await;
    let mut eve = server.connect().await;
    let token = token_of(&mut eve, "eve").await;
    let chat = json!({"token": token, "chat": chat_section("~eve", "ana/demo")});
    eve.authenticate(chat).await;
    let status = ana.ok(file("status", project())).await;
    assert_eq!(status["viewers"], 2);
    eve.ok(file("watch", project())).await;
    viewers(&mut told, 3).await;
    drop(bob);
    viewers(&mut told, 2).await;
}
