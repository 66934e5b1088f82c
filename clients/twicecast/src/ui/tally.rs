//! Counting files, and naming them where they are few.

use crate::ui::output::{NAMED_MAX, first_names};

/// How many files something happened to, and the first of them.
#[derive(Debug, Default)]
pub struct Tally {
    count: usize,
    names: Vec<String>,
}

impl Tally {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// All names; nothing where they are too many.
    pub fn names(&self) -> Option<String> {
        // Of many, a few names say nothing.
        (1..=NAMED_MAX)
            .contains(&self.count)
            .then(|| first_names(&self.names))
    }

    /// One more.
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
