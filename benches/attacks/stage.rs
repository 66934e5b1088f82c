//! An attacker's process: what it needs, and how it is started, followed and stopped.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::connection::{Connection, Role, source};
use crate::kinds::Attack;
use crate::tally::Tally;

/// How long an attacker lives if nobody stops it.
const LIFE: Duration = Duration::from_secs(90);
/// How long it may take to end when told to.
const ENDING: Duration = Duration::from_secs(20);
/// How many connections are opened at a time.
const AT_A_TIME: usize = 32;

/// What an attack needs to run.
#[derive(Clone)]
pub struct Stage {
    pub port: u16,
    /// How many connections it may have.
    pub count: usize,
    /// Ends when the attack has to end.
    pub stop: CancellationToken,
    tally: Arc<Mutex<Tally>>,
}

impl Stage {
    /// The same stage for one connection.
    pub fn with_one(&self) -> Self {
        Self {
            count: 1,
            ..self.clone()
        }
    }

    pub fn count(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Opens as many connections as the attack may have, as far as the server lets it.
    pub async fn connect(&self, role: Role) -> Vec<Connection> {
        self.connect_each(|_| role).await
    }

    /// The same, each in a role of its own.
    pub async fn connect_each(&self, role: impl Fn(usize) -> Role) -> Vec<Connection> {
        let one = |number| Connection::open(source(number), self.port, role(number));
        let all = futures_util::stream::iter(0..self.count).map(one);
        let all: Vec<_> = all.buffer_unordered(AT_A_TIME).collect().await;
        let wanted = all.len();
        let open: Vec<_> = all.into_iter().filter_map(Result::ok).collect();
        self.count(|tally| tally.refused += (wanted - open.len()) as u64);
        open
    }
}

/// Reports that all are connected and the attack begins.
pub fn begun() {
    say("begun");
}

/// Reports that everything with a lasting effect has been sent.
pub fn full() {
    say("full");
}

fn say(line: &str) {
    println!("{line}");
    // There may be no listener any more.
    let _ = std::io::stdout().flush();
}

/// Attacks until its input ends, then reports what it has seen.
pub async fn run(attack: &Attack, port: u16, count: usize) {
    let stage = Stage {
        port,
        count,
        stop: CancellationToken::new(),
        tally: Arc::default(),
    };
    let stop = stage.stop.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut String::new());
        stop.cancel();
    });
    let stop = stage.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(LIFE).await;
        stop.cancel();
    });
    (attack.run)(stage.clone()).await;
    let mut seen = Tally::default();
    stage.count(|tally| seen.add(tally));
    say(&serde_json::to_string(&seen).expect("JSON"));
}

/// An attacker's process, as the bench sees it.
pub struct Attacker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Attacker {
    /// Starts one. It gives way to the pair's clients at once, so that the bench measures the
    /// server. (Niceness is not enough: it would not give way before the end of its time slice.)
    pub fn start(attack: &Attack, port: u16, count: usize) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(program)
            .args(["attack", attack.name, &port.to_string(), &count.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("an attacker");
        let lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> Option<String> {
        self.lines.next_line().await.ok()?
    }

    /// Waits for the report `wanted`; returns whether it came within `patience`.
    pub async fn says(&mut self, wanted: &str, patience: Duration) -> bool {
        let line = timeout(patience, self.line()).await;
        line.is_ok_and(|line| line.is_some_and(|line| line == wanted))
    }

    /// Ends it; returns what it has seen, unless it failed.
    pub async fn stop(mut self) -> Option<Tally> {
        drop(self.child.stdin.take());
        let last = async {
            while let Some(line) = self.line().await {
                if let Ok(tally) = serde_json::from_str(&line) {
                    return Some(tally);
                }
            }
            None
        };
        timeout(ENDING, last).await.ok().flatten()
    }
}
