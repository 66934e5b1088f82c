//! The server: joins the adapters, serves, and drains. The program, the client's local server and
//! tests in one process all start it here.
//!
//! This file does not know which stores there are: the caller of `Server::start` chooses them.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use warp::{Filter as _, Reply as _};

use crate::adapters::delivery::{Hub, Untold};
pub use crate::adapters::inbound::cli::Config;
use crate::adapters::inbound::cli::{self, Exit, Invocation, Loaded, Store};
use crate::adapters::inbound::control::{self, RunningServer};
use crate::adapters::inbound::transport::{self, Probes, Shutdown, Transport, listen};
use crate::adapters::inbound::websocket::{ProtocolHandler, Service, event_encoder};
use crate::adapters::inbound::{http, metrics, process};
use crate::adapters::outbound::guest_tokens::GuestJwts;
use crate::adapters::outbound::memory::MemoryChatRooms;
use crate::application::files::streamer_grace::start_grace;
use crate::application::memory::MemoryBudget;
use crate::application::moderation::follow::follow_decisions;
use crate::application::periodic::{every, tidy};
use crate::application::ports::{
    Clock, GuestTokens, IdGenerator, OpenStores, StoreResources, Stores, TokenVerifier,
};
use crate::application::{Application, Ports};
use crate::domain::GuestAccess;

const SECOND: Duration = Duration::from_secs(1);

/// How long plain HTTP requests may take to end after all else has ended.
const LAST_REQUESTS: Duration = Duration::from_millis(500);

/// Any error, with a sentence that says what is wrong.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What the caller that starts a server chooses.
pub struct Adapters {
    /// Opens the stores; called once the port is bound. May block.
    pub open_stores: OpenStores,
    /// Whose tokens are believed.
    pub tokens: Arc<dyn TokenVerifier>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The ids of pull requests.
    pub ids: Arc<dyn IdGenerator>,
}

/// Starts servers.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Binds the port, opens the stores and serves. Needs a tokio runtime with all drivers.
    ///
    /// # Errors
    /// What cannot be bound or opened; then nothing keeps running.
    pub fn start(config: &Config, adapters: Adapters) -> BoxFuture<'_, Result<Running, Failure>> {
        // As a `dyn`, or each program would compile all of it once more.
        Box::pin(Self::begin(config, adapters))
    }

    async fn begin(config: &Config, adapters: Adapters) -> Result<Running, Failure> {
        let open_files = files_for_reading(config, process::raise_open_files);
        let listeners = listen::bind(&config.host(), config.port())?;
        let addresses = listen::local_addresses(&listeners)?;
        let metrics_listeners = metrics::listen(config.metrics())?;
        let metrics_addresses = listen::local_addresses(&metrics_listeners)?;
        let memory = MemoryBudget::new(config.max_memory_bytes());
        let encoder = event_encoder(Arc::clone(&memory), config.part_bytes.size());
        let hub = Arc::new(Hub::new(encoder));
        let (disk, engine_counts) = (Arc::default(), Arc::default());
        let resources = StoreResources {
            memory: Arc::clone(&memory),
            open_files,
            disk: Arc::clone(&disk),
            engine: Arc::clone(&engine_counts),
            events: Arc::clone(&hub) as _,
            room_limits: config.room_limits(),
            max_rooms: config.max_rooms.size(),
            here: Arc::new(Untold(Arc::clone(&hub))),
        };
        let own = resources.clone();
        let stores = (adapters.open_stores)(resources).await?;
        let policy = config.policy();
        let (tokens, guest_tokens) = believed(adapters.tokens, policy.guests, &stores).await?;
        let ports = Ports {
            projects: stores.projects,
            pull_requests: stores.pull_requests,
            uploads: stores.uploads,
            tokens,
            subscriptions: Arc::clone(&hub) as _,
            presence: stores.presence.unwrap_or_else(|| Arc::clone(&hub) as _),
            events: Arc::clone(&hub) as _,
            apply_relay: stores.apply_relay,
            rooms: stores.rooms.unwrap_or_else(|| MemoryChatRooms::new(&own)),
            clock: adapters.clock,
            ids: adapters.ids,
            guests: stores.guests,
            guest_tokens,
            moderation: stores.moderation,
        };
        let application = Arc::new(Application::new(ports, config.limits(), policy, &memory));
        start_grace(&application).await?;
        follow_decisions(&application);

        let drain = config.drain_seconds.seconds();
        let handler = ProtocolHandler::new(Service {
            application: Arc::clone(&application),
            hub: Arc::clone(&hub),
            queue: config.send_queue_limits(),
            part_bytes: config.part_bytes.size(),
            max_message_bytes: config.max_message_bytes.size(),
            max_unauthenticated_message_bytes: config.max_unauthenticated_message_bytes.size(),
            drain,
            engine: stores.engine.clone(),
        });
        let (settings, shutdown) = (config.transport_settings(&addresses), Shutdown::default());
        let transport = Transport::new(settings, Arc::clone(&memory), shutdown.clone(), handler);
        let control = listen_to_operators(config, &application, &addresses, transport.probes());
        let filter = transport::upgrade(&transport)
            .or(http::pages(http::Site {
                application: Arc::clone(&application),
                draining: shutdown.draining.clone(),
                engine: stores.engine.clone(),
                body_timeout: config.handshake_timeout_seconds.seconds(),
            }))
            .unify()
            .map(|answer: warp::reply::Response| answer.into_response());
        let metrics = (!metrics_listeners.is_empty()).then(|| {
            let sources = metrics::Sources {
                application: Arc::clone(&application),
                hub,
                sockets: transport.observer(),
                memory: Arc::clone(&memory),
                disk,
                engine: stores.engine.clone(),
                engine_counts,
            };
            tokio::spawn(metrics::serve(metrics_listeners, sources, shutdown.clone()))
        });
        let serving = tokio::spawn(async move {
            transport::serve(listeners, filter, &transport).await;
        });
        let tidying = tokio::spawn(tidy(Arc::clone(&application)));
        let relieving = tokio::spawn(relieve(memory));
        let minding = tokio::spawn(shutdown.clone().mind(stores.engine));
        Ok(Running {
            addresses,
            metrics_addresses,
            _metrics: metrics.map(AbortOnDropHandle::new),
            drain,
            _counting: AbortOnDropHandle::new(tokio::spawn(shutdown.clone().log_connections())),
            shutdown,
            application,
            serving,
            control,
            tidying: AbortOnDropHandle::new(tidying),
            relieving: AbortOnDropHandle::new(relieving),
            _minding: AbortOnDropHandle::new(minding),
        })
    }
}

/// A server that serves until it is stopped.
pub struct Running {
    /// The addresses it listens on; at least one.
    pub addresses: Vec<SocketAddr>,
    /// The addresses of the metrics; empty unless they are configured.
    pub metrics_addresses: Vec<SocketAddr>,
    _metrics: Option<AbortOnDropHandle<()>>,
    drain: Duration,
    shutdown: Shutdown,
    application: Arc<Application>,
    serving: JoinHandle<()>,
    /// Answers operators.
    control: Option<AbortOnDropHandle<()>>,
    tidying: AbortOnDropHandle<()>,
    /// Closes the connection that holds most while memory is short, until the last has ended.
    relieving: AbortOnDropHandle<()>,
    /// Sends connections away while the engine does not answer.
    _minding: AbortOnDropHandle<()>,
    /// Logs how many connections there are.
    _counting: AbortOnDropHandle<()>,
}

impl Running {
    /// Refuses what is new, finishes what has begun within `drainSeconds`, and ends.
    pub async fn stop(self) {
        self.stop_or(std::future::pending()).await;
    }

    /// As [`stop`](Self::stop), but ends at once when `at_once` resolves.
    pub async fn stop_or(self, at_once: impl Future<Output = ()>) {
        drop((self.tidying, self.control));
        self.shutdown.draining.cancel();
        self.shutdown.connections.close();
        let drained = async {
            self.shutdown.connections.wait().await;
            self.application.finish_work().await;
        };
        tokio::select! {
            result = timeout(self.drain, drained) => if result.is_err() {
                tracing::warn!("not all connections ended within drainSeconds");
            },
            () = at_once => {}
        }
        self.shutdown.stop.cancel();
        // What is left are plain HTTP requests, which end at once or not at all.
        let _ = timeout(LAST_REQUESTS, self.serving).await;
        drop(self.relieving);
    }

    /// Resolves when the server no longer accepts connections although nobody has stopped it.
    async fn failed(&mut self) -> Failure {
        let why = match (&mut self.serving).await {
            Ok(()) => "its task has ended".to_owned(),
            Err(error) => error.to_string(),
        };
        format!("the server no longer accepts connections: {why}").into()
    }
}

/// The verifier of all tokens, and what makes those of guests if there may be any.
async fn believed(
    tokens: Arc<dyn TokenVerifier>,
    guests: GuestAccess,
    stores: &Stores,
) -> Result<(Arc<dyn TokenVerifier>, Option<Arc<dyn GuestTokens>>), Failure> {
    if guests == GuestAccess::Off {
        return Ok((tokens, None));
    }
    let own = Arc::new(GuestJwts::new(stores.guests.key().await?, tokens)?);
    Ok((Arc::clone(&own) as _, Some(own)))
}

/// Closes connections while memory is short. Never ends by itself; started again a second after a
/// panic.
async fn relieve(memory: Arc<MemoryBudget>) {
    let relieve = move || {
        let memory = Arc::clone(&memory);
        async move { memory.relieve().await }
    };
    every(SECOND, relieve).await;
}

/// Listens for operators' commands, if a command can find the store.
fn listen_to_operators(
    config: &Config,
    app: &Application,
    addresses: &[SocketAddr],
    probes: Arc<Probes>,
) -> Option<AbortOnDropHandle<()>> {
    if config.store == Store::Memory {
        return None;
    }
    match control::listen(config.base_dir.as_path()) {
        Ok(listener) => {
            let server = RunningServer {
                operator: app.operator(),
                addresses: addresses.to_vec(),
                probes,
            };
            let task = tokio::spawn(control::serve(listener, server));
            Some(AbortOnDropHandle::new(task))
        }
        Err(error) => {
            tracing::warn!(
                %error,
                "cannot listen for operators in .twicecast: adopt, remove and rescan need a stop"
            );
            None
        }
    }
}

/// Starts the log, and serves until a signal asks to stop; a second one stops at once.
///
/// # Errors
/// Why the server does not start, or why it ended without having been asked to.
pub async fn serve(loaded: Loaded, adapters: Adapters) -> Result<(), Failure> {
    let (config, warnings) = (loaded.config, loaded.warnings);
    cli::start_logging(&config);
    let mut signals = cli::StopSignals::listen()?;
    let mut running = Server::start(&config, adapters).await?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        addresses = ?running.addresses,
        metrics = ?running.metrics_addresses,
        base_dir = &*config.base_dir,
        store = ?config.store,
        max_connections = config.max_connections.get(),
        max_memory_bytes = config.max_memory_bytes(),
        max_project_bytes = config.max_project_bytes.get(),
        "listening"
    );
    cli::print(&cli::greeting(
        &config,
        &running.addresses,
        &running.metrics_addresses,
    ));
    tokio::select! {
        () = signals.recv() => {}
        failure = running.failed() => return Err(failure),
    }
    tracing::info!("stopping; a second signal stops at once");
    running.stop_or(signals.recv()).await;
    tracing::info!("stopped");
    Ok(())
}

/// The configuration that these flags alone give.
///
/// # Errors
/// Why they cannot be used.
pub fn config_of(flags: impl IntoIterator<Item = String>) -> Result<Config, Failure> {
    match cli::parse(flags, std::iter::empty(), |_| Ok(None)) {
        Ok(Invocation::Serve(loaded)) => Ok(loaded.config),
        Ok(_) => Err("the flags do not ask for a server".into()),
        Err(Exit { text, .. }) => Err(text.into()),
    }
}

/// How many files the stores may keep open: as many as the sockets leave of the system's limit, but
/// at least an eighth of it.
fn files_for_reading(config: &Config, raise: impl FnOnce(u64) -> u64) -> usize {
    let wanted = config.open_files();
    let open_files = usize::try_from(raise(wanted as u64)).unwrap_or(usize::MAX);
    if open_files < wanted {
        tracing::warn!(
            open_files,
            wanted,
            "the system allows this process fewer open files than maxConnections may need: raise \
             its limit (ulimit -n, LimitNOFILE) or lower maxConnections"
        );
    }
    open_files.saturating_sub(wanted).max(open_files / 8)
}

#[cfg(test)]
mod tests {

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::adapters::outbound::jwt::{JwtVerifier, TokenKey};
    use crate::adapters::outbound::memory;
    use crate::adapters::outbound::system::{RandomIds, SystemClock};
    use crate::application::ports::{MockGuestStore, StoreError, Stores};

    fn adapters(stores: Result<Stores, Failure>) -> Adapters {
        let key = TokenKey::Secret(b"secret".to_vec());
        Adapters {
            open_stores: Box::new(|_| std::future::ready(stores).boxed()),
            tokens: Arc::new(JwtVerifier::new(&key, None, None).expect("a key")),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
        }
    }

    fn config() -> Config {
        let flags = ["--port", "0", "--host", "127.0.0.1", "--store", "memory"];
        config_of(flags.map(str::to_owned)).expect("a configuration")
    }

    #[tokio::test]
    async fn a_server_in_the_process_answers_until_it_is_stopped() {
        let stores = adapters(Ok(memory::open_stores()));
        let running = Server::start(&config(), stores).await.expect("started");
        let address = running.addresses[0];
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        running.stop().await;
        TcpStream::connect(address).await.expect_err("stopped");
    }

    async fn metrics_of(running: &Running) -> String {
        let address = running.metrics_addresses[0];
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }

    fn with_metrics() -> Config {
        let flags = ["--port", "0", "--metrics-port", "0", "--store", "memory"];
        config_of(flags.map(str::to_owned)).expect("a configuration")
    }

    #[tokio::test]
    async fn two_servers_in_one_process_count_for_themselves() {
        let mut servers = Vec::new();
        for _ in 0..2 {
            let stores = adapters(Ok(memory::open_stores()));
            servers.push(
                Server::start(&with_metrics(), stores)
                    .await
                    .expect("started"),
            );
        }
        let mut stream = TcpStream::connect(servers[0].addresses[0])
            .await
            .expect("connected");
        stream
            .write_all(b"GET /readyz HTTP/1.0\r\n\r\n")
            .await
            .expect("sent");
        stream
            .read_to_end(&mut Vec::new())
            .await
            .expect("an answer");
        for (server, answers) in servers.iter().zip([1, 0]) {
            let line = format!("file_ws_server_http_responses_total{{class=\"2xx\"}} {answers}\n");
            let text = metrics_of(server).await;
            assert!(text.contains(&line), "{text}");
        }
        let address = servers[0].metrics_addresses[0];
        for server in servers {
            server.stop().await;
        }
        TcpStream::connect(address).await.expect_err("stopped");
    }

    #[tokio::test]
    async fn metrics_are_told_while_clients_have_taken_all_memory() {
        let (tell, held) = std::sync::mpsc::channel();
        let stores = Adapters {
            open_stores: Box::new(move |resources| {
                let all = resources.memory.reserve(resources.memory.max());
                tell.send(all).expect("the test waits");
                std::future::ready(Ok(memory::open_stores())).boxed()
            }),
            ..adapters(Err("not used".into()))
        };
        let running = Server::start(&with_metrics(), stores)
            .await
            .expect("started");
        let all = held.recv().expect("reserved");
        let text = metrics_of(&running).await;
        let line = format!("memory_used_bytes{{part=\"shared\"}} {}\n", all.bytes());
        assert!(text.contains(&line), "{text}");
        running.stop().await;
    }

    #[tokio::test]
    async fn a_key_for_guests_is_asked_for_where_there_may_be_guests() {
        for (access, is_asked) in [("off", false), ("chat", true), ("propose", true)] {
            let mut guests = MockGuestStore::new();
            let failure = || Err(StoreError::failed("no key"));
            guests.expect_key().returning(failure);
            let stores = Stores {
                guests: Arc::new(guests),
                ..memory::open_stores()
            };
            let flags = ["--port", "0", "--store", "memory", "--guests", access];
            let config = config_of(flags.map(str::to_owned)).expect("a configuration");
            match Server::start(&config, adapters(Ok(stores))).await {
                Ok(running) => {
                    assert!(!is_asked, "{access}");
                    running.stop().await;
                }
                Err(error) => assert!(is_asked, "{access}: {error}"),
            }
        }
    }

    #[tokio::test]
    async fn what_stores_and_connections_hold_is_in_one_account() {
        let (told, memory) = tokio::sync::oneshot::channel();
        let open = move |resources: StoreResources| {
            let _ = told.send(resources.memory);
            std::future::ready(Ok(memory::open_stores())).boxed()
        };
        let adapters = Adapters {
            open_stores: Box::new(open),
            ..adapters(Err("not asked".into()))
        };
        let running = Server::start(&config(), adapters).await.expect("started");
        let memory = memory.await.expect("the stores' account");
        let mut stream = TcpStream::connect(running.addresses[0])
            .await
            .expect("connected");
        let handshake =
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(handshake).await.expect("sent");
        // The beginning of a message of 1,000 bytes.
        let begun = [b"\x81\xfe\x03\xe8\0\0\0\0".as_slice(), &[b' '; 100]].concat();
        stream.write_all(&begun).await.expect("sent");
        let counted = async {
            while memory.used() == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), counted)
            .await
            .expect("the stores' account counts it");
        running.stop().await;
    }

    #[tokio::test]
    async fn stores_that_cannot_be_opened_stop_the_start_and_free_the_port() {
        let mut config = config();
        let first = Server::start(&config, adapters(Ok(memory::open_stores()))).await;
        let first = first.expect("started");
        let port = first.addresses[0].port();
        first.stop().await;
        config.port = port.to_string().parse().expect("a port");
        let refused = Server::start(&config, adapters(Err("no disk".into()))).await;
        let error = refused.err().expect("refused");
        assert_eq!(error.to_string(), "no disk");
        TcpStream::connect(("127.0.0.1", port))
            .await
            .expect_err("free");
    }
}
