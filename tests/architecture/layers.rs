//! The layers hold: the domain knows no other layer, application knows the domain, adapters know
//! both, inbound and outbound adapters do not know each other, delivery knows only the transport,
//! and only the composition root names them all.

use std::fs;
use std::path::{Path, PathBuf};

use crate::code::{self, Token};

/// What the sources below a folder must not name.
struct Rule {
    folder: &'static str,
    forbidden: &'static [&'static str],
}

const RULES: &[Rule] = &[
    // `uuid` carries a standard, how an id is read and written, so the domain may name it;
    // clippy checks that ids are drawn through a port (`clippy.toml`).
    Rule {
        folder: "src/domain",
        forbidden: &[
            "adapters",
            "application",
            "file_ws_server",
            "async_trait",
            "base64",
            "bytes::",
            "chrono",
            "futures_util",
            "http::",
            "hyper",
            "jsonwebtoken",
            "rustix",
            "serde",
            "std::env",
            "std::fs",
            "std::io",
            "std::net",
            "std::path",
            "std::process",
            "std::thread",
            "SystemTime",
            "Instant",
            "tokio",
            "tracing",
            "tungstenite",
            "warp",
            "async fn",
            ".await",
        ],
    },
    Rule {
        folder: "src/application",
        forbidden: &[
            "adapters",
            "base64",
            "chrono",
            "file_ws_server",
            "http::",
            "hyper",
            "jsonwebtoken",
            "rustix",
            "serde",
            "std::env",
            "std::fs",
            "std::io",
            "std::net",
            "std::path",
            "std::process",
            "SystemTime",
            "tokio::fs",
            "tokio::io",
            "tokio::net",
            "tungstenite",
            "uuid",
            "warp",
        ],
    },
    Rule {
        folder: "src/adapters/inbound",
        forbidden: &["outbound"],
    },
    Rule {
        folder: "src/adapters/inbound/transport",
        forbidden: &["::cli", "::delivery", "::websocket"],
    },
    Rule {
        folder: "src/adapters/outbound",
        forbidden: &["inbound", "::delivery"],
    },
    Rule {
        folder: "src/adapters/delivery",
        forbidden: &[
            "outbound",
            "inbound::cli",
            "inbound::http",
            "inbound::websocket",
        ],
    },
    Rule {
        folder: "clients",
        forbidden: &["file_ws_server"],
    },
    // The library is for other programs too: it knows no command line, no terminal and no disk.
    Rule {
        folder: "clients/twicecast-client/src",
        forbidden: &[
            "twicecast::",
            "clap",
            "crossterm",
            "indicatif",
            "notify",
            "rustix",
            "std::fs",
            "std::path",
            "std::process",
            "println",
            "eprintln",
        ],
    },
];

/// The files that join inbound and outbound adapters: the composition root.
const COMPOSITION_ROOT: &[&str] = &["src/equipment.rs", "src/main.rs", "src/server.rs"];

/// The one file of the client that links the server, to start one in the same process; it is also
/// a composition root.
const LOCAL_SERVER: &str = "clients/twicecast/src/embedded.rs";

/// Sources that already have a rule, but may still be missing.
const OPTIONAL: &[&str] = &["src/adapters/delivery", "src/server.rs"];

/// Where `source` names something forbidden, comments and texts aside.
pub fn violations(source: &str, forbidden: &[&'static str]) -> Vec<(usize, &'static str)> {
    let tokens = code::tokens(source);
    let mut found: Vec<_> = forbidden
        .iter()
        .flat_map(|word| {
            places(&tokens, word)
                .into_iter()
                .map(move |line| (line, *word))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The lines of `tokens` that name `word`, which is one token or several in a row.
fn places(tokens: &[Token], word: &str) -> Vec<usize> {
    let word = code::tokens(word);
    let is_word = |here: &&[Token]| {
        let mut pairs = here.iter().zip(&word);
        pairs.all(|(token, wanted)| token.text == wanted.text)
    };
    let places = tokens.windows(word.len()).filter(is_word);
    places.map(|here| here[0].line).collect()
}

pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn no_layer_reaches_outward() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut faults = Vec::new();
    for rule in RULES {
        let folder = root.join(rule.folder);
        if OPTIONAL.contains(&rule.folder) && !folder.exists() {
            continue;
        }
        let files = sources(&folder);
        assert!(
            !files.is_empty(),
            "{} has no sources: is the rule out of date?",
            rule.folder
        );
        for file in files
            .into_iter()
            .filter(|file| *file != root.join(LOCAL_SERVER))
        {
            let source = fs::read_to_string(&file).expect("readable");
            for (line, word) in violations(&source, rule.forbidden) {
                let name = file.strip_prefix(root).expect("below the root").display();
                faults.push(format!("{name}:{line} names {word}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_the_composition_root_names_inbound_and_outbound_adapters_together() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = ["adapters::inbound", "adapters::outbound"];
    let names_both = |file: &PathBuf| {
        let source = fs::read_to_string(file).expect("readable");
        let found = violations(&source, &words);
        words
            .iter()
            .all(|word| found.iter().any(|(_, named)| named == word))
    };
    let mut both = sources(&root.join("src"));
    both.retain(names_both);
    assert!(!both.is_empty(), "is the name of the adapters out of date?");
    both.retain(|file| {
        !COMPOSITION_ROOT
            .iter()
            .any(|known| *file == root.join(known))
    });
    assert!(both.is_empty(), "{both:?}");
}

#[test]
fn the_clients_local_server_is_the_exception_that_it_is_said_to_be() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(LOCAL_SERVER);
    let source = fs::read_to_string(file).expect("readable");
    assert!(!violations(&source, &["file_ws_server"]).is_empty());
    assert!(violations(&source, &["serde_json", "protocol"]).is_empty());
}

#[test]
fn there_is_no_layer_without_a_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (folder, known) in [
        (
            "src",
            [
                "adapters",
                "application",
                "domain",
                "equipment.rs",
                "lib.rs",
                "main.rs",
                "server.rs",
            ]
            .as_slice(),
        ),
        (
            "src/adapters",
            &["delivery", "inbound", "mod.rs", "outbound"],
        ),
    ] {
        let mut entries: Vec<_> = fs::read_dir(root.join(folder))
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        entries.sort();
        let mut known = known.to_vec();
        known.retain(|name| {
            let path = format!("{folder}/{name}");
            !OPTIONAL.contains(&path.as_str()) || root.join(path).exists()
        });
        assert_eq!(entries, known, "give what is new in {folder} its rule");
    }
}

#[test]
fn this_test_can_fail() {
    let domain = RULES[0].forbidden;
    for (planted, word) in [
        ("use crate::adapters::outbound::hub;", "adapters"),
        ("use crate::application::Session;", "application"),
        ("use crate::{domain::Room, adapters::inbound};", "adapters"),
        ("use super::super::application::ports;", "application"),
        ("pub use crate::application;", "application"),
        ("pub(crate) use file_ws_server::domain;", "file_ws_server"),
        ("    let file = std::fs::File::open(x);", "std::fs"),
        ("use std::{collections::BTreeMap, fs, fmt};", "std::fs"),
        (
            "use std::{\n    collections::{\n    BTreeMap}, net::TcpStream,\n};",
            "std::net",
        ),
        ("#[derive(serde::Serialize)]", "serde"),
        ("use warp::Filter;", "warp"),
        ("let file = std::\n    fs::File::open(x);", "std::fs"),
        ("vec![tokio::spawn(x)];", "tokio"),
        (
            "fn f() -> impl Sized + use<'a> { tokio::spawn(x); }",
            "tokio",
        ),
        ("use r#tokio::spawn;", "tokio"),
        ("let text = \"a\"; use tokio::net::TcpStream;", "tokio"),
        ("let text = r#\"a \" b\"#; tokio::spawn(x);", "tokio"),
        ("let quote = '\"'; tokio::spawn(x);", "tokio"),
        ("let quote = '\\''; tokio::spawn(x);", "tokio"),
        ("fn life<'a>(x: &'a str) { tokio::spawn(x) }", "tokio"),
        ("/* a /* nested */ comment */ use tokio::spawn;", "tokio"),
    ] {
        let source = format!("//! A module.\n{planted}\n");
        assert_eq!(violations(&source, domain), [(2, word)], "{planted}");
    }
    for harmless in [
        "// use crate::adapters;",
        "/// As `serde` would.",
        "/* use crate::adapters; /* nested */ use warp; */",
        "let sentence = \"std::fs is not used\";",
        "let sentence = \"an \\\" and std::fs\";",
        "let sentence = r\"std::fs\"; let other = r##\"\"# warp\"##;",
        "let observed = deserves(warped);",
        "use std::{fmt, sync::Arc};",
    ] {
        assert_eq!(violations(harmless, domain), [], "{harmless}");
    }
}

#[test]
fn delivery_may_know_the_transport_and_nothing_else_inbound() {
    let rule = RULES
        .iter()
        .find(|rule| rule.folder == "src/adapters/delivery");
    let forbidden = rule.expect("the rule").forbidden;
    for (planted, faults) in [
        ("use crate::adapters::inbound::transport::frame::Frame;", 0),
        (
            "use super::super::inbound::{transport::Link, websocket::Sender};",
            1,
        ),
        ("use crate::adapters::{inbound::http, outbound::memory};", 2),
    ] {
        assert_eq!(violations(planted, forbidden).len(), faults, "{planted}");
    }
}

#[test]
fn each_rule_can_fail() {
    for rule in RULES {
        for word in rule.forbidden {
            let planted = format!("fn harmless() {{}}\nlet x = {word} ;\n");
            assert!(
                violations(&planted, rule.forbidden).contains(&(2, *word)),
                "{word} in {}",
                rule.folder
            );
        }
    }
}
