//! Notes how the requests of an operator's doctor come in: from which address, and under which
//! name.
//!
//! The doctor says beforehand, over the control socket, which number its requests carry. No other
//! request is noted, and only that socket tells what was noted.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::HOST;
use http::{HeaderMap, HeaderName};
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

use super::address::{client_address, is_trusted_proxy};
use super::handshake::asks_for_websocket;
use crate::application::locks::lock;

/// The header with the number.
pub const PROBE: HeaderName = HeaderName::from_static("x-file-ws-server-doctor");

/// The most requests that are noted.
const MOST: usize = 4;

/// How many letters of a name are noted; the rest is cut off.
const LONGEST_HOST: usize = 255;

/// Notes the requests that are expected.
#[derive(Debug, Default)]
pub struct Probes {
    /// Whether any request is expected. If not, a request costs next to nothing.
    is_expecting: AtomicBool,
    expected: Mutex<Option<Expected>>,
}

#[derive(Debug)]
struct Expected {
    number: String,
    seen: Vec<ProbeSeen>,
}

/// How a request came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeSeen {
    /// Whether it still asked for a WebSocket.
    pub upgrade: bool,
    /// The address of the socket, which is the proxy's if there is one.
    pub socket: IpAddr,
    /// Whether it had an `X-Forwarded-For`, which must be readable if it counts.
    pub forwarded: bool,
    /// Whether that header counts, because the socket is a trusted proxy's.
    pub trusted: bool,
    /// The name under which the server was asked.
    pub host: String,
}

impl Probes {
    /// Notes requests that carry `number` from now on, and forgets what was noted before.
    pub fn expect(&self, number: String) {
        let seen = Vec::new();
        *lock(&self.expected) = Some(Expected { number, seen });
        self.is_expecting.store(true, Ordering::Relaxed);
    }

    /// Stops noting, and returns what was noted.
    pub fn take(&self) -> Vec<ProbeSeen> {
        self.is_expecting.store(false, Ordering::Relaxed);
        let expected = lock(&self.expected).take();
        expected.map_or_else(Vec::new, |expected| expected.seen)
    }

    /// Notes a request if it is one that is expected.
    pub(super) fn note(&self, headers: &HeaderMap, socket: SocketAddr, proxies: &[IpNetwork]) {
        if !self.is_expecting.load(Ordering::Relaxed) {
            return;
        }
        let Some(number) = headers.get(PROBE) else {
            return;
        };
        let mut expected = lock(&self.expected);
        let is_it = |expected: &&mut Expected| {
            number == expected.number.as_str() && expected.seen.len() < MOST
        };
        let Some(expected) = expected.as_mut().filter(is_it) else {
            return;
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        expected.seen.push(ProbeSeen {
            upgrade: asks_for_websocket(headers),
            socket: socket.ip().to_canonical(),
            forwarded: headers.contains_key("x-forwarded-for")
                && !client_address(socket, headers, proxies).1,
            trusted: is_trusted_proxy(socket.ip(), proxies),
            host: host
                .unwrap_or_default()
                .chars()
                .take(LONGEST_HOST)
                .collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let value = value.parse().expect("a header");
            (HeaderName::from_static(name), value)
        });
        pairs.collect()
    }

    const SOCKET: ([u8; 4], u16) = ([10, 0, 0, 1], 9);

    #[test]
    fn only_requests_with_the_expected_number_are_noted_and_only_a_few() {
        let probes = Probes::default();
        let with = |number| headers(&[("x-file-ws-server-doctor", number)]);
        let note = |headers: &HeaderMap| probes.note(headers, SOCKET.into(), &[]);
        note(&with("7"));
        assert_eq!(probes.take(), []);
        probes.expect("7".to_owned());
        note(&with("8"));
        note(&headers(&[("host", "x")]));
        for _ in 0..9 {
            note(&with("7"));
        }
        assert_eq!(probes.take().len(), MOST);
        note(&with("7"));
        assert_eq!(probes.take(), [], "it is over");
    }

    #[test]
    fn it_is_noted_from_where_and_under_which_name_a_request_came() {
        let probes = Probes::default();
        let proxies = ["10.0.0.0/8".parse().expect("a network")];
        let number = ("x-file-ws-server-doctor", "7");
        probes.expect("7".to_owned());
        let through_proxy = headers(&[
            number,
            ("host", "code.example"),
            ("x-forwarded-for", "192.0.2.1"),
            ("upgrade", "websocket"),
        ]);
        probes.note(&through_proxy, SOCKET.into(), &proxies);
        probes.note(&headers(&[number]), SOCKET.into(), &[]);
        let seen = probes.take();
        let expected = ProbeSeen {
            upgrade: true,
            socket: [10, 0, 0, 1].into(),
            forwarded: true,
            trusted: true,
            host: "code.example".to_owned(),
        };
        let direct = ProbeSeen {
            upgrade: false,
            forwarded: false,
            trusted: false,
            host: String::new(),
            ..expected.clone()
        };
        assert_eq!(seen, [expected, direct]);
    }
}
