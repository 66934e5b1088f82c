//! Reads a file in parts. As many parts come as are announced, even while another program writes to
//! the file.

use std::fs::File;
use std::io::{self, Read};

use rustix::fs::fstat;

use crate::fs::fingerprint::Fingerprint;

/// Content per part, in bytes. It is a multiple of 3 so that the base64 texts of the parts can be
/// joined.
pub const PART_BYTES: usize = 4 * 49_152;
/// How often a file that changes while it is read is started again before it is sent as it is.
const ATTEMPTS: u32 = 3;

/// How a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it was at one moment.
    Whole,
    /// It changed every time; what was read may be a mixture.
    Changed,
    /// The receiver of the parts wanted no more of them.
    Stopped,
}

/// One part of a file, or the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its number, from 1, and the number of all parts; `None` for a file in one piece.
    pub number: Option<(u64, u64)>,
    /// The content.
    pub bytes: &'a [u8],
    /// With the last part: the file's fingerprint, if it stayed the same since the first part.
    pub whole: Option<Fingerprint>,
}

impl Part<'_> {
    /// Whether the file starts, or starts again, with this part.
    pub fn is_first(&self) -> bool {
        self.number.is_none_or(|(part, _)| part == 1)
    }
}

/// Reads a file and hands over its parts in order. If the file changes in between, reading starts
/// again with part 1, which the protocol allows until the last part has been sent. `emit` returns
/// whether it wants more.
///
/// # Errors
///
/// The system's error. The parts that were handed over are then not a whole file, and must not be
/// completed.
pub fn read(
    mut open: impl FnMut() -> io::Result<File>,
    mut emit: impl FnMut(Part<'_>) -> bool,
) -> io::Result<Outcome> {
    let mut buffer = vec![0; PART_BYTES];
    let mut begun = false;
    for attempt in 1..=ATTEMPTS {
        let mut file = open()?;
        let before = Fingerprint::of(&fstat(&file)?);
        let size = before.size;
        let count = size.div_ceil(PART_BYTES as u64).max(1);
        let mut short = false;
        for part in 1..=count {
            let want =
                usize::try_from((size - (part - 1) * PART_BYTES as u64).min(PART_BYTES as u64))
                    .unwrap_or(PART_BYTES);
            let got = fill(&mut file, &mut buffer[..want])?;
            short |= got < want;
            let is_last = part == count;
            let changed = short || (is_last && Fingerprint::of(&fstat(&file)?) != before);
            if changed && attempt < ATTEMPTS {
                break;
            }
            let number = (begun || count > 1).then_some((part, count));
            begun = true;
            if !emit(Part {
                number,
                bytes: &buffer[..got],
                whole: (is_last && !changed).then_some(before),
            }) {
                return Ok(Outcome::Stopped);
            }
            if is_last {
                return Ok(if changed {
                    Outcome::Changed
                } else {
                    Outcome::Whole
                });
            }
        }
    }
    Ok(Outcome::Changed)
}

fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    type Seen = Vec<(Option<(u64, u64)>, Vec<u8>)>;

    fn file_of(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    fn pattern(size: usize) -> Vec<u8> {
        (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect()
    }

    fn read_all(path: &PathBuf, mut after_part: impl FnMut(usize)) -> (Outcome, Seen) {
        let mut seen = Seen::new();
        let outcome = read(
            || File::open(path),
            |part| {
                seen.push((part.number, part.bytes.to_vec()));
                after_part(seen.len());
                true
            },
        );
        (outcome.unwrap(), seen)
    }

    #[test]
    fn every_size_around_a_part_is_split_exactly() {
        for (size, parts) in [
            (0, 1),
            (1, 1),
            (PART_BYTES - 1, 1),
            (PART_BYTES, 1),
            (PART_BYTES + 1, 2),
            (2 * PART_BYTES, 2),
            (2 * PART_BYTES + 1, 3),
        ] {
            let content = pattern(size);
            let (_dir, path) = file_of(&content);
            let (outcome, seen) = read_all(&path, |_| {});
            assert_eq!(outcome, Outcome::Whole);
            assert_eq!(seen.len(), parts, "{size}");
            assert_eq!(
                seen.iter()
                    .flat_map(|(_, bytes)| bytes.clone())
                    .collect::<Vec<_>>(),
                content
            );
            if parts == 1 {
                assert_eq!(seen[0].0, None, "{size}");
            } else {
                let numbers: Vec<_> = seen.iter().map(|(number, _)| number.unwrap()).collect();
                assert_eq!(
                    numbers,
                    (1..=parts as u64)
                        .map(|part| (part, parts as u64))
                        .collect::<Vec<_>>()
                );
            }
            assert!(
                seen.iter()
                    .rev()
                    .skip(1)
                    .all(|(_, bytes)| bytes.len() % 3 == 0)
            );
        }
        assert_eq!(PART_BYTES % 3, 0);
    }

    #[test]
    fn a_file_that_shrinks_meanwhile_begins_anew_and_the_announced_parts_come() {
        let (_dir, path) = file_of(&pattern(3 * PART_BYTES));
        let (outcome, seen) = read_all(&path, |parts| {
            if parts == 1 {
                fs::write(&path, b"short").unwrap();
            }
        });
        assert_eq!(outcome, Outcome::Whole);
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].0, Some((1, 3)));
        assert_eq!(seen[1], (Some((1, 1)), b"short".to_vec()));
    }

    #[test]
    fn a_file_that_never_rests_is_sent_complete_and_said_to_have_changed() {
        let (_dir, path) = file_of(&pattern(2 * PART_BYTES));
        let mut size = 2 * PART_BYTES;
        let (outcome, seen) = read_all(&path, |_| {
            size += 1;
            fs::write(&path, pattern(size)).unwrap();
        });
        assert_eq!(outcome, Outcome::Changed);
        let (last, of) = seen.last().unwrap().0.unwrap();
        assert_eq!(last, of);
    }

    #[test]
    fn nothing_more_is_read_once_nobody_wants_it() {
        let (_dir, path) = file_of(&pattern(3 * PART_BYTES));
        let mut parts = 0;
        let outcome = read(
            || File::open(&path),
            |_| {
                parts += 1;
                false
            },
        );
        assert_eq!((outcome.unwrap(), parts), (Outcome::Stopped, 1));
    }
}
