//! Every input in `fuzz/corpus` passes its fuzz target. `scripts/fuzz` looks for new inputs; this
//! test only keeps old findings from coming back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

#[path = "../fuzz/src/lib.rs"]
mod targets;

/// The types and subtypes of the contract's requests.
const KINDS: &[&str] = &[
    "authenticate ",
    "chat auth",
    "chat history",
    "chat leave",
    "chat members",
    "chat message",
    "file auth",
    "file delete",
    "file get",
    "file list",
    "file post",
    "file status",
    "file unwatch",
    "file watch",
    "pullrequest auth",
    "pullrequest creation",
    "pullrequest delete",
    "pullrequest finish",
    "pullrequest get",
    "pullrequest list",
];

/// The inputs of a target.
fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(folder.join(target))
        .expect("there is a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "the corpus of {target} is too small");
    files
}

/// Tries each input of the target, and prints its name first, so that a failure shows which one it
/// was.
fn replay(name: &str, target: fn(&[u8])) {
    for file in inputs(name) {
        println!("{}", file.display());
        target(&fs::read(&file).expect("readable"));
    }
}

#[test]
fn every_input_has_a_name_that_tells_what_it_is() {
    for target in ["message", "names", "token", "upload"] {
        for file in inputs(target) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            // libFuzzer names what it finds by a hash of 40 letters.
            assert!(name.len() < 40, "{target}/{name} needs a name, or can go");
        }
    }
}

#[test]
fn there_is_an_input_for_every_kind_of_message() {
    let kinds: BTreeSet<_> = inputs("message")
        .iter()
        .filter_map(|file| serde_json::from_slice::<Value>(&fs::read(file).ok()?).ok())
        .map(|message| {
            let [kind, subtype] = [&message["type"], &message["subtype"]];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!("{} {}", text(kind), text(subtype))
        })
        .collect();
    for kind in KINDS {
        assert!(kinds.contains(*kind), "no input for {kind}");
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
