//! Receives files from the server, part by part, into memory.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Failure;
use crate::names::{FileName, NameFault, shown};
use twicecast_client::assembly::Assembly;
use twicecast_client::protocol::FilePart;

/// The most bytes of all files of a pull request, which are held in memory.
const BYTES_MAX: usize = 512 << 20;

/// A proposed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Its content.
    pub content: Vec<u8>,
    /// The executable bit that its author wants; `None` leaves it as it is.
    pub executable: Option<bool>,
}

/// What has arrived so far.
#[derive(Debug, Default)]
pub struct Contents {
    /// The files that are complete.
    pub files: BTreeMap<FileName, Proposed>,
    /// The files that are to be deleted.
    pub deleted: Vec<FileName>,
    /// Names that are not accepted, each with the reason.
    pub refused: BTreeMap<String, NameFault>,
    /// The names of the files that have not arrived yet.
    awaited: BTreeSet<String>,
    /// A file between its first part and its last.
    open: Option<(Assembly, Proposed)>,
    bytes: usize,
}

impl Contents {
    /// Expects files with these names, each at most once.
    pub fn of(names: &[String]) -> Self {
        Self {
            awaited: names.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// Takes the next part.
    ///
    /// # Errors
    ///
    /// If the part is out of order or not base64, or the files are too large together.
    pub fn take(&mut self, part: &FilePart) -> Result<(), Failure> {
        if self.open.is_none() && !self.awaited.remove(&part.name) {
            return Err(wrongly(&part.name, "nobody has asked for it"));
        }
        let (mut assembly, mut proposed) = match self.open.take() {
            Some(open) => open,
            None => (
                Assembly::begin(part, None)?,
                Proposed {
                    content: Vec::new(),
                    executable: part.executable,
                },
            ),
        };
        let taken = assembly.take(part)?;
        self.bytes = self.bytes.saturating_add(taken.bytes.len());
        if self.bytes > BYTES_MAX {
            return Err(Failure::denied(
                "The pull request holds more than 512 MiB; have it sent in smaller ones.",
            ));
        }
        proposed.content.extend(taken.bytes);
        if !taken.is_last {
            self.open = Some((assembly, proposed));
            return Ok(());
        }
        match FileName::parse(&part.name) {
            Ok(name) => {
                self.files.insert(name, proposed);
            }
            Err(fault) => {
                self.refused.insert(part.name.clone(), fault);
            }
        }
        Ok(())
    }

    /// Adds names of files to be deleted.
    pub fn delete(&mut self, names: &[String]) {
        for name in names {
            match FileName::parse(name) {
                Ok(parsed) => self.deleted.push(parsed),
                Err(fault) => {
                    self.refused.insert(name.clone(), fault);
                }
            }
        }
    }

    /// All accepted names. Deletions come first, so that a file can take the place of a folder and
    /// the reverse.
    pub fn names(&self) -> impl Iterator<Item = &FileName> {
        self.deleted.iter().chain(self.files.keys())
    }

    /// Ends when everything has arrived.
    ///
    /// # Errors
    ///
    /// If a file is incomplete.
    pub fn finish(self) -> Result<Self, Failure> {
        match &self.open {
            Some((open, _)) => Err(wrongly(open.name(), "its end is missing")),
            None => Ok(self),
        }
    }
}

fn wrongly(name: &str, why: &str) -> Failure {
    Failure::connection(format!("The server sent {} wrongly: {why}.", shown(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, part: u64, max_part: u64, content: &str) -> FilePart {
        FilePart {
            name: name.into(),
            content: content.into(),
            part,
            max_part,
            executable: None,
            project: None,
        }
    }

    #[test]
    fn parts_are_joined_with_or_without_padding_and_bad_names_are_read_past() {
        let mut contents = Contents::of(&["/a", "/../evil", "/b", "/empty"].map(str::to_owned));
        for part in [
            part("/a", 1, 2, "QUJD"),
            part("/a", 2, 2, "RA"),
            part("/../evil", 1, 1, "QUJD"),
            part("/b", 1, 1, "RA=="),
            part("/empty", 1, 1, ""),
        ] {
            contents.take(&part).unwrap();
        }
        contents.delete(&["/gone".to_owned(), "/.git/config".to_owned()]);
        let contents = contents.finish().unwrap();
        let files: Vec<_> = contents
            .files
            .iter()
            .map(|(name, file)| (name.as_str(), file.content.as_slice()))
            .collect();
        assert_eq!(files, [("/a", &b"ABCD"[..]), ("/b", b"D"), ("/empty", b"")]);
        assert_eq!(
            contents.refused,
            BTreeMap::from([
                ("/../evil".to_owned(), NameFault::Parent),
                ("/.git/config".to_owned(), NameFault::Git),
            ])
        );
        let names: Vec<_> = contents.names().map(FileName::as_str).collect();
        assert_eq!(names, ["/gone", "/a", "/b", "/empty"]);
    }

    #[test]
    fn what_comes_out_of_turn_or_unasked_is_refused() {
        let names = ["/a", "/b"].map(str::to_owned);
        for next in [
            part("/a", 1, 3, ""),
            part("/a", 3, 3, ""),
            part("/a", 2, 4, ""),
            part("/b", 2, 3, ""),
            part("/a", 2, 3, "!!"),
        ] {
            let mut contents = Contents::of(&names);
            contents.take(&part("/a", 1, 3, "QUJD")).unwrap();
            assert!(contents.take(&next).is_err(), "{next:?}");
        }
        assert!(Contents::of(&names).take(&part("/a", 2, 3, "")).is_err());
        assert!(Contents::of(&names).take(&part("/a", 1, 0, "")).is_err());
        let mut unasked = Contents::of(&names);
        unasked.take(&part("/a", 1, 1, "")).unwrap();
        for name in ["/a", "/c"] {
            assert!(unasked.take(&part(name, 1, 1, "")).is_err(), "{name}");
        }
        let mut unfinished = Contents::of(&names);
        unfinished.take(&part("/a", 1, 2, "QUJD")).unwrap();
        assert!(unfinished.finish().is_err());
    }
}
