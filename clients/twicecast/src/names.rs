//! The library's rules for names, with this command's sentences about flags that break them.

pub use twicecast_client::names::*;
pub use twicecast_client::untrusted::shown;

/// The folder inside a mirror in which `mirror` keeps its own records.
pub const WORK_FOLDER: &str = ".twicecast-mirror";

/// Checks a user's or streamer's name, given with the flag `--what`.
///
/// # Errors
///
/// A sentence that says what is wrong with it.
pub fn check_user(what: &str, name: &str) -> Result<(), String> {
    twicecast_client::names::check_user(name).map_err(|fault| sentence(what, name, fault))
}

/// Checks a project's name. Because it is a name and never a path, it may contain `/`.
///
/// # Errors
///
/// A sentence that says what is wrong with it.
pub fn check_project(name: &str) -> Result<(), String> {
    let checked = twicecast_client::names::check_project(name);
    checked.map_err(|fault| sentence("project", name, fault))
}

fn sentence(what: &str, name: &str, fault: NotAName) -> String {
    format!("The {what} name {name:?} is none: {fault}; give another one with --{what}.")
}
