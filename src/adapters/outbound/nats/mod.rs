//! Stores on NATS `JetStream`, so that several nodes serve the same projects.
//!
//! One replicated stream is the log of all changes and the store of their newest state. A change is
//! an atomic batch that ends with the project's head. It is kept only if the head has not moved
//! since the change was checked. This makes order and quotas exact, whichever node asks. Each node
//! follows the log, keeps a replica of the projects that it is asked for, and reads contents by
//! their place in the log.

mod apply_here;
mod apply_log;
mod apply_question;
mod apply_relay;
mod audience;
mod background;
mod blobs;
mod chat_entry;
mod chat_rooms;
mod check;
mod commit;
mod engine;
mod entry;
mod focus;
mod follower;
mod guests;
mod inspect;
mod living;
mod logged;
mod message;
mod moderation;
mod nodes;
mod orphans;
mod overtaken;
mod own_changes;
mod pending_changes;
mod presence;
mod projects;
mod publish;
mod pull_requests;
mod read;
mod read_all;
mod replica;
mod replicas;
mod reviews;
mod settings;
mod setup;
mod silence;
mod stores;
mod streamers;
mod subjects;
mod told;
mod tombstones;
mod uploads;
mod viewers;

#[cfg(test)]
mod chat_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told_tests;

pub use inspect::inspect;
pub use settings::NatsSettings;
pub use stores::open_stores;
