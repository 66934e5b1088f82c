//! A file is short enough to read in one go: it has at most 350 lines before its tests. Comments
//! and prose are at most 100 columns wide, and no page has the marks of a merge conflict.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::graph::Graph;

const MOST_LINES: usize = 350;

/// The folders whose files are counted.
const ROOTS: &[&str] = &[
    "src",
    "clients/twicecast/src",
    "clients/twicecast-client/src",
];

/// The program's own file is what people read first: it says which adapters there are, not how they
/// work.
const MOST_LINES_OF_MAIN: usize = 60;

#[test]
fn the_program_is_a_list_of_choices() {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs");
    let lines = fs::read_to_string(main).expect("readable").lines().count();
    assert!(lines <= MOST_LINES_OF_MAIN, "src/main.rs has {lines} lines");
}

/// All pages but the one that is made from `docs/asyncapi.yaml`, with what is in them.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = files_below(&root.join("docs"), "md");
    let more = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "README.md",
        "clients/twicecast/README.md",
        "clients/twicecast-client/README.md",
        "clients/viewer/README.md",
    ];
    let all = all.into_iter().chain(more.map(|page| root.join(page)));
    let written = all.filter(|page| !page.ends_with("docs/messages.md"));
    let read = |page: PathBuf| {
        let text = fs::read_to_string(&page).expect("readable");
        (page, text)
    };
    written.map(read).collect()
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("is there") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|its| its == extension) {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn no_page_has_the_marks_of_a_conflict() {
    let is_mark = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    for (page, text) in pages() {
        assert!(!text.lines().any(is_mark), "{}", page.display());
    }
}

/// The lines of a page that are prose: no code, no table, no comment, and no long piece of code at
/// the start of a line, which cannot be broken.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    page.lines().filter(move |line| {
        let line = line.trim_start();
        is_code ^= line.starts_with("```");
        !is_code
            && !["|", "<!--", "`"]
                .iter()
                .any(|start| line.starts_with(start))
    })
}

#[test]
fn comments_and_prose_are_at_most_a_hundred_columns_wide() {
    let is_long = |line: &&str| line.chars().count() > 100;
    let mut long = Vec::new();
    for (page, text) in pages() {
        let lines = prose(&text).filter(is_long);
        long.extend(lines.map(|line| format!("{}: {line}", page.display())));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "clients", "tests", "benches"] {
        for file in files_below(&root.join(folder), "rs") {
            let text = fs::read_to_string(&file).expect("readable");
            let comments = text
                .lines()
                .filter(|line| line.trim_start().starts_with("//"));
            let lines = comments.filter(is_long);
            long.extend(lines.map(|line| format!("{}: {line}", file.display())));
        }
    }
    assert!(long.is_empty(), "too wide:\n{}", long.join("\n"));
}

#[test]
fn no_file_is_too_long_to_read() {
    let mut longer = BTreeMap::new();
    for root in ROOTS {
        let graph = Graph::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root));
        assert!(!graph.files.is_empty(), "{root} has no sources");
        for (file, lines) in graph.files {
            if lines > MOST_LINES {
                longer.insert(format!("{root}/{}", file.display()), lines);
            }
        }
    }
    assert!(
        longer.is_empty(),
        "longer than {MOST_LINES} lines before their tests: {longer:?}"
    );
}
