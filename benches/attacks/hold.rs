//! Two ways to attack: sending requests without reading, and sending requests without end.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::connection::{Connection, Role, source};
use crate::stage::{Stage, begun, full};
use crate::support::masked;
use crate::tally::Frames;

/// How long the server may make no progress before it counts as not reading.
const STUCK: Duration = Duration::from_millis(500);
/// How long to write at most.
const WRITING: Duration = Duration::from_secs(20);
/// How many write at a time; bounds how much the server has to take in together.
const AT_A_TIME: usize = 50;
/// How long to look at the end for what the server sent.
const DRAINING: Duration = Duration::from_secs(2);
/// How long the server may take to carry out all requests that are meant to have an effect.
const CARRYING_OUT: Duration = Duration::from_secs(45);
/// How much is written or read at a time. The pair's clients share the core with the attackers, and
/// cannot run before an attacker's system call is over.
const STEP: usize = 4 * 1_024;

/// What is sent: the bytes for that number, or none to stop.
pub type Pieces = Arc<dyn Fn(usize) -> Option<Arc<[u8]>> + Send + Sync>;

/// The same bytes this many times.
pub fn times(count: usize, bytes: impl Into<Arc<[u8]>>) -> Pieces {
    let bytes = bytes.into();
    Arc::new(move |number| (number < count).then(|| Arc::clone(&bytes)))
}

/// The same bytes for ever.
pub fn for_ever(bytes: impl Into<Arc<[u8]>>) -> Pieces {
    times(usize::MAX, bytes)
}

/// Sends pieces on each connection, as far as the server takes them, and reads nothing until the
/// end.
pub async fn hold(stage: Stage, role: Role, pieces: Pieces) {
    let connections = stage.connect(role).await;
    begun();
    let mut writing = JoinSet::new();
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    for connection in connections {
        writing.spawn(write(connection, Arc::clone(&pieces), Arc::clone(&turns)));
    }
    let connections = tokio::select! {
        connections = writing.join_all() => connections,
        () = stage.stop.cancelled() => return,
    };
    full();
    stage.stop.cancelled().await;
    drain(&stage, connections).await;
}

async fn write(mut connection: Connection, pieces: Pieces, turns: Arc<Semaphore>) -> Connection {
    let began = Instant::now();
    let all = (0..).map_while(|number| pieces(number));
    'all: for piece in all {
        let _turn = turns.acquire().await;
        let mut rest = &piece[..];
        while !rest.is_empty() {
            match timeout(
                STUCK,
                connection.stream.write(&rest[..rest.len().min(STEP)]),
            )
            .await
            {
                Ok(Ok(written)) if began.elapsed() < WRITING => rest = &rest[written..],
                _ => break 'all,
            }
        }
    }
    connection
}

/// Makes all these requests on one connection, and reads the answers.
pub async fn carry_out(stage: &Stage, role: Role, pieces: impl IntoIterator<Item = Vec<u8>>) {
    let Ok(connection) = Connection::open_wide(source(0), stage.port, role).await else {
        return stage.count(|tally| tally.refused += 1);
    };
    let Connection { stream, frames } = connection;
    let (mut answers, mut requests) = stream.into_split();
    let answered = stage.clone();
    let reading = tokio::spawn(async move { read(&mut answers, frames, &answered).await });
    let all = async {
        for piece in pieces {
            write_steps(&mut requests, &piece).await?;
        }
        // After this close, the server sends its last answer and ends the connection.
        requests.write_all(&masked(0x88, [])).await?;
        let _ = reading.await;
        std::io::Result::Ok(())
    };
    tokio::select! {
        _ = timeout(CARRYING_OUT, all) => {}
        () = stage.stop.cancelled() => {}
    }
}

/// Reads everything that has arrived on these connections.
pub async fn drain(stage: &Stage, connections: Vec<Connection>) {
    let mut reading = JoinSet::new();
    for mut connection in connections {
        let stage = stage.clone();
        reading.spawn(async move { read(&mut connection.stream, connection.frames, &stage).await });
    }
    let all = async { while reading.join_next().await.is_some() {} };
    // Without a limit, this would go on for ever on a connection that the server does not close.
    let _ = timeout(DRAINING, all).await;
}

async fn write_steps(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    for step in bytes.chunks(STEP) {
        to.write_all(step).await?;
    }
    Ok(())
}

/// Reads and counts until the end.
pub async fn read(from: &mut (impl AsyncRead + Unpin), mut frames: Frames, stage: &Stage) {
    let mut buffer = vec![0; STEP];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        stage.count(|tally| frames.feed(&buffer[..length], tally));
    }
    if !frames.is_closed {
        stage.count(|tally| tally.cut += 1);
    }
}

/// Sends pieces on each connection without end, reopens it when it ends, and reads the answers
/// if it `reads`.
pub async fn flood(stage: Stage, role: Role, pieces: Pieces, reads: bool) {
    flood_each(stage, move |_| role, pieces, reads).await;
}

/// The same, each connection in a role of its own.
pub async fn flood_each(stage: Stage, role: impl Fn(usize) -> Role, pieces: Pieces, reads: bool) {
    let connections = stage.connect_each(&role).await;
    begun();
    full();
    for (number, connection) in connections.into_iter().enumerate() {
        let (stage, pieces, role) = (stage.clone(), Arc::clone(&pieces), role(number));
        tokio::spawn(async move {
            let mut open = Some(connection);
            loop {
                if let Some(connection) = open.take() {
                    rush(connection, &stage, &pieces, reads).await;
                }
                match Connection::open(source(number), stage.port, role).await {
                    Ok(connection) => open = Some(connection),
                    Err(_) => stage.count(|tally| tally.refused += 1),
                }
                sleep(Duration::from_millis(10)).await;
            }
        });
    }
    stage.stop.cancelled().await;
}

async fn rush(mut connection: Connection, stage: &Stage, pieces: &Pieces, reads: bool) {
    let (mut reader, mut writer) = connection.stream.split();
    let writing = async {
        let all = (0..).map_while(|number| pieces(number));
        for piece in all {
            let sending = write_steps(&mut writer, &piece);
            // A connection that does not read starts again when it can send nothing more.
            let is_sent = if reads {
                sending.await.is_ok()
            } else {
                matches!(timeout(STUCK, sending).await, Ok(Ok(())))
            };
            if !is_sent {
                return;
            }
        }
    };
    if reads {
        let mut reading = std::pin::pin!(read(&mut reader, connection.frames, stage));
        tokio::select! {
            () = &mut reading => return,
            () = writing => {}
        }
        let _ = timeout(Duration::from_millis(100), reading).await;
    } else {
        writing.await;
    }
}
