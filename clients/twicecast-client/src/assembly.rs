//! Puts a file's parts together: each part must follow the one before, and the file must not become
//! longer than announced.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::protocol::FilePart;
use crate::untrusted::shown;

/// The largest file that is accepted, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 << 30;

/// Accepts base64 with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A file between its first part and its last. It holds no content.
#[derive(Debug)]
pub struct Assembly {
    name: String,
    max_part: u64,
    next_part: u64,
    /// The size of the first part; no other part may be longer.
    part_bytes: u64,
    bytes: u64,
    listed: Option<u64>,
}

/// What a part holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether the file is whole now.
    pub is_last: bool,
    /// Why the file must not be kept, if it is too long.
    pub too_long: Option<TooLong>,
}

/// In what way a file is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooLong {
    /// Longer than the list announced, in bytes.
    Listed(u64),
    /// A part is longer than the first one.
    Part,
    /// More than [`FILE_BYTES_MAX`] bytes are announced.
    File,
}

/// The parts do not follow one another as the contract says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfOrder(String);

impl fmt::Display for OutOfOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl std::error::Error for OutOfOrder {}

impl Assembly {
    /// Begins with a file's first part; [`Assembly::take`] still has to take it. `listed` is the
    /// file's size in the server's list, if there is one.
    ///
    /// # Errors
    ///
    /// If the part is not a first part.
    pub fn begin(part: &FilePart, listed: Option<u64>) -> Result<Self, OutOfOrder> {
        if part.part != 1 || part.max_part < 1 {
            return Err(OutOfOrder(format!(
                "{} begins with part {} of {}",
                part.name, part.part, part.max_part
            )));
        }
        Ok(Self {
            name: part.name.clone(),
            max_part: part.max_part,
            next_part: 1,
            part_bytes: 0,
            bytes: 0,
            listed,
        })
    }

    /// The file's name as the server sent it, not checked.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes the next part.
    ///
    /// # Errors
    ///
    /// If the part belongs to another file, comes out of order, or is not base64.
    pub fn take(&mut self, part: &FilePart) -> Result<Taken, OutOfOrder> {
        if part.name != self.name
            || part.part != self.next_part
            || part.part > self.max_part
            || part.max_part != self.max_part
        {
            return Err(OutOfOrder(format!(
                "part {} of {} of {} came where part {} of {} of {} was due",
                part.part, part.max_part, part.name, self.next_part, self.max_part, self.name
            )));
        }
        let bytes = BASE64.decode(&part.content).map_err(|error| {
            OutOfOrder(format!(
                "part {} of {} is not base64 ({error})",
                part.part, part.name
            ))
        })?;
        let too_long = self.exceeds(bytes.len() as u64);
        self.next_part = self.next_part.saturating_add(1);
        Ok(Taken {
            bytes,
            is_last: part.part == self.max_part,
            too_long,
        })
    }

    fn exceeds(&mut self, part_bytes: u64) -> Option<TooLong> {
        if self.next_part == 1 {
            self.part_bytes = part_bytes;
        }
        self.bytes = self.bytes.saturating_add(part_bytes);
        let announced = self.part_bytes.saturating_mul(self.max_part);
        match self.listed {
            Some(listed) if self.bytes > listed => Some(TooLong::Listed(listed)),
            _ if part_bytes > self.part_bytes => Some(TooLong::Part),
            _ if announced.max(self.bytes) > FILE_BYTES_MAX.saturating_add(self.part_bytes) => {
                Some(TooLong::File)
            }
            _ => None,
        }
    }
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
    fn parts_are_joined_in_order_with_or_without_padding() {
        let parts = [
            part("/a", 1, 3, "QUJD"),
            part("/a", 2, 3, "QQ=="),
            part("/a", 3, 3, "RA"),
        ];
        let mut assembly = Assembly::begin(&parts[0], None).unwrap();
        let taken = parts.map(|part| assembly.take(&part).unwrap());
        assert_eq!(taken.each_ref().map(|it| it.is_last), [false, false, true]);
        assert!(taken.iter().all(|it| it.too_long.is_none()));
        assert_eq!(taken.map(|it| it.bytes).concat(), b"ABCAD");
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        assert!(Assembly::begin(&part("/a", 2, 3, ""), None).is_err());
        assert!(Assembly::begin(&part("/a", 1, 0, ""), None).is_err());
        let first = part("/a", 1, 3, "QUJD");
        for next in [
            part("/a", 1, 3, ""),
            part("/a", 3, 3, ""),
            part("/a", 2, 4, ""),
            part("/b", 2, 3, ""),
            part("/a", 2, 3, "!!"),
        ] {
            let mut assembly = Assembly::begin(&first, None).unwrap();
            assembly.take(&first).unwrap();
            assert!(assembly.take(&next).is_err(), "{next:?}");
        }
        let only = part("/a", 1, 1, "");
        let mut whole = Assembly::begin(&only, None).unwrap();
        whole.take(&only).unwrap();
        assert!(whole.take(&part("/a", 2, 1, "")).is_err());
    }

    #[test]
    fn no_more_is_taken_than_was_announced() {
        let outcome = |listed, parts: &[&str]| {
            let max_part = parts.len() as u64;
            let mut assembly = Assembly::begin(&part("/a", 1, max_part, ""), listed).unwrap();
            let taken = (1..).zip(parts).map(|(number, content)| {
                let taken = assembly.take(&part("/a", number, max_part, content));
                taken.unwrap().too_long
            });
            taken.last().flatten()
        };
        assert_eq!(outcome(Some(5), &["QUJD", "QUI="]), None);
        assert_eq!(outcome(None, &["QUJD", "QUI="]), None);
        let listed = outcome(Some(4), &["QUJD", "QUI="]);
        assert_eq!(listed, Some(TooLong::Listed(4)));
        assert_eq!(outcome(None, &["QUI=", "QUJD"]), Some(TooLong::Part));
        let first = part("/a", 1, FILE_BYTES_MAX / 3 + 2, "QUJD");
        let mut assembly = Assembly::begin(&first, None).unwrap();
        let taken = assembly.take(&first).unwrap();
        assert_eq!(taken.too_long, Some(TooLong::File));
    }
}
