//! What is said of rule files: lines that cannot mean what they say, each once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::names::shown;
use crate::rules::patterns::Patterns;

/// Sentences about lines of rule files, each to be said once for as long as the line stays as it
/// is.
#[derive(Debug, Default)]
pub struct Notices(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    known: BTreeSet<String>,
    waiting: Vec<String>,
}

impl Notices {
    /// Takes note of the lines of a file that cannot mean what they say.
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

    /// What has not been said yet.
    pub fn take(&self) -> Vec<String> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut inside.waiting)
    }
}
