//! An earlier measurement, for comparison.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::figure::{Goal, Row};

/// A run.
#[derive(Serialize, Deserialize)]
pub struct Record {
    pub machine: String,
    pub rows: Vec<Row>,
}

/// Where the ratios of a small run are kept, for the guard.
fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/speed/recorded.json")
}

/// Keeps a run for the guard.
pub fn keep(record: &Record) {
    let mut text = serde_json::to_string_pretty(record).expect("JSON");
    text.push('\n');
    fs::write(path(), text).expect("written");
}

/// The kept run.
pub fn kept() -> Record {
    let text = fs::read_to_string(path()).expect("a record");
    serde_json::from_str(&text).expect("a record")
}

impl Record {
    /// Whether the ratio of `row` is no worse than the one in here by more than `margin`. A figure
    /// without a floor depends on the machine and is not compared.
    pub fn allows(&self, row: &Row, margin: f64) -> bool {
        let known = self.rows.iter().find(|known| known.id == row.id);
        let (Some(now), Some(then)) = (row.ratio, known.and_then(|known| known.ratio)) else {
            return true;
        };
        let worse = match row.goal {
            Goal::LeastRatio(_) => then / now,
            _ => now / then,
        };
        let is_worse = worse > margin;
        let mark = if is_worse { "WORSE" } else { "ok" };
        println!(
            "{mark}: {} {now:.2}, recorded {then:.2}, worse by {worse:.2}",
            row.id
        );
        !is_worse
    }
}
