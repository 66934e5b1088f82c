//! Binds the port, on IPv6 and IPv4.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::TcpListener;

/// How many connections the kernel keeps until they are accepted.
const BACKLOG: i32 = 4096;

/// How many times to look for a port that is free on both families.
const PORT_ATTEMPTS: usize = 16;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// 127.0.0.1, and `::1` if the machine has it.
    Loopback,
    /// All addresses, of both families if the machine has both.
    All,
    /// An address, or a name that stands for one or several.
    Named(String),
}

/// A port that could not be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The name stands for no address.
    #[error("cannot find the address of {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the system says.
        source: io::Error,
    },
}

impl ListenError {
    fn bind(address: SocketAddr) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Bind { address, source }
    }

    /// The port is taken, on this family at least.
    fn is_in_use(&self) -> bool {
        matches!(self, Self::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }

    /// The machine does not have the family or the address.
    fn is_absent(&self) -> bool {
        let Self::Bind { source, .. } = self else {
            return false;
        };
        source.kind() == io::ErrorKind::AddrNotAvailable
            || source.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
    }
}

/// Binds `port` on `host`. Port 0 takes a free one, the same for both families.
///
/// Needs a tokio runtime to be entered.
///
/// # Errors
/// An address that the machine has cannot be bound, or a name stands for no address.
pub fn bind(host: &Host, port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let mut attempts = if port == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_once(host, port) {
            // A port that is free on one family may be taken on the other.
            Err(error) if error.is_in_use() && attempts > 0 => {}
            bound => return bound,
        }
    }
}

/// The addresses that `listeners` are bound to.
///
/// # Errors
/// A socket does not know its own address.
pub fn local_addresses(listeners: &[TcpListener]) -> io::Result<Vec<SocketAddr>> {
    listeners.iter().map(TcpListener::local_addr).collect()
}

fn bind_once(host: &Host, port: u16) -> Result<Vec<TcpListener>, ListenError> {
    match host {
        Host::All => match bind_address((Ipv6Addr::UNSPECIFIED, port).into(), false) {
            Err(error) if error.is_absent() => Ok(vec![bind_address(
                (Ipv4Addr::UNSPECIFIED, port).into(),
                true,
            )?]),
            bound => Ok(vec![bound?]),
        },
        Host::Loopback => bind_each(
            [
                IpAddr::from(Ipv4Addr::LOCALHOST),
                Ipv6Addr::LOCALHOST.into(),
            ],
            port,
        ),
        Host::Named(name) => {
            let resolve = |source| ListenError::Resolve {
                host: name.clone(),
                source,
            };
            // Brackets are how an IPv6 address is often written, though not how it is looked up.
            let bare = name
                .strip_prefix('[')
                .and_then(|name| name.strip_suffix(']'));
            let found = (bare.unwrap_or(name), port)
                .to_socket_addrs()
                .map_err(resolve)?;
            let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            addresses.sort_unstable();
            addresses.dedup();
            if addresses.is_empty() {
                return Err(resolve(io::Error::from(io::ErrorKind::NotFound)));
            }
            bind_each(addresses, port)
        }
    }
}

/// Binds all of the addresses that the machine has, at least one, on the same port.
fn bind_each(
    addresses: impl IntoIterator<Item = IpAddr>,
    mut port: u16,
) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    let mut absent = None;
    for address in addresses {
        let address = SocketAddr::new(address, port);
        match bind_address(address, true) {
            Ok(listener) => {
                port = listener
                    .local_addr()
                    .map_err(ListenError::bind(address))?
                    .port();
                listeners.push(listener);
            }
            Err(error) if error.is_absent() => absent = Some(error),
            Err(error) => return Err(error),
        }
    }
    match absent {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

/// How many unsent bytes the kernel keeps per connection. Without this bound, megabytes would wait
/// there for a client that does not read, where no limit counts them and no newer version can
/// replace them.
pub(super) const MAX_UNSENT_BYTES: u32 = 128 * 1_024;

/// Finds peers that are gone without a word, in about a minute and a half. Busy peers are not
/// affected: their kernel answers although they do not read.
const KEEP_ALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(10))
    .with_retries(3);

fn bind_address(address: SocketAddr, only_v6: bool) -> Result<TcpListener, ListenError> {
    let listen = || {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(only_v6)?;
        }
        // A restart must not wait for the connections of the previous process.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        // Accepted connections inherit these.
        socket.set_tcp_notsent_lowat(MAX_UNSENT_BYTES)?;
        socket.set_tcp_keepalive(&KEEP_ALIVE)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    listen().map_err(ListenError::bind(address))
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[tokio::test]
    async fn loopback_has_one_port_for_both_families() {
        let listeners = bind(&Host::Loopback, 0).expect("loopback");
        let addresses = local_addresses(&listeners).expect("bound");
        assert!(!addresses.is_empty());
        assert_ne!(addresses[0].port(), 0);
        for address in &addresses {
            assert!(address.ip().is_loopback());
            assert_eq!(address.port(), addresses[0].port());
        }
    }

    #[tokio::test]
    async fn all_addresses_take_ipv4_clients() {
        let listeners = bind(&Host::All, 0).expect("all addresses");
        let port = local_addresses(&listeners).expect("bound")[0].port();
        let connect = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        connect.await.expect("an IPv4 client gets in");
    }

    #[tokio::test]
    async fn accepted_connections_are_asked_whether_they_are_still_there() {
        let listeners = bind(&Host::Loopback, 0).expect("loopback");
        let address = listeners[0].local_addr().expect("bound");
        let _client = tokio::net::TcpStream::connect(address).await.expect("in");
        let (accepted, _) = listeners[0].accept().await.expect("accepted");
        let accepted = socket2::SockRef::from(&accepted);
        assert!(accepted.keepalive().expect("an option"));
        let idle = accepted.tcp_keepalive_time().expect("an option");
        assert_eq!(idle, Duration::from_secs(60));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let listeners = bind(&Host::Loopback, 0).expect("loopback");
        let port = listeners[0].local_addr().expect("bound").port();
        let error = bind(&Host::Loopback, port).expect_err("taken");
        assert_eq!(
            error.to_string(),
            format!("cannot listen on 127.0.0.1:{port}")
        );
        assert!(error.source().is_some());
    }

    #[tokio::test]
    async fn a_name_or_an_address_may_be_given() {
        for host in ["localhost", "127.0.0.1"] {
            let listeners = bind(&Host::Named(host.into()), 0).expect(host);
            assert!(listeners[0].local_addr().expect("bound").ip().is_loopback());
        }
        let error = bind(&Host::Named("not a name".into()), 0).expect_err("no such host");
        assert!(error.to_string().contains("not a name"), "{error}");
    }
}
