//! The `twicecast` command.

fn main() {}
