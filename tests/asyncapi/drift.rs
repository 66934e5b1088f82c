//! A message that has drifted away from the document does not pass, whichever of the document's
//! messages it was.

use serde_json::{Value, json};

use crate::document::{Message, Sender, document};

/// How often something was changed and the change was noticed.
#[derive(Default)]
struct Noticed(usize);

impl Noticed {
    /// Asserts that `changed`, once a `message`, no longer is one. (It may be another: the notice
    /// that nobody applies a pull request becomes, without its data, the error that answers the
    /// same.)
    fn expect(&mut self, message: &Message, changed: &Value, what: &str) {
        let found = document().identify(message.sender, changed);
        let is_noticed = found.map_or(true, |found| found.name != message.name);
        let name = &message.name;
        assert!(is_noticed, "{what} is not noticed in `{name}`: {changed}");
        self.0 += 1;
    }
}

fn examples(sender: Sender) -> impl Iterator<Item = (&'static Message, &'static Value)> {
    let messages = document().messages.iter();
    messages
        .filter(move |message| message.sender == sender)
        .flat_map(|message| message.examples().map(move |example| (message, example)))
}

/// The place of each object in a message, as JSON pointers.
fn objects(message: &Value, at: &str, found: &mut Vec<String>) {
    match message {
        Value::Object(members) => {
            found.push(at.to_owned());
            for (name, value) in members {
                objects(value, &format!("{at}/{}", name.replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{number}"), found);
            }
        }
        _ => {}
    }
}

fn changed(message: &Value, place: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut changed = message.clone();
    change(changed.pointer_mut(place).expect("a place in the message"));
    changed
}

#[test]
fn what_the_server_sends_has_no_member_that_is_not_described() {
    let mut noticed = Noticed::default();
    for (message, example) in examples(Sender::Server) {
        let mut places = Vec::new();
        objects(example, "", &mut places);
        for place in places {
            let more = changed(example, &place, |object| object["more"] = json!(1));
            noticed.expect(message, &more, &format!("another member of `{place}`"));
        }
    }
    assert!(noticed.0 > 60, "only {} changes", noticed.0);
}

#[test]
fn a_request_may_have_members_that_are_not_described() {
    for (message, example) in examples(Sender::Client) {
        let more = changed(example, "", |object| object["more"] = json!(1));
        let found = document().identify(Sender::Client, &more);
        assert_eq!(found.map(|found| &found.name), Ok(&message.name));
    }
}

/// The members that a schema requires, with the place of their object in the message.
fn required(schema: &Value, place: &str, found: &mut Vec<(String, String)>) {
    let schema = document().resolve(schema);
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name");
        found.push((place.to_owned(), name.to_owned()));
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        required(member, &format!("{place}/{name}"), found);
    }
}

#[test]
fn a_member_that_must_be_there_is_missed() {
    let mut noticed = Noticed::default();
    for sender in [Sender::Client, Sender::Server] {
        for (message, example) in examples(sender) {
            let mut members = Vec::new();
            required(&message.object["payload"], "", &mut members);
            for (place, name) in members {
                if example.pointer(&format!("{place}/{name}")).is_none() {
                    continue;
                }
                let less = changed(example, &place, |object| {
                    object.as_object_mut().expect("an object").remove(&name);
                });
                noticed.expect(message, &less, &format!("the lack of `{place}/{name}`"));
            }
        }
    }
    assert!(noticed.0 > 300, "only {} changes", noticed.0);
}

#[test]
fn a_member_of_another_type_is_noticed() {
    let mut noticed = Noticed::default();
    for sender in [Sender::Client, Sender::Server] {
        for (message, example) in examples(sender) {
            let mut places = Vec::new();
            objects(example, "", &mut places);
            for place in places {
                let object = example.pointer(&place).expect("an object");
                for name in object.as_object().expect("an object").keys() {
                    // Nothing in the protocol is a fraction.
                    let other = changed(example, &place, |object| object[name] = json!(0.5));
                    noticed.expect(
                        message,
                        &other,
                        &format!("another type of `{place}/{name}`"),
                    );
                }
            }
        }
    }
    assert!(noticed.0 > 400, "only {} changes", noticed.0);
}

#[test]
fn an_unknown_type_and_an_unknown_subtype_are_noticed() {
    let mut noticed = Noticed::default();
    for sender in [Sender::Client, Sender::Server] {
        for (message, example) in examples(sender) {
            for member in ["type", "subtype"] {
                if example.get(member).is_some() {
                    let other = changed(example, "", |object| object[member] = json!("other"));
                    let found = document().identify(sender, &other);
                    assert!(
                        found.is_err(),
                        "another {member} than that of `{}`",
                        message.name
                    );
                    noticed.0 += 1;
                }
            }
        }
    }
    assert!(noticed.0 > 90, "only {} changes", noticed.0);
}
