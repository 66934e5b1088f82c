//! Colours, if they are wanted.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;

/// When output is coloured.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// In a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The meaning of a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Something that is added, or is well.
    Good,
    /// Something that is removed, or needs attention.
    Bad,
    /// A position.
    Place,
    /// A heading.
    Bold,
}

static IS_COLOURED: AtomicBool = AtomicBool::new(false);

/// Decides for the whole process.
pub fn choose(when: When) {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let coloured = match when {
        When::Always => true,
        When::Never => false,
        When::Auto => std::io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb,
    };
    IS_COLOURED.store(coloured, Ordering::Relaxed);
}

/// Whether output is coloured.
pub fn is_coloured() -> bool {
    IS_COLOURED.load(Ordering::Relaxed)
}

/// A text in colour, if output is coloured.
pub fn painted(style: Style, text: &str) -> String {
    if !is_coloured() {
        return text.to_owned();
    }
    let code = match style {
        Style::Good => 32,
        Style::Bad => 31,
        Style::Place => 36,
        Style::Bold => 1,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
