//! Which file imports which, found by walking the module tree of a crate.
//!
//! An import is any path, in a `use` or elsewhere, that names a module in another file or something
//! inside it; a bare `mod x;` is none. A path counts as an import of the file it names: one that
//! ends in a `mod.rs` imports that `mod.rs`, whatever it re-exports from elsewhere. Tests are left
//! out, and so is what macros put together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::modules::ModuleTree;
use crate::reader;

/// One path by which a file imports another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Import {
    pub from: PathBuf,
    pub line: usize,
    pub path: String,
    pub to: PathBuf,
    /// Whether `to` is the root of a folder or crate that holds `from`, and only re-exports what is
    /// imported.
    pub upward: bool,
}

/// The files of the crates below a folder, tests aside.
#[derive(Default)]
pub struct Graph {
    /// Each file, and how many lines it has before its tests.
    pub files: BTreeMap<PathBuf, usize>,
    pub imports: BTreeSet<Import>,
    /// Modules that are declared but missing, or are not Rust, and so were left out.
    pub unread: Vec<String>,
}

impl Graph {
    /// Reads the crates whose roots (`lib.rs`, `main.rs`, `bin/*.rs`) lie in `src`. Paths in the
    /// answer are relative to it.
    pub fn read(src: &Path) -> Self {
        let mut roots = vec![src.join("lib.rs"), src.join("main.rs")];
        roots.extend(
            fs::read_dir(src.join("bin"))
                .into_iter()
                .flatten()
                .flat_map(|entry| entry.map(|entry| entry.path())),
        );
        roots.retain(|file| file.is_file());
        assert!(!roots.is_empty(), "{} has no crate", src.display());
        let mut graph = Self::default();
        for root in roots {
            let mut tree = ModuleTree::default();
            reader::load(&mut tree, None, &root, true);
            graph.add(&tree, src);
            graph.unread.extend(tree.unread);
        }
        graph
    }

    fn add(&mut self, tree: &ModuleTree, src: &Path) {
        let relative = |file: &Path| file.strip_prefix(src).unwrap_or(file).to_owned();
        for (file, lines) in &tree.lengths {
            self.files.insert(relative(file), *lines);
        }
        for (index, module) in tree.modules.iter().enumerate() {
            for path in &module.paths {
                let segments: Vec<_> = path.iter().map(|token| token.text.clone()).collect();
                let Some((target, rest)) = tree.resolve(index, &segments) else {
                    continue;
                };
                let to = &tree.modules[target].file;
                if *to == module.file {
                    continue;
                }
                self.imports.insert(Import {
                    from: relative(&module.file),
                    line: path.last().map_or(0, |segment| segment.line),
                    path: segments.join("::"),
                    to: relative(to),
                    upward: tree.is_above(target, index)
                        && rest
                            .first()
                            .is_some_and(|name| tree.re_exports(target, name)),
                });
            }
        }
    }
}
