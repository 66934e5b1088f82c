//! The golden messages are as `docs/asyncapi.yaml` describes them, and each message that it
//! describes is among them, with all its members.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::golden_error_tests::errors;
use super::golden_request_tests::REQUESTS;
use super::golden_tests::messages;
use super::read_command::read_command;
use document::{Document, Sender, document, members_in, members_of, strict_document};

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "../../../../../tests/asyncapi/document.rs"]
mod document;

fn read(message: &str) -> Value {
    serde_json::from_str(message).expect("JSON")
}

/// What is wrong with a request, if anything is, by the command that it is read as.
fn fault(command: &str) -> Option<&str> {
    let at = command.find("BadParameters(")?;
    Some(&command[at..])
}

/// Asserts that each of these messages is described, that each described message of `sender` is
/// there, and that each of its members is there in one of them.
fn compare<'m>(document: &Document, sender: Sender, golden: impl Iterator<Item = &'m str>) {
    let mut members: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut count = 0;
    for message in golden {
        let message = read(message);
        let found = document.identify(sender, &message);
        let found = found.unwrap_or_else(|error| panic!("not as described: {error}"));
        let mut there = Vec::new();
        members_in(&message, "", &mut there);
        members.entry(&found.name).or_default().extend(there);
        count += 1;
    }
    println!(
        "{sender:?}: {count} golden messages of {} kinds",
        members.len()
    );
    for message in &document.messages {
        if message.sender == sender {
            let golden = members.get(message.name.as_str());
            let golden =
                golden.unwrap_or_else(|| panic!("no golden message is `{}`", message.name));
            let mut described = Vec::new();
            members_of(document, &message.object["payload"], "", &mut described);
            for (member, _) in described {
                // Any request may have a `ref`, and none differs for it.
                let is_there =
                    golden.contains(&member) || sender == Sender::Client && member == "ref";
                assert!(is_there, "no golden `{}` has `{member}`", message.name);
            }
        }
    }
}

#[test]
fn every_golden_message_of_the_server_is_described_and_the_reverse() {
    let (messages, errors) = (messages(), errors());
    let golden = messages.iter().chain(&errors).map(String::as_str);
    compare(document(), Sender::Server, golden);
}

#[test]
fn every_golden_request_is_described_and_the_reverse() {
    let accepted = REQUESTS
        .iter()
        .filter(|(_, command)| fault(command).is_none());
    let golden = accepted.map(|(request, _)| *request);
    compare(strict_document(), Sender::Client, golden);
}

#[test]
fn a_request_that_the_server_refuses_for_its_parameters_is_not_as_described() {
    let mut count = 0;
    for (request, command) in REQUESTS {
        if let Some(fault) = fault(command) {
            let found = document().identify(Sender::Client, &read(request));
            assert!(found.is_err(), "{request} is described, but {fault}");
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn the_server_reads_every_example_of_a_request() {
    for message in &document().messages {
        if message.sender == Sender::Client {
            for example in message.examples() {
                let (command, _) = read_command(example.to_string().as_bytes(), false);
                assert_eq!(fault(&format!("{command:?}")), None, "{example}");
            }
        }
    }
}
