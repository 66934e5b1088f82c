//! Every input in `fuzz/corpus` does what the fuzz targets ask for. Looking for more is
//! `scripts/fuzz`; this only keeps what was once found from coming back.

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// Tries each file of the target's corpus, by name, so that a failure says which it was.
fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(folder.join(name))
        .expect("there is a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "{name} has hardly a corpus");
    for file in files {
        println!("{}", file.display());
        target(&fs::read(&file).expect("readable"));
    }
}

#[test]
fn every_message_of_the_corpus_is_read_and_refused_as_the_contract_says() {
    replay("message", targets::message);
}

#[test]
fn every_name_of_the_corpus_is_refused_or_in_normal_form() {
    replay("names", targets::names);
}

#[test]
fn every_upload_of_the_corpus_is_whole_exactly_when_all_its_parts_are_there() {
    replay("upload", targets::upload);
}

#[test]
fn every_token_of_the_corpus_is_believed_only_if_it_is_signed_and_well_typed() {
    replay("token", targets::token);
}
