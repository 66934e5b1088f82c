//! The address of a client, even behind a proxy.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;
use ipnetwork::IpNetwork;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address. This is the address of the socket or, if the socket is a trusted proxy's,
/// the right-most hop of `X-Forwarded-For` that is not a trusted proxy itself. Hops to the left of
/// it prove nothing, because the client can write anything there.
///
/// Also returns whether a trusted proxy says something about its client that cannot be read. In
/// that case the proxy's own address counts as the client's.
pub(super) fn client_address(
    socket: SocketAddr,
    headers: &HeaderMap,
    trusted_proxies: &[IpNetwork],
) -> (IpAddr, bool) {
    let mut client = socket.ip().to_canonical();
    let is_proxy = |client| is_trusted_proxy(client, trusted_proxies);
    let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
    // A header that is not text ends the search: it becomes a hop that cannot be read.
    for hop in lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(',')) {
        if !is_proxy(client) {
            return (client, false);
        }
        match parse_hop(hop.trim()) {
            Some(address) => client = address.to_canonical(),
            None => return (client, true),
        }
    }
    // The header of the standard (RFC 7239) does not count.
    let is_other = headers.contains_key(FORWARDED) && !headers.contains_key(X_FORWARDED_FOR);
    (client, is_other && is_proxy(client))
}

/// Whether `address` is in one of `trusted_proxies`, even if it is mapped into IPv6.
pub(crate) fn is_trusted_proxy(address: IpAddr, trusted_proxies: &[IpNetwork]) -> bool {
    let address = address.to_canonical();
    let mapped = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    let mut proxies = trusted_proxies.iter();
    proxies.any(|proxy| proxy.contains(address) || proxy.contains(mapped.into()))
}

/// Whether `client` may be the address of many clients at once: loopback's, or that of a trusted
/// proxy that does not say who it asks for.
pub(crate) fn is_shared_address(client: IpAddr, trusted_proxies: &[IpNetwork]) -> bool {
    client.to_canonical().is_loopback() || is_trusted_proxy(client, trusted_proxies)
}

/// An address with or without port and brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse()
        .ok()
        .or_else(|| hop.parse().ok().map(|socket: SocketAddr| socket.ip()))
        .or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(socket: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("the test's header"));
        }
        let trusted: Vec<IpNetwork> = trusted
            .iter()
            .map(|ip| ip.parse().expect("the test's address"))
            .collect();
        let socket = socket.parse().expect("the test's socket");
        client_address(socket, &headers, &trusted).0.to_string()
    }

    #[test]
    fn the_header_of_a_stranger_does_not_count() {
        assert_eq!(client("192.0.2.1:9", &["10.0.0.1"], &[]), "192.0.2.1");
        assert_eq!(
            client("192.0.2.1:9", &["10.0.0.1"], &["192.0.2.2"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn the_right_most_hop_that_is_not_trusted_is_the_client() {
        for (forwarded, expected) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
            (&["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
            (&["6.6.6.6, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            (
                &["6.6.6.6, 198.51.100.7", "10.0.0.2 , 10.0.0.2"],
                "198.51.100.7",
            ),
            (&["198.51.100.7:1234"], "198.51.100.7"),
            (&["[2001:db8::1]:1234"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            (&["10.0.0.2"], "10.0.0.2"),
            (&["6.6.6.6, unknown"], "10.0.0.1"),
            (&["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
            (&[""], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            let trusted = ["10.0.0.1", "10.0.0.2"];
            assert_eq!(
                client("10.0.0.1:9", forwarded, &trusted),
                expected,
                "{forwarded:?}"
            );
        }
    }

    #[test]
    fn what_a_trusted_proxy_says_and_cannot_be_read_is_told() {
        let trusted = ["10.0.0.1".parse().expect("an address")];
        for (socket, header, value, expected) in [
            (1, "x-forwarded-for", "198.51.100.7", false),
            (1, "x-forwarded-for", "rubbish, 198.51.100.7", false),
            (1, "x-forwarded-for", "198.51.100.7:80", false),
            (1, "x-forwarded-for", "unknown", true),
            (1, "x-forwarded-for", "for=\"[::1]\"", true),
            (1, "x-forwarded-for", "198.51.100.7:http", true),
            (1, "forwarded", "for=198.51.100.7", true),
            (2, "x-forwarded-for", "unknown", false),
            (2, "forwarded", "for=198.51.100.7", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(header, value.parse().expect("a header"));
            let socket = SocketAddr::from(([10, 0, 0, socket], 9));
            let (client, is_unread) = client_address(socket, &headers, &trusted);
            assert_eq!(is_unread, expected, "{value}");
            assert!(!is_unread || client == socket.ip(), "{value}");
        }
    }

    #[test]
    fn loopback_and_proxies_are_addresses_of_many_clients() {
        let trusted = ["10.0.0.0/8", "2001:db8::7"].map(|ip| ip.parse().expect("an address"));
        for (client, is_shared) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("2001:db8::7", true),
            ("2001:db8::8", false),
            ("11.0.0.1", false),
            ("192.168.0.1", false),
        ] {
            let client = client.parse().expect("an address");
            assert_eq!(is_shared_address(client, &trusted), is_shared, "{client}");
        }
    }

    #[test]
    fn a_network_of_proxies_is_trusted_as_a_whole() {
        let trusted = ["10.0.0.0/8", "fd00::/16"];
        let behind = |socket| client(socket, &["198.51.100.7, 10.9.9.9"], &trusted);
        assert_eq!(behind("10.1.2.3:9"), "198.51.100.7");
        assert_eq!(behind("[fd00::7]:9"), "198.51.100.7");
        assert_eq!(behind("11.0.0.1:9"), "11.0.0.1");
        for trusted in ["::ffff:10.0.0.1", "::ffff:10.0.0.0/104"] {
            let client = client("10.0.0.1:9", &["198.51.100.7"], &[trusted]);
            assert_eq!(client, "198.51.100.7", "{trusted}");
        }
    }

    #[test]
    fn a_proxy_is_known_on_a_dual_stack_socket_too() {
        let forwarded = ["198.51.100.7"];
        assert_eq!(
            client("[::ffff:10.0.0.1]:9", &forwarded, &["10.0.0.1"]),
            "198.51.100.7"
        );
    }
}
