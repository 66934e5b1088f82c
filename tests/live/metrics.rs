//! The metrics: `docs/metrics.md` lists what a server tells, they follow what happens, and nobody
//! makes them grow.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::*;

/// The whole answer to a request to that port.
async fn ask(port: u16, request: &str) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).await;
    let mut stream = stream.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // If all places are taken, the server answers and then resets the connection.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("a text")
}

async fn get(port: u16, path: &str, headers: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    ask(port, &head).await
}

/// The text that Prometheus would read.
async fn text(server: &Server) -> String {
    let answer = get(server.metrics_port(), "/metrics", "Host: localhost\r\n").await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let kind = "content-type: text/plain; version=0.0.4; charset=utf-8";
    assert!(head.contains(kind), "{head}");
    body.to_owned()
}

/// Every series with its value, in whole numbers.
fn series(text: &str) -> BTreeMap<String, u64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            let whole = match value.split_once('.') {
                Some((whole, _)) => whole,
                None => value,
            };
            (name.to_owned(), whole.parse().expect("a number"))
        })
        .collect()
}

/// Waits until all of these have at least those values.
async fn until(server: &Server, wanted: &[(&str, u64)]) {
    let begun = Instant::now();
    loop {
        let now = series(&text(server).await);
        let of = |name: &str| {
            *now.get(name)
                .unwrap_or_else(|| panic!("there is no {name}"))
        };
        let missing: Vec<_> = wanted
            .iter()
            .filter(|(name, least)| of(name) < *least)
            .map(|(name, least)| format!("{name} is {}, not {least}", of(name)))
            .collect();
        if missing.is_empty() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{missing:#?}");
        // The server makes a new text at most once a second.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A family: its type, and each label with its values.
type Family = (String, BTreeMap<String, BTreeSet<String>>);

/// The families in a text.
fn told(text: &str) -> BTreeMap<String, Family> {
    let mut families = BTreeMap::<String, Family>::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            let before = families.insert(name.to_owned(), (kind.to_owned(), BTreeMap::new()));
            assert!(before.is_none(), "{name} is there twice");
        } else if !line.starts_with('#') {
            let (name, labels) = match line.split_once('{') {
                Some((name, rest)) => (name, rest.split_once('}').expect("an end").0),
                None => (line.split_once(' ').expect("a value").0, ""),
            };
            let parts = ["_bucket", "_sum", "_count"].iter();
            let whole = parts.filter_map(|part| name.strip_suffix(part));
            let whole = whole.into_iter().find(|name| families.contains_key(*name));
            let family = families.get_mut(whole.unwrap_or(name));
            let (_, known) = family.unwrap_or_else(|| panic!("{name} has no type"));
            for label in labels.split(',').filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once('=').expect("a value");
                if label != "le" {
                    let values = known.entry(label.to_owned()).or_default();
                    values.insert(value.trim_matches('"').to_owned());
                }
            }
        }
    }
    families
}

/// The families that the page lists.
fn listed() -> BTreeMap<String, Family> {
    let mut families = BTreeMap::new();
    for line in include_str!("../../docs/metrics.md").lines() {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, kind, labels, meaning] = cells[..] else {
            continue;
        };
        if !["counter", "gauge", "histogram"].contains(&kind) {
            continue;
        }
        assert!(meaning.len() > 20, "{name} is not explained");
        let quoted = |text: &str| -> Vec<String> {
            text.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect()
        };
        let mut known = BTreeMap::new();
        for label in labels.split(';').filter(|label| label.contains('`')) {
            let mut names = quoted(label).into_iter();
            let label = names.next().expect("a label");
            known.insert(label, names.collect());
        }
        let name = quoted(name).remove(0);
        assert!(families.insert(name, (kind.to_owned(), known)).is_none());
    }
    families
}

const ON: [&str; 2] = ["--metrics-port", "0"];

#[tokio::test]
async fn the_documentation_lists_exactly_what_a_server_tells() {
    let server = Server::with(&ON);
    let mut told = told(&text(&server).await);
    // Its only value is the current version.
    let version = told.get_mut("file_ws_server_build_info").expect("it");
    let version = version.1.get_mut("version").expect("a label");
    assert_eq!(
        *version,
        BTreeSet::from([env!("CARGO_PKG_VERSION").to_owned()])
    );
    version.clear();
    assert_eq!(told, listed());
}

#[test]
fn the_comparison_with_the_documentation_can_fail() {
    let text = "# HELP a_seconds x\n# TYPE a_seconds histogram\n\
        a_seconds_bucket{le=\"1\",of=\"b\"} 1\na_seconds_sum{of=\"c\"} 1\n\
        # TYPE d_count gauge\nd_count 1\n";
    let told = told(text);
    let names: Vec<_> = told.keys().collect();
    assert_eq!(names, ["a_seconds", "d_count"]);
    let values = BTreeSet::from(["b".to_owned(), "c".to_owned()]);
    let labels = BTreeMap::from([("of".to_owned(), values)]);
    assert_eq!(told["a_seconds"], ("histogram".to_owned(), labels));
    let listed = listed();
    let (kind, labels) = &listed["file_ws_server_commit_duration_seconds"];
    assert_eq!((kind.as_str(), labels.len()), ("histogram", 2));
    assert_eq!(
        labels["change"],
        BTreeSet::from(["put".to_owned(), "delete".to_owned()])
    );
}

/// The names of families that a text of queries asks for.
fn asked(text: &str) -> BTreeSet<String> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_of_name(letter));
    let names =
        words.filter(|word| word.starts_with("file_ws_server_") || word.starts_with("process_"));
    names
        .map(|name| {
            let parts = ["_bucket", "_count", "_sum"].iter();
            let histogram = parts
                .filter_map(|part| name.strip_suffix(part))
                .find(|name| name.ends_with("_duration_seconds"));
            histogram.unwrap_or(name).to_owned()
        })
        .collect()
}

#[test]
fn the_dashboard_shows_every_family_and_the_alerts_know_what_they_ask_for() {
    let listed: BTreeSet<_> = listed().into_keys().collect();
    assert_eq!(
        asked(include_str!("../../ops/grafana-dashboard.json")),
        listed
    );
    let of_alerts = asked(include_str!("../../ops/alerts.yml"));
    let unknown: Vec<_> = of_alerts.difference(&listed).collect();
    assert!(of_alerts.len() > 10 && unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_documentation_explains_every_alert() {
    let page = include_str!("../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, severity, _when, _why] = cells[..] else {
            return None;
        };
        let name = name.strip_prefix("`FileWsServer")?.strip_suffix('`')?;
        Some(format!("{name} {severity}"))
    });
    let rules = include_str!("../../ops/alerts.yml")
        .split("- alert: FileWsServer")
        .skip(1);
    let rules = rules.map(|rule| {
        let (name, rest) = rule.split_once('\n').expect("a rule");
        let (_, severity) = rest.split_once("severity: ").expect("a severity");
        let (severity, _) = severity.split_once('}').expect("its end");
        format!("{name} {severity}")
    });
    assert_eq!(rows.collect::<Vec<_>>(), rules.collect::<Vec<_>>());
}

#[tokio::test]
async fn without_a_port_there_are_no_metrics() {
    let server = Server::start();
    let log = server.log();
    assert!(log.contains("metrics=[]"), "{log}");
    let answer = get(server.port, "/metrics", "Host: localhost\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn only_metrics_are_there_and_no_page_and_no_rebound_name_gets_them() {
    let server = Server::with(&[
        "--metrics-port",
        "0",
        "--public-url",
        "https://code.example/",
    ]);
    let port = server.metrics_port();
    for (request, status) in [
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\n", 200),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n", 200),
        ("GET /metrics?x=1 HTTP/1.1\r\nHost: [::1]\r\n", 200),
        ("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n", 200),
        ("POST /metrics HTTP/1.1\r\nHost: localhost\r\n", 405),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n", 404),
        ("GET /metrics/ HTTP/1.1\r\nHost: localhost\r\n", 404),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\n", 404),
        ("GET /ana/demo HTTP/1.1\r\nHost: localhost\r\n", 404),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n", 403),
        ("GET /metrics HTTP/1.1\r\nHost: code.example\r\n", 403),
        ("GET /metrics HTTP/1.1\r\n", 400),
        (
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n",
            403,
        ),
    ] {
        let answer = ask(port, &format!("{request}Connection: close\r\n\r\n")).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{request} gets {answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert_eq!(
            body.contains("file_ws_server_"),
            status == 200 && !request.starts_with("HEAD"),
            "{request} gets {body}"
        );
    }
    let websocket = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
        Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let stream = TcpStream::connect(("127.0.0.1", port)).await;
    let mut stream = stream.expect("connected");
    stream.write_all(websocket.as_bytes()).await.expect("sent");
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 404");
}

/// Some of what people do in an evening, and some of what they should not.
async fn evening(server: &Server) -> Vec<Client> {
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    let mut dan = server.connect().await;
    dan.ask(file("watch", json!({"username": "ana", "project": "demo"})))
        .await;
    let mut eve = server.member("eve", "ana/demo").await;
    let mut ida = server.member("ida", "ana/demo").await;
    ana.ask(post("/a.txt", "a")).await;
    bob.next().await;
    ana.ask(file("delete", json!({"name": "/a.txt"}))).await;
    bob.next().await;
    ana.send(post_part("/b.txt", "b", 1, 2)).await;
    bob.ask(creation()).await;
    bob.ask(post("/c.txt", "c")).await;
    bob.ask(finish()).await;
    eve.ask(say("hi")).await;
    ida.next().await;
    let mut guest = server.connect().await;
    let entry = json!({"streamer": "ana", "project": "demo", "name": "gus"});
    let enter = json!({"type": "guest", "subtype": "enter", "data": entry});
    let pass = guest.ask(enter).await["data"]["token"].clone();
    let data = json!({"token": pass, "chat": chat_section("~gus", "ana/demo")});
    guest.authenticate(data).await;
    let mut stranger = server.connect().await;
    let data = json!({"token": "none", "file": file_section("x", "y")});
    stranger.ask(authenticate(data)).await;
    stranger.ask(json!({"type": "no", "subtype": "such"})).await;
    http(server, "/no/such/page", "").await;
    http(server, "/", "Origin: https://evil.example\r\n").await;
    vec![ana, bob, dan, eve, ida, guest, stranger]
}

const EVENING: [&str; 4] = ["--metrics-port", "0", "--guests", "propose"];

/// The connections during such an evening: each kind with its number.
const PRESENT: [(&str, u64); 5] = [
    (r#"file_ws_server_connections{kind="streamer"}"#, 1),
    (r#"file_ws_server_connections{kind="viewer"}"#, 1),
    (r#"file_ws_server_connections{kind="watcher"}"#, 1),
    (r#"file_ws_server_connections{kind="chatter"}"#, 3),
    (r#"file_ws_server_connections{kind="none"}"#, 1),
];

/// The least values of other metrics after such an evening.
#[rustfmt::skip]
const TOLD: &[(&str, u64)] = &[
    ("file_ws_server_guests", 1),
    ("file_ws_server_uploads", 1),
    ("file_ws_server_projects_loaded", 1),
    ("file_ws_server_pull_requests_open", 1),
    ("file_ws_server_rooms", 1),
    ("file_ws_server_failed_authentications_total", 1),
    (r#"file_ws_server_requests_total{request="malformed",outcome="refused"}"#, 1),
    (r#"file_ws_server_requests_total{request="authenticate",outcome="done"}"#, 5),
    (r#"file_ws_server_requests_total{request="authenticate",outcome="refused"}"#, 1),
    (r#"file_ws_server_requests_total{request="file/post",outcome="done"}"#, 3),
    (r#"file_ws_server_requests_total{request="file/delete",outcome="done"}"#, 1),
    (r#"file_ws_server_requests_total{request="file/watch",outcome="done"}"#, 1),
    (r#"file_ws_server_requests_total{request="chat/message",outcome="done"}"#, 1),
    (r#"file_ws_server_requests_total{request="guest/enter",outcome="done"}"#, 1),
    (r#"file_ws_server_errors_total{type="badAuthError"}"#, 1),
    (r#"file_ws_server_errors_total{type="badParametersError"}"#, 1),
    (r#"file_ws_server_deliveries_total{event="file_updated",outcome="queued"}"#, 2),
    (r#"file_ws_server_deliveries_total{event="file_deleted",outcome="queued"}"#, 2),
    (r#"file_ws_server_deliveries_total{event="chat_message",outcome="queued"}"#, 1),
    (r#"file_ws_server_commit_duration_seconds_count{change="put",outcome="done"}"#, 1),
    (r#"file_ws_server_commit_duration_seconds_count{change="delete",outcome="done"}"#, 1),
    (r#"file_ws_server_disk_operation_duration_seconds_count{work="writes"}"#, 2),
    (r#"file_ws_server_disk_operation_duration_seconds_count{work="guests"}"#, 1),
    (r#"file_ws_server_memory_used_bytes{part="streamers"}"#, 1),
    (r#"file_ws_server_memory_used_bytes{part="shared"}"#, 1),
    (r#"file_ws_server_received_bytes_total{over="websocket"}"#, 500),
    (r#"file_ws_server_sent_bytes_total{over="websocket"}"#, 500),
    (r#"file_ws_server_received_bytes_total{over="http"}"#, 500),
    (r#"file_ws_server_sent_bytes_total{over="http"}"#, 500),
    (r#"file_ws_server_http_responses_total{class="1xx"}"#, 7),
    (r#"file_ws_server_http_responses_total{class="4xx"}"#, 2),
    (r#"file_ws_server_connections_refused_total{reason="origin"}"#, 1),
    ("process_open_fds", 8),
    ("process_resident_memory_bytes", 1_000_000),
];

/// Checks what must hold in any text.
fn check_sums(now: &BTreeMap<String, u64>) {
    for (name, count) in now {
        let histogram = name
            .strip_suffix('}')
            .filter(|name| name.contains("_count{"));
        if let Some(rest) = histogram {
            let all = rest.replace("_count{", "_bucket{") + ",le=\"+Inf\"}";
            assert_eq!(now[&all], *count, "{name}");
        }
    }
}

#[tokio::test]
async fn the_figures_follow_what_happens() {
    let server = Server::alone_with(&EVENING);
    let mut present = evening(&server).await;
    until(&server, &PRESENT).await;
    until(&server, TOLD).await;
    let now = series(&text(&server).await);
    for (name, count) in PRESENT {
        assert_eq!(now[name], count, "{name}");
    }
    check_sums(&now);

    present[3].send_close().await;
    present.clear();
    until(
        &server,
        &[
            (r#"file_ws_server_connections_closed_total{code="1000"}"#, 1),
            (r#"file_ws_server_connections_closed_total{code="none"}"#, 6),
        ],
    )
    .await;
    let now = series(&text(&server).await);
    let gone = ["file_ws_server_guests", "file_ws_server_uploads"];
    for name in PRESENT.map(|(name, _)| name).into_iter().chain(gone) {
        assert_eq!(now[name], 0, "{name}");
    }
}

#[tokio::test]
async fn nobody_makes_them_grow_or_finds_a_name_in_them() {
    let server = Server::alone_with(&EVENING);
    let before: BTreeSet<_> = series(&text(&server).await).into_keys().collect();
    let _present = evening(&server).await;
    let mut stranger = server.connect().await;
    for number in 0..100 {
        let odd = format!("odd\"}} 1\nodd{number}");
        stranger
            .ask(json!({"type": odd, "subtype": odd, "data": {"name": odd}}))
            .await;
        http(&server, &format!("/odd{number}/x"), "").await;
        let request = format!(
            "ODD{number} /metrics?odd{number} HTTP/1.1\r\nHost: localhost\r\n\
            Connection: close\r\n\r\n"
        );
        ask(server.metrics_port(), &request).await;
    }
    let malformed = r#"file_ws_server_requests_total{request="malformed",outcome="refused"}"#;
    until(&server, &[(malformed, 101)]).await;
    let text = text(&server).await;
    let after: BTreeSet<_> = series(&text).into_keys().collect();
    assert_eq!(before, after);
    for name in ["odd", "ana", "bob", "gus", "demo", "a.txt", "127.0.0.1"] {
        assert!(!text.contains(name), "{name} is in {text}");
    }
}

/// A scraper that reads only the beginning of its answer; its window is too small for the rest.
async fn stalled_scraper(port: u16) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(1).expect("the least");
    let stream = socket.connect(([127, 0, 0, 1], port).into()).await;
    let mut stream = stream.expect("connected");
    let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("sent");
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 200");
    stream
}

#[tokio::test]
async fn a_scraper_that_says_nothing_is_let_go_and_an_answer_ends_its_connection() {
    let server = Server::with(&ON);
    let port = server.metrics_port();
    let begun = Instant::now();
    assert_eq!(ask(port, "").await, "");
    assert!(begun.elapsed() < Duration::from_secs(8));
    let answer = ask(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn scrapers_that_are_slow_or_many_hold_up_nobody_else() {
    let server = Server::with(&ON);
    let port = server.metrics_port();
    let mut slow = Vec::new();
    let begun = Instant::now();
    for _ in 0..16 {
        slow.push(stalled_scraper(port).await);
    }
    let answer = get(port, "/metrics", "Host: localhost\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(server.streamer().await.ask(post("/a.txt", "a")).await["code"] == 200);
    assert!(http(&server, "/", "").await.starts_with("HTTP/1.1 200"));
    // The slow scrapers are still connected, but they lose their places after 2 s. A busy machine
    // may need somewhat longer.
    while !get(port, "/metrics", "Host: localhost\r\n")
        .await
        .starts_with("HTTP/1.1 200")
    {
        assert!(
            begun.elapsed() < Duration::from_secs(8),
            "no place is free again"
        );
    }
    drop(slow);
    let now = series(&text(&server).await);
    let refused = r#"file_ws_server_connections_refused_total{reason="full"}"#;
    assert_eq!(now[refused], 0, "they count for themselves");
    assert_eq!(now[r#"file_ws_server_connections{kind="http"}"#], 0);
    // A thousand scrapers at once share a text, which the server makes at most once a second.
    let begun = Instant::now();
    let flood = (0..1_000).map(|_| get(port, "/metrics", "Host: localhost\r\n"));
    let answers = futures_util::future::join_all(flood).await;
    let texts: BTreeSet<_> = answers
        .iter()
        .filter(|answer| answer.starts_with("HTTP/1.1 200"))
        .map(|answer| answer.split_once("\r\n\r\n").expect("a head").1)
        .collect();
    let most = begun.elapsed().as_secs() + 2;
    assert!(
        !texts.is_empty() && texts.len() as u64 <= most,
        "{}",
        texts.len()
    );
}
