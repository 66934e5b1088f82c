//! `--local`: a server in this process, for those who want to see it all at once. The only place
//! that knows the server's inside; everything goes over the wire all the same.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use file_ws_server::adapters::outbound::filesystem::{self, Durability};
use file_ws_server::adapters::outbound::jwt::{JwtVerifier, TokenKey};
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::server::{self, Adapters, Running, Server};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::failure::Failure;

/// How long connections may take to end.
const PATIENCE: Duration = Duration::from_secs(1);

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A server that runs until it is stopped.
pub struct LocalServer {
    /// Where it is.
    pub url: String,
    /// Its key.
    pub key: String,
    running: Running,
    base: TempDir,
}

impl LocalServer {
    /// Ends the server, and then takes its data away.
    pub async fn stop(self) {
        self.running.stop_or(sleep(PATIENCE)).await;
        drop(self.base);
    }
}

/// Starts a server on a free port of the loopback interface, with a key of its own and its data in
/// a temporary folder outside `dir`.
///
/// # Errors
///
/// A sentence that says what the system does not give.
pub async fn start(dir: &Path) -> Result<LocalServer, Failure> {
    let cannot = |why: Fault| Failure::usage(format!("The local server cannot start: {why}."));
    let private = Permissions::from_mode(0o700);
    let base = tempfile::Builder::new()
        .prefix("twicecast-")
        .permissions(private)
        .tempdir();
    let base = base.map_err(|error| cannot(error.into()))?;
    let inside = |dir: &Path| {
        Some(
            base.path()
                .canonicalize()
                .ok()?
                .starts_with(dir.canonicalize().ok()?),
        )
    };
    if inside(dir).unwrap_or(false) {
        return Err(Failure::usage(
            "The system's folder for temporary files lies in DIR, where the local server's data \
             must not be; set TMPDIR to another one.",
        ));
    }
    serve(base).await.map_err(cannot)
}

async fn serve(base: TempDir) -> Result<LocalServer, Fault> {
    // 256 bits: two random ids, without what is the same in all of them, are a few less.
    let key: String = (0..3)
        .map(|_| uuid::Uuid::new_v4().simple().to_string())
        .collect();
    let words = [
        "--port",
        "0",
        "--host",
        "127.0.0.1",
        "--durability",
        "rename",
        "--key",
        &key,
    ];
    let words = words
        .map(str::to_owned)
        .into_iter()
        .chain(["--base-dir".to_owned(), base.path().display().to_string()]);
    let config = server::config_of(words)?;
    let tokens = JwtVerifier::new(&TokenKey::Secret(key.as_bytes().to_vec()), None, None)?;
    let folder = base.path().to_owned();
    let adapters = Adapters {
        open_stores: Box::new(move |resources| {
            Ok(filesystem::open_stores(
                &folder,
                Durability::Rename,
                resources,
            )?)
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
        running,
        base,
    })
}
