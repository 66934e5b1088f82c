//! How the program ends before it starts to work.

use super::layers::ConfigError;

/// The program ends before it starts to work: with help or the configuration, or because a command
/// or the configuration is bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The exit code: 0, or 2 for bad usage and configuration.
    pub code: u8,
    /// What to print: to standard output with code 0, otherwise to standard error.
    pub text: String,
}

impl From<ConfigError> for Exit {
    fn from(error: ConfigError) -> Self {
        Self {
            code: 2,
            text: format!("file-ws-server: {error}\n"),
        }
    }
}

impl From<clap::Error> for Exit {
    fn from(error: clap::Error) -> Self {
        Self {
            code: if error.use_stderr() { 2 } else { 0 },
            text: error.render().to_string(),
        }
    }
}
