//! The real server over real sockets: the main job with the real client, the wire habits of the two
//! clients that exist, order and versions.

mod client;
mod desktop;
mod files;
mod identity;
mod main_job;
mod operation;
mod order;
mod programs;
mod review;
mod rights;
mod server;
mod trees;
mod web_viewer;
