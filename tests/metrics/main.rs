//! The queries of the dashboard and of the alerts, asked of a real Prometheus that scrapes a real
//! server during the main job.
//!
//! Needs Debian's prometheus, so it is not part of the ordinary tests but a separate command, which
//! CI runs: `scripts/metrics`. It fails if something is missing.

#[path = "../live/programs.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod programs;
#[path = "../live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;
#[path = "../live/trees.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod trees;

mod prometheus;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use programs::{Mirror, Twicecast};
use prometheus::Prometheus;
use serde_json::{Value, json};
use support::*;
use trees::{build_tree, change_tree, until_same};

const DASHBOARD: &str = include_str!("../../ops/grafana-dashboard.json");
const ALERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ops/alerts.yml");

/// How often Prometheus must have scraped before it is asked: a rate needs two.
const SCRAPES: f64 = 5.0;

/// The main job, and what else people do: a share, two mirrors, changes, a chat, a guest and a pull
/// request. Goes on until Prometheus has seen enough of it.
async fn main_job(server: &Server, prometheus: &Prometheus) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (tree, quick, slow) = (
        place.path().join("tree"),
        place.path().join("quick"),
        place.path().join("slow"),
    );
    build_tree(&tree);
    let client = Twicecast::of(server);
    client.share_once(&tree);
    let _quick = Mirror::start(&client, &quick, &[]);
    let _slow = Mirror::start(&client, &slow, &["--read-limit", "1000000"]);
    until_same(&tree, &quick);
    let mut eve = server.member("eve", "ana/demo").await;
    let mut ida = server.member("ida", "ana/demo").await;
    let mut bob = server.viewer("bob").await;
    bob.ask(creation()).await;
    bob.ask(post("/proposed.txt", "p")).await;
    bob.ask(finish()).await;
    let begun = Instant::now();
    let mut rounds = 0;
    while rounds < 3 || prometheus.scrapes() < SCRAPES {
        assert!(begun.elapsed() < PATIENCE * 2, "Prometheus does not scrape");
        if rounds < 3 {
            change_tree(&tree, rounds);
        }
        std::fs::write(tree.join("rounds.txt"), rounds.to_string()).expect("a file");
        client.share_once(&tree);
        eve.ask(say("hi")).await;
        ida.next().await;
        http(server, "/", "").await;
        rounds += 1;
    }
    until_same(&tree, &quick);
    until_same(&tree, &slow);
}

/// The queries of the dashboard: the panel's title and the expression, as Grafana would ask.
fn of_dashboard() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let queries = panels.iter().flat_map(|panel| {
        let title = panel["title"].as_str().expect("a title");
        let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
        targets.iter().map(move |target| {
            let expression = target["expr"].as_str().expect("an expression");
            let expression = expression
                .replace("$instance", ".*")
                .replace("$__rate_interval", "1m");
            (title.to_owned(), expression)
        })
    });
    queries.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_is_answered_during_the_main_job_and_no_alert_is_raised() {
    let flags = ["--metrics-port", "0", "--chat-messages-per-second", "0"];
    let server = Server::with(&flags);
    let prometheus = Prometheus::start(server.metrics_port());
    main_job(&server, &prometheus).await;

    let queries = of_dashboard();
    assert!(queries.len() > 30, "{queries:?}");
    let mut faults = Vec::new();
    for (title, query) in queries {
        match prometheus.query(&query) {
            Err(error) => faults.push(format!("{title}: {query}: {error}")),
            Ok(values) if values.iter().all(|value| value.is_nan()) => {
                faults.push(format!("{title}: {query}: nothing"));
            }
            Ok(_) => {}
        }
    }
    let rules = prometheus.rules();
    for rule in &rules {
        let name = rule["name"].as_str().expect("a name");
        let query = rule["query"].as_str().expect("a query");
        if let Err(error) = prometheus.query(query) {
            faults.push(format!("{name}: {query}: {error}"));
        }
        if rule["health"] != "ok" || rule["state"] != "inactive" {
            faults.push(format!("{name}: {rule}"));
        }
    }
    let text = std::fs::read_to_string(ALERTS).expect("the rules");
    assert_eq!(rules.len(), text.matches("- alert: ").count());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    check_text(&prometheus::ask(
        server.metrics_port(),
        "GET",
        "/metrics",
        "",
    ));
}

/// Has `promtool` look at what the server tells.
fn check_text(text: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    let mut input = promtool.stdin.take().expect("it was piped");
    std::io::Write::write_all(&mut input, text.as_bytes()).expect("it reads");
    drop(input);
    let output = promtool.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn the_panels_have_ids_of_their_own_and_lie_beside_each_other() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel}");
        let side = |name: &str| panel["gridPos"][name].as_u64().expect("a length");
        assert!(side("x") + side("w") <= 24, "{panel}");
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((x, y)), "{panel} lies on another");
            }
        }
        if panel["type"] != "row" {
            let source = json!({"type": "prometheus", "uid": "${datasource}"});
            assert_eq!(panel["datasource"], source);
        }
    }
}

#[test]
fn a_query_without_an_answer_is_noticed() {
    let prometheus = Prometheus::start(1);
    prometheus.query("sum(").expect_err("no query");
    assert_eq!(
        prometheus.query("no_such_family").expect("a query"),
        [] as [f64; 0]
    );
    let begun = Instant::now();
    while prometheus.query("up").expect("a query") != [0.0] {
        assert!(begun.elapsed() < PATIENCE, "nobody answers on port 1");
        std::thread::sleep(Duration::from_millis(100));
    }
    let down = |rule: &&Value| rule["name"] == "FileWsServerDown";
    while prometheus.rules().iter().find(down).expect("a rule")["state"] != "pending" {
        assert!(begun.elapsed() < PATIENCE, "the rules are not looked at");
        std::thread::sleep(Duration::from_millis(100));
    }
}
