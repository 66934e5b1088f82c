//! Counts files, and names them if they are few.

use crate::ui::output::{NAMED_MAX, first_names};

/// How many files there are, and the first few names.
#[derive(Debug, Default)]
pub struct Tally {
    count: usize,
    names: Vec<String>,
}

impl Tally {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// All names; `None` if they are too many.
    pub fn names(&self) -> Option<String> {
        // A few names out of many are of no use.
        (1..=NAMED_MAX)
            .contains(&self.count)
            .then(|| first_names(&self.names))
    }

    /// Counts one more file.
    pub fn add(&mut self, name: &(impl ToString + ?Sized)) {
        self.count += 1;
        if self.count <= NAMED_MAX {
            self.names.push(name.to_string());
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.count)?;
        if let Some(names) = self.names() {
            write!(f, " ({names})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_five_files_are_named() {
        let mut tally = Tally::default();
        assert_eq!(tally.to_string(), "0");
        for number in 1..=5 {
            tally.add(&format!("/{number}"));
        }
        assert_eq!(tally.to_string(), "5 (/1, /2, /3, /4, /5)");
        tally.add("/6");
        assert_eq!(tally.to_string(), "6");
    }
}
