//! What the server prints once it listens: where, and what to do next.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::checks::DEFAULT_KEY;
use super::config::Config;
use super::values::Store;
use crate::adapters::inbound::transport::listen::Host;

/// A few lines for the person who has started the server.
pub fn greeting(config: &Config, addresses: &[SocketAddr], metrics: &[SocketAddr]) -> String {
    let mut text = format!(
        "file-ws-server {} is listening\n",
        env!("CARGO_PKG_VERSION")
    );
    for address in addresses {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  on     ws://{address}");
    }
    if let Some(url) = &config.public_url {
        let _ = writeln!(text, "  as     {url}/");
    }
    for address in metrics {
        let _ = writeln!(text, "  tells  http://{address}/metrics");
    }
    let _ = match config.store {
        Store::Filesystem => writeln!(text, "  keeps  {}", &*config.base_dir),
        Store::Memory => writeln!(text, "  keeps  everything in memory, until it stops"),
        Store::Nats => writeln!(
            text,
            "  keeps  everything at {}",
            config.nats_servers().join(", ")
        ),
    };
    if config.host() != Host::Loopback {
        return text;
    }
    let port = addresses.first().map_or(config.port(), SocketAddr::port);
    let url = if port == 3_005 {
        String::new()
    } else {
        format!(" --url ws://127.0.0.1:{port}")
    };
    let key = if config.key.as_bytes() == DEFAULT_KEY {
        "secret"
    } else {
        "YOUR-KEY"
    };
    let _ = write!(
        text,
        "Next, in other terminals:\n  \
         twicecast share DIR --key {key} --user ana --project demo{url}\n  \
         twicecast mirror COPY --streamer ana --project demo{url}\n\
         Ctrl-C stops.\n"
    );
    text
}
