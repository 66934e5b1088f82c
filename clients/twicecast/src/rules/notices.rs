//! Messages about lines of rule files that cannot mean what they seem to mean, each reported once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::names::shown;
use crate::rules::patterns::Patterns;

/// Sentences about lines of rule files. Each is reported once, as long as the line stays the same.
#[derive(Debug, Default)]
pub struct Notices(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    known: BTreeSet<String>,
    waiting: Vec<String>,
}

impl Notices {
    /// Records the lines of a file that cannot mean what they seem to mean.
    pub fn add(&self, file: &str, patterns: &Patterns) {
        for unusable in patterns.unusable() {
            let notice = format!(
                "{}, line {}: `{}` is no usable rule: {}. The other lines count.",
                shown(file),
                unusable.line,
                shown(&unusable.text),
                unusable.why
            );
            let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if inside.known.insert(notice.clone()) {
                inside.waiting.push(notice);
            }
        }
    }

    /// The sentences that have not been reported yet.
    pub fn take(&self) -> Vec<String> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut inside.waiting)
    }
}
