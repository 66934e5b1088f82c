//! One file on its way in: its parts, in order, into a staged file. What must not be written is
//! read past.

use std::io::Write;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::names::FileName;
use crate::protocol::{FilePart, ServerError};
use crate::replica::staging::Staged;
use crate::replica::tree::{Refusal, Tree};

/// Padding or not, it is taken.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file between its first part and its last.
#[derive(Debug)]
pub struct Assembly {
    raw_name: String,
    /// The request that the parts answer; `None` for a live update.
    reference: Option<u64>,
    max_part: u64,
    next_part: u64,
    /// Where it goes, or why it does not.
    destination: Result<(FileName, Staged), String>,
}

/// A file whose parts are all here.
#[derive(Debug)]
pub struct Assembled {
    /// As the server sent it.
    pub raw_name: String,
    /// Ready to be put into its place, or why not.
    pub result: Result<(FileName, Staged), String>,
}

/// The parts do not follow on one another as the contract says.
#[derive(Debug, PartialEq, Eq)]
pub struct OutOfOrder(pub String);

impl Assembly {
    /// Begins with a file's first part, which is still to be [`Assembly::take`]n.
    ///
    /// # Errors
    ///
    /// If it is not a first part.
    pub fn begin(
        part: &FilePart,
        reference: Option<u64>,
        tree: &mut Tree,
    ) -> Result<Self, OutOfOrder> {
        if part.part != 1 || part.max_part < 1 {
            return Err(OutOfOrder(format!(
                "{} begins with part {} of {}",
                part.name, part.part, part.max_part
            )));
        }
        let destination = FileName::parse(&part.name)
            .map_err(|fault| format!("refused: {fault}"))
            .and_then(|name| {
                Ok((
                    name,
                    tree.stage().map_err(|error| not_written(&error.into()))?,
                ))
            });
        Ok(Self {
            raw_name: part.name.clone(),
            reference,
            max_part: part.max_part,
            next_part: 1,
            destination,
        })
    }

    /// Takes the next part. Returns whether it was the last.
    ///
    /// # Errors
    ///
    /// If it belongs to another file, comes out of turn, or is not base64.
    pub fn take(&mut self, part: &FilePart) -> Result<bool, OutOfOrder> {
        if part.name != self.raw_name
            || part.part != self.next_part
            || part.max_part != self.max_part
        {
            return Err(OutOfOrder(format!(
                "part {} of {} of {} came where part {} of {} of {} was due",
                part.part, part.max_part, part.name, self.next_part, self.max_part, self.raw_name
            )));
        }
        let bytes = BASE64.decode(&part.content).map_err(|error| {
            OutOfOrder(format!(
                "part {} of {} is not base64 ({error})",
                part.part, part.name
            ))
        })?;
        if let Ok((_, staged)) = &mut self.destination
            && let Err(error) = staged.file.write_all(&bytes)
        {
            self.destination = Err(not_written(&error.into()));
        }
        self.next_part += 1;
        Ok(part.part == self.max_part)
    }

    /// Whether an error means that no more parts of this file come. Answers to other requests may
    /// come between its parts.
    pub fn is_ended_by(&self, reference: Option<u64>, error: &ServerError) -> bool {
        self.reference == reference
            && (reference.is_some() || error.unread_file() == Some(&self.raw_name))
    }

    /// Hands over the file after its last part.
    pub fn finish(self) -> Assembled {
        Assembled {
            raw_name: self.raw_name,
            result: self.destination,
        }
    }
}

/// What is said of a file that is not written.
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
            project: None,
        }
    }

    #[test]
    fn parts_are_joined_in_order_with_or_without_padding() {
        let dir = tempfile::tempdir().unwrap();
        let mut tree = tree_with(dir.path(), false, false);
        let first = part("/a", 1, 3, "QUJD");
        let mut assembly = Assembly::begin(&first, None, &mut tree).unwrap();
        assert_eq!(assembly.take(&first), Ok(false));
        assert_eq!(assembly.take(&part("/a", 2, 3, "")), Ok(false));
        assert_eq!(assembly.take(&part("/a", 3, 3, "RA")), Ok(true));
        let (name, staged) = assembly.finish().result.unwrap();
        tree.put(staged, &name).unwrap();
        assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"ABCD");
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut tree = tree_with(dir.path(), false, false);
        assert!(Assembly::begin(&part("/a", 2, 3, ""), None, &mut tree).is_err());
        assert!(Assembly::begin(&part("/a", 1, 0, ""), None, &mut tree).is_err());
        let first = part("/a", 1, 3, "QUJD");
        for next in [
            part("/a", 1, 3, ""),
            part("/a", 3, 3, ""),
            part("/a", 2, 4, ""),
            part("/b", 2, 3, ""),
            part("/a", 2, 3, "!!"),
        ] {
            let mut assembly = Assembly::begin(&first, None, &mut tree).unwrap();
            assembly.take(&first).unwrap();
            assert!(assembly.take(&next).is_err(), "{next:?}");
        }
    }

    #[test]
    fn a_file_with_a_hostile_name_is_read_past() {
        let dir = tempfile::tempdir().unwrap();
        let mut tree = tree_with(dir.path(), false, false);
        let first = part("/../a", 1, 1, "QUJD");
        let mut assembly = Assembly::begin(&first, None, &mut tree).unwrap();
        assert_eq!(assembly.take(&first), Ok(true));
        assert!(assembly.finish().result.is_err());
    }
}
