//! Receives one file: writes its parts, in order, into a staged file. Content that must not be
//! written is skipped.

use std::io::Write;

use indicatif::HumanBytes;
use sha2::{Digest as _, Sha256};
use twicecast_client::assembly;
use twicecast_client::assembly::{FILE_BYTES_MAX, OutOfOrder, TooLong};
use twicecast_client::protocol::{FilePart, ServerError};

use crate::fs::sha256;
use crate::names::FileName;
use crate::replica::staging::{Staged, Staging};
use crate::replica::tree::{Incoming, Refusal};

/// A file between its first part and its last.
#[derive(Debug)]
pub struct Assembly {
    parts: assembly::Assembly,
    /// The request that the parts answer; `None` for a live update.
    reference: Option<u64>,
    hash: Sha256,
    executable: bool,
    /// Where it goes, or why it is not written.
    destination: Result<(FileName, Staged), NotWritten>,
}

/// A file whose parts are all here.
#[derive(Debug)]
pub struct Assembled {
    /// The name as the server sent it.
    pub raw_name: String,
    /// The file, ready to be put into its place, or why it cannot be.
    pub result: Result<(FileName, Incoming), NotWritten>,
}

/// Why a file is not written.
#[derive(Debug)]
pub enum NotWritten {
    /// Its name is not allowed.
    Name(String),
    /// Something here prevents it.
    Refused(FileName, Refusal),
    /// More was sent than was announced, or than we ever accept. It may have grown.
    TooLong(String),
}

impl std::fmt::Display for NotWritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(fault) => write!(f, "refused: {fault}"),
            Self::Refused(_, refusal) => f.write_str(&not_written(refusal)),
            Self::TooLong(why) => write!(f, "not written: {why}"),
        }
    }
}

impl Assembly {
    /// Begins with a file's first part; [`Assembly::take`] still has to take it. `listed` is the
    /// file's size in the server's list, if there is one.
    ///
    /// # Errors
    ///
    /// If the part is not a first part.
    pub fn begin(
        part: &FilePart,
        reference: Option<u64>,
        listed: Option<u64>,
        staging: &mut Staging,
    ) -> Result<Self, OutOfOrder> {
        let parts = assembly::Assembly::begin(part, listed)?;
        let destination = FileName::parse(&part.name)
            .map_err(|fault| NotWritten::Name(fault.to_string()))
            .and_then(|name| match staging.begin() {
                Ok(staged) => Ok((name, staged)),
                Err(error) => Err(NotWritten::Refused(name, error.into())),
            });
        Ok(Self {
            parts,
            reference,
            hash: Sha256::new(),
            executable: part.executable.unwrap_or(false),
            destination,
        })
    }

    /// Takes the next part. Returns whether it was the last.
    ///
    /// # Errors
    ///
    /// If the part belongs to another file, comes out of order, or is not base64.
    pub fn take(&mut self, part: &FilePart) -> Result<bool, OutOfOrder> {
        let taken = self.parts.take(part)?;
        if let Some(why) = taken.too_long {
            self.destination = Err(NotWritten::TooLong(sentence(why)));
        }
        if let Ok((name, staged)) = &mut self.destination {
            self.hash.update(&taken.bytes);
            if let Err(error) = staged.file.write_all(&taken.bytes) {
                self.destination = Err(NotWritten::Refused(name.clone(), error.into()));
            }
        }
        Ok(taken.is_last)
    }

    /// Whether an error means that no more parts of this file will come. Answers to other requests
    /// may come between its parts.
    pub fn is_ended_by(&self, reference: Option<u64>, error: &ServerError) -> bool {
        self.reference == reference
            && (reference.is_some() || error.unread_file() == Some(self.parts.name()))
    }

    /// Hands over the file after its last part.
    pub fn finish(self) -> Assembled {
        let (sha256, executable) = (sha256::hex(&self.hash.finalize()), self.executable);
        let incoming = |(name, staged)| {
            let incoming = Incoming {
                staged,
                sha256,
                executable,
            };
            (name, incoming)
        };
        Assembled {
            raw_name: self.parts.name().to_owned(),
            result: self.destination.map(incoming),
        }
    }
}

fn sentence(why: TooLong) -> String {
    match why {
        TooLong::Listed(bytes) => format!(
            "the server lists it with {} and sends more",
            HumanBytes(bytes)
        ),
        TooLong::Part => {
            "the server sends parts that are longer than the first one announced".to_owned()
        }
        TooLong::File => format!(
            "the server announces more than {}",
            HumanBytes(FILE_BYTES_MAX)
        ),
    }
}

/// What to say about a file that is not written.
pub fn not_written(why: &Refusal) -> String {
    format!("not written: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::tree::tests::tree_with;

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
    fn parts_are_joined_in_order_with_or_without_padding() {
        let dir = tempfile::tempdir().unwrap();
        let mut tree = tree_with(dir.path(), false, false);
        let first = part("/a", 1, 3, "QUJD");
        let mut assembly = Assembly::begin(&first, None, None, tree.staging()).unwrap();
        assert_eq!(assembly.take(&first), Ok(false));
        assert_eq!(assembly.take(&part("/a", 2, 3, "")), Ok(false));
        assert_eq!(assembly.take(&part("/a", 3, 3, "RA")), Ok(true));
        let (name, incoming) = assembly.finish().result.unwrap();
        tree.put(incoming, &name).unwrap();
        assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"ABCD");
    }

    #[test]
    fn a_file_with_a_hostile_name_is_read_past() {
        let dir = tempfile::tempdir().unwrap();
        let mut tree = tree_with(dir.path(), false, false);
        let first = part("/../a", 1, 1, "QUJD");
        let mut assembly = Assembly::begin(&first, None, None, tree.staging()).unwrap();
        assert_eq!(assembly.take(&first), Ok(true));
        assert!(assembly.finish().result.is_err());
    }

    #[test]
    fn no_more_is_written_than_was_announced() {
        let dir = tempfile::tempdir().unwrap();
        let mut tree = tree_with(dir.path(), false, false);
        let mut outcome = |listed, parts: &[(u64, &str)]| {
            let max_part = parts.last().unwrap().0;
            let first = part("/a", 1, max_part, parts[0].1);
            let mut assembly = Assembly::begin(&first, None, listed, tree.staging()).unwrap();
            for (number, content) in parts {
                assembly
                    .take(&part("/a", *number, max_part, content))
                    .unwrap();
            }
            let written = assembly
                .destination
                .as_ref()
                .map(|(_, staged)| staged.file.metadata().unwrap().len());
            written.map_err(ToString::to_string)
        };
        assert_eq!(outcome(Some(5), &[(1, "QUJD"), (2, "QUI=")]), Ok(5));
        assert_eq!(outcome(None, &[(1, "QUJD"), (2, "QUI=")]), Ok(5));
        let more = outcome(Some(4), &[(1, "QUJD"), (2, "QUI=")]).unwrap_err();
        assert!(more.contains("lists it with 4 B and sends more"), "{more}");
        let long = outcome(None, &[(1, "QUI="), (2, "QUJD")]).unwrap_err();
        assert!(long.contains("longer than the first"), "{long}");
        let first = part("/a", 1, (4 << 30) / 3 + 2, "QUJD");
        let mut assembly = Assembly::begin(&first, None, None, tree.staging()).unwrap();
        assembly.take(&first).unwrap();
        let huge = assembly.destination.unwrap_err().to_string();
        assert!(huge.contains("more than 4.00 GiB"), "{huge}");
    }
}
