//! What attackers cost: memory, the round trip of an innocent pair, and what stays when they leave.
//!
//! The server has one core and all clients the other; attackers run only when
//! the others' clients don't, so that what is measured is the server and not the clients' core. Undisturbed and
//! disturbed stretches alternate, and the ratio is the median of the pairs. `docs/reliability.md`
//! holds the results.
//!
//!     cargo bench --bench attacks                # every kind of attacker, and all together
//!     cargo bench --bench attacks -- pings gets  # these

mod attackers;
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
mod measure;
#[path = "../support/pin.rs"]
mod pin;
#[path = "../../tests/live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

use std::process::ExitCode;

use attackers::Kind;

fn main() -> ExitCode {
    // What cargo says to every bench.
    let args: Vec<_> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    if let [attack, kind, port] = args.as_slice()
        && attack == "attack"
    {
        let kind = Kind::named(kind).expect("a kind of attacker");
        let port = port.parse().expect("a port");
        runtime.block_on(attackers::attack(kind, port));
        return ExitCode::SUCCESS;
    }
    let mut chosen: Vec<Vec<Kind>> = Kind::ALL.iter().map(|&kind| vec![kind]).collect();
    chosen.push(Kind::ALL.to_vec());
    if !args.is_empty() {
        let named = |name: &String| match name.as_str() {
            "all" => Kind::ALL.to_vec(),
            name => vec![Kind::named(name).expect("a kind of attacker")],
        };
        chosen = args.iter().map(named).collect();
    }
    pin::pin_to_core(1);
    if runtime.block_on(measure::run(&chosen)) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
