//! The results that the micro benches have left, for the page.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The table of the results of `cargo bench --bench micro`; empty if there are none.
pub fn table() -> Option<String> {
    let mut folders = vec![results()];
    let mut lines = Vec::new();
    while let Some(folder) = folders.pop() {
        lines.extend(line(&folder));
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        folders.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.is_dir()),
        );
    }
    lines.sort_by_key(|(name, _)| natural(name));
    let mut table = "| part | time | for each |\n|---|---|---|\n".to_owned();
    for (_, line) in &lines {
        writeln!(table, "{line}").expect("into a text");
    }
    (!lines.is_empty()).then_some(table)
}

fn results() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| "target".into());
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(target)
        .join("criterion")
}

/// The name and the line of the bench whose last results are in `folder`.
fn line(folder: &Path) -> Option<(String, String)> {
    let read = |name: &str| {
        let text = fs::read_to_string(folder.join("new").join(name)).ok()?;
        serde_json::from_str::<Value>(&text).ok()
    };
    let (bench, estimates) = (read("benchmark.json")?, read("estimates.json")?);
    let name = bench["full_id"].as_str()?.replace('/', ": ");
    let nanoseconds = estimates["median"]["point_estimate"].as_f64()?;
    let each = match &bench["throughput"] {
        Value::Object(of) if of.contains_key("Elements") => {
            let count = of["Elements"].as_f64()?;
            format!("{:.0} ns", nanoseconds / count)
        }
        Value::Object(of) if of.contains_key("Bytes") => {
            let bytes = of["Bytes"].as_f64()?;
            format!("{:.1} GB/s", bytes / nanoseconds)
        }
        _ => String::new(),
    };
    let line = format!("| {name} | {} | {each} |", time(nanoseconds));
    Some((name, line))
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ..1e3 => format!("{nanoseconds:.0} ns"),
        1e3..1e6 => format!("{:.1} µs", nanoseconds / 1e3),
        _ => format!("{:.1} ms", nanoseconds / 1e6),
    }
}

/// A key that sorts 64 before 256.
fn natural(name: &str) -> Vec<(u64, String)> {
    name.split_inclusive(|letter: char| !letter.is_ascii_digit())
        .map(|piece| {
            let digits: String = piece.chars().take_while(char::is_ascii_digit).collect();
            let rest = piece[digits.len()..].to_owned();
            (digits.parse().unwrap_or(0), rest)
        })
        .collect()
}
