//! Speed, end to end: the real program over loopback, beside floors and peers in the same run.
//! `docs/performance.md` holds the results and says how to read them.
//!
//! The server has one core and all clients the other. The figure is the server's processor time
//! per unit, the median of rounds; a ratio is the median of the rounds' own ratios.
//!
//!     cargo bench --bench speed                      # everything, as a table
//!     cargo bench --bench speed -- fan-out live      # what begins with one of these
//!     cargo bench --bench speed -- --exact fan-out   # what is called that
//!     cargo bench --bench speed -- --small           # everything, in a tenth of the work
//!     cargo bench --bench speed -- --write           # writes the page as well

mod contender;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod crowd;
mod fan_out;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod fetch;
mod figure;
mod floor;
mod growth;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod idle;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod large;
mod machine;
mod micro;
#[path = "../support/pin.rs"]
mod pin;
mod record;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod report;
#[path = "../../tests/live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod updates;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod uploads;
mod wire;

use std::process::ExitCode;

use crowd::Pace;
use figure::{Goal, Row};
use large::Whole;
use record::Record;
use updates::Stored::{Renamed, Synced};

/// How much to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For the published figures.
    Full,
    /// For a quick look.
    Small,
}

impl Size {
    /// This share of `full`.
    pub fn of(self, full: u64) -> u64 {
        match self {
            Self::Full => full,
            Self::Small => (full / 10).max(1),
        }
    }

    /// Rounds, of which the median counts.
    pub fn rounds(self) -> usize {
        5
    }

    /// Whether the peers are measured as well.
    pub fn has_peers(self) -> bool {
        self == Self::Full
    }
}

/// What can be measured, in the order of the table.
const ALL: &[&str] = &[
    "upload-rename",
    "upload-fsync",
    "fan-out",
    "fan-out-16",
    "chat-room",
    "chat-rooms",
    "live-2k-50",
    "live-2k-50-fsync",
    "live-2k-200",
    "live-2k-200-fsync",
    "live-50k-20",
    "upload-500",
    "upload-64k",
    "fetch-200x8k",
    "fetch-1000x2k",
    "idle-5000",
    "idle-15000",
    "latency",
    "latency-fsync",
    "growth-rooms",
    "growth-parts-100000",
    "growth-parts-1000000",
    "growth-start",
    "growth-list",
    "growth-get",
    "growth-memory",
];

/// How often the guard measures a row that seems worse, at most, before it believes it: other work
/// on the machine makes a ratio worse, but not each time.
const TRIES: usize = 3;

async fn measure(id: &str, size: Size) -> Row {
    match id {
        "fan-out" => fan_out::room_of_1000(size, Pace::ONE).await,
        "fan-out-16" => fan_out::room_of_1000(size, Pace::SIXTEEN).await,
        "chat-room" => fan_out::room_of_100(size).await,
        "chat-rooms" => fan_out::rooms_of_5(size).await,
        "live-2k-50" => updates::live(size, 50, 2_000, Renamed, Goal::Ratio(2.4)).await,
        "live-2k-50-fsync" => updates::live(size, 50, 2_000, Synced, Goal::Ratio(2.4)).await,
        "live-2k-200" => updates::live(size, 200, 2_000, Renamed, Goal::Ratio(1.7)).await,
        "live-2k-200-fsync" => updates::live(size, 200, 2_000, Synced, Goal::Ratio(1.7)).await,
        "live-50k-20" => updates::live(size, 20, 50_000, Renamed, Goal::None).await,
        "upload-rename" => uploads::small_renamed(size).await,
        "upload-fsync" => uploads::small_synced(size).await,
        "upload-500" => uploads::parts(size, 375, Goal::Figure(6.0)).await,
        "upload-64k" => uploads::parts(size, 64_000, Goal::Figure(2.0)).await,
        "fetch-200x8k" => fetch::project(size, 200, 8_000, 50, Goal::Figure(1.5)).await,
        "fetch-1000x2k" => fetch::project(size, 1_000, 2_000, 20, Goal::None).await,
        "idle-5000" => idle::connections(5_000).await,
        "idle-15000" => idle::connections(15_000).await,
        "latency" => updates::latency(size, Renamed).await,
        "latency-fsync" => updates::latency(size, Synced).await,
        "growth-rooms" => growth::crowd(size, 10_000).await,
        "growth-parts-100000" => growth::parts(size, 100_000).await,
        "growth-parts-1000000" => growth::parts(size, 1_000_000).await,
        "growth-start" => large::growth(size, Whole::Start).await,
        "growth-list" => large::growth(size, Whole::List).await,
        "growth-get" => large::growth(size, Whole::Get).await,
        "growth-memory" => large::growth(size, Whole::Memory).await,
        other => panic!("nothing is called {other}"),
    }
}

/// What the command line asks for.
struct Asked {
    size: Size,
    /// Beginnings of names to measure; empty means everything.
    names: Vec<String>,
    /// Whether these are whole names.
    is_exact: bool,
    /// Write the page.
    writes: bool,
    /// Keep the ratios for the guard.
    keeps: bool,
    /// By how much a ratio may be worse than the kept one.
    margin: Option<f64>,
}

impl Asked {
    fn read(args: Vec<String>) -> Self {
        let mut asked = Self {
            size: Size::Full,
            names: Vec::new(),
            is_exact: false,
            writes: false,
            keeps: false,
            margin: None,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--small" => asked.size = Size::Small,
                "--exact" => asked.is_exact = true,
                "--write" => asked.writes = true,
                "--keep" => asked.keeps = true,
                "--guard" => {
                    let margin = args.next().and_then(|margin| margin.parse().ok());
                    asked.margin = Some(margin.expect("a factor behind --guard"));
                }
                flag if flag.starts_with("--") => panic!("nothing is called {flag}"),
                _ => asked.names.push(arg),
            }
        }
        asked
    }

    fn wants(&self, id: &str) -> bool {
        let is_named = |name: &String| id == name || (!self.is_exact && id.starts_with(name));
        self.names.is_empty() || self.names.iter().any(is_named)
    }
}

fn main() -> ExitCode {
    // Cargo passes this to every bench.
    let args: Vec<_> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    if args.first().is_some_and(|arg| arg == "floor") {
        floor::run(&args[1..]);
        return ExitCode::SUCCESS;
    }
    if args.first().is_some_and(|arg| arg == "--take-micro") {
        report::write_micro();
        return ExitCode::SUCCESS;
    }
    let asked = Asked::read(args);
    machine::raise_open_files();
    machine::pin_client();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut record = Record {
        machine: machine::name(),
        rows: Vec::new(),
    };
    println!("{}\n\n{}", record.machine, report::HEAD.trim_end());
    for id in ALL.iter().filter(|id| asked.wants(id)) {
        let row = runtime.block_on(measure(id, asked.size));
        println!("{}", report::line(&row));
        record.rows.push(row);
    }
    if asked.writes {
        report::write(&record);
    }
    if asked.keeps {
        record::keep(&record);
    }
    let is_good = asked.margin.is_none_or(|margin| {
        let kept = record::kept();
        let good = record.rows.iter().map(|row| {
            let again = || runtime.block_on(measure(&row.id, asked.size));
            kept.allows(row, margin) || (1..TRIES).any(|_| kept.allows(&again(), margin))
        });
        // Goes on after a bad row, so that all rows are reported.
        good.fold(true, |all, one| all & one)
    });
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
