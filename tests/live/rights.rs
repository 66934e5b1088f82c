//! Rights: command × identity × own or foreign object, every cell, over sockets.

use serde_json::{Value, json};

use crate::support::*;

/// The identities. Ana streams ana/demo, Bob has an open pull request there, Eve is another
/// viewer of it; Kim views and Mal streams mal/own.
const IDENTITIES: [&str; 7] = [
    "none",
    "expired",
    "viewer",
    "other viewer",
    "other streamer",
    "owner",
    "author",
];

/// A name, a request, and the code that answers each identity, in the order of [`IDENTITIES`].
type Row = (&'static str, Value, [u16; 7]);

fn login(user: &str, streamer: &str, project: &str, exp: u64) -> Value {
    let claims = json!({
        "username": user, "streamername": streamer, "streamname": project, "exp": exp,
    });
    let mut data = json!({
        "token": token(claims),
        "chat": chat_section(user, &format!("{streamer}/{project}")),
        "pullrequest": pull_request_section(user, streamer, project),
    });
    if user == streamer {
        data["file"] = file_section(user, project);
    }
    data
}

/// A connection of that identity to which no more unrequested messages will come.
async fn connect(server: &Server, identity: &str) -> Client {
    const FAR: u64 = 4_000_000_000;
    let mut client = server.connect().await;
    let login = match identity {
        "none" => return client,
        "expired" => login("ana", "ana", "demo", now() + 1),
        "viewer" => login("eve", "ana", "demo", FAR),
        "other viewer" => login("kim", "mal", "own", FAR),
        "other streamer" => login("mal", "mal", "own", FAR),
        "owner" => login("ana", "ana", "demo", FAR),
        _ => login("bob", "ana", "demo", FAR),
    };
    client.authenticate(login).await;
    if identity == "expired" {
        client.until("badAuthError").await;
    } else if identity == "owner" {
        client.until("pullRequestCreated").await;
    }
    client
}

fn request(kind: &str, subtype: &str, data: &Value) -> Value {
    json!({"type": kind, "subtype": subtype, "data": data})
}

/// A server with both projects and Bob's pull request; also returns its id.
async fn world(flags: &[&str]) -> (Server, Client, String) {
    let server = Server::alone_with(&[&["--store", "memory"], flags].concat());
    let mut ana = server.streamer().await;
    ana.ok(post("a", "x")).await;
    let mut mal = server.connect().await;
    mal.authenticate(streamer("mal", "own")).await;
    mal.ok(post("a", "x")).await;
    let mut bob = server.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(post("change", "x")).await;
    bob.ok(finish()).await;
    let notice = ana.expect("pullRequestCreated").await;
    let id = notice["id"].as_str().expect("an id").to_owned();
    (server, ana, id)
}

/// The code of the first answer to `request`; earlier answers may still be arriving.
async fn code(client: &mut Client, request: &Value, cell: &str) -> Value {
    client.send(with_ref(request.clone(), cell)).await;
    loop {
        let mut message = client.next().await;
        if message["ref"] == cell {
            return message["code"].take();
        }
    }
}

async fn check(server: &Server, rows: &[Row]) {
    for (column, identity) in IDENTITIES.iter().enumerate() {
        // Waiting for the expiry takes a while, so that identity keeps its connection. Any other
        // gets a new one for each cell, so that the changes of one cell do not affect the next.
        let is_shared = *identity == "expired";
        let mut client = connect(server, identity).await;
        for (what, request, expected) in rows {
            if !is_shared {
                client = connect(server, identity).await;
            }
            let code = code(&mut client, request, what).await;
            assert_eq!(code, expected[column], "{identity}: {what}");
        }
    }
}

#[tokio::test]
async fn every_command_of_every_identity_on_own_and_foreign_objects() {
    let (server, _ana, id) = world(&[]).await;
    let (own, foreign) = (
        json!({"username": "ana", "project": "demo", "name": "a"}),
        json!({"username": "mal", "project": "own", "name": "a"}),
    );
    let hidden = json!({"username": "ana", "project": "demo", "name": format!("/{id}/change")});
    let strange = "00000000-0000-4000-8000-000000000000";
    #[rustfmt::skip]
    let rows: Vec<Row> = vec![
        // The columns: none, expired, viewer, other viewer, other streamer, owner, author.
        ("get a", request("file", "get", &own),                              [200, 200, 200, 200, 200, 200, 200]),
        ("get theirs", request("file", "get", &foreign),                     [200, 200, 200, 200, 200, 200, 200]),
        ("list", request("file", "list", &own),                              [200, 200, 200, 200, 200, 200, 200]),
        ("status", request("file", "status", &own),                          [200, 200, 200, 200, 200, 200, 200]),
        ("watch", request("file", "watch", &own),                            [200, 200, 200, 200, 200, 200, 200]),
        ("unwatch", request("file", "unwatch", &own),                        [200, 200, 200, 200, 200, 200, 200]),
        ("a pull request's file", request("file", "get", &hidden),           [409, 409, 409, 409, 409, 200, 409]),
        ("list a pull request", request("file", "list", &hidden),            [409, 409, 409, 409, 409, 200, 409]),
        ("post", request("file", "post", &json!({"name": "p", "content": ""})), [401, 401, 401, 401, 200, 200, 401]),
        ("post badly", request("file", "post", &json!({"name": 5})),         [401, 401, 401, 401, 400, 400, 401]),
        ("delete nothing", request("file", "delete", &json!({"name": "z"})), [401, 401, 401, 401, 409, 409, 401]),
        ("delete badly", request("file", "delete", &json!({})),              [401, 401, 401, 401, 400, 400, 401]),
        ("be ana", request("file", "auth", &json!({"username": "ana", "project": "demo"})), [401, 401, 401, 401, 401, 200, 401]),
        ("be mal", request("file", "auth", &json!({"username": "mal", "project": "own"})), [401, 401, 401, 401, 200, 401, 401]),
        ("be bob", request("pullrequest", "auth", &json!({"username": "bob", "streamer": "ana", "project": "demo"})), [401, 401, 401, 401, 401, 401, 200]),
        ("bob's chat", request("chat", "auth", &json!({"username": "bob", "room": "ana/demo"})), [401, 401, 401, 401, 401, 401, 200]),
        ("creation", request("pullrequest", "creation", &json!({"title": "t", "description": ""})), [401, 401, 200, 200, 200, 200, 200]),
        ("creation badly", request("pullrequest", "creation", &json!({"title": ""})), [401, 401, 400, 400, 400, 400, 400]),
        ("finish nothing", request("pullrequest", "finish", &json!(null)),   [401, 401, 400, 400, 400, 400, 400]),
        ("get bob's", request("pullrequest", "get", &json!({"id": id})),     [401, 401, 400, 400, 400, 200, 200]),
        ("get nobody's", request("pullrequest", "get", &json!({"id": strange})), [401, 401, 400, 400, 400, 400, 400]),
        ("list pulls", request("pullrequest", "list", &json!(null)),         [401, 401, 200, 200, 200, 200, 200]),
        ("delete nobody's", request("pullrequest", "delete", &json!({"id": strange})), [401, 401, 400, 400, 400, 400, 400]),
        ("say", request("chat", "message", &json!({"message": "hi"})),       [401, 401, 200, 200, 200, 200, 200]),
        ("history", request("chat", "history", &json!(null)),                [401, 401, 200, 200, 200, 200, 200]),
        ("members", request("chat", "members", &json!(null)),                [401, 401, 200, 200, 200, 200, 200]),
        ("leave", request("chat", "leave", &json!(null)),                    [401, 401, 200, 200, 200, 200, 200]),
    ];
    check(&server, &rows).await;
    // The owner and the author each end a pull request.
    for last in [5, 6] {
        let (server, _ana, id) = world(&[]).await;
        let request = request("pullrequest", "delete", &json!({"id": id}));
        for column in [0, 1, 2, 3, 4, last] {
            let mut client = connect(&server, IDENTITIES[column]).await;
            let expected = [401, 401, 400, 400, 400, 200, 200][column];
            let code = code(&mut client, &request, "delete bob's").await;
            assert_eq!(code, expected, "{}", IDENTITIES[column]);
        }
    }
}

#[tokio::test]
async fn a_token_with_fewer_rights_gives_nothing_more() {
    let own = json!({"username": "ana", "project": "demo", "name": "a"});
    for public_read in ["true", "false"] {
        let (server, mut ana, id) = world(&["--public-read", public_read]).await;
        let looks = |read: bool| read || public_read == "true";
        for rights in [
            "",
            "read",
            "chat",
            "propose",
            "read chat",
            "read propose",
            "chat propose",
        ] {
            let words: Vec<_> = rights.split(' ').filter(|word| !word.is_empty()).collect();
            let [read, chat, propose] =
                ["read", "chat", "propose"].map(|word| words.contains(&word));
            let claims = |user: &str| {
                json!({
                    "username": user, "streamername": "ana", "streamname": "demo",
                    "rights": words,
                })
            };
            let mut bob = server.connect().await;
            bob.authenticate(json!({"token": token(claims("bob"))}))
                .await;
            let code_of = |allowed: bool| if allowed { 200 } else { 401 };
            let proposes = read && propose;
            let talks = chat && looks(read);
            for (what, request, expected) in [
                ("get", request("file", "get", &own), code_of(looks(read))),
                ("list", request("file", "list", &own), code_of(looks(read))),
                (
                    "watch",
                    request("file", "watch", &own),
                    code_of(looks(read)),
                ),
                (
                    "view",
                    request(
                        "pullrequest",
                        "auth",
                        &pull_request_section("bob", "ana", "demo"),
                    ),
                    code_of(read),
                ),
                (
                    "chat",
                    request("chat", "auth", &chat_section("bob", "ana/demo")),
                    code_of(talks),
                ),
                ("say", say("hello"), code_of(talks)),
                (
                    "stream",
                    request("file", "auth", &file_section("ana", "demo")),
                    401,
                ),
                (
                    "list pulls",
                    request("pullrequest", "list", &json!(null)),
                    code_of(read),
                ),
                (
                    "get bob's",
                    request("pullrequest", "get", &json!({"id": id})),
                    code_of(read),
                ),
                ("creation", creation(), code_of(proposes)),
                ("post", post("p", "x"), code_of(proposes)),
                ("delete", delete("a"), code_of(proposes)),
                ("finish", finish(), code_of(proposes)),
            ] {
                let code = code(&mut bob, &request, what).await;
                assert_eq!(code, expected, "{rights}, {public_read}: {what}");
            }
            if looks(read) {
                let told = bob.ok(file("status", project())).await;
                let expected = json!({
                    "name": "bob", "read": true, "listen": false, "chat": talks,
                    "propose": proposes, "stream": false, "apply": false, "moderate": false,
                });
                assert_eq!(told["you"], expected, "{rights}, {public_read}");
            }
            if proposes {
                ana.until("pullRequestCreated").await;
            }
            // With the claim `rights`, not even the streamer's own token makes a streamer.
            let mut limited = server.connect().await;
            let login = json!({"token": token(claims("ana")), "file": file_section("ana", "demo")});
            limited.refused(401, authenticate(login)).await;
        }
    }
}

#[tokio::test]
async fn reading_by_every_identity_where_it_is_not_public() {
    let (server, _ana, _id) = world(&["--public-read", "false"]).await;
    let own = json!({"username": "ana", "project": "demo", "name": "a"});
    let foreign = json!({"username": "mal", "project": "own", "name": "a"});
    let mut rows: Vec<Row> = Vec::new();
    for subtype in ["get", "list", "status", "watch"] {
        rows.push((
            subtype,
            request("file", subtype, &own),
            [401, 401, 200, 401, 401, 200, 200],
        ));
        rows.push((
            subtype,
            request("file", subtype, &foreign),
            [401, 401, 401, 200, 200, 401, 401],
        ));
        let badly = request("file", subtype, &json!({"username": 5}));
        rows.push((subtype, badly, [401, 401, 400, 400, 400, 400, 400]));
    }
    check(&server, &rows).await;
}
