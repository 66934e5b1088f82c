//! Assembling files from their parts.

use criterion::{BenchmarkId, Criterion, Throughput};
use file_ws_server::domain::{Part, PartialUpload};

/// The bytes of a part of the desktop client.
const BYTES: u32 = 375;

/// At most this many bytes wait in memory.
const SPILL: usize = 256 * 1_024;

fn part(number: u32, count: u32) -> Part {
    Part {
        number: Some(number),
        count,
        bytes: BYTES,
        chars: 500,
        padded: false,
        binary: true,
    }
}

/// Assembles the parts in this order; returns the number of pieces and of bytes in the log, added.
fn assemble(count: u32, numbers: impl Iterator<Item = u32>) -> usize {
    let content = [b'x'; BYTES as usize];
    let mut upload = PartialUpload::new(count);
    let mut log = Vec::new();
    for number in numbers {
        upload.accept(&part(number, count)).expect("fits");
        if log.len() >= SPILL {
            // Here the application stages them.
            log.clear();
        }
        log.extend_from_slice(&content);
    }
    upload.pieces().len() + log.len()
}

pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("assemble an upload");
    for count in [10_000, 100_000] {
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::new("parts in order", count), |bencher| {
            bencher.iter(|| assemble(count, 1..=count));
        });
        // The worst order: no two neighbouring parts come in sequence.
        let mixed = (1..=count).step_by(2).chain((2..=count).step_by(2));
        group.bench_function(BenchmarkId::new("odd parts first", count), |bencher| {
            bencher.iter(|| assemble(count, mixed.clone()));
        });
    }
    group.finish();
}
