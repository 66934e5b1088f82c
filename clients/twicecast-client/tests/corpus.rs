//! Runs every input in `fuzz/corpus` for the client through its fuzz target.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/src/client.rs"]
mod client;

fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let inputs = fs::read_dir(folder.join(name)).expect("there is a corpus");
    let inputs: Vec<_> = inputs.map(|it| it.expect("an entry").path()).collect();
    assert!(inputs.len() >= 10, "the corpus of {name} is too small");
    for file in inputs {
        println!("{}", file.display());
        target(&fs::read(&file).expect("readable"));
    }
}

#[test]
fn every_answer_of_the_corpus_is_understood_or_refused_and_steers_no_terminal() {
    replay("answer", client::answer);
}

#[test]
fn every_file_name_of_the_corpus_stays_inside_the_project_or_is_refused() {
    replay("file_name", client::file_name);
}
