//! Checks the port: whether it is free, and who has it.

use std::net::SocketAddr;

use super::finding::Finding;
use super::kinds::{
    HOST_NOT_HERE, PORT_NOT_ALLOWED, PORT_TAKEN, PORT_TAKEN_BY_SERVER, RUNNING_ELSEWHERE,
    RUNNING_OTHER_VERSION, SERVER_SILENT,
};
use crate::adapters::inbound::cli::config::Config;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A server on the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Running {
    /// There is none, as far as the doctor can see.
    None,
    /// There is one, which does not answer for this reason.
    Silent(String),
    /// There is one.
    There {
        /// Its version; `None` if it is too old to say.
        version: Option<String>,
        /// Where it listens.
        addresses: Vec<SocketAddr>,
        /// The number of its process, if it can be seen.
        process: Option<i32>,
    },
}

/// The result of listening on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listening {
    /// It works.
    Possible,
    /// Another program has the port. There is a text if it is a file-ws-server: its version or, on
    /// `metricsPort`, its metrics.
    Taken(Option<String>),
    /// The system does not let this user listen there.
    NotAllowed,
    /// This machine does not have the address, for this reason.
    NotHere(String),
}

pub(super) fn check(config: &Config, running: &Running, listening: &Listening) -> Vec<Finding> {
    let mut findings = Vec::new();
    let port = config.port();
    match running {
        Running::None => {}
        Running::Silent(why) => findings.push(Finding::of(
            SERVER_SILENT,
            format!("a server holds the folder, but cannot be asked: {why}"),
            "run this as the user that the server runs as; if that is so, restart the server",
        )),
        Running::There {
            version, addresses, ..
        } => {
            if version.as_deref() != Some(VERSION) {
                let version = version.as_deref().unwrap_or("older");
                findings.push(Finding::of(
                    RUNNING_OTHER_VERSION,
                    format!("the server that runs is version {version}, and this is {VERSION}"),
                    "restart the server, so that the version that is installed runs",
                ));
            }
            let here = addresses.iter().any(|address| address.port() == port);
            if here || port == 0 || addresses.is_empty() {
                let listed: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                let says = format!(
                    "the server of this folder runs, on {}",
                    listed.join(" and ")
                );
                findings.push(Finding::ok("port", says));
                return findings;
            }
            let other = addresses.first().map_or(0, SocketAddr::port);
            findings.push(Finding::of(
                RUNNING_ELSEWHERE,
                format!("the server of this folder runs on port {other}, not {port}"),
                "restart it, so that the configuration counts",
            ));
        }
    }
    findings.push(match listening {
        Listening::Possible if port == 0 => Finding::ok("port", "a free port is taken"),
        Listening::Possible => Finding::ok("port", format!("port {port} is free")),
        Listening::Taken(None) => Finding::of(
            PORT_TAKEN,
            format!("another program has port {port}"),
            format!("stop it (`ss -ltnp 'sport = :{port}'` names it), or set another port"),
        ),
        Listening::Taken(Some(version)) => Finding::of(
            PORT_TAKEN_BY_SERVER,
            format!("another file-ws-server ({version}) has port {port}"),
            "stop it, or set another port; on two folders there are two servers",
        ),
        Listening::NotAllowed => Finding::of(
            PORT_NOT_ALLOWED,
            format!("the system does not let this user have port {port}"),
            "take a port above 1023, with a proxy in front that has this one",
        ),
        Listening::NotHere(why) => Finding::of(
            HOST_NOT_HERE,
            format!("host: {why}"),
            "set host to an address of this machine, or leave it out",
        ),
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, names};
    use super::*;

    fn there(version: &str, port: u16) -> Running {
        Running::There {
            version: Some(version.to_owned()),
            addresses: vec![([127, 0, 0, 1], port).into()],
            process: None,
        }
    }

    #[test]
    fn who_has_the_port_is_told() {
        let free = Listening::Possible;
        let taken = Listening::Taken(None);
        let by_server = Listening::Taken(Some("0.0.1".to_owned()));
        let config = config(&["--port", "4000"]);
        for (running, listening, expected) in [
            (Running::None, &free, &["port"][..]),
            (Running::None, &taken, &["port-taken"]),
            (Running::None, &by_server, &["port-taken-by-server"]),
            (Running::None, &Listening::NotAllowed, &["port-not-allowed"]),
            (
                Running::None,
                &Listening::NotHere("x".to_owned()),
                &["host-not-here"],
            ),
            (there(VERSION, 4_000), &taken, &["port"]),
            (
                there("0.0.0", 4_000),
                &taken,
                &["running-other-version", "port"],
            ),
            (there(VERSION, 4_001), &free, &["running-elsewhere", "port"]),
            (
                there(VERSION, 4_001),
                &taken,
                &["running-elsewhere", "port-taken"],
            ),
            (
                Running::Silent("x".to_owned()),
                &free,
                &["server-silent", "port"],
            ),
        ] {
            let found = check(&config, &running, listening);
            assert_eq!(names(&found), expected, "{running:?} {listening:?}");
        }
    }
}
