//! Reads one source file: which modules it declares and which paths it names, tests aside.

use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

use crate::code::{self, Token};
use crate::modules::{Module, ModuleTree};

/// Reads a file as a module. A file that `owns_folder` has the files of its modules beside it; any
/// other has them in a folder of its own name.
pub fn load(tree: &mut ModuleTree, parent: Option<usize>, file: &Path, owns_folder: bool) -> usize {
    let folder = if owns_folder {
        file.parent().map(Path::to_owned).unwrap_or_default()
    } else {
        file.with_extension("")
    };
    let module = tree.add(parent, file, folder);
    match parse(file) {
        Ok((syntax, lines)) => {
            tree.lengths.insert(file.to_owned(), lines);
            Reader { tree, module }.visit_file(&syntax);
        }
        Err(error) => tree.unread.push(format!("{}: {error}", file.display())),
    }
    module
}

/// Collects what one module declares and names.
struct Reader<'t> {
    tree: &'t mut ModuleTree,
    module: usize,
}

impl Reader<'_> {
    fn here(&mut self) -> &mut Module {
        &mut self.tree.modules[self.module]
    }

    /// Notes each path in `tokens`, which are a macro's.
    fn read_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let tokens = code::tokens_of(tokens);
        let mut rest = tokens.into_iter().peekable();
        let mut path = Vec::new();
        while let Some(token) = rest.next() {
            let is_word = token
                .text
                .starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
            if is_word {
                path.push(token);
            }
            let mut colons = 0;
            while rest.next_if(|token| token.text == ":").is_some() {
                colons += 1;
            }
            if !is_word || colons != 2 {
                self.add_path(std::mem::take(&mut path));
            }
        }
        self.add_path(path);
    }

    /// Notes a path. A single name is left out: it is a module only if it is imported.
    fn add_path(&mut self, path: Vec<Token>) {
        if path.len() > 1 {
            self.here().paths.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = Token::word(&item.ident).text;
        let folder = self.here().folder.join(&name);
        let file = self.here().file.clone();
        let child = if let Some((_, items)) = &item.content {
            let child = self.tree.add(Some(self.module), &file, folder);
            let mut reader = Reader {
                tree: &mut *self.tree,
                module: child,
            };
            for item in items {
                reader.visit_item(item);
            }
            child
        } else {
            let parent = self.here().parent;
            let inside = parent.is_some_and(|parent| self.tree.modules[parent].file == file);
            let (file, owns_folder) = match path_attribute(&item.attrs) {
                Some(path) if inside => (self.here().folder.join(path), true),
                Some(path) => (file.with_file_name(path), true),
                None if folder.join("mod.rs").is_file() => (folder.join("mod.rs"), true),
                None => (folder.with_extension("rs"), false),
            };
            if is_test_file(&file) {
                return;
            }
            load(self.tree, Some(self.module), &file, owns_folder)
        };
        self.here().children.insert(name, child);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        for path in code::import_paths(&item.tree) {
            let segments = path.segments.iter().map(|token| token.text.clone());
            match path.name {
                Some(name) => {
                    let segments = segments.collect();
                    self.here().imported.insert(name, segments);
                }
                None => self.here().has_globs = true,
            }
            self.here().paths.push(path.segments);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter();
            self.add_path(
                segments
                    .map(|segment| Token::word(&segment.ident))
                    .collect(),
            );
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        self.read_tokens(invoked.tokens.clone());
        visit::visit_macro(self, invoked);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.read_tokens(list.tokens.clone());
        }
    }

    /// `pub(super)` and `pub(in crate::a)` import nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    use syn::Item;
    match item {
        Item::Const(syn::ItemConst { attrs, .. })
        | Item::Enum(syn::ItemEnum { attrs, .. })
        | Item::Fn(syn::ItemFn { attrs, .. })
        | Item::Impl(syn::ItemImpl { attrs, .. })
        | Item::Macro(syn::ItemMacro { attrs, .. })
        | Item::Mod(syn::ItemMod { attrs, .. })
        | Item::Static(syn::ItemStatic { attrs, .. })
        | Item::Struct(syn::ItemStruct { attrs, .. })
        | Item::Trait(syn::ItemTrait { attrs, .. })
        | Item::Type(syn::ItemType { attrs, .. })
        | Item::Use(syn::ItemUse { attrs, .. }) => attrs,
        _ => &[],
    }
}

/// Whether the item with these attributes is compiled for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let words = code::tokens_of(list.tokens.clone());
            let words: Vec<_> = words.iter().map(|token| token.text.as_str()).collect();
            words == ["test"] || words.starts_with(&["all", "(", "test"])
        }
        _ => false,
    })
}

/// Whether a file's name says that it holds tests.
fn is_test_file(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let folder = file.parent().and_then(Path::file_name);
    name == "tests.rs"
        || name.ends_with("_tests.rs")
        || name == "mod.rs" && folder.is_some_and(|folder| folder == "tests")
}

fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes
        .iter()
        .find_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(text),
                    ..
                }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
}

/// What a file contains, and how many lines it has before its tests.
fn parse(file: &Path) -> Result<(syn::File, usize), String> {
    let source = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let syntax = syn::parse_file(&source).map_err(|error| error.to_string())?;
    let lines = first_test_line(&syntax).map_or(source.lines().count(), |line| line - 1);
    Ok((syntax, lines))
}

/// The line where the file's own tests begin.
fn first_test_line(file: &syn::File) -> Option<usize> {
    file.items.iter().find_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_some() && is_test(&module.attrs) => {
            let attribute = module.attrs.first()?;
            Some(code::line(attribute.pound_token.span))
        }
        _ => None,
    })
}
