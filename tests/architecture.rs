//! The layers hold: domain knows nobody, application knows the domain, adapters know both, inbound
//! and outbound adapters do not know each other, and only `main` and `server` name them all.

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
            "uuid",
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
        folder: "src/adapters/outbound",
        forbidden: &["inbound"],
    },
    Rule {
        folder: "clients",
        forbidden: &["file_ws_server"],
    },
];

/// The one file of the client that links the server, to start one in the same process: it chooses adapters as `main.rs` does.
const LOCAL_SERVER: &str = "clients/streamer/src/local.rs";

/// Where `source` names what it must not, comments and texts aside.
fn violations(source: &str, forbidden: &[&'static str]) -> Vec<(usize, &'static str)> {
    let code = code_only(source);
    let lines = code.lines().enumerate();
    let mut named: Vec<_> = lines
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect();
    named.extend(imports(&code));
    let mut found: Vec<_> = named
        .iter()
        .flat_map(|(line, text)| {
            let words = forbidden.iter().filter(|word| names(text, word));
            words.map(|word| (*line, *word))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether `text` holds `word`, not merely as a part of a longer name.
fn names(text: &str, word: &str) -> bool {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        let begins = !word.starts_with(is_name) || !before.is_some_and(is_name);
        let ends = !word.ends_with(is_name) || !after.is_some_and(is_name);
        begins && ends
    })
}

/// What is imported, each by its whole path, at the line where its `use` begins: so that braces
/// hide nothing.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("use ") {
        if code[..start].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let tree = &code[start + "use ".len()..];
        let tree: String = tree[..tree.find(';').unwrap_or(tree.len())]
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let line = code[..start].matches('\n').count() + 1;
        let mut paths = Vec::new();
        flatten("", &tree, &mut paths);
        found.extend(paths.into_iter().map(|path| (line, path)));
    }
    found
}

/// The paths of a `use` tree: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn flatten(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((head, group)) = tree.split_once('{') else {
        paths.push(format!("{prefix}{}", tree.trim()));
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let mut depth = 0_usize;
    let branches = group.split(|letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    for branch in branches.filter(|branch| !branch.trim().is_empty()) {
        flatten(&prefix, branch, paths);
    }
}

/// The source without comments and the insides of texts; lines stay where they are.
fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if letter == '"' {
            text(rest)
        } else if letter == 'r' && !code.ends_with(|end: char| end.is_alphanumeric() || end == '_')
        {
            raw_text(rest)
        } else if letter == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
        } else {
            code.push(' ');
            code.extend(rest[..skipped].chars().filter(|letter| *letter == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// How long the block comment is with which `rest` begins; they nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    for at in 0..rest.len() {
        let Some(here) = rest.get(at..at + 2) else {
            continue;
        };
        match here {
            "/*" => depth += 1,
            "*/" if depth == 1 => return at + 2,
            "*/" => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

/// How long the text is with which `rest` begins.
fn text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            '"' if !escaped => return at + 1,
            _ => escaped = letter == '\\' && !escaped,
        }
    }
    rest.len()
}

/// How long the raw text is with which `rest` begins; 0 where it is none.
fn raw_text(rest: &str) -> usize {
    let hashes = rest[1..]
        .chars()
        .take_while(|letter| *letter == '#')
        .count();
    let end = format!("\"{}", "#".repeat(hashes));
    let Some(inside) = rest[1 + hashes..].strip_prefix('"') else {
        return 0;
    };
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    rest.len() - inside.len() + length
}

/// How long the character is with which `rest` begins; 0 where it is a lifetime.
fn character(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    let Some((_, first)) = letters.next() else {
        return 0;
    };
    if first == '\\' {
        letters.next();
        return letters
            .find(|(_, letter)| *letter == '\'')
            .map_or(0, |(at, _)| at + 1);
    }
    match letters.next() {
        Some((at, '\'')) => at + 1,
        _ => 0,
    }
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
fn only_main_and_server_name_inbound_and_outbound_adapters_together() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut both: Vec<_> = sources(&root.join("src"))
        .into_iter()
        .filter(|file| {
            let code = code_only(&fs::read_to_string(file).expect("readable"));
            code.contains("adapters::inbound") && code.contains("adapters::outbound")
        })
        .collect();
    both.sort();
    assert_eq!(both, [root.join("src/main.rs"), root.join("src/server.rs")]);
}

#[test]
fn the_clients_local_server_is_the_exception_that_it_is_said_to_be() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(LOCAL_SERVER);
    let source = fs::read_to_string(file).expect("readable");
    assert!(!violations(&source, &["file_ws_server"]).is_empty());
    assert!(
        violations(
            &source,
            &["serde_json", "protocol", "inbound", "application", "domain"]
        )
        .is_empty()
    );
}

#[test]
fn there_is_no_layer_without_a_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut entries: Vec<_> = fs::read_dir(root)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    entries.sort();
    let known = [
        "adapters",
        "application",
        "domain",
        "lib.rs",
        "main.rs",
        "server.rs",
    ];
    assert_eq!(entries, known, "give what is new its rule");
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
