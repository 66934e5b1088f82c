//! Catches up: goes from a list of the project to a complete copy of it. If files vanish in
//! between, another round follows.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use twicecast_client::protocol;
use twicecast_client::protocol::ListedFile;

use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::replica::session::{Counts, Phase, Session};
use crate::ui::output::{counted, say};

/// The most requests for single files that wait for their answers.
const GETS_MAX: usize = 16;
/// Up to this many files are fetched one by one even if they are most of the project.
const FEW: usize = 8;
/// How many rounds ask for a file that is listed but not sent.
const ROUNDS_MAX: u32 = 3;

impl Session<'_> {
    /// # Errors
    ///
    /// A sentence, if the list is longer than we accept.
    pub fn take_list(
        &mut self,
        reference: Option<u64>,
        more: Vec<ListedFile>,
        last: bool,
    ) -> Result<(), Failure> {
        let Phase::Listing {
            reference: asked,
            files,
            length,
            touched,
        } = &mut self.phase
        else {
            return Ok(());
        };
        if reference != Some(*asked) {
            return Ok(());
        }
        length.add(more.iter().map(|file| file.name.as_str()))?;
        files.extend(more);
        if last {
            let (files, touched) = (std::mem::take(files), std::mem::take(touched));
            self.compare(&files, touched);
        }
        Ok(())
    }

    fn compare(&mut self, files: &[ListedFile], touched: HashSet<FileName>) {
        let mut keep = touched;
        let mut known = Vec::new();
        let listed: HashSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        self.report.keep_only(|name| {
            listed.contains(name) || FileName::parse(name).is_ok_and(|name| keep.contains(&name))
        });
        for file in files {
            match FileName::parse(&file.name) {
                Ok(name) => {
                    keep.insert(name.clone());
                    known.push((name, file));
                }
                Err(fault) => self.fail(&file.name, &format!("refused: {fault}")),
            }
        }
        self.remove_all_but(&keep);
        self.counts.listed = known.len();
        let needed = known
            .into_iter()
            .filter(|(name, file)| !self.has(name, file))
            .map(|(name, file)| (name, file.size))
            .collect();
        self.fetch(needed);
    }

    /// Removes files that are gone, before anything is fetched, so that their names are free.
    fn remove_all_but(&mut self, keep: &HashSet<FileName>) {
        let gone: Vec<FileName> = self
            .tree
            .ours()
            .filter(|name| !keep.contains(name))
            .cloned()
            .collect();
        for name in gone {
            self.remove(&name);
        }
        for stray in self.tree.remove_strays(keep) {
            self.counts.removed.add(&stray);
        }
    }

    /// Whether this file need not be fetched: it is here as listed, or cannot be written anyway.
    fn has(&mut self, name: &FileName, file: &ListedFile) -> bool {
        let refusal = match self.tree.fingerprint(name) {
            Ok(Some((size, sha256))) if size == file.size && sha256 == file.sha256 => {
                self.tree.adopt(name, &sha256, file.executable).err()
            }
            Ok(Some((_, sha256))) => match self.tree.check_may_replace(name, &sha256) {
                Ok(()) => return false,
                Err(refusal) => Some(refusal),
            },
            Ok(None) => return false,
            Err(refusal) => Some(refusal),
        };
        if let Some(refusal) = refusal {
            self.refuse(name, refusal);
        } else {
            self.report.mended(name.as_str());
            self.retries.done(name);
        }
        true
    }

    fn fetch(&mut self, needed: BTreeMap<FileName, u64>) {
        let all_of_it = needed.len() > FEW && needed.len() * 2 > self.counts.listed;
        let mut whole = None;
        let mut waiting = VecDeque::new();
        if all_of_it {
            let reference = self.reference();
            self.outbox.push_back(protocol::get(
                reference,
                &self.credentials.streamer,
                &self.credentials.project,
                None,
            ));
            whole = Some(reference);
        } else {
            waiting.extend(needed.keys().cloned());
        }
        self.phase = Phase::Fetching {
            whole,
            single: HashMap::new(),
            waiting,
            expected: needed,
        };
        self.go_on();
    }

    /// Asks again for a file that could not be written.
    pub fn fetch_again(&mut self, name: FileName) {
        match &mut self.phase {
            // The list will show what is missing.
            Phase::Listing { .. } => {}
            Phase::Fetching {
                waiting, expected, ..
            } => {
                expected.entry(name.clone()).or_insert(u64::MAX);
                waiting.push_back(name);
                self.go_on();
            }
            // It is handled like any live change.
            Phase::Live { .. } => {
                let reference = self.reference();
                self.outbox.push_back(protocol::get(
                    reference,
                    &self.credentials.streamer,
                    &self.credentials.project,
                    Some(name.as_str()),
                ));
            }
        }
    }

    /// Asks for the next files, or ends the round if nothing is left to ask.
    pub fn go_on(&mut self) {
        let Phase::Fetching {
            whole,
            single,
            waiting,
            expected,
        } = &mut self.phase
        else {
            return;
        };
        while single.len() < GETS_MAX {
            let Some(name) = waiting.pop_front() else {
                break;
            };
            // If a live update has brought it, it is no longer expected.
            if expected.contains_key(&name) {
                self.next_reference += 1;
                let request = protocol::get(
                    self.next_reference,
                    &self.credentials.streamer,
                    &self.credentials.project,
                    Some(name.as_str()),
                );
                self.outbox.push_back(request);
                single.insert(self.next_reference, name);
            }
        }
        if whole.is_some() || !single.is_empty() {
            return;
        }
        let missing = std::mem::take(expected);
        if missing.is_empty() {
            self.complete();
        } else if self.round < ROUNDS_MAX {
            // They have probably been deleted; another list shows it.
            self.ask_for_list();
        } else {
            for name in missing.into_keys() {
                // The reason why a file was not written may have been reported already.
                if !self.report.has(name.as_str()) {
                    self.fail(name.as_str(), "the server lists it but does not send it");
                }
            }
            self.complete();
        }
    }

    fn complete(&mut self) {
        self.phase = Phase::Live { absent: false };
        let failures = if self.report.count() == 0 {
            String::new()
        } else {
            format!(", {} not written", counted(self.report.count(), "file"))
        };
        say(&format!(
            "complete: {} of {}, {} fetched, {} removed{failures}",
            counted(self.counts.listed, "file"),
            shown(&self.credentials.full_project()),
            self.counts.fetched,
            self.counts.removed
        ));
        self.counts = Counts::default();
        self.round = 0;
    }

    pub fn take_done(&mut self, reference: Option<u64>) {
        if let (Phase::Fetching { whole, single, .. }, Some(reference)) =
            (&mut self.phase, reference)
        {
            if *whole == Some(reference) {
                *whole = None;
            } else {
                single.remove(&reference);
            }
        }
        self.go_on();
    }
}
