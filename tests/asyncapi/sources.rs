//! The document describes what the sources know, and nothing else: the requests that are read,
//! their parameters, and the types of what is sent.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

use crate::document::{Sender, document, members_of};

const PROTOCOL: &str = "src/adapters/inbound/websocket/protocol";

/// What the sources of the protocol know, tests aside.
#[derive(Default)]
struct Found {
    /// The types and subtypes of requests: two texts beside each other in a pattern.
    requests: BTreeSet<(String, String)>,
    /// The members of the structs by which parameters are read.
    parameters: BTreeSet<String>,
    /// Texts such as `fileGet`.
    compound_words: BTreeSet<String>,
}

fn literal(pattern: &syn::Pat) -> Option<String> {
    match pattern {
        syn::Pat::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_pat_tuple(&mut self, tuple: &'ast syn::PatTuple) {
        let texts: Vec<_> = tuple.elems.iter().filter_map(literal).collect();
        if let [kind, subtype] = texts.as_slice() {
            self.requests.insert((kind.clone(), subtype.clone()));
        }
        visit::visit_pat_tuple(self, tuple);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if item.ident == "Data" || item.ident == "SectionData" {
            let names = item.fields.iter().filter_map(|field| field.ident.as_ref());
            self.parameters
                .extend(names.map(|name| camel_case(&name.to_string())));
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        let text = text.value();
        let has_letters_alone = text.chars().all(|letter| letter.is_ascii_alphabetic());
        let begins_small = text.starts_with(|letter: char| letter.is_ascii_lowercase());
        if has_letters_alone && begins_small && text.chars().any(char::is_uppercase) {
            self.compound_words.insert(text);
        }
    }

    /// Attributes give serde the names of members, which are no types.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(1);
        name + &initial.to_uppercase() + rest
    })
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_rust = path.extension().is_some_and(|ending| ending == "rs");
        if path.is_dir() {
            sources(&path, found);
        } else if is_rust && !stem.ends_with("tests") {
            found.push(path);
        }
    }
}

fn read(folder: &str) -> Found {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    sources(&root.join(folder), &mut files);
    assert!(!files.is_empty());
    let mut found = Found::default();
    for file in files {
        let source = fs::read_to_string(&file).expect("readable");
        found.visit_file(&syn::parse_file(&source).expect("Rust"));
    }
    found
}

#[test]
fn every_request_that_the_server_reads_is_described_and_no_other() {
    let read = read(PROTOCOL).requests;
    assert!(read.len() > 20, "where are requests read? found {read:?}");
    // The only request without a subtype.
    let mut read: BTreeSet<_> = read
        .into_iter()
        .map(|(kind, subtype)| format!("{kind}.{subtype}"))
        .collect();
    read.insert("authenticate".to_owned());
    let described = document().messages.iter();
    let described: BTreeSet<_> = described
        .filter(|message| message.sender == Sender::Client)
        .map(|message| message.name.clone())
        .collect();
    assert_eq!(described, read);
}

#[test]
fn every_parameter_that_the_server_reads_is_described_and_no_other() {
    let read = read(PROTOCOL).parameters;
    assert!(read.len() > 20, "where are parameters read? found {read:?}");
    let mut described = BTreeSet::new();
    for message in &document().messages {
        if message.sender == Sender::Client {
            let mut members = Vec::new();
            members_of(document(), &message.object["payload"], "", &mut members);
            let names = members
                .iter()
                .filter_map(|(path, _)| path.strip_prefix("data."));
            described.extend(names.filter_map(|name| name.rsplit('.').next().map(str::to_owned)));
        }
    }
    assert_eq!(described, read);
}

#[test]
fn every_type_that_the_server_sends_is_described() {
    let mut sent = read(&format!("{PROTOCOL}/encode")).compound_words;
    assert!(
        sent.len() > 20,
        "where are messages encoded? found {sent:?}"
    );
    // The answer to a request is named after it.
    for (kind, subtype) in read(PROTOCOL).requests {
        let kind = kind.replace("request", "_request");
        sent.insert(camel_case(&format!("{kind}_{subtype}")));
    }
    let described = document().messages.iter();
    let described: BTreeSet<_> = described
        .filter(|message| message.sender == Sender::Server)
        .filter_map(|message| message.object["payload"]["properties"]["type"]["const"].as_str())
        .collect();
    for kind in &sent {
        assert!(described.contains(kind.as_str()), "{kind} is not described");
    }
}
