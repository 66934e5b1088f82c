//! How far a push has come: a bar where somebody looks at a terminal, a line now and then where
//! nobody does.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::ui::output::warn;

const LINE_EVERY: Duration = Duration::from_secs(2);

/// Files and bytes done, of how many.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    files: usize,
    files_done: usize,
    bytes: u64,
    bytes_done: u64,
    /// Where there is no bar; nothing where nothing is said.
    next_line: Option<Instant>,
}

impl Progress {
    /// Begins with nothing done.
    pub fn new(files: usize, bytes: u64) -> Self {
        let style = ProgressStyle::with_template(
            "{bar:30} {msg}  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta}",
        );
        let bar = ProgressBar::new(bytes)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        // It hides itself where standard error is no terminal, or one that cannot draw.
        let bar = Some(bar).filter(|bar| !bar.is_hidden());
        let progress = Self {
            bar,
            files,
            files_done: 0,
            bytes,
            bytes_done: 0,
            next_line: Some(Instant::now() + LINE_EVERY),
        };
        progress.show();
        progress
    }

    /// Says nothing.
    pub fn hidden() -> Self {
        Self {
            bar: None,
            files: 0,
            files_done: 0,
            bytes: 0,
            bytes_done: 0,
            next_line: None,
        }
    }

    /// Bytes have gone out.
    pub fn sent(&mut self, bytes: u64) {
        self.bytes_done += bytes;
        self.tell();
    }

    /// A file is acknowledged, or failed.
    pub fn settled(&mut self) {
        self.files_done += 1;
        self.tell();
    }

    /// Takes the bar away.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn tell(&mut self) {
        self.show();
        if self.bar.is_none() && self.next_line.is_some_and(|next| Instant::now() >= next) {
            self.next_line = Some(Instant::now() + LINE_EVERY);
            warn(&format!(
                "{}/{} files, {} of {}",
                self.files_done,
                self.files,
                HumanBytes(self.bytes_done),
                HumanBytes(self.bytes)
            ));
        }
    }

    fn show(&self) {
        if let Some(bar) = &self.bar {
            // A file that was begun anew counts twice in what was sent, not in what is to be.
            bar.set_position(self.bytes_done.min(self.bytes));
            bar.set_message(format!("{}/{} files", self.files_done, self.files));
        }
    }
}
