//! A file is short enough to read in one go: it has at most 350 lines before its tests. No document
//! has the marks of a merge conflict.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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

#[test]
fn no_document_has_the_marks_of_a_conflict() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("docs")];
    let mut documents = vec![root.join("CHANGELOG.md"), root.join("README.md")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("is there") {
            let path = entry.expect("readable").path();
            let is_folder = path.is_dir();
            let place = if is_folder {
                &mut folders
            } else {
                &mut documents
            };
            place.push(path);
        }
    }
    for document in documents {
        let content = fs::read(&document).expect("readable");
        let content = String::from_utf8_lossy(&content);
        let is_mark = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
        let marks = content.lines().filter(|line| is_mark(line)).count();
        assert_eq!(marks, 0, "{}", document.display());
    }
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
