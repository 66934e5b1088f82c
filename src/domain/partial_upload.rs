//! A file that arrives in parts: which parts have arrived, and when it is complete (protocol,
//! section 4).
//!
//! The bytes themselves are kept elsewhere, appended to a log in the order in which they arrive;
//! this value knows which range of that log belongs to which part.

use std::collections::BTreeMap;
use std::ops::Range;

/// How many characters of base64 the desktop client puts into each part but the last.
const DESKTOP_PART_CHARS: usize = 500;

/// Parts of equal length that arrive in order are kept as one run, so an honest upload has few
/// runs. Beyond this many, each counts as [`RUN_BYTES`].
const FREE_RUNS: usize = 1_024;
const RUN_BYTES: u64 = 64;

/// About how many bytes of memory a run takes.
const INDEX_RUN_BYTES: usize = 64;

/// What decides how a part is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// `part`; `None` means the lowest number not yet received.
    pub number: Option<u32>,
    /// `maxPart`, at least 1.
    pub count: u32,
    /// Length of the content in bytes.
    pub bytes: u32,
    /// Length of the content in characters of base64.
    pub chars: usize,
    /// Whether the base64 ends in `=`.
    pub padded: bool,
    /// Whether the part arrived as a binary message, as the desktop client sends it.
    pub binary: bool,
}

/// Why a part is refused; the upload in progress stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// The number is not between 1 and `maxPart`.
    #[error("part {part} is not within 1 to maxPart {count}")]
    OutOfRange {
        /// The part's number.
        part: u32,
        /// Its `maxPart`.
        count: u32,
    },
    /// `maxPart` differs from the one announced before.
    #[error("maxPart {given} differs from the {announced} announced before")]
    CountDiffers {
        /// This part's `maxPart`.
        given: u32,
        /// The upload's.
        announced: u32,
    },
    /// A part other than the last whose base64 ends within a group of four.
    #[error("a part that is not the last and has no padding must be a multiple of 4 characters")]
    Ragged,
}

/// The state of an upload after a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Parts are missing.
    Incomplete,
    /// Only the last part is missing and everything looks like the desktop client, which announces
    /// one part too many when the base64 is a multiple of 500 characters long: complete, unless the
    /// last part comes next.
    PerhapsComplete,
    /// Complete.
    Complete,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    parts: u32,
    /// Length of each part.
    bytes: u32,
    /// Where the first part starts in the log.
    offset: u64,
}

/// Which parts of one file have arrived.
#[derive(Debug)]
pub struct PartialUpload {
    count: u32,
    /// By the number of the first part.
    runs: BTreeMap<u32, Run>,
    received: u32,
    /// The lowest number not yet received.
    next: u32,
    bytes: u64,
    log_bytes: u64,
    like_desktop: bool,
    last_padded: bool,
}

impl PartialUpload {
    /// An upload of `count` parts, none of which has arrived.
    pub fn new(count: u32) -> Self {
        Self {
            count,
            runs: BTreeMap::new(),
            received: 0,
            next: 1,
            bytes: 0,
            log_bytes: 0,
            like_desktop: true,
            last_padded: false,
        }
    }

    /// Whether `part` restarts the file: part 1, if it has already been received. The caller then
    /// replaces this upload and its log.
    pub fn starts_anew(&self, part: &Part) -> bool {
        part.number == Some(1) && self.has(1)
    }

    /// Whether `part` is the one that [`Progress::PerhapsComplete`] still waits for.
    pub fn is_missing_last(&self, part: &Part) -> bool {
        part.count == self.count
            && self.next == self.count
            && part.number.is_none_or(|number| number == self.count)
    }

    /// Checks `part` against the parts received so far; changes nothing.
    ///
    /// # Errors
    /// Why the part is refused.
    pub fn check(&self, part: &Part) -> Result<(), UploadError> {
        let number = part.number.unwrap_or(self.next);
        if number == 0 || number > part.count {
            return Err(UploadError::OutOfRange {
                part: number,
                count: part.count,
            });
        }
        if part.count != self.count {
            return Err(UploadError::CountDiffers {
                given: part.count,
                announced: self.count,
            });
        }
        if number < self.count && !part.padded && !part.chars.is_multiple_of(4) {
            return Err(UploadError::Ragged);
        }
        Ok(())
    }

    /// How many bytes of content there would be with `part`.
    pub fn bytes_with(&self, part: &Part) -> u64 {
        let replaced = part.number.and_then(|number| self.run_of(number));
        self.bytes - replaced.map_or(0, |(_, run)| u64::from(run.bytes)) + u64::from(part.bytes)
    }

    /// Records `part`, whose content the caller appends to the log.
    ///
    /// # Errors
    /// Why the part is refused; nothing changes then.
    pub fn accept(&mut self, part: &Part) -> Result<Progress, UploadError> {
        self.check(part)?;
        let number = part.number.unwrap_or(self.next);
        self.like_desktop &= part.binary
            && number == self.next
            && self.received + 1 == number
            && (part.chars == DESKTOP_PART_CHARS || number == self.count);
        self.last_padded = part.padded;
        self.bytes = self.bytes_with(part);
        self.remove(number);
        self.insert(number, part.bytes);
        self.log_bytes += u64::from(part.bytes);
        Ok(self.progress())
    }

    /// How far the upload has got.
    pub fn progress(&self) -> Progress {
        if self.received == self.count {
            Progress::Complete
        } else if self.like_desktop && self.received > 0 && self.received + 1 == self.count {
            if self.last_padded {
                Progress::Complete
            } else {
                Progress::PerhapsComplete
            }
        } else {
            Progress::Incomplete
        }
    }

    /// Length of the content received, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the upload counts: everything appended to the log, including replaced parts, and the
    /// index if the upload is cut into very many irregular pieces.
    pub fn footprint(&self) -> u64 {
        let odd = self.runs.len().saturating_sub(FREE_RUNS) as u64;
        self.log_bytes + odd * RUN_BYTES
    }

    /// About how many bytes of memory the index of its parts takes.
    pub fn index_bytes(&self) -> usize {
        self.runs.len() * INDEX_RUN_BYTES
    }

    /// The ranges of the log that make up the content, in order; adjacent ones are joined.
    pub fn pieces(&self) -> Vec<Range<u64>> {
        let mut pieces: Vec<Range<u64>> = Vec::new();
        for run in self.runs.values() {
            let end = run.offset + u64::from(run.parts) * u64::from(run.bytes);
            match pieces.last_mut() {
                Some(last) if last.end == run.offset => last.end = end,
                _ => pieces.push(run.offset..end),
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    fn has(&self, number: u32) -> bool {
        self.run_of(number).is_some()
    }

    fn run_of(&self, number: u32) -> Option<(u32, Run)> {
        let (&first, &run) = self.runs.range(..=number).next_back()?;
        (number - first < run.parts).then_some((first, run))
    }

    /// Removes `number` from the run that holds it, which may leave a run on either side.
    fn remove(&mut self, number: u32) {
        let Some((first, run)) = self.run_of(number) else {
            return;
        };
        self.received -= 1;
        self.runs.remove(&first);
        let parts = number - first;
        if parts > 0 {
            self.runs.insert(first, Run { parts, ..run });
        }
        let offset = run.offset + u64::from(parts + 1) * u64::from(run.bytes);
        let parts = run.parts - parts - 1;
        if parts > 0 {
            let rest = Run {
                parts,
                offset,
                ..run
            };
            self.runs.insert(number + 1, rest);
        }
    }

    fn insert(&mut self, number: u32, bytes: u32) {
        let offset = self.log_bytes;
        let before = self.runs.range_mut(..number).next_back();
        let adjoining = before.filter(|(first, run)| {
            let end = run.offset + u64::from(run.parts) * u64::from(run.bytes);
            **first + run.parts == number && run.bytes == bytes && end == offset
        });
        if let Some((_, run)) = adjoining {
            run.parts += 1;
        } else {
            let parts = 1;
            self.runs.insert(
                number,
                Run {
                    parts,
                    bytes,
                    offset,
                },
            );
        }
        self.received += 1;
        while let Some((first, run)) = self.run_of(self.next) {
            self.next = first + run.parts;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(number: u32, count: u32, bytes: u32) -> Part {
        let chars = (bytes as usize).div_ceil(3) * 4;
        Part {
            number: Some(number),
            count,
            bytes,
            chars,
            padded: !bytes.is_multiple_of(3),
            binary: false,
        }
    }

    /// What the desktop client sends for a file of `length` bytes: parts of 500 characters of the
    /// whole file's base64, `floor(L/500)+1` announced, the last one left out if it is empty.
    fn desktop_parts(length: usize) -> Vec<Part> {
        let chars = length.div_ceil(3) * 4;
        let count = u32::try_from(chars / 500 + 1).expect("small");
        let sent = if chars == 0 { 1 } else { chars.div_ceil(500) };
        (0..sent)
            .map(|index| {
                let here = (chars - index * 500).min(500);
                let last = index + 1 == sent;
                let padding = if last {
                    length.div_ceil(3) * 3 - length
                } else {
                    0
                };
                Part {
                    number: Some(u32::try_from(index + 1).expect("small")),
                    count,
                    bytes: u32::try_from(here / 4 * 3 - padding).expect("small"),
                    chars: here,
                    padded: padding > 0,
                    binary: true,
                }
            })
            .collect()
    }

    #[test]
    fn the_desktop_clients_files_of_every_awkward_length_become_whole() {
        use Progress::{Complete, PerhapsComplete};
        for (length, announced, sent, end) in [
            (0, 1, 1, Complete),
            (1, 1, 1, Complete),
            (374, 2, 1, Complete), // 500 characters that end in =
            (375, 2, 1, PerhapsComplete),
            (376, 2, 2, Complete),
            (749, 3, 2, Complete),
            (750, 3, 2, PerhapsComplete),
            (751, 3, 3, Complete),
            (1_123, 4, 3, Complete),
            (1_124, 4, 3, Complete),
            (1_125, 4, 3, PerhapsComplete),
            (1_126, 4, 4, Complete),
            (37_498, 101, 100, Complete),
            (37_499, 101, 100, Complete),
            (37_500, 101, 100, PerhapsComplete),
        ] {
            let parts = desktop_parts(length);
            assert_eq!(
                (parts[0].count, parts.len()),
                (announced, sent),
                "length {length}"
            );
            let mut upload = PartialUpload::new(announced);
            let mut progress = Progress::Incomplete;
            for (index, part) in parts.iter().enumerate() {
                assert_ne!(progress, Complete, "length {length} was whole too early");
                let before_last = index + 1 < parts.len() && index + 2 == announced as usize;
                progress = upload.accept(part).expect("in order");
                if before_last {
                    // A last part may follow: only the next message can tell.
                    assert_eq!(progress, PerhapsComplete, "length {length}");
                }
            }
            assert_eq!(progress, end, "length {length}");
            assert_eq!(upload.bytes(), length as u64);
        }
    }

    #[test]
    fn only_what_looks_wholly_like_the_desktop_client_is_taken_for_it() {
        type Change = fn(&mut Part);
        let desktop = desktop_parts(750);
        let changes: [(&str, Change); 4] = [
            ("as text", |part| part.binary = false),
            ("shorter", |part| (part.chars, part.bytes) = (496, 372)),
            ("longer", |part| (part.chars, part.bytes) = (504, 378)),
            ("another last part", |part| part.number = Some(3)),
        ];
        for (what, change) in changes {
            let mut parts = desktop.clone();
            change(&mut parts[1]);
            let mut upload = PartialUpload::new(3);
            upload.accept(&parts[0]).expect("in order");
            assert_eq!(upload.accept(&parts[1]), Ok(Progress::Incomplete), "{what}");
        }
        let mut reversed = PartialUpload::new(3);
        reversed.accept(&desktop[1]).expect("any order");
        assert_eq!(
            reversed.accept(&desktop[0]),
            Ok(Progress::Incomplete),
            "out of order"
        );
    }

    #[test]
    fn a_missing_last_part_that_comes_after_all_completes_the_whole() {
        let mut upload = PartialUpload::new(2);
        let first = desktop_parts(375)[0];
        assert_eq!(upload.accept(&first), Ok(Progress::PerhapsComplete));
        let last = Part {
            number: Some(2),
            bytes: 3,
            chars: 4,
            ..first
        };
        assert!(upload.is_missing_last(&last));
        assert!(!upload.is_missing_last(&first));
        assert_eq!(upload.accept(&last), Ok(Progress::Complete));
        assert_eq!(upload.bytes(), 378);
    }

    #[test]
    fn parts_that_contradict_the_upload_are_refused_and_change_nothing() {
        let mut upload = PartialUpload::new(3);
        upload.accept(&part(1, 3, 3)).expect("first");
        for (bad, error) in [
            (part(4, 3, 3), UploadError::OutOfRange { part: 4, count: 3 }),
            (part(0, 3, 3), UploadError::OutOfRange { part: 0, count: 3 }),
            (
                part(2, 2, 3),
                UploadError::CountDiffers {
                    given: 2,
                    announced: 3,
                },
            ),
            (
                Part {
                    chars: 6,
                    bytes: 4,
                    padded: false,
                    ..part(2, 3, 3)
                },
                UploadError::Ragged,
            ),
        ] {
            assert_eq!(upload.accept(&bad), Err(error));
        }
        assert_eq!((upload.bytes(), upload.received), (3, 1));
        let ragged_last = Part {
            chars: 6,
            bytes: 4,
            padded: false,
            ..part(3, 3, 3)
        };
        assert_eq!(
            upload.accept(&ragged_last),
            Ok(Progress::Incomplete),
            "the last may be"
        );
    }

    #[test]
    fn part_one_again_starts_anew_and_another_part_again_replaces() {
        let mut upload = PartialUpload::new(3);
        assert!(!upload.starts_anew(&part(1, 9, 3)), "it has not come yet");
        upload.accept(&part(1, 3, 3)).expect("first");
        upload.accept(&part(2, 3, 3)).expect("second");
        assert!(upload.starts_anew(&part(1, 9, 3)));
        upload.accept(&part(2, 3, 6)).expect("again");
        assert_eq!(upload.bytes(), 9);
        assert_eq!(upload.accept(&part(3, 3, 1)), Ok(Progress::Complete));
        assert_eq!(upload.pieces(), [0..3, 6..13]);
    }

    #[test]
    fn a_part_without_a_number_is_the_lowest_missing() {
        let mut upload = PartialUpload::new(3);
        upload.accept(&part(2, 3, 3)).expect("any order");
        let unnumbered = |bytes| Part {
            number: None,
            ..part(1, 3, bytes)
        };
        assert_eq!(upload.accept(&unnumbered(6)), Ok(Progress::Incomplete));
        assert_eq!(upload.accept(&unnumbered(9)), Ok(Progress::Complete));
        assert_eq!(upload.pieces(), [3..9, 0..3, 9..18]);
    }

    #[test]
    fn a_million_equal_parts_take_no_more_room_than_one() {
        let mut upload = PartialUpload::new(1_000_000);
        for number in 1..=1_000_000 {
            upload
                .accept(&part(number, 1_000_000, 1))
                .expect("in order");
        }
        assert_eq!(upload.progress(), Progress::Complete);
        assert_eq!((upload.runs.len(), upload.footprint()), (1, 1_000_000));
    }

    #[test]
    fn an_upload_cut_into_odd_pieces_is_charged_for_its_index() {
        let mut upload = PartialUpload::new(u32::MAX >> 1);
        for number in 1..=3_000 {
            upload
                .accept(&part(number, u32::MAX >> 1, number % 2))
                .expect("in order");
        }
        assert_eq!(upload.footprint(), 1_500 + (3_000 - 1_024) * 64);
    }

    proptest! {
        /// Compared with the obvious implementation: remember every part's bytes by its number.
        #[test]
        fn any_order_with_repeats_makes_the_parts_in_order(
            parts in proptest::collection::vec((1_u32..=12, 0_u32..=4), 1..60)
        ) {
            let mut upload = PartialUpload::new(12);
            let mut log: Vec<u8> = Vec::new();
            let mut model: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
            for (index, &(number, triples)) in parts.iter().enumerate() {
                let new = part(number, 12, triples * 3);
                if upload.starts_anew(&new) {
                    upload = PartialUpload::new(12);
                    log.clear();
                    model.clear();
                }
                let content = vec![u8::try_from(index).expect("few"); (triples * 3) as usize];
                let progress = upload.accept(&new).expect("valid");
                log.extend(&content);
                model.insert(number, content);
                prop_assert_eq!(progress == Progress::Complete, model.len() == 12);
                let whole: Vec<u8> = model.values().flatten().copied().collect();
                let pieced: Vec<u8> = upload.pieces().into_iter()
                    .flat_map(|piece| {
                        let at = |offset| usize::try_from(offset).expect("small");
                        log[at(piece.start)..at(piece.end)].to_vec()
                    })
                    .collect();
                prop_assert_eq!(upload.bytes(), whole.len() as u64);
                prop_assert_eq!(pieced, whole);
                prop_assert_eq!(upload.footprint(), log.len() as u64);
            }
        }
    }
}
