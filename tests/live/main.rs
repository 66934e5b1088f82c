//! The real server over real sockets: the main job with the real client, and the protocol section
//! by section with clients that know only the contract.

#[expect(dead_code, reason = "the benches use the rest")]
mod support;

mod applying;
mod authenticate;
mod bases;
mod chat;
mod compatibility;
mod crash;
mod doctor;
mod drafts;
mod envelopes;
mod guests;
mod http;
mod lagging;
mod limits;
mod logs;
mod main_job;
mod metrics;
mod migration;
mod moderation;
mod names;
mod nats;
mod nonsense;
mod operation;
mod order;
mod parameters;
mod presence;
mod programs;
mod pull_requests;
mod races;
mod reading;
mod rights;
mod session;
mod shutdown;
mod silence;
mod stuck;
mod tokens;
mod trees;
mod troll;
mod unauthorised;
mod watching;
mod wire;
mod writing;
