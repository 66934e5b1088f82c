//! `docs/asyncapi.yaml`, the protocol for programs: `AsyncAPI` allows the document, it describes
//! what the sources know, a drift does not pass, and `docs/messages.md` shows it. Other tests
//! compare the same document with the golden messages (`websocket/protocol/schema_tests.rs`), with
//! what goes over real sockets (the client in `tests/live/support`) and with the client library
//! (`clients/twicecast-client/tests/described.rs`).

#[expect(dead_code, reason = "other tests use the rest")]
mod document;
mod drift;
mod page;
mod sources;
mod specification;
