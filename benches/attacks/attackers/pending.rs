//! Sockets that never become connections.

use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};

use super::{Running, Stage, begun, full};
use crate::connection::{Connection, source};

/// How many addresses the sockets come from.
const ADDRESSES: usize = 3;
/// How long a socket may take to connect, and how many in a row may take longer.
const PATIENCE: Duration = Duration::from_secs(1);
const FAILURES: usize = 3;

/// Sockets that send nothing.
pub fn pending(stage: Stage) -> Running {
    Box::pin(keep(stage, String::new()))
}

/// Request heads that never end.
pub fn heads(stage: Stage) -> Running {
    let head = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}",
        "x".repeat(8_000)
    );
    Box::pin(keep(stage, head))
}

async fn keep(stage: Stage, head: String) {
    let mut sockets: Vec<Option<Connection>> = Vec::new();
    sockets.resize_with(stage.count, || None);
    fill(&stage, &mut sockets, &head).await;
    begun();
    full();
    let again = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            for socket in &mut sockets {
                let is_open = socket.as_ref().is_some_and(|it| goes_on(it, &head));
                if !is_open {
                    *socket = None;
                }
            }
            fill(&stage, &mut sockets, &head).await;
        }
    };
    tokio::select! {
        () = again => {}
        () = stage.stop.cancelled() => {}
    }
}

/// Whether the server keeps the socket open. Also sends another byte of an unfinished head.
fn goes_on(socket: &Connection, head: &str) -> bool {
    let is_open = match socket.stream.try_read(&mut [0; 256]) {
        Ok(length) => length > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    };
    is_open && (head.is_empty() || socket.stream.try_write(b"x").is_ok())
}

/// Opens the sockets that are not open, as long as the server accepts them.
async fn fill(stage: &Stage, sockets: &mut [Option<Connection>], head: &str) {
    let mut failures = 0;
    for (number, place) in sockets.iter_mut().enumerate() {
        if place.is_some() || failures == FAILURES {
            continue;
        }
        let opening = open(source(number % ADDRESSES), stage.port, head);
        *place = timeout(PATIENCE, opening).await.ok().and_then(Result::ok);
        if place.is_some() {
            failures = 0;
        } else {
            failures += 1;
            stage.count(|tally| tally.refused += 1);
        }
    }
}

async fn open(from: Ipv4Addr, port: u16, head: &str) -> std::io::Result<Connection> {
    let mut socket = Connection::socket(from, port).await?;
    socket.stream.write_all(head.as_bytes()).await?;
    Ok(socket)
}
