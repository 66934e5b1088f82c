//! The format of a zip of stored files (PKWARE's APPNOTE), with Zip64 where numbers need it.

use std::collections::VecDeque;

use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

use crate::domain::{FilePath, Timestamp};

/// Stands for a number that does not fit into four bytes, or into two.
const MORE_4: u32 = u32::MAX;
const MORE_2: u16 = u16::MAX;

/// Says that names are in UTF-8.
const FLAGS: u16 = 1 << 11;

/// The lowest version of the format that a reader must know, without and with Zip64.
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;

/// Says that the archive was made on Unix, so that a file's mode counts.
const UNIX: u16 = 3 << 8;

/// What is written about a file before its content.
pub(super) struct Entry<'a> {
    pub path: &'a FilePath,
    pub bytes: u64,
    /// The CRC-32 of the content.
    pub crc: u32,
    pub modified: Timestamp,
    pub executable: bool,
}

impl Entry<'_> {
    /// The name without the leading `/`.
    fn name(&self) -> &[u8] {
        &self.path.as_str().as_bytes()[1..]
    }

    /// What comes before the file's content.
    pub fn header(&self, out: &mut BytesMut) {
        let long = Long::of([self.bytes, self.bytes, 0]);
        out.put_u32_le(0x0403_4b50);
        self.common(long.version(), out);
        self.sizes(out);
        out.put_u16_le(self.name_length());
        out.put_u16_le(self.times().length() + long.length());
        out.put_slice(self.name());
        self.times().put(out);
        long.put(out);
    }

    /// Its line in the directory; `offset` is where its header begins.
    fn line(&self, offset: u64, out: &mut BytesMut) {
        let long = Long::of([self.bytes, self.bytes, offset]);
        out.put_u32_le(0x0201_4b50);
        out.put_u16_le(UNIX | long.version());
        self.common(long.version(), out);
        self.sizes(out);
        out.put_u16_le(self.name_length());
        out.put_u16_le(self.times().length() + long.length());
        // No comment, on the first disk, no internal attributes.
        out.put_bytes(0, 6);
        let mode: u32 = if self.executable {
            0o100_755
        } else {
            0o100_644
        };
        out.put_u32_le(mode << 16);
        out.put_u32_le(short(offset));
        out.put_slice(self.name());
        self.times().put(out);
        long.put(out);
    }

    /// The fields that a header and a line have in common: version, flags, method, time, CRC.
    fn common(&self, version: u16, out: &mut BytesMut) {
        out.put_u16_le(version);
        out.put_u16_le(FLAGS);
        // Stored.
        out.put_u16_le(0);
        let (time, date) = dos_time(self.modified);
        out.put_u16_le(time);
        out.put_u16_le(date);
        out.put_u32_le(self.crc);
    }

    /// The length in the archive, and of the file: both are the same.
    fn sizes(&self, out: &mut BytesMut) {
        out.put_u32_le(short(self.bytes));
        out.put_u32_le(short(self.bytes));
    }

    fn name_length(&self) -> u16 {
        // A path has 4,096 bytes at the most.
        u16::try_from(self.name().len()).unwrap_or(MORE_2)
    }

    fn times(&self) -> Times {
        Times(i32::try_from(self.modified.as_millis() / 1_000).ok())
    }
}

/// The extra field for a time to the second, which the fields of DOS do not have. Absent if the
/// time does not fit.
struct Times(Option<i32>);

impl Times {
    fn length(&self) -> u16 {
        if self.0.is_some() { 9 } else { 0 }
    }

    fn put(&self, out: &mut BytesMut) {
        if let Some(seconds) = self.0 {
            out.put_u16_le(0x5455);
            out.put_u16_le(5);
            // The time of modification alone.
            out.put_u8(1);
            out.put_i32_le(seconds);
        }
    }
}

/// The extra field for numbers that need eight bytes.
struct Long([u64; 3]);

impl Long {
    fn of(numbers: [u64; 3]) -> Self {
        Self(numbers)
    }

    fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        let long = self.0.iter().copied();
        long.filter(|number| short(*number) == MORE_4)
    }

    fn version(&self) -> u16 {
        if self.length() > 0 { ZIP64 } else { PLAIN }
    }

    fn length(&self) -> u16 {
        match self.numbers().count() {
            0 => 0,
            1 => 12,
            2 => 20,
            _ => 28,
        }
    }

    fn put(&self, out: &mut BytesMut) {
        if self.length() > 0 {
            out.put_u16_le(1);
            out.put_u16_le(self.length() - 4);
            self.numbers().for_each(|number| out.put_u64_le(number));
        }
    }
}

/// A number in four bytes, or the value that says that it is in the extra field.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(MORE_4)
}

/// A time and a date as DOS has them, in UTC.
fn dos_time(time: Timestamp) -> (u16, u16) {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let time = DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default();
    let year = time.year().clamp(1980, 2107);
    if year != time.year() {
        // For a year that does not fit: the first of January 1980, the earliest date that there is.
        return (0, (1 << 5) | 1);
    }
    let date = ((year.unsigned_abs() - 1980) << 9) | (time.month() << 5) | time.day();
    let time = (time.hour() << 11) | (time.minute() << 5) | (time.second() / 2);
    let fits = |number| u16::try_from(number).unwrap_or_default();
    (fits(time), fits(date))
}

/// What an archive ends with: a line for each file. Nothing else is kept of a file.
#[derive(Default)]
pub(super) struct Directory {
    full: VecDeque<Bytes>,
    last: BytesMut,
    files: u64,
    bytes: u64,
}

/// The lines are kept in blocks, so that none of them is ever moved.
const BLOCK_BYTES: usize = 64 * 1_024;

impl Directory {
    /// Adds a file whose header begins at `offset`.
    pub fn add(&mut self, entry: &Entry<'_>, offset: u64) {
        let before = self.last.len();
        entry.line(offset, &mut self.last);
        self.bytes += (self.last.len() - before) as u64;
        self.files += 1;
        if self.last.len() >= BLOCK_BYTES {
            self.full.push_back(self.last.split().freeze());
        }
    }

    /// About how many bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let bytes = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        bytes.saturating_add(2 * BLOCK_BYTES)
    }

    /// The pieces of the directory, which begins at `offset`, and the end of the archive.
    pub fn finish(mut self, offset: u64) -> VecDeque<Bytes> {
        self.end(offset);
        self.full.push_back(self.last.freeze());
        self.full
    }

    fn end(&mut self, offset: u64) {
        let out = &mut self.last;
        let files = u16::try_from(self.files).unwrap_or(MORE_2);
        let is_long = files == MORE_2 || short(self.bytes) == MORE_4 || short(offset) == MORE_4;
        if is_long {
            out.put_u32_le(0x0606_4b50);
            // The length of the rest of this record.
            out.put_u64_le(44);
            out.put_u16_le(UNIX | ZIP64);
            out.put_u16_le(ZIP64);
            out.put_bytes(0, 8);
            out.put_u64_le(self.files);
            out.put_u64_le(self.files);
            out.put_u64_le(self.bytes);
            out.put_u64_le(offset);
            // Where that record stands.
            out.put_u32_le(0x0706_4b50);
            out.put_u32_le(0);
            out.put_u64_le(offset + self.bytes);
            out.put_u32_le(1);
        }
        out.put_u32_le(0x0605_4b50);
        out.put_bytes(0, 4);
        out.put_u16_le(files);
        out.put_u16_le(files);
        out.put_u32_le(short(self.bytes));
        out.put_u32_le(short(offset));
        // No comment.
        out.put_u16_le(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &FilePath, bytes: u64) -> Entry<'_> {
        Entry {
            path,
            bytes,
            crc: 0x0102_0304,
            modified: Timestamp::from_secs(1_700_000_000),
            executable: false,
        }
    }

    fn path(name: &str) -> FilePath {
        FilePath::parse(name).expect("valid")
    }

    #[test]
    fn times_of_dos_are_in_steps_of_two_seconds_from_1980_on() {
        for (seconds, time, date) in [
            (315_532_800, (0, 0, 0), (1980, 1, 1)),
            (1_700_000_001, (22, 13, 20), (2023, 11, 14)),
            (4_354_819_198, (23, 59, 58), (2107, 12, 31)),
            (0, (0, 0, 0), (1980, 1, 1)),
            (4_354_819_200, (0, 0, 0), (1980, 1, 1)),
            (u64::MAX / 1_000, (0, 0, 0), (1980, 1, 1)),
        ] {
            let found = dos_time(Timestamp::from_secs(seconds));
            let time = (time.0 << 11) | (time.1 << 5) | (time.2 / 2);
            let date = ((date.0 - 1980) << 9) | (date.1 << 5) | date.2;
            assert_eq!(found, (time, date), "{seconds}");
        }
    }

    #[test]
    fn a_number_that_needs_eight_bytes_is_in_an_extra_field() {
        let path = path("a");
        let most = u64::from(u32::MAX);
        for (bytes, offset, in_header, in_line) in [
            (5, 5, 0, 0),
            (most - 1, most - 1, 0, 0),
            (most, 5, 20, 20),
            (5, most, 0, 12),
            (most + 1, most + 1, 20, 28),
        ] {
            let (mut header, mut line) = (BytesMut::new(), BytesMut::new());
            entry(&path, bytes).header(&mut header);
            entry(&path, bytes).line(offset, &mut line);
            let lengths = (header.len() - 30 - 1 - 9, line.len() - 46 - 1 - 9);
            assert_eq!(lengths, (in_header, in_line), "{bytes} {offset}");
            if in_line > 0 {
                let last = line[line.len() - 8..].try_into().expect("eight bytes");
                let expected = if offset < most { bytes } else { offset };
                assert_eq!(u64::from_le_bytes(last), expected);
            }
        }
    }

    #[test]
    fn more_files_than_two_bytes_can_count_are_counted_in_eight() {
        let path = path("a");
        for (files, is_long) in [(65_534, false), (65_535, true), (65_536, true)] {
            let mut directory = Directory::default();
            for offset in 0..files {
                directory.add(&entry(&path, 1), offset);
            }
            let pieces = directory.finish(1_000_000);
            let all = Vec::from(pieces).concat();
            let lines = usize::try_from(files).expect("fits") * (46 + 1 + 9);
            let end = if is_long { 56 + 20 + 22 } else { 22 };
            assert_eq!(all.len(), lines + end, "{files}");
            if is_long {
                let count = all[lines + 24..lines + 32].try_into().expect("eight bytes");
                assert_eq!(u64::from_le_bytes(count), files);
            }
        }
    }
}
