//! Commands of this program as they are printed, ready to be typed or pasted into a shell.

use std::fmt;
use std::path::Path;

use twicecast_client::untrusted::shown;

use crate::ui::output::{path_word, quoted};

/// This program's name.
const NAME: &str = "twicecast";

/// A command with its flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    text: String,
}

impl CommandLine {
    /// This program with one of its commands.
    pub fn new(command: &str) -> Self {
        let text = format!("{} {command}", program());
        Self { text }
    }

    /// Appends a word.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        self.text.push(' ');
        self.text.push_str(&shown(&quoted(word)));
        self
    }

    /// Appends a path.
    #[must_use]
    pub fn path(mut self, path: &Path) -> Self {
        self.text.push(' ');
        self.text.push_str(&shown(&path_word(path)));
        self
    }

    /// Appends a flag for each value.
    #[must_use]
    pub fn flag<'a>(self, name: &str, values: impl IntoIterator<Item = &'a String>) -> Self {
        let values = values.into_iter();
        values.fold(self, |line, value| line.word(name).word(value))
    }

    /// Appends a flag with a path, if there is one.
    #[must_use]
    pub fn path_flag(self, name: &str, path: Option<impl AsRef<Path>>) -> Self {
        match path {
            Some(path) => self.word(name).path(path.as_ref()),
            None => self,
        }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What to call this program in a shell: its name, if that finds it, or otherwise its path.
pub fn program() -> String {
    let Ok(program) = std::env::current_exe() else {
        return NAME.to_owned();
    };
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&paths);
    let first = folders.find_map(|folder| folder.join(NAME).canonicalize().ok());
    if first.is_some() && first == program.canonicalize().ok() {
        return NAME.to_owned();
    }
    quoted(&program.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_a_shell_takes_apart_again() {
        let allow = ["*.pem".to_owned(), "it's".to_owned()];
        let line = CommandLine::new("pulls")
            .path_flag("--dir", Some(Path::new("/a b")))
            .path_flag("--ca", None::<&Path>)
            .flag("--allow", &allow)
            .word("show");
        let expected = r"pulls --dir '/a b' --allow '*.pem' --allow 'it'\''s' show";
        assert_eq!(line.to_string(), format!("{} {expected}", program()));
    }
}
