//! Which web pages may ask, and under which names (protocol, section 8). Only browsers send an
//! `Origin`, and any page that is open in one can reach loopback.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::handshake::HandshakeError;

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// The web pages that may ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebPages {
    /// Whether the server listens on loopback only.
    pub loopback_only: bool,
    /// `publicUrl`: its name and its pages always pass.
    pub public_url: Option<Origin>,
    /// `allowedOrigins`; `None`: not configured.
    pub allowed_origins: Option<Vec<Origin>>,
}

impl WebPages {
    /// Checks a request. `is_proxied` means that it is an upgrade from a trusted proxy with
    /// `X-Forwarded-For`, which no page can add to an upgrade.
    ///
    /// # Errors
    /// Which header is to blame.
    pub(super) fn check(
        &self,
        headers: &HeaderMap,
        is_proxied: bool,
    ) -> Result<(), HandshakeError> {
        let host = headers.get(HOST).and_then(authority);
        let host = host.as_ref();
        let is_local = self.loopback_only && !is_proxied;
        if is_local && !host.is_some_and(|host| is_loopback(host) || self.is_public(host)) {
            return Err(HandshakeError::Host);
        }
        let any_will_do = !is_local
            && self.allowed_origins.is_none()
            && (!self.loopback_only || self.public_url.is_none());
        // No page can set this header. A browser sends `Origin: null` with a form of a page that
        // hides its address, as the server's own page does.
        let is_same_origin = headers
            .get(SEC_FETCH_SITE)
            .is_some_and(|site| site == "same-origin");
        let may_ask = |origin: &HeaderValue| {
            any_will_do
                || (is_same_origin
                    && origin == "null"
                    && host.is_some_and(|host| self.is_ours(host)))
                || Origin::of(origin).is_some_and(|origin| {
                    self.public_url.as_ref() == Some(&origin)
                        || self
                            .allowed_origins
                            .iter()
                            .flatten()
                            .any(|it| *it == origin)
                        || (is_local && is_loopback(&origin.authority))
                        || (!self.loopback_only && self.is_own(&origin, host))
                })
        };
        if headers.get_all(ORIGIN).iter().all(may_ask) {
            Ok(())
        } else {
            Err(HandshakeError::Origin)
        }
    }

    /// Whether `origin` is the server itself, under a name that nobody can bind to another address.
    fn is_own(&self, origin: &Origin, host: Option<&Authority>) -> bool {
        host.is_some_and(|host| {
            let is_same = host.host().eq_ignore_ascii_case(origin.authority.host())
                && host.port_u16().or(origin.default_port()) == origin.port();
            is_same && self.is_ours(host)
        })
    }

    /// Whether nobody can bind this name of the server to another address.
    fn is_ours(&self, host: &Authority) -> bool {
        is_loopback(host) || ip(host).is_some() || self.is_public(host)
    }

    /// Whether `host` is the name in `publicUrl`, on any port: a proxy may leave out the port.
    fn is_public(&self, host: &Authority) -> bool {
        let mut public = self.public_url.iter();
        public.any(|public| public.authority.host().eq_ignore_ascii_case(host.host()))
    }
}

/// Where a page comes from: a scheme, a host and a port, as in `https://example.org`.
#[derive(Debug, Clone)]
pub struct Origin {
    scheme: String,
    authority: Authority,
}

impl Origin {
    /// An `Origin` header; `None` for `null`, which any sandboxed page or local file sends.
    fn of(header: &HeaderValue) -> Option<Self> {
        header.to_str().ok()?.parse().ok()
    }

    /// Whether it is the origin of a web server.
    pub fn is_of_http(&self) -> bool {
        self.default_port().is_some()
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host, with an IPv6 address in brackets, and the port if it is given.
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The host alone, with an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Whether it can only be on this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.authority)
    }

    /// The port, even if it is the scheme's usual one.
    pub fn port(&self) -> Option<u16> {
        self.authority.port_u16().or(self.default_port())
    }

    fn default_port(&self) -> Option<u16> {
        match self.scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        }
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        let host = self.authority.host();
        self.scheme == other.scheme
            && host.eq_ignore_ascii_case(other.authority.host())
            && self.port() == other.port()
    }
}

impl Eq for Origin {}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "must be an origin, such as https://example.org: a scheme, a host, if \
             needed a port, and nothing else";
        if text.contains('#') {
            return Err(SHAPE);
        }
        let parts = text.parse::<Uri>().map_err(|_| SHAPE)?.into_parts();
        let path = parts
            .path_and_query
            .map_or(String::new(), |path| path.to_string());
        let is_plain = |authority: &Authority| {
            let text = authority.as_str();
            let port = &text[authority.host().len().min(text.len())..];
            !text.contains(['@', '*']) && port.is_empty() == authority.port_u16().is_none()
        };
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority))
                if path.trim_end_matches('/').is_empty() && is_plain(&authority) =>
            {
                let scheme = scheme.as_str().to_ascii_lowercase();
                match scheme.as_str() {
                    "ws" => Err("must be the origin of a page, which begins with http://"),
                    "wss" => Err("must be the origin of a page, which begins with https://"),
                    _ => Ok(Self { scheme, authority }),
                }
            }
            _ => Err(SHAPE),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// The value of `Host`: a name or an address, and perhaps a port.
fn authority(header: &HeaderValue) -> Option<Authority> {
    let authority: Authority = header.to_str().ok()?.parse().ok()?;
    (!authority.as_str().contains('@')).then_some(authority)
}

/// Whether the host can only be this machine.
fn is_loopback(authority: &Authority) -> bool {
    authority.host().eq_ignore_ascii_case("localhost")
        || ip(authority).is_some_and(|ip| ip.to_canonical().is_loopback())
}

/// The address, if it is one and not a name.
fn ip(authority: &Authority) -> Option<IpAddr> {
    let host = authority.host();
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(v6) => v6.parse().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

#[cfg(test)]
#[path = "web_pages_tests.rs"]
mod tests;
