//! The command as its users run it, against a small server that speaks the contract.

mod mirror;
mod push;
mod real;
mod share;
mod support;
mod torture;
