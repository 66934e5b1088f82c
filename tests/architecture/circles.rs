//! No files import each other in a circle. No file imports through a `mod.rs` above it what that
//! `mod.rs` only re-exports; it names the sibling itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::graph::{Graph, Import};

/// The folders of this workspace that the rule applies to, each with a `lib.rs` or `main.rs`.
const ROOTS: &[&str] = &[
    "src",
    "clients/twicecast/src",
    "clients/twicecast-client/src",
    "tests/architecture",
];

/// A chain of imports that comes back to where it began. Each import starts at the file that the
/// one before it leads to.
type Circle<'g> = Vec<&'g Import>;

/// The shortest circle through each import that is part of one, grouped by the files that all
/// reach each other. In a group, short ones come first.
fn circles(graph: &Graph) -> Vec<Vec<Circle<'_>>> {
    let mut from: BTreeMap<&Path, Vec<&Import>> = BTreeMap::new();
    for import in &graph.imports {
        from.entry(&import.from).or_default().push(import);
    }
    let mut found: BTreeMap<Vec<&Path>, Circle> = BTreeMap::new();
    for import in &graph.imports {
        let Some(mut back) = shortest(&from, &import.to, &import.from) else {
            continue;
        };
        back.insert(0, import);
        let first = (0..back.len()).min_by_key(|at| &back[*at].from);
        back.rotate_left(first.unwrap_or_default());
        let files = back.iter().map(|import| import.from.as_path()).collect();
        found.entry(files).or_insert(back);
    }
    let mut groups: Vec<(BTreeSet<&Path>, Vec<Circle>)> = Vec::new();
    for (files, circle) in found {
        let mut group = (BTreeSet::from_iter(files), vec![circle]);
        let (joined, apart) = groups
            .into_iter()
            .partition(|(other, _)| !other.is_disjoint(&group.0));
        groups = apart;
        for (files, circles) in joined {
            group.0.extend(files);
            group.1.extend(circles);
        }
        groups.push(group);
    }
    let mut groups: Vec<_> = groups.into_iter().map(|(_, circles)| circles).collect();
    for circles in &mut groups {
        circles.sort_by_key(Vec::len);
    }
    groups
}

/// The shortest chain of imports from one file to another.
fn shortest<'g>(
    imports: &BTreeMap<&Path, Vec<&'g Import>>,
    from: &Path,
    to: &Path,
) -> Option<Circle<'g>> {
    let mut reached: BTreeMap<&Path, Circle> = BTreeMap::from([(from, Vec::new())]);
    let mut waiting = VecDeque::from([from.to_owned()]);
    while let Some(file) = waiting.pop_front() {
        let chain = reached.get(file.as_path())?.clone();
        if file == to {
            return Some(chain);
        }
        for import in imports.get(file.as_path()).into_iter().flatten() {
            if !reached.contains_key(import.to.as_path()) {
                let mut longer = chain.clone();
                longer.push(import);
                reached.insert(&import.to, longer);
                waiting.push_back(import.to.clone());
            }
        }
    }
    None
}

/// Every fault of the crates in `src`, one paragraph each; empty if there is none.
fn faults(graph: &Graph) -> Vec<String> {
    let mut found = graph.unread.clone();
    for circle in circles(graph).iter().flatten() {
        let steps: Vec<_> = circle.iter().map(|import| step(graph, import)).collect();
        found.push(format!(
            "{} files import each other in a circle:\n{}",
            circle.len(),
            steps.join("\n")
        ));
    }
    for import in graph.imports.iter().filter(|import| import.upward) {
        let Import {
            from,
            line,
            path,
            to,
            ..
        } = import;
        found.push(format!(
            "{}:{line} imports {path}, which {} above it only passes on",
            from.display(),
            to.display()
        ));
    }
    found
}

/// A step of a circle, with every import that leads from the one file to the other.
fn step(graph: &Graph, step: &Import) -> String {
    let same = |import: &&Import| import.from == step.from && import.to == step.to;
    let imports = graph.imports.iter().filter(same);
    let imports: Vec<_> = imports
        .map(|import| format!("line {} {}", import.line, import.path))
        .collect();
    format!(
        "    {} → {}: {}",
        step.from.display(),
        step.to.display(),
        imports.join(", ")
    )
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for root in ROOTS {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let faults = faults(&Graph::read(&src));
        assert!(faults.is_empty(), "{root}:\n{}", faults.join("\n"));
    }
}

/// For working on the structure: `SRC=<folder> cargo test --test architecture print_circles --
/// --ignored --nocapture`.
#[test]
#[ignore = "prints the circles of the folder that the variable SRC names"]
fn print_circles() {
    let own = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let src = env::var_os("SRC").map_or_else(own, PathBuf::from);
    let graph = Graph::read(&src);
    let groups = circles(&graph);
    for group in &groups {
        let files: BTreeSet<_> = group.iter().flatten().map(|import| &import.from).collect();
        println!(
            "A group of {} files that all reach each other:",
            files.len()
        );
        for file in files {
            println!("    {}", file.display());
        }
    }
    let faults = faults(&graph);
    println!("{}", faults.join("\n"));
    println!(
        "{} groups, {} faults in {}",
        groups.len(),
        faults.len(),
        src.display()
    );
}

/// The faults of a crate of these files.
fn faults_of(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, source) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("created");
        fs::write(file, source).expect("written");
    }
    faults(&Graph::read(folder.path()))
}

#[test]
fn a_circle_of_two_files_is_found_with_every_import_in_it() {
    let faults = faults_of(&[
        ("lib.rs", "mod a;\nmod b;"),
        (
            "a.rs",
            "use crate::{\n    b::{One, Two as Other},\n};\nstruct A;",
        ),
        ("b.rs", "pub struct One(super::a::A);\npub struct Two;"),
    ]);
    let expected = "2 files import each other in a circle:\n    \
        a.rs → b.rs: line 2 crate::b::One, line 2 crate::b::Two\n    \
        b.rs → a.rs: line 1 super::a::A";
    assert_eq!(faults, [expected]);
}

#[test]
fn a_circle_of_three_files_is_found() {
    let faults = faults_of(&[
        ("main.rs", "mod a; mod b; mod c; mod d; use a::A;"),
        ("a.rs", "pub struct A;\nfn f() { crate::b::f() }"),
        ("b.rs", "use super::c;\npub fn f() { c::f() }"),
        (
            "c.rs",
            "use crate::d::D;\npub fn f() -> self::super::a::A {}",
        ),
        ("d.rs", "pub struct D;"),
    ]);
    let expected = "3 files import each other in a circle:\n    \
        a.rs → b.rs: line 2 crate::b::f\n    \
        b.rs → c.rs: line 1 super::c, line 2 c::f\n    \
        c.rs → a.rs: line 2 self::super::a::A";
    assert_eq!(faults, [expected]);
}

#[test]
fn a_circle_through_what_a_folder_re_exports_is_found() {
    let faults = faults_of(&[
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod inner;\npub use inner::Inner;"),
        ("a/inner.rs", "use crate::b::B;\npub struct Inner;"),
        ("b.rs", "use crate::a::Inner;\npub struct B;"),
    ]);
    let expected = "3 files import each other in a circle:\n    \
        a/inner.rs → b.rs: line 1 crate::b::B\n    \
        b.rs → a/mod.rs: line 1 crate::a::Inner\n    \
        a/mod.rs → a/inner.rs: line 2 inner::Inner";
    assert_eq!(faults, [expected]);
}

#[test]
fn an_import_through_the_folder_above_is_found_even_without_a_circle() {
    for import in [
        "super::Thing",
        "crate::a::Thing",
        "super::*",
        "super::super::a::Thing",
    ] {
        let child = format!("\nuse {import};");
        let faults = faults_of(&[
            ("lib.rs", "mod a;"),
            (
                "a/mod.rs",
                "mod child;\nmod sibling;\npub use sibling::Thing;",
            ),
            ("a/child.rs", &child),
            ("a/sibling.rs", "pub struct Thing;"),
        ]);
        let expected =
            format!("a/child.rs:2 imports {import}, which a/mod.rs above it only passes on");
        assert_eq!(faults, [expected]);
    }
}

#[test]
fn circles_that_share_a_file_are_all_found_and_form_one_group() {
    let graph = |c: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
        write("lib.rs", "mod a; mod b; mod c; mod d;").expect("written");
        write("a.rs", "use crate::b::B; pub struct A;").expect("written");
        write("b.rs", "use crate::a::A; use crate::c::C; pub struct B;").expect("written");
        write("c.rs", c).expect("written");
        write("d.rs", "use crate::c::C; pub struct D;").expect("written");
        Graph::read(folder.path())
    };
    let sizes = |graph: &Graph| -> Vec<Vec<usize>> {
        let groups = circles(graph);
        let sizes = |group: &Vec<Circle>| group.iter().map(Vec::len).collect();
        groups.iter().map(sizes).collect()
    };
    let joined = graph("use crate::a::A; use crate::d::D; pub struct C;");
    assert_eq!(sizes(&joined), [vec![2, 2, 3]]);
    let apart = graph("use crate::d::D; pub struct C;");
    assert_eq!(sizes(&apart), [vec![2], vec![2]]);
}

#[test]
fn every_way_to_name_another_file_counts() {
    for planted in [
        "use crate::b::B;",
        "pub(crate) use super::b::{self as other};",
        "use crate::{self as root, b::{B as _}};",
        "use crate::b::*;",
        "use super::b; fn f() { b::g() }",
        "fn f() { use crate::b::B; }",
        "fn f() { crate::b::g() }",
        "fn f(b: crate::b::B) {}",
        "impl Clone for super::b::B {}",
        "fn f() { println!(\"{}\", crate::b::g()) }",
        "#[derive(crate::b::B)] struct A;",
        "macro_rules! f { () => { $crate::b::g() } }",
        "mod inner { use super::super::b::B; }",
        "mod inner { fn f() { crate::b::r#g() } }",
        "use super::c as other; fn f() { other::d::g() }",
        "#[cfg(any(test, unix))] use crate::b::B;",
    ] {
        let faults = faults_of(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", planted),
            ("b.rs", "use crate::a;"),
            ("c/mod.rs", "pub mod d;"),
            ("c/d.rs", "use crate::a;"),
        ]);
        assert_eq!(faults.len(), 1, "{planted}: {faults:?}");
    }
}

#[test]
fn a_module_is_the_file_that_the_compiler_takes_for_it() {
    let faults = faults_of(&[
        (
            "lib.rs",
            "#[path = \"other/place.rs\"] mod a; mod b; mod c { mod d; }",
        ),
        ("other/place.rs", "mod e;"),
        ("other/e.rs", "use crate::b::f;"),
        ("b.rs", "mod f; #[path = \"g.rs\"] mod h;"),
        ("b/f.rs", "use super::h::X;"),
        ("g.rs", "use crate::c::d::X;"),
        ("c/d.rs", "use crate::a::e;"),
    ]);
    let expected = "4 files import each other in a circle:\n    \
        b/f.rs → g.rs: line 1 super::h::X\n    \
        g.rs → c/d.rs: line 1 crate::c::d::X\n    \
        c/d.rs → other/e.rs: line 1 crate::a::e\n    \
        other/e.rs → b/f.rs: line 1 crate::b::f";
    assert_eq!(faults, [expected]);
}

#[test]
fn trees_without_circles_have_no_faults() {
    for (planted, why) in [
        ("pub(in crate::b) struct A;", "a visibility imports nothing"),
        (
            "// use crate::b::B;\n/// [`crate::b::B`]\nstruct A;",
            "comments",
        ),
        ("const A: &str = \"crate::b::B\";", "texts"),
        ("#[cfg(test)] use crate::b::B;", "an import of tests"),
        (
            "#[cfg(test)] mod tests { use super::*; use crate::b::B; }",
            "tests",
        ),
        ("#[test] fn f() { crate::b::g() }", "a test"),
        (
            "struct B; impl B { #[cfg(test)] fn f() { crate::b::g() } }",
            "a function of tests",
        ),
        ("#[cfg(test)] mod only_tests;", "a file of tests"),
        ("mod tests;", "a file of tests by its name"),
        (
            "struct X; mod inner { use super::X; use self::super::X as Y; }",
            "its own items",
        ),
        (
            "use ::b::B; use std::b::B as C; fn f(b: u8) { b.b; b }",
            "other crates and names",
        ),
    ] {
        let faults = faults_of(&[
            (
                "lib.rs",
                "mod a; mod b; mod error;\n#[error(\"b\")] struct E; use error::F;",
            ),
            ("a.rs", planted),
            ("a/only_tests.rs", "use crate::b::B;"),
            ("a/tests.rs", "use crate::b::B;"),
            ("b.rs", "use crate::a::A; mod child;"),
            ("b/child.rs", "use super::Own; use crate::a::A;"),
            ("error.rs", ""),
        ]);
        assert_eq!(faults, [""; 0], "{why}");
    }
}

#[test]
fn a_file_that_is_missing_or_no_rust_is_a_fault() {
    let faults = faults_of(&[
        ("lib.rs", "mod missing; mod broken;"),
        ("broken.rs", "fn ("),
    ]);
    assert_eq!(faults.len(), 2, "{faults:?}");
}
