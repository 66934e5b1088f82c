//! `--local`: a server in this process, for whoever wants to see it all at once. The only place that knows the
//! server's inside; everything goes over the wire all the same.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use file_ws_server::adapters::inbound::cli::{self, Invocation};
use file_ws_server::adapters::inbound::http;
use file_ws_server::adapters::inbound::transport::{self, Shutdown, Transport, listen};
use file_ws_server::adapters::inbound::websocket::{ProtocolHandler, Service, event_encoder};
use file_ws_server::adapters::outbound::filesystem::{Durability, FilesystemStores};
use file_ws_server::adapters::outbound::hub::Hub;
use file_ws_server::adapters::outbound::jwt::{JwtVerifier, TokenKey};
use file_ws_server::adapters::outbound::memory::MemoryChatRooms;
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::application::{Application, Budget, Ports};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use warp::{Filter as _, Reply as _};

use crate::failure::Failure;

/// How long connections may take to end, and the server after them.
const PATIENCE: Duration = Duration::from_secs(1);

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A server that runs until it is stopped.
pub struct LocalServer {
    /// Where it is.
    pub url: String,
    /// Its key.
    pub key: String,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
    base: TempDir,
}

impl LocalServer {
    /// Ends the server, and then takes its data away.
    pub async fn stop(self) {
        self.shutdown.draining.cancel();
        self.shutdown.connections.close();
        let _ = timeout(PATIENCE, self.shutdown.connections.wait()).await;
        self.shutdown.stop.cancel();
        let _ = timeout(PATIENCE, self.serving).await;
        drop(self.base);
    }
}

/// Starts a server on a free port of the loopback interface, with a key of its own and its data in a temporary folder
/// outside `dir`.
///
/// # Errors
///
/// A sentence that says what the system does not give.
pub fn start(dir: &Path) -> Result<LocalServer, Failure> {
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
            "The system's folder for temporary files lies in DIR, where the local server's data must not be; set TMPDIR to another one.",
        ));
    }
    serve(base).map_err(cannot)
}

fn serve(base: TempDir) -> Result<LocalServer, Fault> {
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
    let read = cli::parse(words, std::iter::empty(), |_| Ok(None)).map_err(|exit| exit.text)?;
    let Invocation::Serve(loaded) = read else {
        return Err("its configuration is not to serve".into());
    };
    let config = loaded.config;
    transport::raise_open_files();
    let listeners = listen::bind(&config.host(), config.port())?;
    let address = listen::local_addresses(&listeners)?;
    let address = address.first().ok_or("it has no address")?;
    let url = format!("ws://{address}");
    let budget = Budget::new(config.max_memory_bytes());
    let encoder = event_encoder(Arc::clone(&budget), config.part_bytes.size());
    let hub = Arc::new(Hub::new(encoder));
    let stores = FilesystemStores::open(config.base_dir.as_path(), Durability::Rename)?;
    let rooms = MemoryChatRooms::new(
        Arc::clone(&hub) as _,
        config.room_limits(),
        config.max_rooms.size(),
    );
    let secret = TokenKey::Secret(config.key.as_bytes().to_vec());
    let ports = Ports {
        registry: Arc::clone(&stores.projects) as _,
        projects: stores.projects,
        drafts: stores.drafts,
        pull_requests: stores.pull_requests,
        staging: stores.staging,
        tokens: Arc::new(JwtVerifier::new(&secret, None, None)?),
        subscriptions: Arc::clone(&hub) as _,
        presence: Arc::clone(&hub) as _,
        events: Arc::clone(&hub) as _,
        rooms: Arc::new(rooms),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
    };
    let application = Arc::new(Application::new(ports, config.limits(), config.policy()));
    let handler = ProtocolHandler::new(Service {
        application: Arc::clone(&application),
        connections: hub,
        budget,
        mailbox: config.mailbox_limits(),
        part_bytes: config.part_bytes.size(),
        max_message_bytes: config.max_message_bytes.size(),
        max_unauthenticated_message_bytes: config.max_unauthenticated_message_bytes.size(),
        drain: config.drain_seconds.seconds(),
    });
    let (settings, shutdown) = (config.transport_settings(), Shutdown::default());
    let transport = Transport::new(settings.clone(), shutdown.clone(), handler);
    let filter = transport::upgrade(&transport)
        .or(http::pages(shutdown.draining.clone()))
        .unify()
        .map(|answer: warp::reply::Response| answer.into_response());
    let stop = shutdown.stop.clone();
    let serving = tokio::spawn(async move {
        transport::serve(listeners, filter, &settings, &stop).await;
    });
    let stop = shutdown.stop.clone();
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            second.tick().await;
            application.tidy_up().await;
        }
    }));
    Ok(LocalServer {
        url,
        key,
        shutdown,
        serving,
        base,
    })
}
