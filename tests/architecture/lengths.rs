//! A file is read in one go: it has at most 350 lines before its tests.

use std::collections::BTreeMap;
use std::path::Path;

use crate::graph::Graph;

const MOST_LINES: usize = 350;

/// The folders whose files are counted.
const ROOTS: &[&str] = &["src"];

/// Files that are longer, and why.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "src/adapters/delivery/send_queue/queue.rs",
    "one state under one lock: whoever changes one method has to see the others",
)];

#[test]
fn no_file_is_too_long_to_read_but_those_with_a_reason() {
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
    let known: Vec<_> = EXCEPTIONS.iter().map(|(file, _)| *file).collect();
    let found: Vec<_> = longer.keys().map(String::as_str).collect();
    assert_eq!(
        found, known,
        "longer than {MOST_LINES} lines before their tests: {longer:?}"
    );
}
