//! One file for each kind of attacker.

mod answers;
mod crowd;
mod files;
mod floods;
mod folders;
mod frames;
mod pending;
mod uploads;
mod waiting;

pub use answers::{answers, histories, history, long_names};
pub use crowd::{crowd, streamers};
pub use files::{behind_gets, files, gets, list, long_walks, walks};
pub use floods::{authenticate, continuations, get_file, names, pongs, status};
pub use folders::folders;
pub use frames::{announcement, fragments, garbage, nesting, pings, unfinished};
pub use pending::{heads, pending};
pub use uploads::uploads;
pub use waiting::waiting;

use serde_json::{Value, json};

use crate::connection::frames;
use crate::hold::{for_ever, times};
use crate::kinds::Running;
use crate::stage::{Stage, begun, full};

/// The same request, repeated often enough to be worth a system call.
fn batch(request: &Value, count: usize) -> Vec<u8> {
    frames([request]).repeat(count)
}

/// A project of the user `big`.
fn project(name: &str) -> Value {
    json!({"username": "big", "project": name})
}

/// Longer than an answer takes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);
