//! The structure of the sources: which layer may know which, that no files import each other in a
//! circle, and how long a file may be.

mod circles;
mod code;
mod graph;
mod layers;
mod lengths;
mod modules;
mod platform;
mod reader;
