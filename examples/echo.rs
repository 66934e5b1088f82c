//! An echo server on the server's own transport, for conformance suites such as Autobahn's.
//!
//! `cargo run --release --example echo PORT` listens on 127.0.0.1 and sends every message back
//! unchanged, text as text and binary as binary, up to and including 16 MiB.

use std::collections::VecDeque;
use std::error::Error;

use file_ws_server::adapters::inbound::transport::listen::{self, Host};
use file_ws_server::adapters::inbound::transport::{
    self, Close, CloseCode, Connection, ConnectionHandler, Message, Shutdown, Transport,
    TransportSettings, frame,
};
use file_ws_server::application::memory::MemoryBudget;

/// How many echoes may wait until the client takes them.
const MAX_WAITING: usize = 64;

#[derive(Clone)]
struct Echo;

impl ConnectionHandler for Echo {
    async fn serve(&self, connection: &mut Connection) -> Close {
        let Connection {
            reader,
            writer,
            shutdown,
            ..
        } = connection;
        let mut frames = VecDeque::new();
        loop {
            // While a client doesn't take its echoes, nothing more is read from it.
            let reading = frames.len() < MAX_WAITING;
            tokio::select! {
                message = reader.next(), if reading => match message {
                    Ok(Message::Text(payload)) => frames.push_back(frame::text(&payload)),
                    Ok(Message::Binary(payload)) => frames.push_back(frame::binary(&payload)),
                    Err(error) => {
                        // Earlier messages are still answered, if the client takes the answers.
                        let _ = writer.write(&mut frames).await;
                        return error.into();
                    }
                },
                written = writer.drive(&mut frames) => if let Err(error) = written {
                    return error.into();
                },
                () = shutdown.cancelled() => {
                    return Close::new(CloseCode::GOING_AWAY, "the server shuts down");
                }
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("usage: echo PORT")?.parse()?;
    let settings = TransportSettings {
        max_message_bytes: 16 * 1024 * 1024,
        ..TransportSettings::default()
    };
    let memory = MemoryBudget::new(96 << 20);
    let transport = Transport::new(settings, memory, Shutdown::default(), Echo);
    let listeners = listen::bind(&Host::Named("127.0.0.1".to_owned()), port)?;
    transport::serve(listeners, transport::upgrade(&transport), &transport).await;
    Ok(())
}
