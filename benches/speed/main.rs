//! Speed, end to end: the real program over loopback, beside floors and peers in the same run.
//! `docs/performance.md` holds the results and says how to read them.
//!
//! The server has one core and all clients the other. The figure is the server's processor time
//! per unit, the median of rounds; a ratio is the median of the rounds' own ratios.
//!
//!     cargo bench --bench speed                      # everything, as a table
//!     cargo bench --bench speed -- fan-out live      # what begins with one of these
//!     cargo bench --bench speed -- --small           # everything, in a tenth of the work

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
mod machine;
#[path = "../../tests/live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod updates;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod uploads;
mod wire;

use crowd::Pace;
use figure::{Goal, Row};

/// How much is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For figures.
    Full,
    /// For a look.
    Small,
}

impl Size {
    /// So much of `full`.
    pub fn of(self, full: u64) -> u64 {
        match self {
            Self::Full => full,
            Self::Small => (full / 10).max(1),
        }
    }

    /// Rounds of which the median counts.
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
    "live-2k-200",
    "live-50k-20",
    "upload-500",
    "upload-64k",
    "fetch-200x8k",
    "fetch-1000x2k",
    "idle-5000",
    "idle-15000",
    "latency",
    "growth-rooms",
    "growth-parts-100000",
    "growth-parts-1000000",
];

async fn measure(id: &str, size: Size) -> Row {
    match id {
        "fan-out" => fan_out::room_of_1000(size, Pace::ONE).await,
        "fan-out-16" => fan_out::room_of_1000(size, Pace::SIXTEEN).await,
        "chat-room" => fan_out::room_of_100(size).await,
        "chat-rooms" => fan_out::rooms_of_5(size).await,
        "live-2k-50" => updates::live(size, 50, 2_000, Goal::Ratio(2.4)).await,
        "live-2k-200" => updates::live(size, 200, 2_000, Goal::Ratio(1.7)).await,
        "live-50k-20" => updates::live(size, 20, 50_000, Goal::None).await,
        "upload-rename" => uploads::small_renamed(size).await,
        "upload-fsync" => uploads::small_synced(size).await,
        "upload-500" => uploads::parts(size, 375, Goal::Figure(6.0)).await,
        "upload-64k" => uploads::parts(size, 64_000, Goal::Figure(2.0)).await,
        "fetch-200x8k" => fetch::project(size, 200, 8_000, 50, Goal::Figure(1.5)).await,
        "fetch-1000x2k" => fetch::project(size, 1_000, 2_000, 20, Goal::None).await,
        "idle-5000" => idle::connections(5_000).await,
        "idle-15000" => idle::connections(15_000).await,
        "latency" => updates::latency(size).await,
        "growth-rooms" => growth::crowd(size, 10_000).await,
        "growth-parts-100000" => growth::parts(size, 100_000).await,
        "growth-parts-1000000" => growth::parts(size, 1_000_000).await,
        other => panic!("nothing is called {other}"),
    }
}

fn main() {
    // What cargo says to every bench.
    let args: Vec<_> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    if args.first().is_some_and(|arg| arg == "floor") {
        return floor::run(&args[1..]);
    }
    let (flags, names): (Vec<_>, Vec<_>) = args.iter().partition(|arg| arg.starts_with("--"));
    let size = if flags.iter().any(|flag| *flag == "--small") {
        Size::Small
    } else {
        Size::Full
    };
    machine::raise_open_files();
    machine::pin_client();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("{}", machine::name());
    for id in ALL {
        if names.is_empty() || names.iter().any(|name| id.starts_with(name.as_str())) {
            let row = runtime.block_on(measure(id, size));
            println!("{}", line(&row));
        }
    }
}

/// A row of the table.
fn line(row: &Row) -> String {
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
    let mark = if row.is_reached() { "yes" } else { "no" };
    format!(
        "| {} | {} | {:.2} | {} | {} | {} | {goal} | {mark} |",
        row.name,
        row.unit,
        row.ours,
        figure(row.floor),
        figure(row.ratio),
        peers.join(", "),
    )
}
