//! A file in three states: the base with which a clone began, as it is here, and as the project has
//! it; and what to do if the project has moved on.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::fstat;
use rustix::io::Errno;
use twicecast_client::protocol::ListedFile;

use crate::fs::{dirfd, executable};
use crate::names::FileName;
pub use crate::replica::file_state::State;
use crate::replica::proposed::Proposed;
use crate::replica::record::Files;

/// The files of a clone, and whether the file system keeps executable bits.
#[derive(Debug, Clone, Copy)]
pub struct CloneFiles<'a> {
    /// The folder.
    pub root: &'a OwnedFd,
    /// The bases of the files; their bits count if the file system keeps none.
    pub bases: &'a Files,
    /// Whether the file system keeps executable bits.
    pub keeps_bits: bool,
}

/// Reads the state of a file. Returns `None` if there is nothing, a folder, or a file in the place
/// of one of its folders.
///
/// # Errors
///
/// If something else is in its place, or the system's error.
pub fn of_file(clone: CloneFiles<'_>, name: &FileName) -> io::Result<Option<State>> {
    let root = clone.root;
    let opened =
        dirfd::open_parent(root, name).and_then(|(folder, leaf)| dirfd::open_file(&folder, leaf));
    let file = match opened {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP | Errno::NOTDIR | Errno::INVAL) => return none_but_files(root, name),
        Err(error) => return Err(error.into()),
    };
    let executable = if clone.keeps_bits {
        executable::is_set(&fstat(&file)?)
    } else {
        let base = clone.bases.get(name);
        base.is_some_and(|base| base.executable)
    };
    let (_, sha256) = dirfd::fingerprint(file)?;
    Ok(Some(State { sha256, executable }))
}

/// Checks that only files and folders are on the way to a place; then no file is there.
fn none_but_files(root: &OwnedFd, name: &FileName) -> io::Result<Option<State>> {
    use rustix::fs::FileType;
    for path in name.folders().chain([name.as_str()]) {
        let (above, segment) = path.rsplit_once('/').unwrap_or(("", path));
        let stat = dirfd::look(dirfd::open_below(root, above)?, segment)?;
        match stat.as_ref().map(dirfd::kind) {
            Some(FileType::Directory) => {}
            None | Some(FileType::RegularFile) => return Ok(None),
            Some(_) => {
                return Err(io::Error::other(
                    "something that is neither a file nor a folder is in its place",
                ));
            }
        }
    }
    Ok(None)
}

/// What an update does with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The project has it unchanged since the clone began.
    Nothing,
    /// The project has it in the same state as here, for instance because a proposal was merged.
    Advance,
    /// It was not changed here, or is new: it becomes what the project has.
    Take,
    /// It was not changed here, and the project no longer has it.
    Delete,
    /// It was edited here, and the project no longer has it: it stays.
    KeepEdited,
    /// It was deleted here, and changed in the project: it comes back.
    Back,
    /// Only its executable bit differs from the project's.
    Mode,
    /// Both have changed it.
    Merge,
}

impl Step {
    /// Whether the project has something new.
    pub fn is_news(self) -> bool {
        !matches!(self, Self::Nothing | Self::Advance)
    }

    /// What to say about it before it is done.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nothing | Self::Advance => "is so already",
            Self::Take => "to fetch",
            Self::Delete => "to delete",
            Self::KeepEdited => "deleted there, edited here",
            Self::Back => "changed there, deleted here",
            Self::Mode => "executable bit to change",
            Self::Merge => "to merge",
        }
    }

    /// Whether the project's content is needed.
    pub fn needs_content(self) -> bool {
        matches!(self, Self::Take | Self::Back | Self::Merge)
    }
}

/// Decides what an update does with a file.
pub fn step(base: Option<&State>, ours: Option<&State>, theirs: Option<&State>) -> Step {
    if base == theirs {
        return Step::Nothing;
    }
    if ours == theirs {
        return Step::Advance;
    }
    let Some(theirs) = theirs else {
        return if ours == base {
            Step::Delete
        } else {
            Step::KeepEdited
        };
    };
    let Some(ours) = ours else {
        return match base {
            None => Step::Take,
            Some(base) if base.sha256 == theirs.sha256 => Step::Advance,
            Some(_) => Step::Back,
        };
    };
    if ours.sha256 == theirs.sha256 || base.is_some_and(|base| base.sha256 == theirs.sha256) {
        Step::Mode
    } else if base.is_some_and(|base| base.sha256 == ours.sha256) {
        Step::Take
    } else {
        Step::Merge
    }
}

/// Merges the executable bit of three states: the side that has changed it wins.
pub fn merged_bit(base: Option<&State>, ours: Option<&State>, theirs: &State) -> bool {
    match (base, ours) {
        (_, None) => theirs.executable,
        (Some(base), Some(ours)) if ours.executable == base.executable => theirs.executable,
        (_, Some(ours)) => ours.executable,
    }
}

/// A file of a clone that the project has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What to do.
    pub step: Step,
    /// The state with which the clone began.
    pub base: Option<State>,
    /// The state here.
    pub ours: Option<State>,
    /// The state in the project.
    pub theirs: Option<State>,
    /// Its size in the project.
    pub size: u64,
}

/// The changes in a project, by name.
#[derive(Debug, Default)]
pub struct Changes {
    /// The files with something to do.
    pub files: BTreeMap<FileName, Change>,
    /// What cannot be compared, and why.
    pub failed: BTreeMap<FileName, String>,
    /// Names that we do not accept.
    pub refused: Vec<(String, String)>,
}

/// Compares a clone with the list of the project; `unread` are files that the server has but cannot
/// read. If the project has a state that was `proposed`, that counts as the base of the file here.
pub fn compare(
    clone: CloneFiles<'_>,
    listed: &[ListedFile],
    unread: &[(String, String)],
    proposed: &Proposed,
) -> Changes {
    let bases = clone.bases;
    let mut changes = Changes::default();
    let mut theirs: BTreeMap<FileName, &ListedFile> = BTreeMap::new();
    for file in listed {
        match FileName::parse(&file.name) {
            Ok(name) => drop(theirs.insert(name, file)),
            Err(fault) => changes.refused.push((file.name.clone(), fault.to_string())),
        }
    }
    let names: BTreeSet<&FileName> = bases.keys().chain(theirs.keys()).collect();
    for name in names {
        if unread.iter().any(|(unread, _)| unread == name.as_str()) {
            continue;
        }
        let base = bases.get(name).map(State::from);
        let listed = theirs.get(name);
        // A file that the server has not hashed cannot be compared.
        if listed.is_some_and(|listed| listed.sha256.is_empty()) {
            continue;
        }
        let theirs = listed.map(|listed| State {
            sha256: listed.sha256.clone(),
            executable: listed.executable,
        });
        // Most files need not be read.
        if base == theirs {
            continue;
        }
        match of_file(clone, name) {
            Ok(ours) => {
                let step = match step(base.as_ref(), ours.as_ref(), theirs.as_ref()) {
                    Step::Nothing => Step::Nothing,
                    _ if ours != base && proposed.has(name, theirs.as_ref()) => Step::Advance,
                    step => step,
                };
                let size = listed.map_or(0, |listed| listed.size);
                let change = Change {
                    step,
                    base,
                    ours,
                    theirs,
                    size,
                };
                changes.files.insert(name.clone(), change);
            }
            Err(why) => drop(changes.failed.insert(name.clone(), why.to_string())),
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &str) -> Option<State> {
        let (sha256, executable) = match text.strip_suffix('x') {
            Some(sha256) => (sha256, true),
            None => (text, false),
        };
        (text != "-").then(|| State {
            sha256: sha256.to_owned(),
            executable,
        })
    }

    #[test]
    fn each_case_of_base_here_and_project_has_its_step() {
        for (base, ours, theirs, expected, bit) in [
            ("1", "1", "1", Step::Nothing, false),
            ("1", "2", "1", Step::Nothing, false),
            ("1", "-", "1", Step::Nothing, false),
            ("-", "2", "-", Step::Nothing, false),
            ("1", "2", "2", Step::Advance, false),
            ("-", "2", "2", Step::Advance, false),
            ("1", "-", "-", Step::Advance, false),
            ("1", "1", "-", Step::Delete, false),
            ("1", "2", "-", Step::KeepEdited, false),
            ("1", "1x", "-", Step::KeepEdited, false),
            ("1", "1", "2", Step::Take, false),
            ("1", "1x", "2", Step::Take, true),
            ("1", "1", "2x", Step::Take, true),
            ("-", "-", "2", Step::Take, false),
            ("1", "-", "2x", Step::Back, true),
            ("1", "-", "1x", Step::Advance, true),
            ("1", "1", "1x", Step::Mode, true),
            ("1x", "2x", "1", Step::Mode, false),
            ("1", "2x", "2", Step::Mode, true),
            ("1", "2", "3", Step::Merge, false),
            ("1", "2x", "3", Step::Merge, true),
            ("1x", "2x", "3", Step::Merge, false),
            ("-", "2", "3x", Step::Merge, false),
        ] {
            let states = [base, ours, theirs].map(state);
            let [base_state, ours_state, theirs_state] = states.each_ref().map(Option::as_ref);
            let step = step(base_state, ours_state, theirs_state);
            assert_eq!(step, expected, "{base} {ours} {theirs}");
            if let Some(theirs_state) = theirs_state.filter(|_| step.is_news()) {
                let merged = merged_bit(base_state, ours_state, theirs_state);
                assert_eq!(merged, bit, "{base} {ours} {theirs}");
            }
        }
    }

    #[test]
    fn only_what_is_certainly_gone_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir_all(at("folder")).unwrap();
        std::fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        std::os::unix::fs::symlink("folder", at("folderlink")).unwrap();
        let root = dirfd::open_root(dir.path()).unwrap();
        let name = FileName::parse("/file").unwrap();
        let mut bases = Files::new();
        crate::replica::record::note(&mut bases, name.clone(), "1".into(), true);
        let clone = |keeps_bits| CloneFiles {
            root: &root,
            bases: &bases,
            keeps_bits,
        };
        for keeps_bits in [true, false] {
            let state = of_file(clone(keeps_bits), &name).unwrap().unwrap();
            assert_eq!(state.executable, !keeps_bits);
        }
        let of = |name: &str| of_file(clone(true), &FileName::parse(name).unwrap());
        for gone in [
            "/gone",
            "/gone/below",
            "/folder",
            "/folder/gone",
            "/file/below",
        ] {
            assert_eq!(of(gone).unwrap(), None, "{gone}");
        }
        assert!(of("/file").unwrap().is_some());
        for unclear in ["/link", "/folderlink/gone", "/link/below"] {
            assert!(of(unclear).is_err(), "{unclear}");
        }
    }
}
