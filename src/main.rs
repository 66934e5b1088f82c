//! The parts list: the only place that names every adapter.

fn main() {}
