//! Messages: reading, writing, and their base64.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use file_ws_server::adapters::inbound::websocket::{event_encoder, fuzzing};
use file_ws_server::application::memory::MemoryBudget;
use file_ws_server::application::{Event, FileKey};
use file_ws_server::domain::{FilePath, ProjectEntry, Timestamp, Version};

use crate::hub::project;

/// How long the base64 is: a desktop client's part, a file of source code, a part of a large file.
const CHARS: [(&str, usize); 3] = [("0.6 KB", 500), ("64 KB", 64_000), ("256 KB", 256_000)];

/// The default length of the server's own parts, so that no file here is cut.
const PART_BYTES: usize = 256 * 1_024;

pub fn benches(criterion: &mut Criterion) {
    let mut parse = criterion.benchmark_group("parse a post");
    for (name, chars) in CHARS {
        let content = base64_simd::STANDARD.encode_to_string(vec![b'x'; chars / 4 * 3]);
        let message = format!(
            r#"{{"type":"file","subtype":"post","data":{{"name":"/src/main.rs","content":"{content}","part":3,"maxPart":9}}}}"#
        );
        parse.throughput(Throughput::Bytes(message.len() as u64));
        parse.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| fuzzing::read(black_box(message.as_bytes()), true));
        });
    }
    parse.finish();

    let mut encode = criterion.benchmark_group("encode an update");
    let encoder = event_encoder(MemoryBudget::new(usize::MAX / 2), PART_BYTES);
    for (name, chars) in CHARS {
        let file = FileKey {
            project: project(),
            path: FilePath::parse("/src/main.rs").expect("a name"),
        };
        let event = Event::FileUpdated {
            file: Arc::new(file),
            entry: ProjectEntry::written(
                (chars / 4 * 3) as u64,
                Version::new(1),
                Timestamp::default(),
                false,
            ),
            content: Some(Bytes::from(vec![b'x'; chars / 4 * 3])),
        };
        encode.throughput(Throughput::Bytes(chars as u64));
        encode.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| encoder(black_box(&event), 1));
        });
    }
    encode.finish();

    for (name, chars) in CHARS {
        let bytes = vec![b'x'; chars / 4 * 3];
        let text = base64_simd::STANDARD.encode_to_string(&bytes);
        let mut group = criterion.benchmark_group("base64");
        group.throughput(Throughput::Bytes(chars as u64));
        group.bench_function(BenchmarkId::new("encode", name), |bencher| {
            bencher.iter(|| base64_simd::STANDARD.encode_to_string(black_box(&bytes)));
        });
        group.bench_function(BenchmarkId::new("decode", name), |bencher| {
            bencher.iter(|| base64_simd::STANDARD.decode_to_vec(black_box(&text)));
        });
        group.finish();
    }
}
