//! The attackers by name.

use std::pin::Pin;

use crate::attackers as by;
use crate::stage::Stage;

/// An attack under way; it ends when the stage is stopped.
pub type Running = Pin<Box<dyn Future<Output = ()>>>;

/// A kind of attacker.
pub struct Attack {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// How many connections it has when it is alone, and when all attack together.
    pub alone: usize,
    pub in_all: usize,
    /// How often it starts again.
    pub rounds: usize,
    /// How many open files the server may have, if that is part of the attack.
    pub descriptors: Option<u32>,
    /// How much may rightly stay in memory afterwards, in MiB: projects that are in use.
    pub may_leave: u64,
    pub run: fn(Stage) -> Running,
}

const fn attack(name: &'static str, about: &'static str, run: fn(Stage) -> Running) -> Attack {
    Attack {
        name,
        about,
        alone: 1,
        in_all: 1,
        rounds: 3,
        descriptors: None,
        may_leave: 0,
        run,
    }
}

impl Attack {
    const fn connections(self, alone: usize, in_all: usize) -> Self {
        Self {
            alone,
            in_all,
            ..self
        }
    }

    /// For an attack that takes long to build up, or that leaves the same behind each time.
    const fn once(self) -> Self {
        Self { rounds: 1, ..self }
    }

    const fn descriptors(self, allowed: u32) -> Self {
        Self {
            descriptors: Some(allowed),
            ..self
        }
    }

    const fn may_leave(self, mebibytes: u64) -> Self {
        Self {
            may_leave: mebibytes,
            ..self
        }
    }

    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|attack| attack.name == name)
    }
}

/// Every attacker. All together they have 2,000 connections.
pub static ALL: [Attack; 29] = [
    attack(
        "answers",
        "1,000 unauthenticated clients send names of 1 MB and read no error",
        by::answers,
    )
    .connections(1_000, 600)
    .once(),
    attack(
        "long-names",
        "60 viewers send names of 16 MiB and read no error",
        by::long_names,
    )
    .connections(60, 40)
    .once(),
    attack(
        "history",
        "200 members ask for a history of 2.4 MB on and on, unread",
        by::history,
    )
    .connections(200, 150),
    attack(
        "histories",
        "50 members ask for a history of 2.4 MB on and on, and read it",
        by::histories,
    )
    .connections(50, 20),
    attack("walks", "50 unread `get`s of 100,000 files", by::walks)
        .connections(50, 50)
        .may_leave(64),
    attack(
        "long-walks",
        "50 unread `get`s of 100,000 files with names of 1 KB",
        by::long_walks,
    )
    .connections(50, 50)
    .may_leave(64),
    attack(
        "uploads",
        "24 drafts with 256 unfinished uploads of 255 KiB each",
        by::uploads,
    )
    .connections(24, 24)
    .once(),
    attack(
        "waiting",
        "200 watchers who do not read while 40,000 names change",
        by::waiting,
    )
    .connections(200, 150)
    .once()
    .may_leave(64),
    attack(
        "files",
        "300 unread `get`s of 65 KB files, with `ulimit -n 1000`",
        by::files,
    )
    .connections(300, 200)
    .descriptors(1_000),
    attack(
        "authenticate",
        "20 who authenticate without end",
        by::authenticate,
    )
    .connections(20, 20),
    attack("names", "20 who send names of 1 MB without end", by::names).connections(20, 20),
    attack("status", "20 who ask for `status` without end", by::status).connections(20, 20),
    attack(
        "get-file",
        "20 who `get` a small file without end",
        by::get_file,
    )
    .connections(20, 20),
    attack(
        "continuations",
        "20 who send empty continuation frames without end",
        by::continuations,
    )
    .connections(20, 20),
    attack("pongs", "20 who send empty pongs without end", by::pongs).connections(20, 20),
    attack(
        "behind-gets",
        "100 unread `get`s of 100,000 files; their streamer posts",
        by::behind_gets,
    )
    .connections(100, 100)
    .may_leave(64),
    attack("list", "20 who `list` 10,000 files without end", by::list)
        .connections(20, 20)
        .may_leave(64),
    attack(
        "folders",
        "1,000 empty posts, each in 63 folders of its own",
        by::folders,
    )
    .once()
    .may_leave(64),
    attack(
        "pending",
        "6,000 silent sockets of three addresses, with `ulimit -n 4096`",
        by::pending,
    )
    .connections(6_000, 60)
    .once()
    .descriptors(4_096),
    attack(
        "heads",
        "5,000 heads of 8 KB that never end, of three addresses",
        by::heads,
    )
    .connections(5_000, 57)
    .once(),
    attack(
        "crowd",
        "a topic of 10,000 receivers that is posted to without end",
        by::crowd,
    )
    .connections(10_000, 321)
    .once(),
    attack(
        "streamers",
        "30 streamers who post without end",
        by::streamers,
    )
    .connections(30, 30)
    .may_leave(8),
    attack(
        "announcement",
        "one announces a frame of 2^40 bytes, again and again",
        by::announcement,
    ),
    attack(
        "fragments",
        "one sends a message of fragments without end",
        by::fragments,
    ),
    attack(
        "pings",
        "one sends pings without end and reads no pong",
        by::pings,
    ),
    attack(
        "garbage",
        "one sends messages that mean nothing without end",
        by::garbage,
    ),
    attack(
        "unfinished",
        "one begins 10,000 uploads, finishes none, and begins anew",
        by::unfinished,
    ),
    attack("nesting", "one sends JSON nested 100,000 deep", by::nesting),
    attack(
        "gets",
        "one asks 10,000 times for a project and reads nothing",
        by::gets,
    ),
];
