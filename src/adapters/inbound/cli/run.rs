//! The program around a command: reads the input, and prints how the command ends.

use std::error::Error;
use std::future::Future;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use super::args::{Invocation, parse};
use super::checks::Loaded;
use super::config::Config;
use super::exit::Exit;
use super::layers::ConfigError;
use super::named_file;
use super::texts::{texts, variables};
use super::values::Text;

pub(super) type Failure = Box<dyn Error + Send + Sync>;

/// Reads the arguments, environment and file of this process, and carries out the command, which
/// returns the exit code.
pub fn run(carry_out: impl FnOnce(Invocation) -> Result<u8, Failure>) -> ExitCode {
    let failed = |failure: Failure| match failure.downcast::<ConfigError>() {
        Ok(error) => Exit::from(*error),
        Err(failure) => Exit {
            code: 1,
            text: format!("file-ws-server: {}\n", with_causes(&*failure)),
        },
    };
    match invocation().and_then(|invocation| carry_out(invocation).map_err(failed)) {
        Ok(code) => ExitCode::from(code),
        Err(Exit { code: 0, text }) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(Exit { code, text }) => {
            eprint!("{text}");
            ExitCode::from(code)
        }
    }
}

fn invocation() -> Result<Invocation, Exit> {
    let args = texts(std::env::args_os().skip(1)).map_err(ConfigError)?;
    let variables = variables(std::env::vars_os()).map_err(ConfigError)?;
    parse(args, variables.into_iter(), read_file)
}

/// Prints to standard output; a closed output is not an error.
pub fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
    let _ = std::io::stdout().flush();
}

/// How long blocking work may take to end after everything else has ended.
const LAST_TIDYING: Duration = Duration::from_millis(500);

/// After this many polls of tasks, a worker checks for new input. The default of 61 suits polls
/// that take a few microseconds. Under a flood some take hundreds, and a sender would wait for all
/// 61.
const EVENT_INTERVAL: u32 = 7;

/// Runs `work` on a runtime of its own.
///
/// # Errors
/// The errors of `work`, or that the system provides no threads.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build()?;
    let result = runtime.block_on(work);
    // Waits for what is being tidied away on a disk, but not for what is blocked on a stalled one.
    runtime.shutdown_timeout(LAST_TIDYING);
    result
}

impl Loaded {
    /// Prints that the configuration is valid, after its warnings.
    pub fn print_valid(&self) {
        for warning in &self.warnings {
            print(&format!("note: {warning}\n"));
        }
        print("the configuration is valid\n");
    }
}

impl Config {
    /// The content of `publicKeyFile`, if there is one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn public_key(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let read = |path: &Text| {
            named_file::read(path).map_err(|error| {
                let why = format!("{} cannot be read: {error}", &**path);
                ConfigError::of("publicKeyFile", why)
            })
        };
        self.public_key_file.as_ref().map(read).transpose()
    }

    /// Refuses a `baseDir` that does not exist. The command would otherwise create it, empty.
    ///
    /// # Errors
    /// There is no such folder.
    pub(super) fn must_have_base_dir(&self) -> Result<(), Failure> {
        let found = std::fs::metadata(self.base_dir.as_path()).and_then(|found| {
            let is_folder = found.is_dir();
            is_folder
                .then_some(())
                .ok_or(ErrorKind::NotADirectory.into())
        });
        found.map_err(|error| self.base_dir_fault(&error).into())
    }

    /// A sentence that says why `baseDir` cannot be used.
    pub fn base_dir_fault(&self, error: &dyn Error) -> String {
        format!("baseDir {}: {}", &*self.base_dir, with_causes(error))
    }
}

fn read_file(path: &str) -> std::io::Result<Option<String>> {
    let content = match named_file::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        content => content?,
    };
    let text = String::from_utf8(content);
    let no_text = |_| std::io::Error::new(ErrorKind::InvalidData, "it is not UTF-8");
    text.map(Some).map_err(no_text)
}

/// An error, followed by those of its causes that it does not name itself.
fn with_causes(failure: &dyn Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(inner) = cause {
        let told = inner.to_string();
        if !text.ends_with(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("names its cause: {0}")]
        Names(#[source] std::io::Error),
        #[error("names none")]
        NamesNone(#[source] Box<Failure>),
    }

    #[test]
    fn each_cause_is_told_once() {
        let names = || Failure::Names(std::io::Error::other("gone"));
        assert_eq!(with_causes(&names()), "names its cause: gone");
        let names_none = Failure::NamesNone(Box::new(names()));
        let told = "names none: names its cause: gone";
        assert_eq!(with_causes(&names_none), told);
    }
}
