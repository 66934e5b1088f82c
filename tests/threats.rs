//! `docs/threats.md` keeps its promise: each attack has tests that exist, or a reason for none.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A row of a table: the attack's number and the tests, or why there are none.
fn row(line: &str) -> Option<(usize, &str)> {
    let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [number, _attack, what] = cells[..] else {
        return None;
    };
    Some((number.parse().ok()?, what))
}

/// The tests that a text names: a file and a function in it.
fn tests(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|quoted| quoted.split_once("::"))
}

/// Whether `source`, in that file, has a test of that name.
fn has_test(file: &str, source: &str, name: &str) -> bool {
    let Some((before, _)) = source.split_once(&format!("fn {name}(")) else {
        return false;
    };
    // Everything above its own line, back to the end of the item before it.
    let above = before.rsplit_once('\n').map_or("", |(above, _)| above);
    let is_test = above
        .lines()
        .rev()
        .take_while(|line| !line.trim().is_empty() && !line.trim_end().ends_with('}'))
        .any(|line| line.contains("#[test]") || line.contains("#[tokio::test"));
    // A macro turns the contract suite into tests, once for every store.
    is_test || file.starts_with("src/adapters/outbound/contract_tests/")
}

#[test]
fn every_attack_has_its_row_with_tests_that_exist_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = include_str!("../docs/threats.md");
    for (file, name) in text.lines().flat_map(tests) {
        let source = fs::read_to_string(root.join(file));
        let source = source.unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(has_test(file, &source, name), "{file} has no test {name}");
    }
    let mut rows = Vec::new();
    for (number, what) in text.lines().filter_map(row) {
        rows.push(number);
        assert!(what.len() > 20, "{number} says nothing");
    }
    let numbers: Vec<_> = (1..=rows.len()).collect();
    assert!(rows.len() > 100 && rows == numbers, "a row is missing");
}

#[test]
fn every_case_of_the_contract_suite_is_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let suite = include_str!("../src/adapters/outbound/contract_tests/mod.rs");
    let run: BTreeSet<_> = suite
        .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .collect();
    let named = tests(include_str!("../docs/threats.md"));
    for (file, name) in named.filter(|(file, _)| file.contains("outbound/contract_tests/")) {
        assert!(root.join(file).exists());
        assert!(run.contains(name), "{name} is not run");
    }
}

#[test]
fn this_test_can_fail() {
    let source = "#[test]\nfn there() {}\n\nfn helper() {}\n";
    assert!(has_test("tests/x.rs", source, "there"));
    assert!(!has_test("tests/x.rs", source, "helper"));
    assert!(!has_test("tests/x.rs", source, "gone"));
    assert_eq!(row("| 7 | an attack | a reason |"), Some((7, "a reason")));
    assert_eq!(row("| | attack | tests, or why there is none |"), None);
    assert_eq!(
        tests("`a.rs::b`, `c` and `d.rs::e`").collect::<Vec<_>>(),
        [("a.rs", "b"), ("d.rs", "e")]
    );
}
