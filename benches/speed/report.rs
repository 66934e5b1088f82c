//! The results, as a table and plots in `docs/performance.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::figure::{Goal, Row};
use crate::micro;
use crate::record::Record;

/// Ours, the floor, and the peers.
const OURS: RGBColor = RGBColor(37, 99, 235);
const FLOOR: RGBColor = RGBColor(156, 163, 175);
const PEER: RGBColor = RGBColor(245, 158, 11);

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The head of the table that [`line`] continues.
pub const HEAD: &str = "\
| | unit | ours | floor | ratio | goal | reached | peers |
|---|---|---|---|---|---|---|---|
";

/// A row of the table.
pub fn line(row: &Row) -> String {
    let figure = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
    let peers: Vec<_> = row
        .peers
        .iter()
        .map(|(name, value)| format!("{name} {value:.2}"))
        .collect();
    let goal = match row.goal {
        Goal::Ratio(most) => format!("≤ {most:.2} ×"),
        Goal::LeastRatio(least) => format!("≥ {least:.2} ×"),
        Goal::Figure(most) => format!("≤ {most}"),
        Goal::None => String::new(),
    };
    let reached = match (row.goal, row.is_reached()) {
        (Goal::None, _) => "",
        (_, true) => "yes",
        (_, false) => "no",
    };
    format!(
        "| {} | {} | {:.2} | {} | {} | {goal} | {reached} | {} |",
        row.name,
        row.unit,
        row.ours,
        figure(row.floor),
        figure(row.ratio),
        peers.join(", "),
    )
}

/// Writes the table into the page, and the plots beside it.
pub fn write(record: &Record) {
    let path = docs().join("performance.md");
    let mut page = fs::read_to_string(&path).expect("the page");
    let mut table = format!("\n{}\n\n{HEAD}", record.machine);
    for row in &record.rows {
        writeln!(table, "{}", line(row)).expect("into a text");
    }
    replace(&mut page, "measured", &table);
    fs::write(&path, page).expect("written");
    let folder = docs().join("performance");
    fs::create_dir_all(&folder).expect("a folder");
    for row in record.rows.iter().filter(|row| !row.peers.is_empty()) {
        let mut bars = vec![Bar::new("this server", row.ours, OURS)];
        bars.extend(row.floor.map(|floor| Bar::new("floor", floor, FLOOR)));
        let peers = row.peers.iter();
        bars.extend(peers.map(|(name, value)| Bar::new(name, *value, PEER)));
        let title = format!("{} ({})", row.name, row.unit);
        draw(&folder.join(format!("{}.svg", row.id)), &title, &bars);
    }
    let ratios: Vec<_> = record
        .rows
        .iter()
        .filter_map(|row| Some(Bar::new(&row.name, row.ratio?, OURS)))
        .collect();
    draw(&folder.join("ratios.svg"), "ratio to the floor", &ratios);
}

/// Writes the results of the micro benches into the page.
pub fn write_micro() {
    let path = docs().join("performance.md");
    let mut page = fs::read_to_string(&path).expect("the page");
    let table = micro::table().expect("run `cargo bench --bench micro` first");
    replace(&mut page, "micro", &format!("\n{table}"));
    fs::write(&path, page).expect("written");
}

/// Puts a table between the marks of that name.
fn replace(page: &mut String, name: &str, table: &str) {
    let [begin, end] = ["begin", "end"].map(|end| format!("<!-- {name}: {end} -->\n"));
    let from = page.find(&begin).expect("where the table begins") + begin.len();
    let to = page.find(&end).expect("where it ends");
    page.replace_range(from..to, &format!("{table}\n"));
}

struct Bar {
    label: String,
    value: f64,
    color: RGBColor,
}

impl Bar {
    fn new(label: &str, value: f64, color: RGBColor) -> Self {
        Self {
            label: label.to_owned(),
            value,
            color,
        }
    }
}

/// Horizontal bars, the first one on top, each with its figure.
fn draw(path: &Path, title: &str, bars: &[Bar]) {
    const ROW: usize = 26;
    let height = u32::try_from(60 + ROW * bars.len()).expect("few");
    let area = SVGBackend::new(path, (900, height)).into_drawing_area();
    area.fill(&WHITE).expect("drawn");
    let most = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 16))
        .margin(8)
        .x_label_area_size(4)
        .y_label_area_size(4)
        .build_cartesian_2d(-1.1 * most..1.12 * most, 0.0..bars.len() as f64)
        .expect("a chart");
    let middle = Pos::new(HPos::Left, VPos::Center);
    let style = TextStyle::from(("sans-serif", 12).into_font()).pos(middle);
    for (row, bar) in (0..bars.len()).rev().zip(bars) {
        let row = row as f64;
        let corners = [(0.0, row + 0.15), (bar.value, row + 0.85)];
        let rectangle = Rectangle::new(corners, bar.color.filled());
        let figure = format!("{:.2}", bar.value);
        let place = (bar.value + most * 0.01, row + 0.5);
        let figure = Text::new(figure, place, style.clone());
        let label = Text::new(bar.label.clone(), (-1.08 * most, row + 0.5), style.clone());
        chart.draw_series([rectangle]).expect("drawn");
        chart.draw_series([figure, label]).expect("drawn");
    }
    area.present().expect("written");
}
