//! The module tree of one crate, and where a path in it leads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::code::Token;

/// A module, in a file of its own or inside one.
pub struct Module {
    pub file: PathBuf,
    /// Where the files of its modules lie.
    pub folder: PathBuf,
    pub parent: Option<usize>,
    pub children: BTreeMap<String, usize>,
    /// The paths to which a `use` in this module gives a name.
    pub imported: BTreeMap<String, Vec<String>>,
    pub has_globs: bool,
    pub paths: Vec<Vec<Token>>,
}

/// The modules of one crate; the first is its root.
#[derive(Default)]
pub struct ModuleTree {
    pub modules: Vec<Module>,
    /// How many lines each file has before its tests.
    pub lengths: BTreeMap<PathBuf, usize>,
    pub unread: Vec<String>,
}

impl ModuleTree {
    pub fn add(&mut self, parent: Option<usize>, file: &Path, folder: PathBuf) -> usize {
        self.modules.push(Module {
            file: file.to_owned(),
            folder,
            parent,
            children: BTreeMap::new(),
            imported: BTreeMap::new(),
            has_globs: false,
            paths: Vec::new(),
        });
        self.modules.len() - 1
    }

    /// The module that `path` reaches from `module`, and what is left of the path there. `None`
    /// if it leads out of the crate or to something that the module itself defines.
    pub fn resolve<'p>(&self, module: usize, path: &'p [String]) -> Option<(usize, &'p [String])> {
        self.resolve_within(module, path, 8)
    }

    fn resolve_within<'p>(
        &self,
        module: usize,
        path: &'p [String],
        renames: usize,
    ) -> Option<(usize, &'p [String])> {
        let (first, mut rest) = path.split_first()?;
        let mut at = match first.as_str() {
            "crate" => 0,
            "self" => module,
            "super" => self.modules[module].parent?,
            name => match self.modules[module].children.get(name) {
                Some(child) => *child,
                None => self.imported_module(module, name, renames.checked_sub(1)?)?,
            },
        };
        while let Some((segment, after)) = rest.split_first() {
            at = match segment.as_str() {
                "super" => self.modules[at].parent?,
                name => match self.modules[at].children.get(name) {
                    Some(child) => *child,
                    None => break,
                },
            };
            rest = after;
        }
        Some((at, rest))
    }

    /// The module that a `use` in `module` calls `name`.
    fn imported_module(&self, module: usize, name: &str, renames: usize) -> Option<usize> {
        let path = self.modules[module].imported.get(name)?;
        let (target, rest) = self.resolve_within(module, path, renames)?;
        rest.is_empty().then_some(target)
    }

    /// Whether `module` passes `name` on by a `use` in it.
    pub fn re_exports(&self, module: usize, name: &str) -> bool {
        let module = &self.modules[module];
        match name {
            "*" => module.has_globs || !module.imported.is_empty(),
            _ => module.imported.contains_key(name),
        }
    }

    pub fn is_above(&self, above: usize, below: usize) -> bool {
        std::iter::successors(Some(below), |at| self.modules[*at].parent).any(|at| at == above)
    }
}
