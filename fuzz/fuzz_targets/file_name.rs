#![no_main]

#[expect(dead_code, reason = "each target runs one of its functions")]
#[path = "../src/client.rs"]
mod client;

libfuzzer_sys::fuzz_target!(|data: &[u8]| client::file_name(data));
