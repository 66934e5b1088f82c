//! Looks at the server of the folder, the port and `publicUrl`.

use std::io::ErrorKind;
use std::path::Path;

use http::{HeaderMap, HeaderValue};

use crate::adapters::inbound::cli::config::Config;
use crate::adapters::inbound::cli::doctor::look::ask::{Question, ask};
use crate::adapters::inbound::cli::doctor::port::{Listening, Running};
use crate::adapters::inbound::cli::doctor::public::{PublicSeen, version};
use crate::adapters::inbound::control::{Request, Response, ask_soon};
use crate::adapters::inbound::transport::listen::{self, Host, ListenError};
use crate::adapters::inbound::transport::{Origin, PROBE, ProbeSeen};
use crate::domain::Timestamp;

/// The server that holds the folder, if one does.
pub(in super::super) async fn running(base: &Path, is_held: Option<bool>) -> Running {
    match ask_soon(base, &Request::State).await {
        Ok((Response::State { version, addresses }, process)) => Running::There {
            version: Some(version),
            addresses,
            process,
        },
        // An older server, which does not know this request.
        Ok((_, process)) => Running::There {
            version: None,
            addresses: Vec::new(),
            process,
        },
        Err(_) if is_held == Some(false) => Running::None,
        Err(error) if is_held.is_none() && is_absent(error.kind()) => Running::None,
        Err(error) => Running::Silent(error.to_string()),
    }
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

/// Listens there for an instant, and returns how that went. `answering` asks the program that has
/// the port.
pub(in super::super) async fn listening<A: Future<Output = Option<String>>>(
    (host, port): (Host, u16),
    answering: impl FnOnce(Origin) -> A,
) -> Listening {
    match listen::bind(&host, port) {
        Ok(_) => Listening::Possible,
        Err(ListenError::Bind { source, address }) => match source.kind() {
            ErrorKind::AddrInUse => {
                let mut asked = address;
                if address.ip().is_unspecified() {
                    asked.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
                }
                Listening::Taken(match format!("http://{asked}").parse() {
                    Ok(asked) => answering(asked).await,
                    Err(_) => None,
                })
            }
            ErrorKind::PermissionDenied => Listening::NotAllowed,
            _ => Listening::NotHere(format!("{address}: {source}")),
        },
        Err(error @ ListenError::Resolve { .. }) => Listening::NotHere(error.to_string()),
    }
}

/// The version of the file-ws-server at an address, if it is one.
pub(in super::super) async fn version_at(at: Origin) -> Option<String> {
    let answer = ask(&at, plain("/healthz")).await.ok()?;
    version(&answer)
}

/// The beginning of the metrics at an address, if a file-ws-server serves them there.
pub(in super::super) async fn metrics_at(at: Origin) -> Option<String> {
    let answer = ask(&at, plain("/metrics")).await.ok()?;
    Some(answer.body).filter(|text| text.contains("# HELP file_ws_server_"))
}

fn plain(path: &'static str) -> Question {
    Question {
        path,
        headers: HeaderMap::new(),
    }
}

/// Whether the configured server is ready.
///
/// # Errors
/// Why it is not.
pub(in super::super) async fn is_ready(config: &Config) -> Result<(), String> {
    let hosts = match config.host() {
        Host::Named(name) if name.contains(':') && !name.starts_with('[') => {
            vec![format!("[{name}]")]
        }
        Host::Named(name) => vec![name],
        Host::Loopback | Host::All => vec!["127.0.0.1".to_owned(), "[::1]".to_owned()],
    };
    let mut why = "port is 0, which is a free one".to_owned();
    for host in hosts.iter().filter(|_| config.port() != 0) {
        let at = format!("http://{host}:{}", config.port());
        let origin = at.parse().map_err(str::to_owned)?;
        why = match ask(&origin, plain("/readyz")).await {
            Ok(answer) if answer.status == 200 => return Ok(()),
            Ok(answer) => format!("{at} answers {}", answer.status),
            Err(error) => format!("{at}: {}", error.why()),
        };
    }
    Err(why)
}

/// Sends requests to `publicUrl`, and asks the server of the folder how they came in.
pub(in super::super) async fn public(
    config: &Config,
    url: &Origin,
    number: String,
    now: Timestamp,
) -> PublicSeen {
    let base = config.base_dir.as_path();
    let mut headers = HeaderMap::new();
    if let Ok(number) = HeaderValue::try_from(&number) {
        headers.insert(PROBE, number);
    }
    let expects = matches!(
        ask_soon(base, &Request::Expect { number }).await,
        Ok((Response::Done, _))
    );
    let (path, sent) = ("/healthz", headers.clone());
    let health = ask(
        url,
        Question {
            path,
            headers: sent,
        },
    )
    .await;
    let upgrade = ask(url, Question::websocket(url, headers)).await;
    PublicSeen {
        health,
        upgrade,
        seen: if expects { seen(base).await } else { None },
        asked: now,
    }
}

async fn seen(base: &Path) -> Option<Vec<ProbeSeen>> {
    match ask_soon(base, &Request::Seen).await {
        Ok((Response::Seen(seen), _)) => Some(seen),
        _ => None,
    }
}
