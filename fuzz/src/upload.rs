//! An upload's parts, compared with the obvious way: a list of all parts, searched each time.

use std::collections::BTreeMap;
use std::ops::Range;

use file_ws_server::domain::{Part, PartialUpload, Progress, UploadError};

/// The greatest `part` and `maxPart` that the contract knows.
const MOST_PARTS: u32 = 0x7fff_ffff;

/// Six bytes are one part, so that changing one of them changes one fact.
const PART_BYTES: usize = 6;

/// The first byte is the announced number of parts, each six that follow are one part. For any
/// parts in any order, the upload must equal what the list makes of them.
pub fn upload(data: &[u8]) {
    let Some((&announced, parts)) = data.split_first() else {
        return;
    };
    let count = part_count(announced);
    let mut upload = PartialUpload::new(count);
    let mut model = Model::new(count);
    for part in parts.chunks_exact(PART_BYTES).map(|code| part(code, count)) {
        let anew = part.number == Some(1) && model.parts.contains_key(&1);
        assert_eq!(upload.starts_anew(&part), anew);
        if anew {
            upload = PartialUpload::new(part.count);
            model = Model::new(part.count);
        }
        let expected = model.refusal(&part);
        assert_eq!(upload.check(&part).err(), expected);
        if expected.is_some() {
            let before = (upload.bytes(), upload.footprint(), upload.progress());
            assert_eq!(upload.accept(&part).err(), expected);
            let after = (upload.bytes(), upload.footprint(), upload.progress());
            assert_eq!(before, after, "a refused part changes nothing");
            continue;
        }
        assert_eq!(upload.is_missing_last(&part), model.is_missing_last(&part));
        let bytes = upload.bytes_with(&part);
        let progress = upload.accept(&part);
        model.accept(&part);
        assert_eq!(progress, Ok(model.progress()));
        assert_eq!(upload.progress(), model.progress());
        assert_eq!(upload.bytes(), bytes);
        assert!(upload.footprint() >= model.log_bytes);
        // The index is charged for, and its charge grows only with the parts that have come.
        let index = 64 * model.order.len().saturating_sub(1_024) as u64;
        assert!(upload.footprint() <= model.log_bytes + index);
    }
    let whole: u64 = model.parts.values().map(|at| at.end - at.start).sum();
    assert_eq!(upload.bytes(), whole);
    let pieces = upload.pieces();
    assert!(pieces.len() <= model.parts.len());
    assert_eq!(joined(pieces), joined(model.parts.into_values()));
}

/// Mostly few, so that uploads become complete; sometimes as many as there can be.
fn part_count(code: u8) -> u32 {
    match code {
        0..=199 => u32::from(code % 20) + 1,
        200..=227 => u32::from(code) * 10,
        228..=255 => MOST_PARTS - u32::from(code - 228),
    }
}

fn part(code: &[u8], announced: u32) -> Part {
    let number = match code[0] {
        255 => None,
        // From the end, where the desktop client's missing part is; also one past it.
        near @ 224..=254 => Some((announced + 1).saturating_sub(u32::from(near - 224))),
        number => Some(u32::from(number)),
    };
    let count = match code[1] {
        other @ 250..=255 => part_count(other.wrapping_mul(43)),
        _ => announced,
    };
    let (chars, bytes) = match code[2] {
        // As the desktop client cuts its parts.
        0..=127 => (500, 375),
        128 => (u32::MAX as usize, u32::MAX),
        _ => (usize::from(code[3]), u32::from(code[4])),
    };
    Part {
        number,
        count,
        bytes,
        chars,
        padded: code[5] & 1 != 0,
        binary: code[5] & 2 == 0,
    }
}

/// All parts, and where each part's latest content is.
struct Model {
    count: u32,
    order: Vec<(u32, Part)>,
    parts: BTreeMap<u32, Range<u64>>,
    log_bytes: u64,
}

impl Model {
    fn new(count: u32) -> Self {
        Self {
            count,
            order: Vec::new(),
            parts: BTreeMap::new(),
            log_bytes: 0,
        }
    }

    fn lowest_missing(&self) -> u32 {
        (1..=MOST_PARTS + 1)
            .find(|number| !self.parts.contains_key(number))
            .expect("there are more numbers than parts")
    }

    fn number(&self, part: &Part) -> u32 {
        part.number.unwrap_or_else(|| self.lowest_missing())
    }

    fn refusal(&self, part: &Part) -> Option<UploadError> {
        let number = self.number(part);
        if !(1..=part.count).contains(&number) {
            Some(UploadError::OutOfRange {
                part: number,
                count: part.count,
            })
        } else if part.count != self.count {
            Some(UploadError::CountDiffers {
                given: part.count,
                announced: self.count,
            })
        } else if number != self.count && !part.padded && !part.chars.is_multiple_of(4) {
            Some(UploadError::Ragged)
        } else {
            None
        }
    }

    fn is_missing_last(&self, part: &Part) -> bool {
        let others = (1..self.count).all(|number| self.parts.contains_key(&number));
        others && !self.parts.contains_key(&self.count) && self.number(part) == self.count
    }

    fn accept(&mut self, part: &Part) {
        let number = self.number(part);
        let start = self.log_bytes;
        self.log_bytes += u64::from(part.bytes);
        self.order.push((number, *part));
        self.parts.insert(number, start..self.log_bytes);
    }

    fn progress(&self) -> Progress {
        if self.parts.len() as u64 == u64::from(self.count) {
            return Progress::Complete;
        }
        let like_desktop = self.order.len() as u64 + 1 == u64::from(self.count)
            && (1..).zip(&self.order).all(|(expected, (number, part))| {
                *number == expected && part.binary && part.chars == 500
            });
        match self.order.last() {
            Some((_, last)) if like_desktop && last.padded => Progress::Complete,
            Some(_) if like_desktop => Progress::PerhapsComplete,
            _ => Progress::Incomplete,
        }
    }
}

/// The same stretches, with neighbours joined and empty ones left out.
fn joined(pieces: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for piece in pieces.into_iter().filter(|piece| !piece.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.end == piece.start => last.end = piece.end,
            _ => joined.push(piece),
        }
    }
    joined
}
