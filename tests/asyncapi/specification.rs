//! The document as a whole.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::{Sender, document, members_of, names_of};

/// The schema of `AsyncAPI` 3.1.0 documents (see `specification.NOTICE`).
const SPECIFICATION: &str = include_str!("specification-3.1.0.json");

#[test]
fn the_document_is_what_asyncapi_allows() {
    let specification: Value = serde_json::from_str(SPECIFICATION).expect("JSON");
    assert_eq!(document().tree["asyncapi"], "3.1.0");
    let validator = jsonschema::draft7::new(&specification).expect("a schema");
    let errors = validator.iter_errors(&document().tree);
    let errors: Vec<_> = errors
        .map(|error| format!("at `{}` {error:.300}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let mut spoilt = document().tree.clone();
    spoilt["operations"]["chat"]["action"] = "shout".into();
    assert!(!validator.is_valid(&spoilt));
}

#[test]
fn it_has_the_version_of_the_server() {
    assert_eq!(
        document().tree["info"]["version"],
        env!("CARGO_PKG_VERSION")
    );
}

fn references<'t>(tree: &'t Value, found: &mut BTreeSet<&'t str>) {
    match tree {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let mut found = BTreeSet::new();
    references(&document().tree, &mut found);
    for reference in &found {
        document().at(reference);
    }
    let schemas = document().tree["components"]["schemas"].as_object();
    for name in schemas.expect("schemas").keys() {
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(reference.as_str()), "nobody uses {name}");
    }
}

#[test]
fn each_message_has_the_name_of_its_type_and_an_example_that_it_describes() {
    for message in &document().messages {
        let members = &message.object["payload"]["properties"];
        let kind = members["type"]["const"].as_str().expect("a type");
        let name = match (message.sender, members["subtype"]["const"].as_str()) {
            (Sender::Client, Some(subtype)) => format!("{kind}.{subtype}"),
            (Sender::Client, None) => kind.to_owned(),
            // A second message of the same type has a word of its own after the dot.
            (Sender::Server, _) => match message.name.split_once('.') {
                Some((_, word)) => format!("{kind}.{word}"),
                None => kind.to_owned(),
            },
        };
        assert_eq!(message.name, name);
        assert!(message.examples().count() > 0, "{name} has no example");
        for example in message.examples() {
            let found = document().identify(message.sender, example);
            let found = found.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(found.name, name);
        }
    }
}

#[test]
fn each_request_has_an_operation_and_each_other_message_answers_one_or_is_sent_unasked() {
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, operation) in document().tree["operations"]
        .as_object()
        .expect("operations")
    {
        let messages = names_of(&operation["messages"]);
        let (messages, sent) = match operation["action"].as_str() {
            Some("receive") => {
                assert_eq!(messages, [name.as_str()]);
                assert_eq!(document().message(name).sender, Sender::Client);
                *said.entry(messages[0]).or_default() += 1;
                (names_of(&operation["reply"]["messages"]), name.as_str())
            }
            _ => (messages, "nothing"),
        };
        assert!(!messages.is_empty(), "{name}");
        for message in messages {
            let answer = document().message(message);
            assert_eq!(answer.sender, Sender::Server, "{message} answers {sent}");
            // A message that answers a request repeats its `ref`; an unasked one has none. Two
            // errors can be either.
            let may_be_unasked =
                answer.is_unasked() || answer.object["tags"][0]["name"] == "Errors";
            let is_right = match sent {
                "nothing" => may_be_unasked,
                _ => !answer.is_unasked(),
            };
            assert!(is_right, "{message} and {sent}");
            *said.entry(answer.name.as_str()).or_default() += 1;
        }
    }
    for message in &document().messages {
        let times = said.get(message.name.as_str()).copied().unwrap_or_default();
        let is_right = match message.sender {
            Sender::Client => times == 1,
            Sender::Server => times >= 1,
        };
        assert!(is_right, "{} is in {times} operations", message.name);
    }
}

#[test]
fn each_message_belongs_to_a_chapter_and_each_member_has_a_meaning() {
    let chapters = document().tree["info"]["tags"].as_array().expect("tags");
    for message in &document().messages {
        let chapter = &message.object["tags"][0]["name"];
        let is_known = chapters.iter().any(|known| known["name"] == *chapter);
        assert!(is_known, "{} is in no chapter", message.name);
        let mut members = Vec::new();
        members_of(document(), &message.object["payload"], "", &mut members);
        for (path, schema) in members {
            let is_envelope = ["code", "type", "subtype", "data"].contains(&path.as_str());
            let meaning = document().resolve(&schema)["description"].clone();
            assert!(
                is_envelope || meaning.is_string(),
                "{}: {path}",
                message.name
            );
        }
    }
}

#[test]
fn a_limit_is_a_key_of_the_configuration() {
    fn limits(tree: &Value, found: &mut BTreeSet<String>) {
        match tree {
            Value::Object(members) => {
                let limit = members.get("x-limit").and_then(Value::as_str);
                found.extend(limit.map(str::to_owned));
                members.values().for_each(|value| limits(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| limits(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    limits(&document().tree, &mut found);
    assert!(!found.is_empty());
    let keys = include_str!("../../docs/configuration.md");
    for key in found {
        assert!(keys.contains(&format!("| `{key}` |")), "{key} is no key");
    }
}
