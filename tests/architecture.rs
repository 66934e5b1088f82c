//! The layers hold: domain knows nobody, application knows the domain, adapters know both, inbound
//! and outbound adapters do not know each other, and only `main` names them all.

use std::fs;
use std::path::{Path, PathBuf};

/// What the sources below a folder must not name.
struct Rule {
    folder: &'static str,
    forbidden: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        folder: "src/domain",
        forbidden: &[
            "crate::application",
            "crate::adapters",
            "super::super::application",
            "super::super::adapters",
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
            "uuid",
            "warp",
            "async fn",
            ".await",
        ],
    },
    Rule {
        folder: "src/application",
        forbidden: &[
            "crate::adapters",
            "base64",
            "chrono",
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
        forbidden: &["adapters::outbound", "outbound::"],
    },
    Rule {
        folder: "src/adapters/outbound",
        forbidden: &["adapters::inbound", "inbound::"],
    },
    Rule {
        folder: "clients",
        forbidden: &["file_ws_server"],
    },
];

/// Where `source` names what it must not, comments and texts aside.
fn violations(source: &str, forbidden: &[&'static str]) -> Vec<(usize, &'static str)> {
    let named = |line: &str, word: &str| {
        line.match_indices(word).any(|(start, _)| {
            let before = line[..start].chars().next_back();
            let after = line[start + word.len()..].chars().next();
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let begins = !word.starts_with(is_name) || !before.is_some_and(is_name);
            let ends = !word.ends_with(is_name) || !after.is_some_and(is_name);
            begins && ends
        })
    };
    code_only(source)
        .lines()
        .enumerate()
        .flat_map(|(index, line)| {
            let found = forbidden.iter().filter(|word| named(line, word));
            found.map(|word| (index + 1, *word)).collect::<Vec<_>>()
        })
        .collect()
}

/// The source without line comments and the insides of texts; lines stay where they are.
fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut letters = source.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => {
                while letters.next_if(|letter| *letter != '\n').is_some() {}
            }
            '"' => {
                code.push('"');
                while let Some(inside) = letters.next() {
                    match inside {
                        '\\' => {
                            letters.next();
                        }
                        '"' => break,
                        '\n' => code.push('\n'),
                        _ => {}
                    }
                }
                code.push('"');
            }
            '\'' if letters.peek() == Some(&'"') => {
                letters.next();
                letters.next_if_eq(&'\'');
            }
            other => code.push(other),
        }
    }
    code
}

fn sources(folder: &Path) -> Vec<PathBuf> {
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
        let files = sources(&root.join(rule.folder));
        assert!(
            !files.is_empty(),
            "{} has no sources: is the rule of date?",
            rule.folder
        );
        for file in files {
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
fn only_main_names_inbound_and_outbound_adapters_together() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let both: Vec<_> = sources(&root.join("src"))
        .into_iter()
        .filter(|file| {
            let code = code_only(&fs::read_to_string(file).expect("readable"));
            code.contains("adapters::inbound") && code.contains("adapters::outbound")
        })
        .collect();
    assert_eq!(both, [root.join("src/main.rs")]);
}

#[test]
fn this_test_can_fail() {
    let forbidden = RULES[0].forbidden;
    for (planted, word) in [
        ("use crate::adapters::outbound::hub;", "crate::adapters"),
        ("use crate::application::Session;", "crate::application"),
        ("    let file = std::fs::File::open(x);", "std::fs"),
        ("#[derive(serde::Serialize)]", "serde"),
        ("use warp::Filter;", "warp"),
        ("let text = \"a\"; use tokio::net::TcpStream;", "tokio"),
    ] {
        let source = format!("//! A module.\n{planted}\n");
        assert_eq!(violations(&source, forbidden), [(2, word)], "{planted}");
    }
    for harmless in [
        "// use crate::adapters;",
        "/// As `serde` would.",
        "let sentence = \"std::fs is not used\";",
        "let observed = deserves(warped);",
    ] {
        assert_eq!(violations(harmless, forbidden), [], "{harmless}");
    }
}

#[test]
fn every_port_that_waits_for_io_is_in_the_table_of_failures() {
    let application = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/application");
    let table = fs::read_to_string(application.join("failure_tests.rs")).expect("readable");
    for file in sources(&application.join("ports")) {
        let name = file.file_name().expect("a name").to_string_lossy();
        let waits = fs::read_to_string(&file)
            .expect("readable")
            .contains("\n    async fn ");
        let listed = table.contains(&format!("include_str!(\"ports/{name}\")"));
        assert_eq!(waits, listed, "{name}");
    }
}
