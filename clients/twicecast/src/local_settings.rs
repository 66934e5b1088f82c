//! The settings of `share --local` for the server in this process.

use std::net::{IpAddr, Ipv4Addr};

use clap::ValueEnum;

/// What people may do who open the link and have no token of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Viewers {
    /// Read
    Read,
    /// Read, and chat under a name that they choose
    Chat,
    /// Read, chat, and propose changes
    Propose,
}

/// The settings of the server.
#[derive(Debug, Clone)]
pub struct LocalSettings {
    /// Whether nobody needs a token to read.
    pub is_public: bool,
    /// What viewers may do.
    pub viewers: Viewers,
    /// The address that it listens on.
    pub host: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
    /// The address at which others reach it through a tunnel or a proxy.
    pub public_url: Option<String>,
}

/// The link that viewers open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewersLink {
    /// The link.
    pub address: String,
    /// Until when the token in it holds, in seconds since the epoch, if there is one.
    pub until: Option<u64>,
}

impl LocalSettings {
    /// The settings as flags of the server, without its key and its folder.
    #[cfg_attr(
        all(not(feature = "local"), not(test)),
        expect(dead_code, reason = "there is no server")
    )]
    pub fn flags(&self) -> Vec<String> {
        let guests = match self.viewers {
            Viewers::Read => "off",
            Viewers::Chat => "chat",
            Viewers::Propose => "propose",
        };
        let may_listen = self.viewers != Viewers::Read;
        let mut flags = vec![
            ("--host", self.host.to_string()),
            ("--port", self.port.to_string()),
            ("--public-read", self.is_public.to_string()),
            ("--public-chat", may_listen.to_string()),
            ("--guests", guests.to_owned()),
        ];
        if !self.host.is_loopback() {
            // With this, only the server's own pages may connect; by default any page may.
            flags.push(("--allowed-origins", "http://localhost".to_owned()));
        }
        if let Some(url) = &self.public_url {
            flags.push(("--public-url", url.clone()));
            // The tunnel ends on this computer, and says who is at its other end.
            flags.push(("--trusted-proxies", "127.0.0.1,::1".to_owned()));
        }
        let flags = flags.into_iter();
        flags
            .flat_map(|(name, value)| [name.to_owned(), value])
            .collect()
    }

    /// Who can reach the server, in lines for a terminal.
    pub fn reach(&self) -> String {
        let host = self.host;
        match &self.public_url {
            Some(url) => format!("anyone who reaches {url} can, as long as that leads here"),
            None if host.is_loopback() => {
                "only this computer can; --host ADDRESS lets your network \
                                           in,\nand --public-url URL others, through a tunnel or \
                                           a proxy"
                    .to_owned()
            }
            None => format!(
                "everybody in the networks of {host} can;\nit is not encrypted, so others there \
                 can \
                 read along"
            ),
        }
    }
}

/// Reads an address of this computer that viewers can use.
///
/// # Errors
///
/// What to give instead.
pub fn own_address(text: &str) -> Result<IpAddr, String> {
    let other = || match address_to_others() {
        Some(address) => format!("; that of this computer is {address}, it seems"),
        None => String::new(),
    };
    let address: IpAddr = text
        .parse()
        .map_err(|_| format!("must be an IP address{}", other()))?;
    if address.is_unspecified() || address.is_multicast() {
        return Err(format!(
            "must be an address that viewers can use{}",
            other()
        ));
    }
    if !is_here(address) {
        return Err(format!(
            "this computer does not have that address{}",
            other()
        ));
    }
    Ok(address)
}

/// Whether an address is this computer's own.
pub fn is_here(address: IpAddr) -> bool {
    // A socket can only be bound to an address of this computer. Nothing is sent.
    std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// The address from which this computer talks to others.
fn address_to_others() -> Option<IpAddr> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // This only looks up the route; no packet goes to this address, which is reserved for
    // documentation.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified() && !address.is_loopback()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(host: &str, public_url: Option<&str>) -> LocalSettings {
        LocalSettings {
            is_public: false,
            viewers: Viewers::Chat,
            host: host.parse().unwrap(),
            port: 0,
            public_url: public_url.map(str::to_owned),
        }
    }

    fn value(settings: &LocalSettings, name: &str) -> Option<String> {
        let flags = settings.flags();
        let at = flags.iter().position(|flag| flag == name)?;
        Some(flags[at + 1].clone())
    }

    #[test]
    fn viewers_read_chat_or_propose() {
        for (viewers, guests, chat) in [
            (Viewers::Read, "off", "false"),
            (Viewers::Chat, "chat", "true"),
            (Viewers::Propose, "propose", "true"),
        ] {
            let settings = LocalSettings {
                viewers,
                ..settings("127.0.0.1", None)
            };
            assert_eq!(value(&settings, "--guests").as_deref(), Some(guests));
            assert_eq!(value(&settings, "--public-chat").as_deref(), Some(chat));
            assert_eq!(value(&settings, "--public-read").as_deref(), Some("false"));
        }
    }

    #[test]
    fn who_reaches_it_is_said_and_only_its_own_pages_may_ask() {
        let here = settings("127.0.0.1", None);
        assert!(here.reach().starts_with("only this computer"));
        assert_eq!(
            value(&here, "--allowed-origins"),
            None,
            "loopback is strict"
        );
        let network = settings("192.168.1.7", None);
        let reach = network.reach();
        assert!(here.reach().lines().all(|line| line.len() <= 80));
        assert!(
            reach.contains("192.168.1.7") && reach.contains("not encrypted"),
            "{reach}"
        );
        assert!(value(&network, "--allowed-origins").is_some());
        let everybody = settings("127.0.0.1", Some("https://a.example"));
        assert!(everybody.reach().contains("https://a.example"));
        let url = value(&everybody, "--public-url");
        assert_eq!(url.as_deref(), Some("https://a.example"));
        let trusted = value(&everybody, "--trusted-proxies");
        assert_eq!(trusted.as_deref(), Some("127.0.0.1,::1"));
    }

    #[test]
    fn only_an_own_address_that_others_can_use_will_do() {
        for own in ["127.0.0.1", "127.0.0.2"] {
            assert_eq!(own_address(own).unwrap().to_string(), own);
        }
        for (other, why) in [
            ("0.0.0.0", "that viewers can use"),
            ("::", "that viewers can use"),
            ("192.0.2.1", "does not have"),
            ("example.org", "IP address"),
            ("", "IP address"),
        ] {
            let said = own_address(other).unwrap_err();
            assert!(said.contains(why), "{other}: {said}");
        }
    }
}
