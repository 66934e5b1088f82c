//! The progress of sending: a bar on a terminal, and otherwise a line from time to time.

use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::ui::output::warn;

const LINE_EVERY: Duration = Duration::from_secs(2);

/// How many files and bytes are done, and of how many.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    files: usize,
    files_done: usize,
    bytes: u64,
    bytes_done: u64,
    /// When to print the next line if there is no bar; `None` if nothing is printed.
    next_line: Option<Instant>,
}

impl Progress {
    /// Starts with nothing done.
    pub fn new(files: usize, bytes: u64) -> Self {
        let style = ProgressStyle::with_template(
            "{bar:30} {msg}  {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta}",
        );
        let bar = ProgressBar::new(bytes)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        // It hides itself if standard error is not a terminal, or one that cannot draw.
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

    /// Shows nothing.
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

    /// Counts bytes that were sent.
    pub fn sent(&mut self, bytes: u64) {
        self.bytes_done += bytes;
        self.tell();
    }

    /// Counts a file that was acknowledged or has failed.
    pub fn settled(&mut self) {
        self.files_done += 1;
        self.tell();
    }

    /// Removes the bar.
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
            // A file that was started again is counted twice in the bytes sent, but once in the
            // total.
            bar.set_position(self.bytes_done.min(self.bytes));
            bar.set_message(format!("{}/{} files", self.files_done, self.files));
        }
    }
}
