//! One file on its way in: its parts, in order, into a staged file. What must not be written is read past.

use std::io::Write;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::names::FileName;
use crate::protocol::FilePart;
use crate::staging::Staged;
use crate::tree::Tree;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file between its first part and its last.
#[derive(Debug)]
pub struct Assembly {
    raw_name: String,
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
    pub fn begin(part: &FilePart, tree: &mut Tree) -> Result<Self, OutOfOrder> {
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
                    tree.stage()
                        .map_err(|error| format!("not written: {error}"))?,
                ))
            });
        Ok(Self {
            raw_name: part.name.clone(),
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
            self.destination = Err(format!("not written: {error}"));
        }
        self.next_part += 1;
        Ok(part.part == self.max_part)
    }

    /// Hands over the file after its last part.
    pub fn finish(self) -> Assembled {
        Assembled {
            raw_name: self.raw_name,
            result: self.destination,
        }
    }
}
