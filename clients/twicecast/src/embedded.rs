//! `--local`: a server in this process, for people who want to try everything at once. This is the
//! only module that knows the server's code; even here, everything goes over the wire.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use file_ws_server::adapters::outbound::filesystem::{self, Durability};
use file_ws_server::adapters::outbound::jwt::{JwtVerifier, TokenKey};
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::server::{self, Adapters, Running, Server};
use tokio::time::sleep;

use crate::credentials::local_share::{self, LocalShare, Registration};
use crate::credentials::{Claims, Credentials};
use crate::failure::Failure;
use crate::fs::user_dirs::lies_in;
use crate::local_settings::{LocalSettings, ViewersLink};
use crate::names::shown;

/// How long connections may take to close.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the streamer's token holds, in hours: longer than anybody shares.
const STREAMER_HOURS: u32 = 8_760;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A server that runs until it is stopped.
pub struct LocalServer {
    /// Its address.
    pub url: String,
    /// Its key.
    pub key: String,
    settings: LocalSettings,
    running: Running,
    registration: Registration,
}

impl LocalServer {
    /// Stores a token and the link for the streamer's other commands, and replaces those stored
    /// before. The commands find them by the folder or by the server's address.
    ///
    /// # Errors
    ///
    /// A sentence, if they cannot be stored.
    pub fn keep(
        &mut self,
        credentials: &Credentials,
        dir: &Path,
        link: &ViewersLink,
    ) -> Result<(), Failure> {
        let Credentials {
            user,
            streamer,
            project,
            ..
        } = credentials;
        // Another share may have started at the same time.
        refuse_second(dir, Some(&self.url))?;
        // The key ends with this process, and the token with the key.
        let claims = Claims::new(user, streamer, project, None, STREAMER_HOURS);
        let share = LocalShare {
            url: self.url.clone(),
            streamer: streamer.clone(),
            project: project.clone(),
            dir: dir.to_owned(),
            token: claims.signed(&self.key)?,
            link: link.address.clone(),
            until: link.until,
        };
        self.registration.publish(&share).map_err(|error| {
            Failure::usage(format!("The streamer's token cannot be kept: {error}."))
        })
    }

    /// Writes an invitation to a file that only the user can read, and returns its path.
    ///
    /// # Errors
    ///
    /// A sentence, if it cannot be written.
    pub fn invite(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let kept = self.registration.invite(name, text);
        kept.map_err(|error| {
            Failure::usage(format!("An invitation cannot be kept in a file: {error}."))
        })
    }

    /// The settings that it was started with.
    pub fn settings(&self) -> &LocalSettings {
        &self.settings
    }

    /// Stops the server, and then removes its data.
    pub async fn stop(self) {
        self.running.stop_or(sleep(PATIENCE)).await;
        drop(self.registration);
    }
}

/// Starts a server with a key of its own and its data in a temporary folder outside `dir`.
///
/// # Errors
///
/// A sentence that says what the system refuses.
pub async fn start(dir: &Path, settings: LocalSettings) -> Result<LocalServer, Failure> {
    let cannot = |why: Fault| Failure::usage(format!("The local server cannot start: {why}."));
    local_share::sweep();
    let kept = local_share::folder().map_err(|error| cannot(error.into()))?;
    if lies_in(&kept, dir) {
        return Err(Failure::usage(
            "Your folder for programs' state lies in DIR, where the streamer's token must not be; \
             set XDG_STATE_HOME to another one.",
        ));
    }
    refuse_second(dir, None)?;
    let temporary = std::env::temp_dir();
    if lies_in(&temporary, dir) {
        return Err(Failure::usage(
            "The system's folder for temporary files lies in DIR, where the local server's data \
             must not be; set TMPDIR to another one.",
        ));
    }
    let temporary = std::path::absolute(&temporary).map_err(|error| cannot(error.into()))?;
    let registration = Registration::new(&temporary).map_err(|error| cannot(error.into()))?;
    serve(registration, settings).await.map_err(cannot)
}

/// Refuses to share a folder that another server than `own` already shares from here: the
/// streamer's commands in the folder would not know which of the two is meant.
fn refuse_second(dir: &Path, own: Option<&str>) -> Result<(), Failure> {
    let first = local_share::of_folder(dir).filter(|first| Some(first.url.as_str()) != own);
    let Some(first) = first else {
        return Ok(());
    };
    let (dir, url) = (shown(&dir.to_string_lossy()), shown(&first.url));
    Err(Failure::usage(format!(
        "Another `twicecast share --local` shares {dir} already, at {url}; stop that one first."
    )))
}

async fn serve(registration: Registration, settings: LocalSettings) -> Result<LocalServer, Fault> {
    // At least 256 random bits. A random UUID has 122, so two are not enough.
    let key: String = (0..3)
        .map(|_| uuid::Uuid::new_v4().simple().to_string())
        .collect();
    let base = registration.base().display().to_string();
    let words = ["--durability", "rename", "--key", &key, "--base-dir", &base];
    let words = words.map(str::to_owned).into_iter();
    let config = server::config_of(words.chain(settings.flags()))?;
    let tokens = JwtVerifier::new(&TokenKey::Secret(key.as_bytes().to_vec()), None, None)?;
    let folder = registration.base().to_owned();
    let adapters = Adapters {
        open_stores: Box::new(move |resources| {
            let stores = filesystem::open_stores(&folder, Durability::Rename, resources);
            Box::pin(std::future::ready(stores.map_err(Into::into)))
        }),
        tokens: Arc::new(tokens),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
    };
    let running = Server::start(&config, adapters).await?;
    let address = running.addresses.first().ok_or("it has no address")?;
    let url = format!("ws://{address}");
    Ok(LocalServer {
        url,
        key,
        settings,
        running,
        registration,
    })
}
