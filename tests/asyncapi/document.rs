//! `docs/asyncapi.yaml`: the messages that it describes, and which of them a message is. The golden
//! tests, the tests over real sockets and the tests of the document itself share this.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

const TEXT: &str = include_str!("../../docs/asyncapi.yaml");

/// Who sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    Client,
    Server,
}

/// The whole document.
pub struct Document {
    /// As it is written.
    pub tree: Value,
    /// In the order of their names.
    pub messages: Vec<Message>,
}

/// A message that the document describes.
pub struct Message {
    /// Its key in the document.
    pub name: String,
    pub sender: Sender,
    /// Its description: a Message Object of `AsyncAPI`.
    pub object: Value,
    validator: Validator,
}

/// The document, read once.
pub fn document() -> &'static Document {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::new(tree()));
    &DOCUMENT
}

/// The document with requests that have no members but those described. The contract lets them have
/// others, but then a test would not notice a member that nobody has described.
pub fn strict_document() -> &'static Document {
    static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
        let mut tree = tree();
        close(&mut tree);
        Document::new(tree)
    });
    &DOCUMENT
}

fn tree() -> Value {
    serde_saphyr::from_str(TEXT).expect("docs/asyncapi.yaml is YAML")
}

/// Forbids other members wherever a schema lists members.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) {
                members
                    .entry("additionalProperties")
                    .or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

impl Document {
    fn new(tree: Value) -> Self {
        let described = &tree["channels"]["connection"]["messages"];
        let described = described.as_object().expect("messages");
        let message = |(name, object): (&String, &Value)| {
            let mut schema = object["payload"].clone();
            schema["components"] = tree["components"].clone();
            let validator = jsonschema::draft7::new(&schema);
            Message {
                name: name.clone(),
                sender: match object["payload"]["properties"]["code"] {
                    Value::Null => Sender::Client,
                    _ => Sender::Server,
                },
                object: object.clone(),
                validator: validator.unwrap_or_else(|error| panic!("{name}: {error}")),
            }
        };
        let messages = described.iter().map(message).collect();
        Self { tree, messages }
    }

    /// Which message this is.
    ///
    /// # Errors
    /// What is wrong with it: the document knows no such message, or describes it otherwise.
    pub fn identify(&self, sender: Sender, message: &Value) -> Result<&Message, String> {
        let mut found = Vec::new();
        let mut faults = Vec::new();
        for candidate in &self.messages {
            if candidate.sender != sender || !candidate.has_type_of(message) {
                continue;
            }
            let errors = candidate.faults(message);
            if errors.is_empty() {
                found.push(candidate);
            } else {
                faults.push(format!("no `{}`: {}", candidate.name, errors.join("; ")));
            }
        }
        let shown = message.to_string();
        match found.as_slice() {
            [message] => Ok(message),
            [] if faults.is_empty() => Err(format!("of no known type: {shown:.400}")),
            [] => Err(format!("{}: {shown:.400}", faults.join("\n"))),
            [one, other, ..] => Err(format!("both `{}` and `{}`: {shown}", one.name, other.name)),
        }
    }

    /// The message of that name.
    pub fn message(&self, name: &str) -> &Message {
        let found = self.messages.iter().find(|message| message.name == name);
        found.unwrap_or_else(|| panic!("docs/asyncapi.yaml describes no message {name}"))
    }

    /// The names of the messages that may answer a request; `None` if the server knows no such
    /// request.
    pub fn answers(&self, request: &Value) -> Option<Vec<&str>> {
        let is_request = |message: &&Message| message.sender == Sender::Client;
        let mut requests = self.messages.iter().filter(is_request);
        let request = requests.find(|known| known.has_type_of(request))?;
        let operation = &self.tree["operations"][&request.name];
        Some(names_of(&operation["reply"]["messages"]))
    }

    /// A schema with its reference replaced by what it refers to, under the schema's own
    /// description.
    pub fn resolve(&self, schema: &Value) -> Value {
        let Some(target) = reference(schema) else {
            return schema.clone();
        };
        let mut resolved = self.at(target).clone();
        if let Some(description) = schema.get("description") {
            resolved["description"] = description.clone();
        }
        resolved
    }

    /// What a reference refers to.
    pub fn at(&self, reference: &str) -> &Value {
        let found = self.tree.pointer(reference.trim_start_matches('#'));
        found.unwrap_or_else(|| panic!("{reference} refers to nothing"))
    }
}

impl Message {
    /// Whether `message` has the type, and the subtype if there is one, that this message has.
    pub fn has_type_of(&self, message: &Value) -> bool {
        let members = &self.object["payload"]["properties"];
        ["type", "subtype"].iter().all(|member| {
            let constant = &members[member]["const"];
            constant.is_null() || message[member] == *constant
        })
    }

    /// Whether it never answers a request: it has no `ref`.
    pub fn is_unasked(&self) -> bool {
        self.object["payload"]["properties"]["ref"].is_null()
    }

    /// How `message` differs from this one.
    pub fn faults(&self, message: &Value) -> Vec<String> {
        let errors = self.validator.iter_errors(message);
        errors
            .map(|error| format!("at `{}` {error:.300}", error.instance_path()))
            .collect()
    }

    pub fn examples(&self) -> impl Iterator<Item = &Value> {
        let examples = self.object["examples"].as_array().into_iter().flatten();
        examples.map(|example| &example["payload"])
    }
}

/// What a schema refers to, alone or beside a description of its own.
pub fn reference(schema: &Value) -> Option<&str> {
    let alone = schema["$ref"].as_str();
    alone.or_else(|| schema["allOf"][0]["$ref"].as_str())
}

/// The names of messages in a list of references to them.
pub fn names_of(references: &Value) -> Vec<&str> {
    let references = references.as_array().into_iter().flatten();
    references
        .filter_map(|reference| reference["$ref"].as_str()?.rsplit('/').next())
        .collect()
}

/// Each member of each object in a message, as `data.files[].name`.
pub fn members_in(message: &Value, prefix: &str, found: &mut Vec<String>) {
    match message {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{prefix}{name}");
                members_in(value, &format!("{path}."), found);
                found.push(path);
            }
        }
        Value::Array(items) => {
            let prefix = format!("{}[].", prefix.trim_end_matches('.'));
            for item in items {
                members_in(item, &prefix, found);
            }
        }
        _ => {}
    }
}

/// Each member that a schema describes, in the same form, with its schema.
pub fn members_of(
    document: &Document,
    schema: &Value,
    prefix: &str,
    found: &mut Vec<(String, Value)>,
) {
    let schema = document.resolve(schema);
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        members_of(document, member, &format!("{path}."), found);
        found.push((path, member.clone()));
    }
    if schema["items"].is_object() {
        let prefix = format!("{}[].", prefix.trim_end_matches('.'));
        members_of(document, &schema["items"], &prefix, found);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        members_of(document, choice, prefix, found);
    }
}
