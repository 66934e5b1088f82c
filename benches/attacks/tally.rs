//! Counts what the server answers attackers.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Tally {
    /// Messages by their code; those without one are under 0.
    answers: BTreeMap<u16, u64>,
    /// Closes by their code.
    closes: BTreeMap<u16, u64>,
    /// Connections that could not be opened.
    pub refused: u64,
    /// Connections that ended without a close.
    pub cut: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        for (code, count) in &other.answers {
            *self.answers.entry(*code).or_default() += count;
        }
        for (code, count) in &other.closes {
            *self.closes.entry(*code).or_default() += count;
        }
        self.refused += other.refused;
        self.cut += other.cut;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.answers.iter().map(|(code, n)| format!("{n} × {code}")));
        let closes = self.closes.iter();
        parts.extend(closes.map(|(code, n)| format!("{n} closed with {code}")));
        parts.extend((self.refused > 0).then(|| format!("{} refused", self.refused)));
        parts.extend((self.cut > 0).then(|| format!("{} cut", self.cut)));
        f.write_str(&parts.join(", "))
    }
}

/// How much of a payload is looked at.
const BEGINNING: usize = 32;

/// Finds the frames in what one connection receives.
#[derive(Debug, Default)]
pub struct Frames {
    /// The header of the frame, as far as it has arrived.
    header: Vec<u8>,
    /// The beginning of its payload.
    beginning: Vec<u8>,
    /// How much of the payload is still to come.
    left: usize,
    /// The server's close has come.
    pub is_closed: bool,
}

impl Frames {
    pub fn feed(&mut self, mut bytes: &[u8], tally: &mut Tally) {
        while let Some(&first) = bytes.first() {
            if self.left == 0 {
                self.header.push(first);
                bytes = &bytes[1..];
                match length(&self.header) {
                    Some(0) => self.end(tally),
                    Some(length) => self.left = length,
                    None => {}
                }
                continue;
            }
            let taken = self.left.min(bytes.len());
            let missing = BEGINNING - self.beginning.len();
            self.beginning.extend(bytes[..taken].iter().take(missing));
            bytes = &bytes[taken..];
            self.left -= taken;
            if self.left == 0 {
                self.end(tally);
            }
        }
    }

    fn end(&mut self, tally: &mut Tally) {
        match self.header[0] & 0x0F {
            1 => *tally.answers.entry(code(&self.beginning)).or_default() += 1,
            8 => {
                self.is_closed = true;
                let code = self.beginning.first_chunk().copied();
                let code = code.map_or(1_005, u16::from_be_bytes);
                *tally.closes.entry(code).or_default() += 1;
            }
            _ => {}
        }
        self.header.clear();
        self.beginning.clear();
    }
}

/// The length of the payload, once the header is whole.
fn length(header: &[u8]) -> Option<usize> {
    let (start, end) = match *header.get(1)? {
        126 => (2, 4),
        127 => (2, 10),
        short => return Some(short.into()),
    };
    let bytes = header.get(start..end)?;
    let sum = |sum, &byte| sum << 8 | usize::from(byte);
    Some(bytes.iter().fold(0, sum))
}

fn code(beginning: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(beginning);
    let digits = text.split_once(r#""code":"#).and_then(|it| it.1.get(..3));
    digits.and_then(|it| it.parse().ok()).unwrap_or(0)
}
