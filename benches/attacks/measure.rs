//! Pairs of periods without and with attackers, and the table of results.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::arena::{Arena, Taken, forget_peak};
use crate::connection::{Connection, Role};
use crate::kinds::{ALL, Attack};
use crate::pair::{Pair, Paired, Trips, median, quantile};
use crate::probe::Probe;
use crate::stage::Attacker;
use crate::support::Server;
use crate::tally::Tally;

/// How many periods a round has without attackers, and then with them.
const STRETCHES: usize = 3;
/// How long attackers may take to connect, and to send everything.
const BEGINNING: Duration = Duration::from_secs(40);
const FILLING: Duration = Duration::from_secs(50);
/// How long a new client may take to connect.
const NEWCOMER: Duration = Duration::from_secs(5);
const MIB: u64 = 1 << 20;
/// The goals: memory in all and for each connection, and how much slower others may become.
const MAX_MEMORY: u64 = 256 * MIB;
const MAX_MEMORY_OF_ONE: u64 = 16 * 1_024;
const MAX_RATIO: f64 = 2.0;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Size {
    /// The attackers' connections are divided by this.
    pub divisor: usize,
    pub most_rounds: usize,
    pub stretch: Duration,
    /// How long to wait, after a round and at the end, until the server has given everything back.
    pub pause: Duration,
    pub release: Duration,
    /// Whether that is long enough to conclude that something is not given back.
    pub is_rest_judged: bool,
}

/// Measures each of `chosen` on its own server; returns whether all goals were reached.
pub async fn run(chosen: &[Vec<&'static Attack>], size: Size) -> bool {
    let arena = Arena::new().await;
    println!(
        "| attackers | update, µs | ratio | chat, µs | ratio | peak memory (goal) | \
         memory before → after | files before → under → after | newcomer | they saw | goals missed |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut is_good = true;
    for attacks in chosen {
        let figures = measure(attacks, &arena, size).await;
        is_good &= figures.print(attacks);
    }
    is_good
}

struct Figures {
    connections: u64,
    /// All updates without and with attackers.
    calm: Vec<f64>,
    under: Vec<f64>,
    updates: Paired,
    chats: Paired,
    before: Taken,
    peak: u64,
    most_files: usize,
    after: Taken,
    newcomers: Vec<Option<Duration>>,
    seen: Tally,
    refused: u64,
    notes: Vec<String>,
    missed: Vec<&'static str>,
}

async fn measure(attacks: &[&'static Attack], arena: &Arena, size: Size) -> Figures {
    let is_alone = attacks.len() == 1;
    let count = |attack: &Attack| {
        let count = if is_alone {
            attack.alone
        } else {
            attack.in_all
        };
        (count / size.divisor).max(count.min(20))
    };
    let rounds = attacks
        .iter()
        .map(|attack| attack.rounds)
        .min()
        .unwrap_or(1);
    let descriptors = attacks.iter().find_map(|attack| attack.descriptors);
    let may_stay = attacks
        .iter()
        .map(|attack| attack.may_leave)
        .max()
        .unwrap_or(0)
        * MIB;
    let server = arena.start(descriptors.filter(|_| is_alone));
    let mut pair = Pair::connect(&server).await;
    pair.run(size.stretch).await;
    let mut probe = Probe::before(attacks, &server)
        .await
        .expect("a calm server answers");
    let before = Taken::by(&server);
    forget_peak(&server);
    let mut figures = Figures {
        connections: attacks.iter().map(|attack| count(attack) as u64).sum(),
        calm: Vec::new(),
        under: Vec::new(),
        updates: Paired::default(),
        chats: Paired::default(),
        before,
        peak: 0,
        most_files: 0,
        after: before,
        newcomers: Vec::new(),
        seen: Tally::default(),
        refused: 0,
        notes: Vec::new(),
        missed: Vec::new(),
    };
    for _ in 0..rounds.min(size.most_rounds) {
        let mut calm = Vec::new();
        for _ in 0..STRETCHES {
            calm.push(pair.run(size.stretch).await);
        }
        let start = |attack: &&Attack| Attacker::start(attack, server.port, count(attack));
        let mut attackers: Vec<_> = attacks.iter().map(start).collect();
        for attacker in &mut attackers {
            if !attacker.says("begun", BEGINNING).await {
                figures.missed.push("attack");
            }
        }
        if probe.under().await.is_err() {
            figures.missed.push("post");
        }
        for calm in calm {
            let under = pair.run(size.stretch).await;
            figures.pair_up(calm, under);
        }
        figures.newcomers.push(newcomer(&server).await);
        let are_full = fill(&mut attackers, &mut pair).await;
        figures.most_files = figures.most_files.max(server.open_files());
        if probe.after(attacks, &server, arena).await.is_err() {
            figures.missed.push("status");
        }
        for attacker in attackers {
            match attacker.stop().await {
                Some(seen) if are_full => figures.seen.add(&seen),
                _ => figures.missed.push("attack"),
            }
        }
        figures.after = released(&server, &mut pair, before, may_stay, size.pause).await;
    }
    figures.peak = server.peak_memory();
    figures.after = released(&server, &mut pair, before, may_stay, size.release).await;
    let (notes, missed) = probe.outcome();
    figures.notes.extend(notes);
    figures.missed.extend(missed);
    figures.refused = pair.refused;
    figures.judge(&pair, may_stay, size);
    figures
}

/// Runs the pair until the attackers have sent everything; returns whether they have.
async fn fill(attackers: &mut [Attacker], pair: &mut Pair) -> bool {
    let is_filled = Cell::new(false);
    let filling = async {
        let mut are_all = true;
        for attacker in attackers {
            are_all &= attacker.says("full", FILLING).await;
        }
        is_filled.set(true);
        are_all
    };
    let going_on = async {
        while !is_filled.get() {
            pair.run(Duration::from_millis(100)).await;
        }
    };
    tokio::join!(filling, going_on).0
}

/// How long a new client takes to become a viewer, if it succeeds.
async fn newcomer(server: &Server) -> Option<Duration> {
    let began = Instant::now();
    let opening = Connection::open_wide(Ipv4Addr::LOCALHOST, server.port, Role::Viewer);
    let opened = timeout(NEWCOMER, opening).await;
    opened.ok()?.ok().map(|_| began.elapsed())
}

/// Waits for files and memory to be back to their earlier values, but at most for `patience`;
/// returns what is taken then.
async fn released(
    server: &Server,
    pair: &mut Pair,
    before: Taken,
    may_stay: u64,
    patience: Duration,
) -> Taken {
    let began = Instant::now();
    loop {
        let now = Taken::by(server);
        if now.is_back_to(before, may_stay) || began.elapsed() > patience {
            return now;
        }
        pair.run(Duration::from_millis(50)).await;
        sleep(Duration::from_millis(50)).await;
    }
}

impl Figures {
    fn pair_up(&mut self, mut calm: Trips, mut under: Trips) {
        self.updates.add(&mut calm.updates, &mut under.updates);
        self.chats.add(&mut calm.chats, &mut under.chats);
        self.calm.append(&mut calm.updates);
        self.under.append(&mut under.updates);
    }

    fn goal(&self) -> u64 {
        MAX_MEMORY + self.connections * MAX_MEMORY_OF_ONE
    }

    fn judge(&mut self, pair: &Pair, may_stay: u64, size: Size) {
        let is_given_back = !size.is_rest_judged || self.after.is_back_to(self.before, may_stay);
        let goals = [
            (self.peak <= self.goal(), "memory"),
            (median(&mut self.updates.ratios) <= MAX_RATIO, "update"),
            (median(&mut self.chats.ratios) <= MAX_RATIO, "chat"),
            (is_given_back, "given back"),
            (self.newcomers.iter().all(Option::is_some), "newcomer"),
            (pair.refused == 0, "posts"),
            (!pair.is_lost, "pair"),
        ];
        let missed = goals.into_iter().filter(|(is_reached, _)| !is_reached);
        self.missed.extend(missed.map(|(_, name)| name));
        self.missed.sort_unstable();
        self.missed.dedup();
    }

    /// Prints the row; returns whether all goals were reached.
    fn print(mut self, attacks: &[&Attack]) -> bool {
        let (name, about) = match attacks {
            [attack] => (attack.name, attack.about),
            all if all.len() == ALL.len() => ("all", "all of them together"),
            _ => ("some", "some of them together"),
        };
        if name == "crowd" {
            let p99 = |trips: &mut [f64]| quantile(trips, 0.99) / 1e3;
            let (calm, under) = (p99(&mut self.calm), p99(&mut self.under));
            self.notes
                .push(format!("p99 of an update {calm:.1} → {under:.1} ms"));
        }
        if self.refused > 0 {
            self.notes.push(format!("{} posts refused", self.refused));
        }
        let slowest = self
            .newcomers
            .iter()
            .max_by_key(|time| time.unwrap_or(Duration::MAX));
        let newcomer = match slowest {
            Some(Some(time)) => format!("{:.0} ms", time.as_secs_f64() * 1e3),
            _ => "no".to_owned(),
        };
        let mib = |bytes: u64| bytes as f64 / MIB as f64;
        let said = [vec![about.to_owned()], self.notes.clone()]
            .concat()
            .join("; ");
        println!(
            "| `{name}`: {said} | {:.0} → {:.0} | {:.2} | {:.0} → {:.0} | {:.2} \
             | {:.1} MiB ({:.0}) | {:.1} → {:.1} MiB | {} → {} → {} \
             | {newcomer} | {} | {} |",
            median(&mut self.updates.calm),
            median(&mut self.updates.under),
            median(&mut self.updates.ratios),
            median(&mut self.chats.calm),
            median(&mut self.chats.under),
            median(&mut self.chats.ratios),
            mib(self.peak),
            mib(self.goal()),
            mib(self.before.memory),
            mib(self.after.memory),
            self.before.files,
            self.most_files,
            self.after.files,
            self.seen,
            self.missed.join(", "),
        );
        self.missed.is_empty()
    }
}
