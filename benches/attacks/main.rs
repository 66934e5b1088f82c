//! What attackers cost: memory, open files, the round trip of an innocent pair, and what stays when
//! they leave.
//!
//! The server has one core and all clients the other. Attackers give way to the other clients, so
//! the figures measure the server. Periods without and with attackers alternate, and a ratio is the
//! median of the pairs. Attackers come from 127.0.0.2 and up. `docs/reliability.md` holds the
//! results.
//!
//!     cargo bench --bench attacks                   # every attacker, and all together
//!     cargo bench --bench attacks -- --small        # the same in two minutes
//!     cargo bench --bench attacks -- walks all      # these
//!     cargo bench --bench attacks -- walks+names    # these at the same time
//!     cargo bench --bench attacks -- --list         # says what there is
//!     TMPDIR=/dev/shm cargo bench --bench attacks   # the same without a disk's moods
//!     SERVER_UNDER_TEST=… cargo bench --bench attacks  # another program than the one just built

mod arena;
mod attackers;
mod connection;
mod hold;
mod kinds;
#[path = "../speed/machine.rs"]
#[expect(dead_code, reason = "the bench of speed uses the rest")]
mod machine;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod measure;
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]
mod pair;
#[path = "../support/pin.rs"]
mod pin;
mod probe;
mod stage;
#[path = "../../tests/live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;
mod tally;

use std::process::ExitCode;
use std::time::Duration;

use kinds::{ALL, Attack};
use measure::Size;

const FULL: Size = Size {
    divisor: 1,
    most_rounds: 3,
    stretch: Duration::from_millis(500),
    pause: Duration::from_secs(3),
    release: Duration::from_secs(15),
    is_rest_judged: true,
};
const SMALL: Size = Size {
    divisor: 4,
    most_rounds: 1,
    stretch: Duration::from_millis(200),
    pause: Duration::from_millis(500),
    release: Duration::from_secs(1),
    is_rest_judged: false,
};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    machine::raise_open_files();
    let (flags, names): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|arg| arg.starts_with("--"));
    if let [attack, name, port, count] = names.as_slice()
        && attack == "attack"
    {
        let attack = Attack::named(name).expect("a kind of attacker");
        let (port, count) = (port.parse(), count.parse());
        let attacking = stage::run(attack, port.expect("a port"), count.expect("a count"));
        runtime.block_on(attacking);
        return ExitCode::SUCCESS;
    }
    if flags.iter().any(|flag| flag == "--list") {
        for attack in &ALL {
            println!("{:14} {}", attack.name, attack.about);
        }
        return ExitCode::SUCCESS;
    }
    let mut chosen: Vec<Vec<&Attack>> = names.iter().map(|name| named(name)).collect();
    if chosen.is_empty() {
        chosen = ALL.iter().map(|attack| vec![attack]).collect();
        chosen.push(named("all"));
    }
    let is_small = flags.iter().any(|flag| flag == "--small");
    pin::pin_to_core(1);
    let measuring = measure::run(&chosen, if is_small { SMALL } else { FULL });
    if runtime.block_on(measuring) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn named(name: &str) -> Vec<&'static Attack> {
    match name {
        "all" => ALL.iter().collect(),
        names => names
            .split('+')
            .map(|name| Attack::named(name).expect("a kind of attacker, or all"))
            .collect(),
    }
}
