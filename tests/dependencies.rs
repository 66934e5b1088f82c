//! What this workspace stands on: where its crates come from, under which licences, how many of
//! them are there twice, and that each direct one is explained in `docs/dependencies.md`.
//!
//! Needs no network once the crates are there. Known vulnerabilities are not looked for, because
//! that needs a database from outside: `cargo deny check advisories` does it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Licences that let everybody use and pass on the whole. One beyond these is no mistake in
/// itself, but a decision.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "LLVM-exception",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
];

/// Crates of which two versions are built, and who holds on to the older one.
const THERE_TWICE: &[(&str, &str)] = &[
    ("base64", "headers (by warp), jsonwebtoken, pem"),
    ("block-buffer", "sha1 0.10"),
    ("cpufeatures", "sha1 0.10"),
    ("crypto-common", "sha1 0.10"),
    ("digest", "sha1 0.10"),
    ("getrandom", "rand_core 0.6, ring"),
    ("rand", "shuttle, in tests"),
    ("rand_core", "signature (by jsonwebtoken), shuttle"),
    ("sha1", "headers (by warp)"),
    ("syn", "derive macros on their way from 2 to 3"),
    ("untrusted", "aws-lc-rs"),
];

/// Known weaknesses (`rsa`: RUSTSEC-2023-0071), or a second way to what is here already.
const BANNED: &[&str] = &["native-tls", "openssl", "openssl-sys", "rsa"];

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect(program);
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What cargo says of the crates that are built for this machine.
fn metadata() -> Value {
    let version = run("rustc", &["-vV"]);
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host");
    let args = [
        "metadata",
        "--locked",
        "--format-version=1",
        "--filter-platform",
        host,
    ];
    serde_json::from_str(&run(env!("CARGO"), &args)).expect("JSON")
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

/// The crates that are built, this workspace's own included.
fn packages(metadata: &Value) -> Vec<&Value> {
    let built: BTreeSet<&str> = list(&metadata["resolve"], "nodes")
        .iter()
        .map(|node| text(node, "id"))
        .collect();
    list(metadata, "packages")
        .iter()
        .filter(|package| built.contains(text(package, "id")))
        .collect()
}

#[test]
fn every_crate_is_from_the_registry_under_a_known_licence_and_none_is_banned() {
    let metadata = metadata();
    for package in packages(&metadata) {
        let name = text(package, "name");
        assert!(!BANNED.contains(&name), "{name} is banned");
        if let Some(source) = package["source"].as_str() {
            assert!(source.starts_with("registry+"), "{name} is from {source}");
        }
        let licence = text(package, "license");
        assert!(!licence.is_empty(), "{name} names no licence");
        for id in licence
            .split(|letter: char| !(letter.is_ascii_alphanumeric() || "-.".contains(letter)))
            .filter(|id| !["", "AND", "OR", "WITH"].contains(id))
        {
            assert!(LICENCES.contains(&id), "{name} is under {licence}");
        }
    }
}

#[test]
fn no_crate_is_there_twice_but_those_that_others_hold_on_to() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages(&metadata) {
        let of_name = versions.entry(text(package, "name")).or_default();
        of_name.insert(text(package, "version"));
    }
    let surprising: Vec<_> = versions
        .iter()
        .filter(|(name, versions)| {
            versions.len() > 1 && !THERE_TWICE.iter().any(|(known, _)| known == *name)
        })
        .collect();
    assert!(surprising.is_empty(), "there twice: {surprising:?}");
}

#[test]
fn the_documentation_explains_every_direct_dependency_and_no_other() {
    let metadata = metadata();
    let direct: BTreeSet<&str> = packages(&metadata)
        .into_iter()
        .filter(|package| package["source"].is_null())
        .flat_map(|package| list(package, "dependencies"))
        .map(|dependency| text(dependency, "name"))
        .collect();
    let explained: BTreeSet<&str> = include_str!("../docs/dependencies.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(direct, explained);
}
