//! Directories as maps from name to content.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// The mirror's own files.
const MIRRORS_OWN: &str = ".twicecast-mirror";

/// How long two trees may take to become the same.
const PATIENCE: Duration = Duration::from_secs(60);

/// The files below `folder` by their names, without the mirror's own files.
pub fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    collect(folder, "", &mut files);
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    // A folder or file may disappear while it is read; then it counts as missing.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry
            .file_name()
            .into_string()
            .expect("names are text here");
        let (path, name) = (entry.path(), format!("{prefix}{name}"));
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() && name != MIRRORS_OWN {
            collect(&path, &format!("{name}/"), files);
        } else if kind.is_file()
            && let Ok(content) = fs::read(&path)
        {
            files.insert(name, content);
        }
    }
}

/// How two trees differ, by names only.
fn difference(left: &Path, right: &Path) -> Option<String> {
    let (left, right) = (read(left), read(right));
    let names = left.keys().chain(right.keys());
    let differ: Vec<_> = names
        .filter(|name| left.get(*name) != right.get(*name))
        .collect();
    (!differ.is_empty()).then(|| format!("{} files differ: {:?}", differ.len(), &differ[..1]))
}

pub fn assert_same(left: &Path, right: &Path) {
    assert_eq!(difference(left, right), None);
}

/// Waits until another process has made the trees the same.
pub fn until_same(left: &Path, right: &Path) {
    let start = Instant::now();
    while let Some(difference) = difference(left, right) {
        assert!(
            start.elapsed() < PATIENCE,
            "{}: {difference}",
            right.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn write(tree: &Path, name: &str, content: &[u8]) {
    let path = tree.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, content).expect("a file");
}

fn copy_sources(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the sources are there") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_sources(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// This project's own sources, and files that are awkward in various ways.
pub fn build_tree(tree: &Path) {
    copy_sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &tree.join("src"),
    );
    let every_byte: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    write(tree, "binary/every-byte", &every_byte);
    write(tree, "empty", b"");
    write(tree, "ünïcødé/日本/emoji 😀.txt", "é\r\n\0".as_bytes());
    write(tree, "-dash/ space /%2e%2e/CON", b"odd but harmless");
    for length in [
        1, 2, 3, 374, 375, 376, 749, 750, 751, 196_607, 196_608, 196_609, 393_216,
    ] {
        write(tree, &format!("lengths/{length}"), &every_byte[..length]);
    }
    write(tree, &format!("{}/deep", vec!["d"; 40].join("/")), b"deep");
}

/// Edits, additions, deletions, files that become folders and the reverse.
pub fn change_tree(tree: &Path, round: usize) {
    let names: Vec<_> = read(tree).into_keys().collect();
    for (index, name) in names.iter().enumerate() {
        let path = tree.join(name);
        match (index + round) % 7 {
            0 => fs::write(&path, format!("round {round} of {name}")).expect("an edit"),
            1 if index % 5 == 0 => fs::remove_file(&path).expect("a deletion"),
            2 if index % 4 == 0 => {
                fs::remove_file(&path).expect("a deletion");
                write(tree, &format!("{name}/now a folder"), name.as_bytes());
            }
            3 if index % 3 == 0 => write(tree, &format!("new/{round}/{index}"), name.as_bytes()),
            _ => {}
        }
    }
    let folder = tree.join(format!(
        "src/{}",
        ["domain", "application", "adapters"][round]
    ));
    fs::remove_dir_all(&folder).expect("a folder to remove");
    fs::write(&folder, "now a file").expect("a file");
}
