//! Counting files, and naming them where they are few.

use crate::names::FileName;

/// Up to so many files are named where files are counted.
const NAMED_MAX: usize = 5;

/// How many files something happened to, and the first of them.
#[derive(Debug, Default)]
pub struct Tally {
    count: usize,
    names: Vec<FileName>,
}

impl Tally {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One more.
    pub fn add(&mut self, name: &FileName) {
        self.count += 1;
        if self.count <= NAMED_MAX {
            self.names.push(name.clone());
        }
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.count)?;
        // Of many, a few names say nothing.
        if (1..=NAMED_MAX).contains(&self.count) {
            let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
            write!(f, " ({})", names.join(", "))?;
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
            tally.add(&FileName::parse(&format!("/{number}")).unwrap());
        }
        assert_eq!(tally.to_string(), "5 (/1, /2, /3, /4, /5)");
        tally.add(&FileName::parse("/6").unwrap());
        assert_eq!(tally.to_string(), "6");
    }
}
