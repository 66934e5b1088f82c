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

/// Compares a run with the kept one: whether no ratio is worse by more than `margin`.
/// Figures without a floor depend on the machine and are left out.
pub fn compare(rows: &[Row], margin: f64) -> bool {
    let text = fs::read_to_string(path()).expect("a record");
    let record: Record = serde_json::from_str(&text).expect("a record");
    let mut is_good = true;
    for row in rows {
        let known = record.rows.iter().find(|known| known.id == row.id);
        let (Some(now), Some(then)) = (row.ratio, known.and_then(|known| known.ratio)) else {
            continue;
        };
        let worse = match row.goal {
            Goal::LeastRatio(_) => then / now,
            _ => now / then,
        };
        let is_worse = worse > margin;
        is_good &= !is_worse;
        let mark = if is_worse { "WORSE" } else { "ok" };
        println!(
            "{mark}: {} {now:.2}, recorded {then:.2}, worse by {worse:.2}",
            row.id
        );
    }
    is_good
}
