//! Looks at a shared folder, or at one place in it, and finds what may be sent by the rules of that
//! moment.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::FileType;
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::fs::fingerprint::Fingerprint;
use crate::names::{FileName, shown};
use crate::rules::memory::SETTLING;
use crate::rules::skip::Skip;
use crate::rules::{Chain, Rules, Verdict, foreign};

/// What was found in a place.
#[derive(Debug, Default)]
pub struct Found {
    /// The files to share.
    pub files: BTreeMap<FileName, Fingerprint>,
    /// What is left out, and why, by path; of a folder, only the folder itself.
    pub left_out: BTreeMap<String, Verdict>,
    /// What could not be read, and the error, by path. What the server has there is left alone.
    pub unreadable: BTreeMap<String, String>,
}

impl Found {
    /// The places whose content is not known.
    pub fn unseen(&self) -> BTreeSet<String> {
        let unknown = self.left_out.iter().filter_map(|(path, verdict)| {
            matches!(verdict, Verdict::Unknown(_) | Verdict::Settling).then_some(path)
        });
        self.unreadable.keys().chain(unknown).cloned().collect()
    }

    fn fail(&mut self, path: &str, why: &impl ToString) {
        self.unreadable.insert(path.to_owned(), why.to_string());
    }
}

/// Looks at the place `full`, where `""` is the whole folder, and at everything below it.
/// `on_folder` is called with every folder before its entries are read, so that a caller who starts
/// to watch it then misses nothing. If it returns false, the search stops, and the result is
/// incomplete.
pub fn look(
    root: &OwnedFd,
    rules: &Rules,
    full: &str,
    mut on_folder: impl FnMut(&str) -> bool,
) -> Found {
    let mut found = Found::default();
    // Git's configuration is checked only for the whole folder, because many places may be looked
    // at in a row.
    let top = if full.is_empty() {
        rules.top()
    } else {
        rules.top_lately()
    };
    let mut chain = match top {
        Ok(chain) => chain,
        Err(verdict) => {
            found.left_out.insert(String::new(), verdict);
            return found;
        }
    };
    let mut folder = match dirfd::open_below(root, "") {
        Ok(folder) => folder,
        Err(error) => {
            found.fail("", &error);
            return found;
        }
    };
    let mut path = String::new();
    for segment in full.split('/').skip(1) {
        if !enter(&mut chain, &folder, &path, &mut found) {
            return found;
        }
        let next = format!("{path}/{segment}");
        let is_last = next == full;
        match kind(&folder, segment, &next, &mut found) {
            None => return found,
            Some((FileType::Directory, _)) => {
                if !is_shared(rules, &chain, &next, true, &mut found) {
                    return found;
                }
            }
            Some((kind, fingerprint)) => {
                if is_last {
                    file(rules, &chain, next, kind, fingerprint, &mut found);
                }
                // If this is not the last segment, it should be a folder: nothing is below it.
                return found;
            }
        }
        folder = match dirfd::open_folder(&folder, segment) {
            Ok(folder) => folder,
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return found,
            Err(error) => {
                found.fail(&next, &error);
                return found;
            }
        };
        path = next;
    }
    below(
        root,
        rules,
        &mut chain,
        folder,
        &path,
        &mut found,
        &mut on_folder,
    );
    found
}

/// Looks once at what may be shared of a folder, and waits for rules that are being written. If
/// `stop` is cancelled, the result is incomplete.
///
/// # Errors
///
/// A sentence, if the folder cannot be read.
pub async fn look_at(
    dir: &Path,
    root: &std::os::fd::OwnedFd,
    allow: &[String],
    stop: &CancellationToken,
) -> Result<(Found, Arc<Rules>), Failure> {
    let unreadable = |why: String| {
        let dir = shown(&dir.to_string_lossy());
        Failure::usage(format!("The folder {dir} cannot be read: {why}."))
    };
    let own = dirfd::open_below(root, "").map_err(|error| unreadable(error.to_string()))?;
    let rules = Rules::new(dir, own, allow)?;
    let mut found = look(root, &rules, "", |_| !stop.is_cancelled());
    while found
        .left_out
        .values()
        .any(|verdict| *verdict == Verdict::Settling)
    {
        tokio::time::sleep(SETTLING).await;
        found = look(root, &rules, "", |_| !stop.is_cancelled());
    }
    if let Some((path, why)) = found.unreadable.first_key_value() {
        return Err(unreadable(format!("{}: {why}", shown(path))));
    }
    Ok((found, Arc::new(rules)))
}

/// Looks at everything below a folder that is itself shared. Its rules end with it.
fn below(
    root: &OwnedFd,
    rules: &Rules,
    chain: &mut Chain<'_>,
    folder: OwnedFd,
    path: &str,
    found: &mut Found,
    on_folder: &mut impl FnMut(&str) -> bool,
) {
    let depth = chain.depth();
    inside(root, rules, chain, folder, path, found, on_folder);
    chain.leave(depth);
}

fn inside(
    root: &OwnedFd,
    rules: &Rules,
    chain: &mut Chain<'_>,
    folder: OwnedFd,
    path: &str,
    found: &mut Found,
    on_folder: &mut impl FnMut(&str) -> bool,
) {
    if !on_folder(path) || !enter(chain, &folder, path, found) {
        return;
    }
    let entries = match dirfd::entries(&folder) {
        Ok(entries) => entries,
        Err(error) => {
            found.fail(path, &error);
            return;
        }
    };
    let mut folders = Vec::new();
    for entry in entries {
        let full = format!("{path}/{}", entry.to_string_lossy());
        let Some(segment) = entry.to_str() else {
            found.left_out.insert(full, Verdict::Never(Skip::NotUtf8));
            continue;
        };
        match kind(&folder, segment, &full, found) {
            None => {}
            Some((FileType::Directory, _)) if !is_shared(rules, chain, &full, true, found) => {}
            Some((FileType::Directory, _)) => folders.push(full),
            Some((kind, fingerprint)) => file(rules, chain, full, kind, fingerprint, found),
        }
    }
    // The handle is closed before the folders below are opened: they may be more than a process may
    // have open.
    drop(folder);
    for full in folders {
        match dirfd::open_below(root, &full) {
            Ok(folder) => below(root, rules, chain, folder, &full, found, on_folder),
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => {}
            Err(error) => found.fail(&full, &error),
        }
    }
}

/// Adds the rules of a folder. Returns false if nothing in it is shared.
fn enter(chain: &mut Chain<'_>, folder: &OwnedFd, path: &str, found: &mut Found) -> bool {
    if let Some(skip) = foreign(folder, path) {
        found.left_out.insert(path.to_owned(), Verdict::Never(skip));
        return false;
    }
    match chain.enter(folder, path) {
        Ok(()) => true,
        Err(verdict) => {
            found.left_out.insert(path.to_owned(), verdict);
            false
        }
    }
}

fn kind(
    folder: &OwnedFd,
    segment: &str,
    full: &str,
    found: &mut Found,
) -> Option<(FileType, Fingerprint)> {
    match dirfd::look(folder, segment) {
        Ok(stat) => stat.map(|stat| (dirfd::kind(&stat), Fingerprint::of(&stat))),
        Err(error) => {
            found.fail(full, &error);
            None
        }
    }
}

fn file(
    rules: &Rules,
    chain: &Chain<'_>,
    full: String,
    kind: FileType,
    fingerprint: Fingerprint,
    found: &mut Found,
) {
    match kind {
        FileType::RegularFile => {
            if is_shared(rules, chain, &full, false, found)
                && let Ok(name) = FileName::parse(&full)
            {
                found.files.insert(name, fingerprint);
            }
        }
        FileType::Symlink => {
            found.left_out.insert(full, Verdict::Never(Skip::Link));
        }
        _ => {
            found.left_out.insert(full, Verdict::Never(Skip::Special));
        }
    }
}

fn is_shared(
    rules: &Rules,
    chain: &Chain<'_>,
    full: &str,
    is_folder: bool,
    found: &mut Found,
) -> bool {
    let verdict = rules.judge(chain, full, is_folder);
    let shared = verdict == Verdict::Shared;
    if !shared {
        found.left_out.insert(full.to_owned(), verdict);
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use crate::fs::make_pipe;
    use crate::names::NameFault;

    fn looked(dir: &Path, full: &str) -> (Vec<String>, Vec<String>) {
        let root = dirfd::open_root(dir).unwrap();
        let own = dirfd::open_root(dir).unwrap();
        let rules = Rules::new(dir, own, &[]).unwrap();
        let mut folders = Vec::new();
        let found = look(&root, &rules, full, |folder| {
            folders.push(folder.to_owned());
            true
        });
        assert!(found.unreadable.is_empty(), "{found:?}");
        let files = found.files.keys().map(|name| name.as_str().to_owned());
        (files.collect(), folders)
    }

    fn fill(dir: &Path) {
        for folder in [
            "src/deep",
            "target/debug",
            ".ssh",
            ".git/info",
            ".git/objects",
            ".git/refs",
        ] {
            fs::create_dir_all(dir.join(folder)).unwrap();
        }
        for (name, content) in [
            (".gitignore", "target/\n*.log\n"),
            ("src/.gitignore", "!keep.log\n/made\n"),
            ("src/main.rs", ""),
            ("src/made", ""),
            ("src/deep/made", ""),
            ("src/keep.log", ""),
            ("src/drop.log", ""),
            ("target/debug/program", ""),
            (".git/info/exclude", "private\n"),
            (".git/HEAD", "ref: refs/heads/main\n"),
            ("private", ""),
            (".env", ""),
            (".ssh/config", ""),
        ] {
            fs::write(dir.join(name), content).unwrap();
        }
        symlink("src", dir.join("link")).unwrap();
    }

    fn filled() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path());
        std::thread::sleep(crate::rules::memory::SETTLING);
        dir
    }

    const ALL: [&str; 5] = [
        "/.gitignore",
        "/src/.gitignore",
        "/src/deep/made",
        "/src/keep.log",
        "/src/main.rs",
    ];

    #[test]
    fn what_no_rule_leaves_out_is_found_and_only_folders_that_are_shared_are_watched() {
        let dir = filled();
        let (files, folders) = looked(dir.path(), "");
        assert_eq!(files, ALL);
        assert_eq!(folders, ["", "/src", "/src/deep"]);
    }

    #[test]
    fn one_place_is_found_as_it_is_in_the_whole() {
        let dir = filled();
        for (place, files) in [
            ("/src", &ALL[1..]),
            ("/src/deep", &ALL[2..3]),
            ("/src/deep/made", &ALL[2..3]),
            ("/src/main.rs", &ALL[4..]),
            ("/src/made", &[]),
            ("/src/made/below", &[]),
            ("/target", &[]),
            ("/target/debug", &[]),
            ("/target/debug/program", &[]),
            ("/.git/info/exclude", &[]),
            ("/.ssh/config", &[]),
            ("/link/main.rs", &[]),
            ("/missing", &[]),
            ("/missing/below", &[]),
        ] {
            assert_eq!(looked(dir.path(), place).0, files, "{place}");
        }
    }

    #[test]
    fn where_a_rule_file_cannot_be_read_nothing_is_shared_and_nothing_taken_for_gone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("src/main.rs"), "").unwrap();
        fs::write(dir.path().join("src/.gitignore"), vec![b'x'; (1 << 20) + 1]).unwrap();
        let root = dirfd::open_root(dir.path()).unwrap();
        let own = dirfd::open_root(dir.path()).unwrap();
        let rules = Rules::new(dir.path(), own, &[]).unwrap();
        let found = look(&root, &rules, "", |_| true);
        assert!(found.files.is_empty());
        assert!(found.unseen().contains("/src"));
    }

    fn look_in(dir: &Path) -> Found {
        let root = dirfd::open_root(dir).unwrap();
        let rules = Rules::new(dir, dirfd::open_root(dir).unwrap(), &[]).unwrap();
        look(&root, &rules, "", |_| true)
    }

    /// What is never sent, by path.
    fn never(found: &Found) -> Vec<(&str, Skip)> {
        let skips = found.left_out.iter().map(|(path, verdict)| match verdict {
            Verdict::Never(skip) => (path.as_str(), *skip),
            other => panic!("{path}: {other}"),
        });
        skips.collect()
    }

    #[test]
    fn files_are_found_at_any_depth_and_what_is_never_sent_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("src/deep")).unwrap();
        fs::write(at("src/deep/a.rs"), "abc").unwrap();
        fs::write(at("empty"), "").unwrap();
        fs::create_dir_all(at(".git")).unwrap();
        fs::write(at(".git/config"), "secret").unwrap();
        fs::create_dir_all(at("vendored/.GIT")).unwrap();
        fs::write(at("vendored/.GIT/config"), "secret").unwrap();
        fs::write(at("vendored/lib.rs"), "").unwrap();
        fs::create_dir_all(at("base/.twicecast")).unwrap();
        fs::write(at("base/ana"), "").unwrap();
        fs::create_dir_all(at(".twicecast-mirror")).unwrap();
        fs::write(at("src/.twicecast-1.tmp"), "half a merge").unwrap();
        fs::write(at("back\\slash"), "").unwrap();
        fs::write(at("new\nline"), "").unwrap();
        fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
        symlink("/etc/passwd", at("link")).unwrap();
        symlink("/etc", at("folderlink")).unwrap();
        make_pipe(&at("pipe"));

        let found = look_in(dir.path());

        assert_eq!(
            found.files.keys().map(FileName::as_str).collect::<Vec<_>>(),
            ["/empty", "/src/deep/a.rs", "/vendored/lib.rs"]
        );
        assert_eq!(
            never(&found),
            [
                ("/.git", Skip::Name(NameFault::Git)),
                ("/.twicecast-mirror", Skip::Name(NameFault::WorkFolder)),
                ("/back\\slash", Skip::Name(NameFault::Backslash)),
                ("/base", Skip::ServerBase),
                ("/folderlink", Skip::Link),
                ("/link", Skip::Link),
                ("/new\nline", Skip::Name(NameFault::Control)),
                ("/pipe", Skip::Special),
                ("/src/.twicecast-1.tmp", Skip::Name(NameFault::WorkFolder)),
                ("/vendored/.GIT", Skip::Name(NameFault::Git)),
                ("/\u{fffd}", Skip::NotUtf8),
            ]
        );
        assert!(found.unreadable.is_empty());
    }

    #[test]
    fn folders_too_deep_for_the_protocol_are_skipped_whole() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join(vec!["d"; 64].join("/"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "").unwrap();
        let found = look_in(dir.path());
        assert!(found.files.is_empty());
        let skips: Vec<_> = never(&found).into_iter().map(|(_, skip)| skip).collect();
        assert_eq!(skips, [Skip::Name(NameFault::Deep)]);
    }
}
