//! The command as its users run it, with a small server that speaks the contract.

mod address;
mod chat;
mod completions;
mod credentials;
mod doctor;
mod from_page;
mod hostile;
mod keyboard;
mod leaks;
mod library;
mod link;
mod mirror;
mod once;
mod pty;
mod pulls;
mod real;
mod room;
mod share;
mod status;
mod support;
mod torture;
mod wrong_starts;
