//! `docs/messages.md`, which shows the document to people. After a change of the document,
//! `cargo test --test asyncapi write_the_page -- --ignored` writes it anew.

use std::fmt::Write as _;

use serde_json::Value;

use crate::document::{Message, Sender, document, names_of, reference};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/messages.md");

#[test]
fn the_page_is_up_to_date() {
    let kept = std::fs::read_to_string(PAGE).expect("docs/messages.md");
    assert!(
        kept == page(),
        "docs/messages.md is not up to date; \
         `cargo test --test asyncapi write_the_page -- --ignored` writes it anew"
    );
}

#[test]
fn each_heading_has_an_anchor_of_its_own_and_each_link_leads_to_one() {
    let page = page();
    let headings = page.lines().filter_map(|line| line.strip_prefix('#'));
    let mut anchors: Vec<_> = headings
        .map(|heading| format!("(#{})", anchor(heading.trim_start_matches('#').trim())))
        .collect();
    anchors.sort_unstable();
    let all = anchors.len();
    anchors.dedup();
    assert_eq!(anchors.len(), all);
    for link in page.split("](#").skip(1) {
        let (link, _) = link.split_once(')').expect("a whole link");
        assert!(
            anchors.contains(&format!("(#{link})")),
            "{link} leads nowhere"
        );
    }
}

#[test]
#[ignore = "writes docs/messages.md anew"]
fn write_the_page() {
    std::fs::write(PAGE, page()).expect("docs/messages.md is written");
}

fn page() -> String {
    let tree = &document().tree;
    let mut page = String::from(
        "<!-- Made from asyncapi.yaml; CONTRIBUTING.md says how to make it anew. -->\n\n# The messages\n\n",
    );
    let intro = text(&tree["info"]["description"]);
    let _ = writeln!(
        page,
        "{}\n",
        intro.replace("(docs/protocol.md)", "([protocol.md](protocol.md))")
    );
    let _ = writeln!(
        page,
        "This page is made from [asyncapi.yaml](asyncapi.yaml), an AsyncAPI {} document, which other programs can read.\n",
        text(&tree["asyncapi"])
    );
    let chapters = list(&tree["info"]["tags"]);
    for chapter in chapters {
        let name = text(&chapter["name"]);
        let (anchor, names) = (anchor(name), shown_names(&messages_of(chapter)));
        let _ = writeln!(page, "- [{name}](#{anchor}): {names}");
    }
    page.push_str("- [Types](#types)\n");
    for chapter in chapters {
        let name = text(&chapter["name"]);
        let _ = writeln!(page, "\n## {name}\n\n{}", text(&chapter["description"]));
        for message in messages_of(chapter) {
            show_message(&mut page, message);
        }
    }
    page.push_str("\n## Types\n\nWhat several messages share.\n");
    let schemas = tree["components"]["schemas"].as_object().expect("schemas");
    for (name, schema) in schemas {
        let _ = writeln!(page, "\n### Type {name}\n\n{}", sentence(schema));
        let bounds = bounds(schema);
        if schema["properties"].is_object() {
            show_members(&mut page, "", schema);
        } else if bounds.is_empty() {
            let _ = writeln!(page, "\nType: {}.", kind(schema));
        } else {
            let _ = writeln!(page, "\nType: {}; {bounds}.", kind(schema));
        }
    }
    page
}

/// The messages of a chapter: the requests, then what the server sends.
fn messages_of(chapter: &Value) -> Vec<&'static Message> {
    let messages = document().messages.iter();
    let mut messages: Vec<_> = messages
        .filter(|message| message.object["tags"][0]["name"] == chapter["name"])
        .collect();
    messages.sort_by_key(|message| message.sender == Sender::Server);
    messages
}

fn show_message(page: &mut String, message: &Message) {
    let object = &message.object;
    let _ = writeln!(page, "\n### {}\n", heading(message));
    let (direction, summary) = (direction(message), text(&object["summary"]));
    match object["payload"]["properties"]["code"]["const"].as_u64() {
        None | Some(200) => writeln!(page, "*{direction}.* {summary}"),
        Some(code) => writeln!(page, "*{direction}, with the code {code}.* {summary}"),
    }
    .expect("a text takes everything");
    if let Some(description) = object["description"].as_str() {
        let _ = writeln!(page, "{}", description.trim());
    }
    if message.sender == Sender::Client {
        let operation = &document().tree["operations"][&message.name];
        let answers = names_of(&operation["reply"]["messages"]);
        let answers = answers.iter().map(|name| document().message(name));
        let _ = writeln!(
            page,
            "\nAnswers: {}.",
            shown_names(&answers.collect::<Vec<_>>())
        );
    }
    let payload = &object["payload"];
    let data = &payload["properties"]["data"];
    if data["const"].is_string() {
        let _ = writeln!(page, "\n`data` is `{}`.", data["const"]);
    } else if let Some(name) = type_name(data) {
        let _ = writeln!(page, "\n`data` is a {}.", link_to_type(name));
    } else if data["properties"].is_object() {
        show_members(page, " of `data`", data);
    } else if data.is_object() {
        let _ = writeln!(
            page,
            "\n`data` is {}. {}",
            article(&kind(data)),
            sentence(data)
        );
    }
    let envelope = ["code", "type", "subtype", "data", "ref"];
    let beside: Vec<_> = member_names(payload)
        .into_iter()
        .filter(|name| !envelope.contains(name))
        .collect();
    if !beside.is_empty() {
        show_table(page, " of the message", payload, &beside);
    }
    page.push_str("\n```json\n");
    for example in message.examples() {
        let _ = writeln!(page, "{}", in_order(example, payload));
    }
    page.push_str("```\n");
}

/// What people read as a message's name; no two headings get the same anchor.
fn heading(message: &Message) -> String {
    match message.name.split_once('.') {
        Some((kind, subtype)) if message.sender == Sender::Client => {
            format!("`{kind}` `{subtype}`")
        }
        Some((kind, word)) => format!("`{kind}` ({word})"),
        None => format!("`{}`", message.name),
    }
}

fn direction(message: &Message) -> &'static str {
    match message.sender {
        Sender::Client => "Client to server",
        Sender::Server if message.is_unasked() => "Server to client, unasked",
        Sender::Server => "Server to client, in answer",
    }
}

fn shown_names(messages: &[&Message]) -> String {
    let names = messages.iter().map(|message| {
        let heading = heading(message);
        format!("[{heading}](#{})", anchor(&heading))
    });
    names.collect::<Vec<_>>().join(", ")
}

/// The anchor that Markdown's renderers give a heading.
fn anchor(heading: &str) -> String {
    let letters = heading.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        letter if letter.is_alphanumeric() || letter == '-' || letter == '_' => {
            Some(letter.to_ascii_lowercase())
        }
        _ => None,
    });
    letters.collect()
}

/// The members that a schema lists: those that must be there, in their order, then the others.
fn member_names(schema: &Value) -> Vec<&str> {
    let mut names: Vec<_> = list(&schema["required"]).iter().map(text).collect();
    let members = schema["properties"].as_object().into_iter().flatten();
    for (name, _) in members {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// The members of an object as a table; `whose` follows the word `member` in its head.
fn show_members(page: &mut String, whose: &str, schema: &Value) {
    show_table(page, whose, schema, &member_names(schema));
}

fn show_table(page: &mut String, whose: &str, schema: &Value, names: &[&str]) {
    let _ = writeln!(
        page,
        "\n| member{whose} | type | required | bounds | meaning |"
    );
    page.push_str("|---|---|---|---|---|\n");
    show_rows(page, schema, names, "");
}

fn show_rows(page: &mut String, schema: &Value, names: &[&str], prefix: &str) {
    for name in names {
        let member = &schema["properties"][name];
        let is_required = list(&schema["required"]).iter().any(|known| known == name);
        let _ = writeln!(
            page,
            "| `{prefix}{name}` | {} | {} | {} | {} |",
            kind(member).replace('|', "\\|"),
            if is_required { "yes" } else { "no" },
            bounds(member).replace('|', "\\|"),
            meaning(member).replace('|', "\\|"),
        );
        if member["properties"].is_object() {
            show_rows(
                page,
                member,
                &member_names(member),
                &format!("{prefix}{name}."),
            );
        }
    }
}

/// The name of the type that the schema refers to.
fn type_name(schema: &Value) -> Option<&str> {
    reference(schema)?.rsplit('/').next()
}

fn link_to_type(name: &str) -> String {
    format!("[{name}](#type-{})", anchor(name))
}

fn kind(schema: &Value) -> String {
    if let Some(name) = type_name(schema) {
        return link_to_type(name);
    }
    if let Some(constant) = schema.get("const") {
        return format!("`{constant}`");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().filter(|value| !value.is_null());
        return alternatives(values.map(|value| format!("`{value}`")));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choices = choices.iter().filter(|choice| choice["type"] != "null");
        return alternatives(choices.map(kind));
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect(),
        kind => vec![text(kind)],
    };
    let types = types.into_iter().filter(|kind| *kind != "null");
    alternatives(types.map(|kind| match kind {
        "array" => format!("list of {}", self::kind(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            let values = self::kind(&schema["additionalProperties"]);
            format!(
                "object of {values} by {}",
                self::kind(&schema["propertyNames"])
            )
        }
        kind => kind.to_owned(),
    }))
}

fn alternatives(kinds: impl Iterator<Item = String>) -> String {
    kinds.collect::<Vec<_>>().join(" or ")
}

fn article(kind: &str) -> String {
    match kind.chars().next() {
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

/// The bounds of a value, as words.
fn bounds(schema: &Value) -> String {
    let mut bounds = Vec::new();
    let number = |name: &str| schema.get(name).map(Value::to_string);
    let range = |least: &str, most: &str, unit: &str| match (number(least), number(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) => Some(format!("at least {least}{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (None, None) => None,
    };
    if schema["minLength"] == 1 && schema["maxLength"].is_null() {
        bounds.push("not empty".to_owned());
    } else {
        bounds.extend(range("minLength", "maxLength", " characters"));
    }
    bounds.extend(range("minimum", "maximum", ""));
    bounds.extend(range("minItems", "maxItems", " items"));
    bounds.extend(number("multipleOf").map(|unit| format!("a multiple of {unit}")));
    if schema["uniqueItems"] == true {
        bounds.push("each once".to_owned());
    }
    if let Some(key) = schema["x-limit"].as_str() {
        bounds.push(format!("the key `{key}`"));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        bounds.push(format!("`{pattern}`"));
    }
    for choice in list(&schema["anyOf"]) {
        let inner = self::bounds(choice);
        if !inner.is_empty() {
            bounds.push(inner);
        }
    }
    bounds.join(", ")
}

/// What a member is for. Of its type's description only the beginning, because the type is
/// described in full elsewhere.
fn meaning(member: &Value) -> String {
    let resolved = document().resolve(member);
    let whole = sentence(&resolved);
    if member["$ref"].is_null() {
        return whole.to_owned();
    }
    let ends = [": ", ". "].into_iter().filter_map(|end| whole.find(end));
    match ends.min() {
        Some(end) => format!("{}.", &whole[..end]),
        None => whole.to_owned(),
    }
}

fn sentence(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default().trim()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default().trim()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// JSON with the members of objects in the order in which a schema lists them.
fn in_order(value: &Value, schema: &Value) -> String {
    let schema = match &schema["anyOf"][0] {
        Value::Null => document().resolve(schema),
        choice => document().resolve(choice),
    };
    match value {
        Value::Object(members) => {
            let mut names = member_names(&schema);
            names.extend(members.keys().map(String::as_str).filter(|name| {
                !schema["properties"]
                    .as_object()
                    .is_some_and(|known| known.contains_key(*name))
            }));
            let members = names.into_iter().filter_map(|name| {
                let value = members.get(name)?;
                let value = in_order(value, &schema["properties"][name]);
                Some(format!("{}:{value}", Value::from(name)))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| in_order(item, &schema["items"]));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        value => value.to_string(),
    }
}
