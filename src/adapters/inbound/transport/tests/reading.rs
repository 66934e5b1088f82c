use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use std::sync::Arc;

use super::client::{Server, masked};
use crate::adapters::inbound::transport::{CLOSE_TIMEOUT, TransportSettings};
use crate::application::memory::MemoryBudget;

const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_ping_is_answered_also_inside_a_message() {
    let server = Server::start(TransportSettings::default());
    let mut client = server.connect().await;
    client.send(&masked(0x89, b"first")).await;
    assert_eq!(client.frame().await, Some((0x8A, b"first".to_vec())));
    client
        .send(&[masked(0x01, b"a"), masked(0x89, b"second")].concat())
        .await;
    assert_eq!(client.frame().await, Some((0x8A, b"second".to_vec())));
    client.send(&masked(0x80, b"b")).await;
    assert_eq!(client.frame().await, Some((0x81, b"ab".to_vec())));
}

#[tokio::test]
async fn ten_pings_at_once_get_ten_pongs() {
    let server = Server::start(TransportSettings::default());
    let mut client = server.connect().await;
    let pings: Vec<u8> = (0..10)
        .flat_map(|number| masked(0x89, &[number; 125]))
        .collect();
    client.send(&pings).await;
    for number in 0..10 {
        assert_eq!(client.frame().await, Some((0x8A, vec![number; 125])));
    }
}

#[tokio::test]
async fn a_flood_of_pings_is_read_and_answered_even_if_nobody_reads_the_pongs() {
    let server = Server::start(TransportSettings::default());
    let mut client = server.connect().await;
    // Far more than the sockets hold, so most pongs must have been given up.
    let pings = masked(0x89, &[1; 125]).repeat(1000);
    for _ in 0..60 {
        client.send(&pings).await;
    }
    client.send(&masked(0x81, b"done")).await;
    let mut answers = 0;
    loop {
        match client.frame().await.expect("an echo") {
            (0x8A, payload) => {
                assert_eq!(payload, [1; 125]);
                answers += 1;
            }
            (first, payload) => {
                assert_eq!((first, &payload[..]), (0x81, &b"done"[..]));
                break;
            }
        }
    }
    assert!(answers > 0 && answers < 60_000, "{answers} pongs");
}

#[tokio::test]
async fn frames_that_bring_no_message_further_are_slowed_down() {
    let server = Server::start(TransportSettings::default());
    for (first, payload) in [(0x89, ""), (0x8A, ""), (0x00, "")] {
        let mut client = server.connect().await;
        client.send(&masked(0x01, b"begun")).await;
        let started = Instant::now();
        client
            .send(&masked(first, payload.as_bytes()).repeat(100 * 32))
            .await;
        client.send(&masked(0x80, b", and done")).await;
        let echo = loop {
            match client.frame().await.expect("an echo") {
                (0x8A, _) => {}
                echo => break echo,
            }
        };
        assert_eq!(echo, (0x81, b"begun, and done".to_vec()));
        // A pause of a millisecond after each 32.
        assert!(started.elapsed() >= Duration::from_millis(99), "{first:#x}");
    }
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_then_closed() {
    let settings = TransportSettings {
        ping: SHORT / 2,
        idle_timeout: SHORT + SHORT / 4,
        ..TransportSettings::default()
    };
    let server = Server::start(settings);
    let mut client = server.connect().await;
    let started = Instant::now();
    for _ in 0..2 {
        assert_eq!(client.frame().await, Some((0x89, vec![])));
    }
    client.expect_close(1001).await;
    assert!(started.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_client_that_answers_pings_stays() {
    let settings = TransportSettings {
        ping: SHORT / 4,
        idle_timeout: SHORT,
        ..TransportSettings::default()
    };
    let server = Server::start(settings);
    let mut client = server.connect().await;
    for _ in 0..12 {
        assert_eq!(client.frame().await, Some((0x89, vec![])));
        client.send(&masked(0x8A, b"")).await;
    }
    client.send(&masked(0x81, b"still here")).await;
    assert_eq!(client.frame().await, Some((0x81, b"still here".to_vec())));
}

#[tokio::test]
async fn over_its_memory_a_client_is_not_read_from_and_small_messages_always_pass() {
    let settings = TransportSettings {
        max_message_bytes: 100_000,
        message_timeout: SHORT,
        ..TransportSettings::default()
    };
    // Clients without a token may hold a quarter.
    let memory = MemoryBudget::new(400_000);
    let server = Server::with_memory(settings, Arc::clone(&memory));
    let mut others = memory.open_account().reserve(95_000);
    let mut held_back = server.connect().await;
    let message = [masked(0x01, &vec![b'x'; 80_000]), masked(0x80, b"")].concat();
    held_back.send(&message).await;
    let mut small = server.connect().await;
    // Longer than a message may take: the time in which it is held back does not count.
    let started = Instant::now();
    while started.elapsed() < SHORT * 3 {
        small.send(&masked(0x81, b"small")).await;
        assert_eq!(small.frame().await, Some((0x81, b"small".to_vec())));
    }
    assert!(memory.used() < 95_000 + 80_000, "it is not read to its end");
    others.set(0);
    assert_eq!(held_back.frame().await, Some((0x81, vec![b'x'; 80_000])));
}

#[tokio::test]
async fn a_client_that_was_waited_for_is_not_read_from_once_others_have_taken_the_memory() {
    let settings = TransportSettings {
        max_message_bytes: 100_000,
        ..TransportSettings::default()
    };
    let memory = MemoryBudget::new(400_000);
    let server = Server::with_memory(settings, Arc::clone(&memory));
    let (mut client, mut other) = (server.connect().await, server.connect().await);
    let mut echo = async || {
        other.send(&masked(0x81, b"small")).await;
        assert_eq!(other.frame().await, Some((0x81, b"small".to_vec())));
    };
    client.send(&masked(0x01, &vec![b'x'; 60_000])).await;
    while memory.used() < 60_000 {
        echo().await;
    }
    // The server waits for more of the message, and there is memory for it, but not any more when
    // it comes.
    let mut others = memory.open_account().reserve(95_000);
    client.send(&masked(0x00, &vec![b'x'; 10_000])).await;
    for _ in 0..20 {
        echo().await;
    }
    assert_eq!(memory.used(), 60_000 + 95_000);
    others.set(0);
    client.send(&masked(0x80, b"")).await;
    assert_eq!(client.frame().await, Some((0x81, vec![b'x'; 70_000])));
}

#[tokio::test]
async fn a_client_that_is_not_read_from_for_lack_of_memory_and_resets_is_gone_at_once() {
    let memory = MemoryBudget::new(400_000);
    let server = Server::with_memory(TransportSettings::default(), Arc::clone(&memory));
    let others = memory.open_account().reserve(95_000);
    let mut client = server.connect().await;
    let mut other = server.connect().await;
    client.send(&masked(0x01, &vec![b'x'; 80_000])).await;
    while memory.used() == 95_000 {
        other.send(&masked(0x81, b"small")).await;
        other.frame().await;
    }
    client.stream.set_zero_linger().expect("set");
    drop(client);
    server.has_connections(1).await;
    drop(others);
}

#[tokio::test]
async fn a_message_that_comes_too_slowly_is_closed_whatever_comes_in_between() {
    let settings = TransportSettings {
        message_timeout: SHORT,
        ..TransportSettings::default()
    };
    let server = Server::start(settings);
    let mut client = server.connect().await;
    let started = Instant::now();
    client.send(&masked(0x01, b"a")).await;
    // The server closes while the client sends, so a failing write is an end, too.
    let send_slowly = async {
        loop {
            let bytes = [masked(0x00, b"b"), masked(0x89, b"")].concat();
            if client.stream.write_all(&bytes).await.is_err() {
                return;
            }
            client.stream.readable().await.expect("a pong or the close");
            let mut received = [0; 64];
            match client.stream.try_read(&mut received) {
                Ok(count)
                    if received[..count]
                        .windows(4)
                        .any(|w| w[0] == 0x88 && w[2..] == [3, 0xf0]) =>
                {
                    return;
                }
                Ok(0) => panic!("the end without a close"),
                _ => tokio::time::sleep(SHORT / 20).await,
            }
        }
    };
    tokio::time::timeout(SHORT * 5, send_slowly)
        .await
        .expect("closed");
    assert!(started.elapsed() >= SHORT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_comes_too_slowly_under_a_flood_of_pings_is_closed_too() {
    let settings = TransportSettings {
        message_timeout: SHORT,
        ..TransportSettings::default()
    };
    let server = Server::start(settings);
    let mut client = server.connect().await;
    client.send(&masked(0x01, b"a")).await;
    let (mut input, mut output) = client.stream.into_split();
    let flood = tokio::spawn(async move {
        let pings = masked(0x89, &[0; 125]).repeat(1000);
        while output.write_all(&pings).await.is_ok() {}
    });
    let mut received = Vec::new();
    let end = input.read_to_end(&mut received);
    // The flood does not end, so neither does the wait for the client: two seconds more.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT + SHORT * 5, end)
        .await
        .expect("closed");
    flood.abort();
    let close = received.chunks(127).last().expect("a close frame");
    assert_eq!((close[0], &close[2..4]), (0x88, &[0x03, 0xf0][..]));
}
