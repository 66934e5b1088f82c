//! What the parts cost by themselves: parsing, encoding, base64, fan-out without sockets,
//! assembling uploads, tokens, names, and the store on disk. `benches/speed` measures the whole.
//!
//!     cargo bench --bench micro                # all of it, some three minutes
//!     cargo bench --bench micro -- hub         # what has this in its name
//!
//! `cargo bench --bench speed -- --take-micro` writes the results into `docs/performance.md`;
//! `scripts/figures` does all of it.

mod hub;
mod store;
mod trust;
mod uploads;
mod wire;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    // Enough for medians that repeat: this runs on shared machines.
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    wire::benches(&mut criterion);
    hub::benches(&mut criterion);
    uploads::benches(&mut criterion);
    trust::benches(&mut criterion);
    store::benches(&mut criterion);
    criterion.final_summary();
}
