//! What a folder has to send: its files, by the names that the protocol gives them, and what it
//! keeps to itself and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::FileType;

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, NameFault, SERVER_FOLDER, shown};
use crate::rules::skip::Skip;

/// A folder looked through.
#[derive(Debug, Default)]
pub struct Scan {
    /// The files to send, with their sizes in bytes.
    pub files: BTreeMap<FileName, u64>,
    /// What is not sent, by its path and the reason. What the server has there is left alone.
    pub skipped: Vec<(String, Skip)>,
    /// What could not be looked at, by its path and the error. What the server has there is left
    /// alone.
    pub unreadable: Vec<(String, String)>,
}

impl Scan {
    /// The places that are not sent or could not be looked at. What the server has at or below them
    /// says nothing of what is gone here.
    pub fn unseen(&self) -> BTreeSet<String> {
        let skipped = self
            .skipped
            .iter()
            // Shown with a stand-in for what is not UTF-8, so it is nobody's name.
            .filter(|(_, why)| *why != Skip::NotUtf8)
            .map(|(path, _)| path);
        skipped
            .chain(self.unreadable.iter().map(|(path, _)| path))
            .cloned()
            .collect()
    }
}

/// Opens the folder to push, unless it is, holds or lies in what is never sent.
///
/// # Errors
///
/// A sentence that says why it cannot be pushed.
pub fn open(dir: &Path) -> Result<OwnedFd, Failure> {
    let shown_dir = shown(&dir.to_string_lossy());
    let unusable = |error: &dyn fmt::Display| {
        Failure::usage(format!("The folder {shown_dir} cannot be read: {error}."))
    };
    let absolute = std::fs::canonicalize(dir).map_err(|error| unusable(&error))?;
    for segment in &absolute {
        match crate::names::check_segment(&segment.to_string_lossy()) {
            Err(NameFault::Git) => {
                return Err(Failure::usage(format!(
                    "{shown_dir} lies in a `.git` folder, which is never sent; push the project's \
                     folder instead."
                )));
            }
            Err(NameFault::ServerFolder) => {
                return Err(Failure::usage(format!(
                    "{shown_dir} lies in a server's own `.twicecast` folder, which is never sent; \
                     push the project's folder instead."
                )));
            }
            _ => {}
        }
    }
    let root = dirfd::open_root(dir).map_err(|error| unusable(&error))?;
    if dirfd::look(&root, SERVER_FOLDER)
        .map_err(|error| unusable(&error))?
        .is_some()
    {
        return Err(Failure::usage(format!(
            "{shown_dir} is the base folder of a file-ws-server (it holds `.twicecast`), with \
             everybody's projects; push a project's own folder instead."
        )));
    }
    Ok(root)
}

/// Looks through an opened folder, in the order of names.
pub fn scan(root: &OwnedFd) -> Scan {
    let mut scan = Scan::default();
    // Paths wait here and not open folders: there may be more of those than a process may hold.
    let mut waiting = vec![String::new()];
    while let Some(path) = waiting.pop() {
        let listed = dirfd::open_below(root, &path)
            .map_err(std::io::Error::from)
            .and_then(|folder| Ok((dirfd::entries(&folder)?, folder)));
        let (entries, folder) = match listed {
            Ok(listed) => listed,
            Err(error) => {
                scan.unreadable.push((path, error.to_string()));
                continue;
            }
        };
        if !path.is_empty() && entries.iter().any(|entry| entry == SERVER_FOLDER) {
            scan.skipped.push((path, Skip::ServerBase));
            continue;
        }
        for entry in entries {
            let full = format!("{path}/{}", entry.to_string_lossy());
            let Some(segment) = entry.to_str() else {
                scan.skipped.push((full, Skip::NotUtf8));
                continue;
            };
            let stat = match dirfd::look(&folder, segment) {
                Ok(Some(stat)) => stat,
                Ok(None) => continue,
                Err(error) => {
                    scan.unreadable.push((full, error.to_string()));
                    continue;
                }
            };
            let name = match FileName::parse(&full) {
                Ok(name) => name,
                Err(fault) => {
                    scan.skipped.push((full, Skip::Name(fault)));
                    continue;
                }
            };
            match dirfd::kind(&stat) {
                FileType::RegularFile => {
                    scan.files
                        .insert(name, u64::try_from(stat.st_size).unwrap_or(0));
                }
                FileType::Directory => waiting.push(full),
                FileType::Symlink => scan.skipped.push((full, Skip::Link)),
                _ => scan.skipped.push((full, Skip::Special)),
            }
        }
    }
    scan
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    fn names(scan: &Scan) -> Vec<&str> {
        scan.files.keys().map(FileName::as_str).collect()
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
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("pipe"),
            FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();

        let scan = scan(&open(dir.path()).unwrap());

        assert_eq!(
            names(&scan),
            ["/empty", "/src/deep/a.rs", "/vendored/lib.rs"]
        );
        assert_eq!(scan.files.values().sum::<u64>(), 3);
        let mut reasons: Vec<_> = scan
            .skipped
            .iter()
            .map(|(path, skip)| (path.as_str(), *skip))
            .collect();
        reasons.sort_by_key(|(path, _)| *path);
        assert_eq!(
            reasons,
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
        assert!(scan.unreadable.is_empty());
        let unseen = scan.unseen();
        assert!(unseen.contains("/link") && unseen.contains("/base"));
        assert!(!unseen.contains("/\u{fffd}"));
    }

    #[test]
    fn folders_too_deep_for_the_protocol_are_skipped_whole() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join(vec!["d"; 64].join("/"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("file"), "").unwrap();
        let scan = scan(&open(dir.path()).unwrap());
        assert!(scan.files.is_empty());
        assert_eq!(
            scan.skipped
                .iter()
                .map(|(_, skip)| *skip)
                .collect::<Vec<_>>(),
            [Skip::Name(NameFault::Deep)]
        );
    }

    #[test]
    fn a_servers_base_folder_and_what_lies_in_hidden_records_are_refused_with_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(".twicecast/inner")).unwrap();
        fs::create_dir_all(dir.path().join("repo/.git/hooks")).unwrap();
        for (path, word) in [
            ("", "base folder"),
            (".twicecast", "`.twicecast`"),
            (".twicecast/inner", "`.twicecast`"),
            ("repo/.git/hooks", "`.git`"),
            ("missing", "cannot be read"),
        ] {
            let error = open(&dir.path().join(path)).unwrap_err();
            assert!(error.to_string().contains(word), "{path}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
