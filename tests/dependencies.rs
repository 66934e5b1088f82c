//! `docs/dependencies.md` explains each direct dependency. Needs no network once the crates are
//! there; cargo-deny checks sources, licences, bans and duplicates (`deny.toml`).

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect(program);
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What cargo says about the crates that are built for this machine.
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

/// The crates that are built, including this workspace's own.
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
