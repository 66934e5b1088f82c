//! Rust sources as tokens, with every `use` written out as whole paths.

use std::str::FromStr;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::{ItemUse, UseTree};

/// A token, and the line it is on, counted from 1.
#[derive(Clone)]
pub struct Token {
    pub line: usize,
    pub text: String,
}

impl Token {
    fn new(line: usize, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { line, text }
    }

    /// A name or keyword, without the `r#` of a raw one.
    pub fn word(word: &Ident) -> Self {
        Self::new(line(word.span()), word.unraw().to_string())
    }
}

/// The path of one import: `use a::{b as c}` has the segments `a` and `b` and the name `c`.
pub struct ImportPath {
    pub segments: Vec<Token>,
    /// What the import is called here; `None` for `*`.
    pub name: Option<String>,
}

/// Every path that a `use` tree imports. Braces disappear, and so does a `self` at the end.
pub fn import_paths(tree: &UseTree) -> Vec<ImportPath> {
    let mut found = Vec::new();
    flatten(Vec::new(), tree, &mut found);
    found
}

fn flatten(mut prefix: Vec<Token>, tree: &UseTree, found: &mut Vec<ImportPath>) {
    let name = match tree {
        UseTree::Path(path) => {
            prefix.push(Token::word(&path.ident));
            return flatten(prefix, &path.tree, found);
        }
        UseTree::Group(group) => {
            for branch in &group.items {
                flatten(prefix.clone(), branch, found);
            }
            return;
        }
        UseTree::Glob(glob) => {
            prefix.push(Token::new(line(glob.star_token.span), "*"));
            None
        }
        UseTree::Name(name) => {
            push_name(&mut prefix, &name.ident);
            prefix.last().map(|segment| segment.text.clone())
        }
        UseTree::Rename(rename) => {
            push_name(&mut prefix, &rename.ident);
            Some(Token::word(&rename.rename).text)
        }
    };
    found.push(ImportPath {
        segments: prefix,
        name,
    });
}

/// `a::{self}` is `a`.
fn push_name(path: &mut Vec<Token>, name: &Ident) {
    if name != "self" || path.is_empty() {
        path.push(Token::word(name));
    }
}

/// The tokens of `source`. Comments are left out, literals are empty, and each `use` is replaced by
/// the paths it imports, so that braces hide nothing.
pub fn tokens(source: &str) -> Vec<Token> {
    tokens_of(TokenStream::from_str(source).expect("the source is Rust"))
}

/// The same for a stream.
pub fn tokens_of(stream: TokenStream) -> Vec<Token> {
    let mut found = Vec::new();
    expand(stream, &mut found);
    found
}

fn expand(stream: TokenStream, found: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut rest = trees.as_slice();
    while let Some((tree, after)) = rest.split_first() {
        if let Some((imported, after)) = import(rest) {
            for path in import_paths(&imported.tree) {
                for segment in path.segments {
                    let line = segment.line;
                    found.push(segment);
                    found.extend([Token::new(line, ":"), Token::new(line, ":")]);
                }
                found.truncate(found.len() - 2);
                found.push(Token::new(line(imported.semi_token.span), ";"));
            }
            rest = after;
            continue;
        }
        push(tree, found);
        rest = after;
    }
}

/// The `use` with which `trees` begin, and what comes after it.
fn import(trees: &[TokenTree]) -> Option<(ItemUse, &[TokenTree])> {
    if !matches!(trees.first(), Some(TokenTree::Ident(word)) if word == "use") {
        return None;
    }
    let is_end = |tree: &TokenTree| matches!(tree, TokenTree::Punct(mark) if mark.as_char() == ';');
    let end = trees.iter().position(is_end)? + 1;
    let item = syn::parse2(trees[..end].iter().cloned().collect()).ok()?;
    Some((item, &trees[end..]))
}

fn push(tree: &TokenTree, found: &mut Vec<Token>) {
    match tree {
        TokenTree::Group(group) => {
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::Brace => ("{", "}"),
                Delimiter::Bracket => ("[", "]"),
                Delimiter::None => ("", ""),
            };
            found.push(Token::new(line(group.span_open()), open));
            expand(group.stream(), found);
            found.push(Token::new(line(group.span_close()), close));
        }
        TokenTree::Ident(word) => found.push(Token::word(word)),
        TokenTree::Punct(mark) => found.push(Token::new(line(mark.span()), mark.as_char())),
        TokenTree::Literal(literal) => found.push(Token::new(line(literal.span()), "")),
    }
}

/// The line where `span` begins, counted from 1.
pub fn line(span: Span) -> usize {
    span.start().line
}
