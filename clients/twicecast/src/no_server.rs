//! Replaces [`embedded`](self) in a build without the feature `local`, which depends on no code of
//! the server.

use std::path::{Path, PathBuf};

use crate::credentials::Credentials;
use crate::failure::Failure;
use crate::local_settings::{LocalSettings, ViewersLink};

/// The server that this build cannot start.
pub struct LocalServer {
    /// The address that it would have.
    pub url: String,
    /// Its key.
    pub key: String,
    never: std::convert::Infallible,
}

impl LocalServer {
    /// Never called.
    pub fn keep(&mut self, _: &Credentials, _: &Path, _: &ViewersLink) -> Result<(), Failure> {
        match self.never {}
    }

    /// Never called.
    pub fn invite(&self, _: &str, _: &str) -> Result<PathBuf, Failure> {
        match self.never {}
    }

    /// Never called.
    pub fn settings(&self) -> &LocalSettings {
        match self.never {}
    }

    /// Never called.
    #[expect(clippy::unused_async, reason = "as that of the real server")]
    pub async fn stop(self) {
        match self.never {}
    }
}

/// Says that this build has no server.
///
/// # Errors
///
/// Always.
#[expect(clippy::unused_async, reason = "as that of the real server")]
pub async fn start(_: &Path, _: LocalSettings) -> Result<LocalServer, Failure> {
    Err(Failure::usage(
        "This twicecast was built without a server (the feature `local`), so --local cannot start \
         one; start file-ws-server yourself and give its address with --url.",
    ))
}
