//! Tries again to write or remove files: a mirror recovers by itself once the disk has room, or
//! whatever was in the way is gone.

use tokio::time::Instant;

use crate::names::FileName;
use crate::replica::assembly::not_written;
use crate::replica::session::{Phase, Session, not_removed};
use crate::replica::tree::Refusal;

impl Session<'_> {
    /// Notes that a file is not written, and what it is waiting for.
    pub fn refuse(&mut self, name: &FileName, refusal: Refusal) {
        // If we were stopped while reading, the file itself is not at fault.
        if self.tree.is_stopped() {
            return;
        }
        self.fail(name.as_str(), &not_written(&refusal));
        if let Some(Ok(place)) = refusal.taken_place().map(FileName::parse) {
            self.blocked.entry(place).or_default().insert(name.clone());
        }
        let size = match &self.phase {
            Phase::Fetching { expected, .. } => expected.get(name).copied(),
            _ => None,
        };
        self.retries.write(name.clone(), refusal, size.unwrap_or(0));
    }

    /// Handles a file that is gone from the project, maybe with its folders: asks for the files
    /// that were refused because of what was there.
    pub fn retry_what_it_blocked(&mut self, gone: &FileName) {
        let folders = gone
            .folders()
            .filter_map(|folder| FileName::parse(folder).ok());
        for place in folders.chain([gone.clone()]) {
            if !self.blocked.contains_key(&place) || !self.tree.is_free(&place) {
                continue;
            }
            for name in self.blocked.remove(&place).unwrap_or_default() {
                // The file may have been written or deleted by now.
                if self.report.has(name.as_str()) {
                    self.fetch_again(name);
                }
            }
        }
    }

    /// When files have to be tried again.
    pub fn retry_at(&self) -> Option<Instant> {
        let is_live = matches!(self.phase, Phase::Live { absent: false });
        self.retries.due.filter(|_| is_live)
    }

    /// Tries again whatever may succeed now.
    pub fn try_again(&mut self) {
        self.retries.due = None;
        for name in self.retries.removals.clone() {
            match self.tree.remove(&name) {
                Ok(removal) => {
                    self.report.mended(name.as_str());
                    self.retries.done(&name);
                    self.tell_removal(&name, removal);
                }
                Err(refusal) => self.fail(name.as_str(), &not_removed(&refusal)),
            }
        }
        let ready: Vec<FileName> = (self.retries.writes.iter())
            .filter(|(name, (refusal, size))| self.tree.may_succeed(name, refusal, *size))
            .map(|(name, _)| name.clone())
            .collect();
        for name in ready {
            self.fetch_again(name);
        }
        if !self.retries.writes.is_empty() || !self.retries.removals.is_empty() {
            self.retries.schedule();
        }
    }
}
