//! Which families there are; `docs/metrics.md` says what each means, and a test compares the two.

use std::fmt;

use super::sheet::{Sheet, rows, rows_of_two};
use super::sources::{Figures, Sources};
use crate::adapters::delivery::Lag;
use crate::adapters::inbound::process;
use crate::adapters::inbound::transport::Wire;
use crate::application::ConnectionKind;
use crate::application::counting::{ClosedSet as _, Tally, WideCount};
use crate::application::ports::EngineState;

/// Writes all families.
pub(super) fn write(figures: &Figures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let lag = figures.sources.hub.lag();
    connections(figures, lag, sheet)?;
    requests(figures, sheet)?;
    deliveries(figures, lag, sheet)?;
    memory(figures, sheet)?;
    stored(figures, sheet)?;
    engine(figures, sheet)?;
    of_process(figures, sheet)
}

fn bytes(
    counts: &Tally<Wire, WideCount>,
) -> impl Iterator<Item = ([(&'static str, &'static str); 1], u64)> {
    counts
        .iter()
        .map(|(over, count)| ([("over", over)], count.get()))
}

fn connections(figures: &Figures, lag: Lag, sheet: &mut Sheet<'_>) -> fmt::Result {
    let counts = &figures.sources.application.counts;
    let sockets = figures.sources.sockets.sockets();
    let traffic = figures.sources.sockets.traffic();
    let kinds = ConnectionKind::ALL.iter();
    let kinds: Vec<_> = kinds
        .map(|kind| (kind.name(), counts.connections.of(*kind).get()))
        .collect();
    let known: u64 = kinds.iter().map(|(_, count)| count).sum();
    // The sums are not all taken at the same moment.
    let none = (lag.connections as u64).saturating_sub(known);
    let others = [
        ("none", none),
        ("http", sockets.http as u64),
        ("handshake", sockets.pending as u64),
    ];
    sheet.gauges(
        "file_ws_server_connections",
        "Connections now, by what they are there for",
        kinds
            .into_iter()
            .chain(others)
            .map(|(kind, count)| ([("kind", kind)], count)),
    )?;
    sheet.gauge(
        "file_ws_server_connections_limit",
        "maxConnections; 0 means no limit",
        sockets.max_connections as u64,
    )?;
    sheet.gauge(
        "file_ws_server_guests",
        "Connections of guests now",
        counts.guests.get(),
    )?;
    sheet.counters(
        "file_ws_server_connections_closed",
        "WebSocket connections that have ended, by the server's close code",
        rows("code", &traffic.ended),
    )?;
    sheet.counter(
        "file_ws_server_connections_evicted",
        "Connections closed because memory was short and they held most",
        figures.sources.memory.evicted(),
    )?;
    sheet.counters(
        "file_ws_server_connections_refused",
        "Requests over HTTP that were refused, and sockets for which there was no room",
        rows("reason", &traffic.refused),
    )?;
    sheet.counters(
        "file_ws_server_http_responses",
        "Answers over HTTP, by the class of their status",
        rows("class", &traffic.responses),
    )?;
    sheet.counters(
        "file_ws_server_received_bytes",
        "Bytes read from clients",
        bytes(&traffic.received),
    )?;
    sheet.counters(
        "file_ws_server_sent_bytes",
        "Bytes written to clients",
        bytes(&traffic.sent),
    )
}

fn requests(figures: &Figures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let counts = &figures.sources.application.counts;
    sheet.counters(
        "file_ws_server_requests",
        "Requests over WebSocket, by what became of them",
        rows_of_two(["request", "outcome"], &counts.requests)
            .map(|(labels, count)| (labels, count.get())),
    )?;
    sheet.counters(
        "file_ws_server_errors",
        "Error messages to clients over WebSocket",
        rows("type", &counts.errors),
    )?;
    sheet.counter(
        "file_ws_server_failed_authentications",
        "Tokens over WebSocket that were refused",
        counts.failed_authentications.get(),
    )
}

fn deliveries(figures: &Figures, lag: Lag, sheet: &mut Sheet<'_>) -> fmt::Result {
    let receivers = figures.sources.hub.deliveries.receivers();
    sheet.counters(
        "file_ws_server_deliveries",
        "Events handed to connections, by what became of them there",
        rows_of_two(["event", "outcome"], receivers).map(|(labels, count)| (labels, count.get())),
    )?;
    sheet.gauge(
        "file_ws_server_lagging_connections",
        "Connections for which changes wait as names",
        lag.lagging as u64,
    )?;
    sheet.gauge(
        "file_ws_server_waiting_changes",
        "Changes that wait as names, for all connections together",
        lag.waiting as u64,
    )?;
    sheet.gauge(
        "file_ws_server_queued_bytes",
        "Bytes of messages that wait to be written, for all connections together",
        lag.queued_bytes as u64,
    )
}

fn memory(figures: &Figures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let memory = &figures.sources.memory;
    let held = memory.held();
    let parts = [
        ("unauthenticated", held.unauthenticated),
        ("authenticated", held.authenticated),
        ("streamers", held.streamers),
        ("shared", held.shared),
    ];
    sheet.gauges(
        "file_ws_server_memory_used_bytes",
        "Memory that clients make the server hold, by who holds it",
        parts.map(|(part, bytes)| ([("part", part)], bytes as u64)),
    )?;
    sheet.gauge(
        "file_ws_server_memory_limit_bytes",
        "maxMemoryBytes",
        memory.max() as u64,
    )?;
    sheet.gauge(
        "file_ws_server_memory_unauthenticated_limit_bytes",
        "How much of it connections without a valid token may hold",
        memory.unauthenticated_max() as u64,
    )
}

fn stored(figures: &Figures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let (app, disk) = (&figures.sources.application, &figures.sources.disk);
    let (counts, ports) = (&app.counts, &app.ports);
    sheet.gauge(
        "file_ws_server_uploads",
        "Unfinished uploads now",
        counts.uploads.get(),
    )?;
    sheet.histograms(
        "file_ws_server_commit_duration_seconds",
        "How long changes of projects took, from their beginning to their answer",
        rows_of_two(["change", "outcome"], &counts.commits),
    )?;
    sheet.histograms(
        "file_ws_server_disk_operation_duration_seconds",
        "How long operations on the disk took once their turn had come",
        disk.operations
            .iter()
            .map(|(work, durations)| ([("work", work)], durations)),
    )?;
    sheet.counters(
        "file_ws_server_disk_errors",
        "Operations on the disk that the system refused",
        rows("work", &disk.errors),
    )?;
    sheet.gauge(
        "file_ws_server_projects",
        "Projects that exist, counted once a minute",
        figures.projects.get(),
    )?;
    sheet.gauge(
        "file_ws_server_projects_loaded",
        "Projects that are in memory now",
        ports.projects.loaded() as u64,
    )?;
    sheet.gauge(
        "file_ws_server_pull_requests_open",
        "Open pull requests now",
        ports.pull_requests.count() as u64,
    )?;
    sheet.gauge(
        "file_ws_server_rooms",
        "Chat rooms now, with those that are empty and remembered",
        ports.rooms.count() as u64,
    )
}

fn engine(figures: &Figures, sheet: &mut Sheet<'_>) -> fmt::Result {
    let Sources {
        engine,
        engine_counts,
        ..
    } = &figures.sources;
    let is_ready = *engine.borrow() == EngineState::Ready;
    sheet.gauge(
        "file_ws_server_engine_ready",
        "1 while what keeps the projects answers, else 0",
        is_ready.into(),
    )?;
    sheet.counters(
        "file_ws_server_engine_gaps",
        "Times that changes had not been told of, and were read back",
        [([], engine_counts.gaps.get())],
    )?;
    sheet.counters(
        "file_ws_server_engine_unknown_outcomes",
        "Changes that were not answered, so that it had to be found out whether they were made",
        [([], engine_counts.unknown_outcomes.get())],
    )
}

fn of_process(figures: &Figures, sheet: &mut Sheet<'_>) -> fmt::Result {
    sheet.gauges(
        "file_ws_server_build_info",
        "1, with the version of the server",
        [([("version", env!("CARGO_PKG_VERSION"))], 1)],
    )?;
    sheet.gauge(
        "process_start_time_seconds",
        "When the server started, in seconds since 1970",
        figures.started.as_millis() / 1_000,
    )?;
    sheet.seconds(
        "process_cpu_seconds",
        "Processor time that the process has used",
        process::cpu_time().as_secs_f64(),
    )?;
    sheet.known(
        "process_resident_memory_bytes",
        "Memory of the process that is in the machine's",
        process::resident_bytes(),
    )?;
    sheet.known(
        "process_open_fds",
        "Files and sockets that the process has open",
        process::open_files(),
    )?;
    sheet.known(
        "process_max_fds",
        "Files and sockets that the process may have open",
        process::max_open_files(),
    )
}
