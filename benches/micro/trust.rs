//! The checks before a client is trusted: tokens and names.

use std::hint::black_box;

use criterion::Criterion;
use file_ws_server::adapters::outbound::jwt::{JwtVerifier, TokenKey};
use file_ws_server::application::ports::TokenVerifier as _;
use file_ws_server::domain::{FilePath, UserName};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

pub fn benches(criterion: &mut Criterion) {
    let verifier = JwtVerifier::new(&TokenKey::Secret(SECRET.to_vec()), None, None);
    let verifier = verifier.expect("a key");
    let claims = json!({"username": "ana", "exp": 4_000_000_000_u64, "project": "demo"});
    let key = EncodingKey::from_secret(SECRET);
    let token = encode(&Header::new(Algorithm::HS256), &claims, &key).expect("a token");
    let forged = format!("{}A", &token[..token.len() - 1]);
    let mut group = criterion.benchmark_group("token");
    assert!(verifier.verify(&token).is_ok());
    group.bench_function("good", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&token)));
    });
    group.bench_function("forged", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&forged)));
    });
    group.finish();

    let long = format!("/{}", ["folder"; 30].join("/"));
    let mut group = criterion.benchmark_group("name");
    for (name, path) in [
        ("file, short", "/src/main.rs"),
        ("file, to be normalised", "src//./ui/main.rs"),
        ("file, 30 folders deep", &long),
        ("file, refused", "/src/../../etc/passwd"),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| FilePath::parse(black_box(path)));
        });
    }
    group.bench_function("user", |bencher| {
        bencher.iter(|| UserName::parse(black_box("ana.maria_3")));
    });
    group.finish();
}
