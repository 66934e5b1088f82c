//! Several servers on one NATS server: a directory that is shared at one reaches mirrors at
//! another, and survives the end of each.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::programs::{Mirror, Twicecast};
use crate::support::nats_server::NatsServer;
use crate::support::*;
use crate::trees::{assert_same, build_tree, change_tree, until_same};

fn node(engine: &NatsServer) -> Server {
    node_with(engine, &[])
}

fn node_with(engine: &NatsServer, more: &[&str]) -> Server {
    let address = engine.address();
    Server::alone_with(&[&store_at(&address), more].concat())
}

/// The flags of the store on one NATS server.
fn store_at(address: &str) -> [&str; 6] {
    ["--store", "nats", "--nats", address, "--nats-replicas", "1"]
}

/// A folder with a tree of files, and two places for copies of it.
fn tree_and_copies() -> (TempDir, [PathBuf; 3]) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let paths = ["tree", "here", "there"].map(|name| place.path().join(name));
    build_tree(&paths[0]);
    (place, paths)
}

/// Waits until `/readyz` is answered with this status.
async fn until_ready_is(server: &Server, status: &str) {
    let deadline = Instant::now() + PATIENCE;
    let expected = format!("HTTP/1.1 {status} ");
    while !http(server, "/readyz", "").await.starts_with(&expected) {
        assert!(Instant::now() < deadline, "/readyz is never {status}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn a_directory_shared_at_one_server_reaches_mirrors_at_another_byte_for_byte() {
    let engine = NatsServer::start();
    let (place, [tree, here, there]) = tree_and_copies();
    let (mut one, other) = (node(&engine), node(&engine));
    let client = Twicecast::of(&one);
    client.share_once(&tree);
    let _here = Mirror::start(&client, &here, &[]);
    let _there = Mirror::start(&Twicecast::of(&other), &there, &[]);
    until_same(&tree, &there);
    for round in 0..3 {
        change_tree(&tree, round);
        client.share_once(&tree);
    }
    until_same(&tree, &here);
    until_same(&tree, &there);
    one.kill();
    std::fs::write(tree.join("later"), "written when one was gone").expect("a file");
    Twicecast::of(&other).share_once(&tree);
    until_same(&tree, &there);
    one.restart();
    let late = place.path().join("late");
    Twicecast::of(&one).mirror_once(&late);
    assert_same(&tree, &late);
}

#[test]
fn a_folder_that_a_server_has_served_is_imported_and_exported_byte_for_byte() {
    let engine = NatsServer::start();
    let (place, [tree, there, copy]) = tree_and_copies();
    let mut before = Server::alone();
    Twicecast::of(&before).share_once(&tree);
    let address = engine.address();
    let nats = store_at(&address);
    let copied = |verb: &str, folder: &Path| {
        let words = [verb, folder.to_str().expect("text")];
        let output = run(place.path(), &[&words[..], &nats].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (
            output.status.code(),
            said + &String::from_utf8_lossy(&output.stderr),
        )
    };
    let (code, said) = copied("import", &before.base());
    assert_ne!(code, Some(0), "a server runs on it: {said}");
    assert!(
        said.contains("another server is running on this folder"),
        "{said}"
    );
    let (code, said) = copied("import", &place.path().join("none"));
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("none is no folder"), "{said}");
    before.kill();
    let (code, said) = copied("import", &before.base());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("projects: 1; copied: "), "{said}");
    Twicecast::of(&node(&engine)).mirror_once(&there);
    assert_same(&tree, &there);
    let (code, said) = copied("export", &copy);
    assert_eq!(code, Some(0), "{said}");
    assert_same(&tree, &copy.join("ana").join("demo"));
    let (code, said) = copied("export", &copy);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("copied: 0 files (0 bytes)"), "{said}");
}

#[tokio::test]
async fn a_pull_request_finished_at_one_server_is_told_at_the_other_once() {
    let engine = NatsServer::start();
    let (one, other) = (node(&engine), node(&engine));
    let mut ana = one.streamer().await;
    ana.ok(post("a", "a")).await;
    let mut bob = other.viewer("bob").await;
    bob.ok(get("a")).await;
    bob.ok(creation()).await;
    bob.ok(post("b", noise(200_000))).await;
    bob.ok(finish()).await;
    let id = ana.expect("pullRequestCreated").await["id"].take();
    ana.send(pull_request("get", json!({ "id": id }))).await;
    assert_eq!(ana.expect("fileGet").await["name"], "/b");
    ana.until("pullRequestGet").await;
    ana.quiet().await;
}

/// What ana authenticates with: she `applies` pull requests, or is not `present`.
fn streaming(how: &str) -> Value {
    let mut data = streamer("ana", "demo");
    data["file"][how] = json!(how == "applies");
    data
}

/// Ana's command at `one`, her page at `other`, and how the page asks for bob's pull request.
async fn command_and_page(one: &Server, other: &Server) -> (Client, Client, Value) {
    let mut command = one.connect().await;
    command.authenticate(streaming("applies")).await;
    let mut bob = other.viewer("bob").await;
    bob.ok(creation()).await;
    bob.ok(post("a", "b")).await;
    bob.ok(finish()).await;
    let id = command.until("pullRequestCreated").await["data"]["id"].take();
    let mut page = other.connect().await;
    page.authenticate(streaming("present")).await;
    page.until("pullRequestCreated").await;
    let apply = pull_request("apply", json!({"id": id, "files": ["a"]}));
    (command, page, apply)
}

#[tokio::test]
async fn an_answer_to_apply_that_is_given_while_the_engine_hangs_reaches_the_page_once() {
    let engine = NatsServer::start();
    let (one, other) = (node(&engine), node(&engine));
    let (mut command, mut page, apply) = command_and_page(&one, &other).await;
    let request = page.ok(apply.clone()).await["request"].take();
    command.expect("pullRequestApplyAsked").await;
    let accept = pull_request("accept", json!({"request": request}));
    command.ok(accept).await;
    engine.hang();
    let done = json!({"request": request, "outcome": "applied"});
    command.send(pull_request("applied", done)).await;
    page.quiet().await;
    engine.go_on();
    command.expect("pullRequestApplied").await;
    let ended = page.expect("pullRequestApplyEnded").await;
    assert_eq!(ended["outcome"], "applied");
    page.ok(apply).await;
    command.expect("pullRequestApplyAsked").await;
}

/// Asks until no other question is open.
async fn until_asked(page: &mut Client, apply: &Value) {
    let deadline = Instant::now() + PATIENCE;
    for number in 0.. {
        let reference = json!(format!("apply {number}"));
        page.send(with_ref(apply.clone(), reference.clone())).await;
        let mut answer = page.next().await;
        while answer["ref"] != reference {
            answer = page.next().await;
        }
        if answer["code"] == 200 {
            return;
        }
        assert!(Instant::now() < deadline, "{answer}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn apply_works_again_after_a_page_and_a_command_that_left_right_when_it_began() {
    let engine = NatsServer::start();
    let server = node(&engine);
    let (mut command, mut page, apply) = command_and_page(&server, &server).await;
    for _ in 0..20 {
        until_asked(&mut page, &apply).await;
        let request = command.until("pullRequestApplyAsked").await["data"]["request"].take();
        let accept = pull_request("accept", json!({"request": request}));
        command.send(accept).await;
        drop((command, page));
        command = server.connect().await;
        command.authenticate(streaming("applies")).await;
        page = server.connect().await;
        page.authenticate(streaming("present")).await;
    }
    until_asked(&mut page, &apply).await;
}

#[tokio::test]
async fn a_page_whose_server_is_stopped_withdraws_what_it_has_asked_before_that_ends() {
    let engine = NatsServer::start();
    let (one, mut other) = (node(&engine), node(&engine));
    let (mut command, mut page, apply) = command_and_page(&one, &other).await;
    page.ok(apply).await;
    let request = command.expect("pullRequestApplyAsked").await["request"].take();
    let stopping = tokio::task::spawn_blocking(move || other.stop());
    page.rest_until_closed().await;
    drop(page);
    assert!(stopping.await.expect("no panic"), "it ends well");
    let accept = pull_request("accept", json!({"request": request}));
    command.send(accept).await;
    let mut told = [command.next().await, command.next().await];
    told.sort_by_key(|message| message["code"].as_u64());
    let [withdrawn, late] = told;
    assert_eq!(withdrawn["type"], "pullRequestApplyWithdrawn");
    assert_eq!(late["code"], 409, "{late}");
}

#[tokio::test]
async fn a_page_at_one_server_has_a_command_at_another_apply_until_that_server_dies() {
    let engine = NatsServer::start();
    let (mut one, other) = (node(&engine), node(&engine));
    let (mut command, mut page, apply) = command_and_page(&one, &other).await;
    for outcome in ["declined", "applied"] {
        let request = page.ok(apply.clone()).await["request"].take();
        let asked = command.expect("pullRequestApplyAsked").await;
        let id = &apply["data"]["id"];
        let expected = json!({"request": request, "id": id, "files": ["/a"]});
        assert_eq!(asked, expected);
        page.refused(409, apply.clone()).await;
        let done = json!({"request": request, "outcome": outcome});
        if outcome == "applied" {
            command
                .refused(409, pull_request("applied", done.clone()))
                .await;
            let accept = pull_request("accept", json!({"request": request}));
            command.ok(accept).await;
        }
        command.ok(pull_request("applied", done)).await;
        let ended = page.expect("pullRequestApplyEnded").await;
        assert_eq!(
            (&ended["request"], &ended["outcome"]),
            (&request, &json!(outcome))
        );
    }
    // Of two who ask at both servers at once, one is heard.
    let mut second = one.connect().await;
    second.authenticate(streaming("present")).await;
    second.until("pullRequestCreated").await;
    let answers = tokio::join!(page.ask(apply.clone()), second.ask(apply.clone()));
    let codes = [&answers.0["code"], &answers.1["code"]].map(Value::as_u64);
    let heard = match codes {
        [Some(200), Some(409)] => &mut page,
        [Some(409), Some(200)] => &mut second,
        _ => panic!("{answers:?}"),
    };
    let request = command.expect("pullRequestApplyAsked").await["request"].take();
    let declined = json!({"request": request, "outcome": "declined"});
    command.ok(pull_request("applied", declined)).await;
    heard.expect("pullRequestApplyEnded").await;
    let request = page.ok(apply.clone()).await["request"].take();
    command.expect("pullRequestApplyAsked").await;
    command
        .ok(pull_request("accept", json!({"request": request})))
        .await;
    one.kill();
    let failed = page.until("failApplyError").await;
    assert_eq!(failed["data"]["request"], request);
    page.refused(409, apply.clone()).await;
    let mut command = other.connect().await;
    command.authenticate(streaming("applies")).await;
    page.until("streamerConnected").await;
    page.ok(apply).await;
}

#[tokio::test]
async fn how_a_pull_request_ended_and_where_the_streamer_looks_is_told_at_another_server_once() {
    let engine = NatsServer::start();
    let (one, other) = (node(&engine), node(&engine));
    let mut ana = one.streamer().await;
    ana.ok(post("a", "a")).await;
    let mut cleo = other.viewer("cleo").await;
    let watch = json!({"username": "ana", "project": "demo", "presence": true});
    cleo.send(file("watch", watch)).await;
    cleo.until("fileWatch").await;
    let place = json!({"name": "/a", "line": 7});
    ana.ok(file("focus", place.clone())).await;
    let told = cleo.until("focusChanged").await["data"].take();
    assert_eq!(
        (&told["name"], &told["line"]),
        (&place["name"], &place["line"])
    );
    assert_eq!(told["project"], "demo");
    let mut bob = other.viewer("bob").await;
    bob.send(get("a")).await;
    bob.until("fileGet").await;
    bob.rest().await;
    for outcome in ["merged", "closed", "withdrawn"] {
        bob.ok(creation()).await;
        bob.ok(post("b", "b")).await;
        bob.ok(finish()).await;
        let id = ana.expect("pullRequestCreated").await["id"].take();
        let expected = json!({"id": id, "outcome": outcome});
        let (ending, other) = match outcome {
            "withdrawn" => (&mut bob, &mut ana),
            _ => (&mut ana, &mut bob),
        };
        let given = if outcome == "withdrawn" {
            "closed"
        } else {
            outcome
        };
        let end = json!({"id": id, "outcome": given});
        ending.ok(pull_request("delete", end)).await;
        assert_eq!(other.expect("pullRequestClosed").await, expected);
    }
    ana.quiet().await;
    bob.quiet().await;
}

#[tokio::test]
async fn a_server_whose_engine_hangs_says_so_then_sends_its_clients_away_and_comes_back() {
    let engine = NatsServer::start();
    let server = node_with(&engine, &["--cluster-timeout-seconds", "5"]);
    let mut ana = server.streamer().await;
    ana.ok(post("a", "before")).await;
    let mut bob = server.viewer("bob").await;
    engine.hang();
    let hung = Instant::now();
    ana.send(post("a", "of unknown fate")).await;
    until_ready_is(&server, "503").await;
    assert!(
        hung.elapsed() < Duration::from_secs(5),
        "{:?}",
        hung.elapsed()
    );
    // The waiting post is neither acknowledged nor refused.
    assert_eq!(ana.rest_until_closed().await, (Vec::new(), 1_013));
    assert_eq!(bob.closed().await, 1_013);
    let refused = http(&server, "/ws", UPGRADE).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(
        http(&server, "/healthz", "")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    engine.go_on();
    until_ready_is(&server, "200").await;
    let mut ana = server.streamer().await;
    ana.ok(post("a", "after")).await;
    let mut bob = server.viewer("bob").await;
    bob.send(get("a")).await;
    assert_eq!(bob.expect("fileGet").await["content"], base64("after"));
}

/// Somebody in the room of ana's project.
async fn in_room(server: &Server, name: &str, role: Option<&str>) -> Client {
    let mut client = server.connect().await;
    let claims = json!({"username": name, "streamername": "ana", "streamname": "demo",
        "role": role});
    let data = json!({"token": token(claims), "chat": chat_section(name, "ana/demo")});
    client.authenticate(data).await;
    client
}

#[tokio::test]
async fn a_room_is_one_at_all_servers_and_outlives_each() {
    let engine = NatsServer::start();
    let (mut one, other) = (node(&engine), node(&engine));
    let _ana = one.streamer().await;
    let (mut bob, mut carl) = (
        in_room(&one, "bob", None).await,
        in_room(&other, "carl", None).await,
    );
    let (mut here, mut there) = (
        in_room(&one, "here", None).await,
        in_room(&other, "there", None).await,
    );
    for n in 0..5 {
        bob.send(say(&format!("b{n}"))).await;
        carl.send(say(&format!("c{n}"))).await;
    }
    let heard = here.expect_all("chatMessage", 10).await;
    assert_eq!(there.expect_all("chatMessage", 10).await, heard);
    assert!(heard.is_sorted_by_key(|message| message["id"].as_u64()));
    let history = || chat("history", json!({}));
    assert_eq!(here.ok(history()).await, json!(heard));
    assert_eq!(there.ok(history()).await, json!(heard));

    let mut moderator = in_room(&other, "mod", Some("moderator")).await;
    let id = &heard[0]["id"];
    moderator.send(chat("delete", json!({ "id": id }))).await;
    moderator.until("chatDelete").await;
    let gone = json!({"room": "ana/demo", "id": id});
    assert_eq!(here.expect("chatDeleted").await, gone);
    assert_eq!(here.ok(history()).await, json!(heard[1..]));

    one.kill();
    carl.send(say("when one was gone")).await;
    let said = moderator.until("chatMessage").await["data"].take();
    one.restart();
    let mut late = in_room(&one, "late", None).await;
    let expected: Vec<_> = heard[1..].iter().chain([&said]).collect();
    assert_eq!(late.ok(history()).await, json!(expected));
    assert_eq!(moderator.ok(history()).await, json!(expected));
    late.ok(say("again")).await;
    let again = moderator.expect("chatMessage").await;
    assert!(again["id"].as_u64() > said["id"].as_u64());
}

#[tokio::test]
async fn what_moderators_decide_at_one_server_holds_at_the_other() {
    let engine = NatsServer::start();
    let (one, other) = (node(&engine), node(&engine));
    let _ana = one.streamer().await;
    let (mut here, mut there) = (
        in_room(&one, "mod", Some("moderator")).await,
        in_room(&other, "mod2", Some("moderator")).await,
    );
    let (mut bob, mut eve) = (
        in_room(&other, "bob", None).await,
        in_room(&one, "eve", None).await,
    );
    here.send(chat("ban", json!({"username": "bob"}))).await;
    here.until("chatBan").await;
    // A moderator at the other server is told, too.
    there.expect("chatModerated").await;
    let mute = json!({"username": "eve", "seconds": 600});
    there.send(chat("mute", mute)).await;
    there.until("chatMute").await;
    for (client, action) in [(&mut bob, "ban"), (&mut eve, "mute")] {
        assert_eq!(client.expect("chatModerated").await["action"], action);
        client.refused(401, say("x")).await;
    }
    here.expect("chatModerated").await;
    here.send(chat("slow", json!({"seconds": 600}))).await;
    here.until("chatSlow").await;
    there.expect("chatSlowed").await;
    let mut pat = in_room(&other, "pat", None).await;
    // Slow mode begins within milliseconds here, not at once: the room may hear of it before this
    // server applies it.
    let mut said = 0;
    let refused = loop {
        let answer = pat.ask(say("x")).await;
        if answer["code"] == 429 {
            break answer;
        }
        said += 1;
        assert!(said < 5, "slow mode is not in force: {answer}");
    };
    assert!(refused["retryAfter"].as_u64() > Some(60), "{refused}");
    for client in [&mut here, &mut there] {
        client.send(chat("moderation", json!({}))).await;
        let shown = client.until("chatModeration").await["data"].take();
        let log = shown["log"].as_array().expect("a log");
        let actions: Vec<_> = log.iter().map(|entry| &entry["action"]).collect();
        assert_eq!(actions, ["ban", "mute", "slow"]);
    }
}

/// A streamer that all servers know of, because its posts have reached a viewer.
async fn present(server: &Server, viewer: &mut Client) -> Client {
    let mut streamer = server.streamer().await;
    for number in 0..5 {
        let name = format!("/present{number}");
        streamer.ok(post(&name, "x")).await;
        assert_eq!(viewer.expect("fileGet").await["name"], name);
    }
    streamer
}

async fn status(client: &mut Client) -> Value {
    client.ok(file("status", project())).await
}

#[tokio::test]
async fn a_viewer_at_one_server_is_told_once_that_a_streamer_at_another_comes_and_goes() {
    let engine = NatsServer::start();
    let (mut one, other) = (node(&engine), node(&engine));
    let mut ana = one.streamer().await;
    assert_eq!(status(&mut ana).await["streamer"], true, "at once");
    let mut bob = other.viewer("bob").await;
    while status(&mut bob).await["streamer"] != true {}
    bob.rest().await;
    ana.send_close().await;
    let expected = json!({"code": 200, "type": "streamerDisconnected", "data": project()});
    assert_eq!(bob.next().await, expected);
    assert_eq!(status(&mut bob).await["streamer"], false);
    let mut ana = one.streamer().await;
    let expected = json!({"code": 200, "type": "streamerConnected", "data": project()});
    assert_eq!(bob.next().await, expected);
    ana.quiet().await;
    // While a streamer is connected to the other server, nobody has come or gone.
    let second = present(&other, &mut bob).await;
    drop(ana);
    let _again = present(&one, &mut bob).await;
    drop(second);
    let begun = Instant::now();
    one.kill();
    bob.expect("streamerDisconnected").await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(status(&mut bob).await["streamer"], false);
    bob.quiet().await;
}

#[tokio::test]
async fn viewers_at_all_servers_are_counted() {
    let engine = NatsServer::start();
    let (mut one, other) = (node(&engine), node(&engine));
    let mut ana = one.streamer().await;
    let watch = json!({"username": "ana", "project": "demo", "presence": true});
    ana.ok(file("watch", watch)).await;
    let viewers = async |ana: &mut Client, expected: u64| {
        while ana.expect("viewersChanged").await["viewers"] != expected {}
        assert_eq!(status(ana).await["viewers"], expected);
    };
    viewers(&mut ana, 0).await;
    let bob = other.viewer("bob").await;
    viewers(&mut ana, 1).await;
    let mut cleo = one.viewer("cleo").await;
    viewers(&mut ana, 2).await;
    let mut dora = other.viewer("dora").await;
    viewers(&mut ana, 3).await;
    assert_eq!(status(&mut cleo).await["viewers"], 3);
    drop(bob);
    viewers(&mut ana, 2).await;
    while status(&mut dora).await["viewers"] != 2 {}
    one.kill();
    while status(&mut dora).await["viewers"] != 1 {}
}

#[tokio::test]
async fn files_stay_while_their_streamer_is_at_another_server_and_go_once_when_it_dies() {
    let engine = NatsServer::start();
    let flags = [
        "--on-streamer-disconnect",
        "delete",
        "--streamer-grace-seconds",
        "1",
    ];
    let servers = [(); 3].map(|()| node_with(&engine, &flags));
    let [one, mut two, three] = servers;
    let mut ana = one.streamer().await;
    ana.ok(post("a", "x")).await;
    let mut bob = three.viewer("bob").await;
    let second = present(&two, &mut bob).await;
    drop(ana);
    // The files outlast the grace period: the streamer has left the first server for good, but is
    // still at the second.
    assert_eq!(bob.next_within(Duration::from_secs(4)).await, None);
    assert_eq!(bob.ok(get("a")).await["content"], base64("x"));
    two.kill();
    drop(second);
    bob.expect("streamerDisconnected").await;
    let mut deleted = Vec::new();
    while deleted.last() != Some(&json!("/present4")) {
        deleted.push(bob.expect("fileDeleted").await["file"].take());
    }
    assert_eq!(deleted.len(), 6, "each once: {deleted:?}");
    bob.quiet().await;
    bob.refused(409, get("a")).await;
}
