//! The parts list: the only place that names every adapter.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use file_ws_server::adapters::inbound::cli::{
    self, Config, Invocation, Loaded, Store, TokenRequest,
};
use file_ws_server::adapters::inbound::http;
use file_ws_server::adapters::inbound::transport::{self, Shutdown, Transport, listen};
use file_ws_server::adapters::inbound::websocket::{
    ProtocolHandler, Service, WireFrame, event_encoder,
};
use file_ws_server::adapters::outbound::filesystem::{Durability, FilesystemStores};
use file_ws_server::adapters::outbound::hub::Hub;
use file_ws_server::adapters::outbound::jwt::{self, JwtVerifier, NewToken, TokenKey};
use file_ws_server::adapters::outbound::memory::{MemoryChatRooms, MemoryStores};
use file_ws_server::adapters::outbound::system::{RandomIds, SystemClock};
use file_ws_server::application::ports::{Clock as _, ProjectRegistry as _};
use file_ws_server::application::{Application, Budget, Ports};
use file_ws_server::domain::{ProjectId, ProjectName, UserName};
use warp::{Filter as _, Reply as _};

/// Gives memory back to the system once a burst is over, which the C library's hardly does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let read_file = |path: &str| match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let (args, variables) = match (
        cli::texts(std::env::args_os().skip(1)),
        cli::variables(std::env::vars_os()),
    ) {
        (Ok(args), Ok(variables)) => (args, variables),
        (Err(fault), _) | (_, Err(fault)) => {
            eprintln!("file-ws-server: {fault}");
            return ExitCode::from(2);
        }
    };
    match cli::parse(args, variables.into_iter(), read_file) {
        Ok(invocation) => match run(invocation) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("file-ws-server: {}", with_causes(&*failure));
                ExitCode::FAILURE
            }
        },
        Err(exit) => {
            if exit.code == 0 {
                print(&exit.text);
            } else {
                eprint!("{}", exit.text);
            }
            ExitCode::from(exit.code)
        }
    }
}

/// An error with all that led to it.
fn with_causes(failure: &dyn Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// To standard output; that nobody reads it is no fault.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
    let _ = std::io::stdout().flush();
}

fn run(invocation: Invocation) -> Result<(), Failure> {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
    };
    match invocation {
        Invocation::PrintConfig(text) => print(&text),
        Invocation::CheckConfig(Loaded { config, warnings }) => {
            verifier(&config)?;
            for warning in warnings {
                print(&format!("note: {warning}\n"));
            }
            print("the configuration is valid\n");
        }
        Invocation::Token { loaded, request } => print(&token(&loaded.config, request)?),
        Invocation::Adopt {
            loaded,
            user,
            project,
        } => {
            let project = ProjectId {
                streamer: UserName::parse(&user).map_err(|error| format!("the user {error}"))?,
                name: ProjectName::parse(&project)
                    .map_err(|error| format!("the project {error}"))?,
            };
            runtime()?.block_on(adopt(&loaded.config, &project))?;
        }
        Invocation::Serve(loaded) => {
            cli::start_logging(&loaded.config);
            let runtime = runtime()?;
            runtime.block_on(serve(loaded))?;
            // What still blocks on a stalled disk is not waited for.
            runtime.shutdown_background();
        }
    }
    Ok(())
}

fn token(config: &Config, request: TokenRequest) -> Result<String, Failure> {
    let lifetime = Duration::from_secs(u64::from(request.hours) * 3_600);
    let new = NewToken {
        username: request.username,
        streamer: request.streamer,
        project: request.project,
        room: request.room,
        expires_at: SystemClock.now().plus(lifetime),
    };
    Ok(jwt::issue(config.key.as_bytes(), &new)? + "\n")
}

async fn adopt(config: &Config, project: &ProjectId) -> Result<(), Failure> {
    let stores = open_stores(config)?;
    stores.projects.adopt(project).await.map_err(|error| {
        let place = config
            .base_dir
            .as_path()
            .join(project.streamer.as_str())
            .join(project.name.as_str());
        format!("{} cannot be adopted: {error}", place.display())
    })?;
    print(&format!("{project} is a project now\n"));
    Ok(())
}

fn open_stores(config: &Config) -> Result<FilesystemStores, Failure> {
    let durability = if config.durability == cli::Durability::Fsync {
        Durability::Fsync
    } else {
        Durability::Rename
    };
    FilesystemStores::open(config.base_dir.as_path(), durability).map_err(|error| {
        let place = config.base_dir.as_str();
        format!("baseDir {place}: {}", with_causes(&error)).into()
    })
}

fn verifier(config: &Config) -> Result<JwtVerifier, Failure> {
    let key = match &config.public_key_file {
        None => TokenKey::Secret(config.key.as_bytes().to_vec()),
        Some(path) => {
            let pem = std::fs::read(path.as_path()).map_err(|error| {
                format!("publicKeyFile: {} cannot be read: {error}", path.as_str())
            })?;
            TokenKey::PublicKeyPem(pem)
        }
    };
    let (issuer, audience) = (config.issuer.as_deref(), config.audience.as_deref());
    Ok(JwtVerifier::new(&key, issuer, audience)
        .map_err(|error| format!("publicKeyFile: {error}"))?)
}

fn ports(
    config: &Config,
    hub: &Arc<Hub<WireFrame>>,
    tokens: Arc<JwtVerifier>,
) -> Result<Ports, Failure> {
    let max_rooms = config.max_rooms.size();
    let rooms = MemoryChatRooms::new(Arc::clone(hub) as _, config.room_limits(), max_rooms);
    macro_rules! ports_over {
        ($stores:expr) => {{
            let stores = $stores;
            Ports {
                registry: Arc::clone(&stores.projects) as _,
                projects: stores.projects,
                drafts: stores.drafts,
                pull_requests: stores.pull_requests,
                staging: stores.staging,
                tokens,
                subscriptions: Arc::clone(hub) as _,
                presence: Arc::clone(hub) as _,
                events: Arc::clone(hub) as _,
                rooms: Arc::new(rooms),
                clock: Arc::new(SystemClock),
                ids: Arc::new(RandomIds),
            }
        }};
    }
    Ok(match config.store {
        Store::Filesystem => ports_over!(open_stores(config)?),
        Store::Memory => ports_over!(MemoryStores::new()),
    })
}

/// Files that the process has open beside its connections, at the most.
const OTHER_FILES: u64 = 512;

fn warn_of_few_files(config: &Config, open_files: u64) {
    let wanted = config.max_connections.size() as u64 + OTHER_FILES;
    if open_files < wanted {
        tracing::warn!(
            open_files,
            wanted,
            "the system allows this process fewer open files than maxConnections may need: raise \
             its limit (ulimit -n, LimitNOFILE) or lower maxConnections"
        );
    }
}

async fn serve(Loaded { config, warnings }: Loaded) -> Result<(), Failure> {
    let mut asked_to_stop = cli::StopSignals::listen()?;
    // Looked at before anything is bound or made.
    let tokens = Arc::new(verifier(&config)?);
    warn_of_few_files(&config, transport::raise_open_files());
    let listeners = listen::bind(&config.host(), config.port())?;
    let budget = Budget::new(config.max_memory_bytes());
    let hub = Arc::new(Hub::new(event_encoder(
        Arc::clone(&budget),
        config.part_bytes.size(),
    )));
    let ports = ports(&config, &hub, tokens)?;
    let application = Arc::new(Application::new(ports, config.limits(), config.policy()));
    application.start_grace().await?;

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

    let addresses = listen::local_addresses(&listeners)?;
    let serving = tokio::spawn({
        let stop = shutdown.stop.clone();
        async move { transport::serve(listeners, filter, &settings, &stop).await }
    });
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    print(&cli::greeting(&config, &addresses));

    let tidying = tokio::spawn({
        let application = Arc::clone(&application);
        async move {
            let mut second = tokio::time::interval(Duration::from_secs(1));
            loop {
                second.tick().await;
                application.tidy_up().await;
            }
        }
    });
    asked_to_stop.recv().await;
    tracing::info!("stopping; a second signal stops at once");
    tidying.abort();
    shutdown.draining.cancel();
    shutdown.connections.close();
    let drained = async {
        shutdown.connections.wait().await;
        application.finish_work().await;
    };
    tokio::select! {
        result = tokio::time::timeout(config.drain_seconds.seconds(), drained) => if result.is_err() {
            tracing::warn!("not all connections ended within drainSeconds");
        },
        () = asked_to_stop.recv() => {}
    }
    shutdown.stop.cancel();
    // What is left are plain HTTP requests, which end at once or not at all.
    let _ = tokio::time::timeout(Duration::from_millis(500), serving).await;
    tracing::info!("stopped");
    Ok(())
}
