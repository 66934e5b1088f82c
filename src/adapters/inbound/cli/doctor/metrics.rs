//! Checks the metrics: whether they can be served, and who can read them.

use std::net::{IpAddr, Ipv4Addr};

use super::finding::Finding;
use super::kinds::{METRICS_OPEN, METRICS_PORT_SAME, METRICS_PORT_TAKEN, METRICS_UNUSABLE};
use super::port::{Listening, Running};
use crate::adapters::inbound::cli::config::Config;
use crate::adapters::inbound::transport::listen::Host;

/// `listening` is the result of listening on `metricsPort`. It is `Taken` with a text if a
/// file-ws-server serves its metrics there.
pub(super) fn check(config: &Config, running: &Running, listening: &Listening) -> Vec<Finding> {
    let Some((host, port)) = config.metrics() else {
        return Vec::new();
    };
    let is_running = matches!(running, Running::There { .. });
    let mut findings = Vec::new();
    if port != 0 && port == config.port() && overlap(&host, &config.host()) {
        findings.push(Finding::of(
            METRICS_PORT_SAME,
            format!("metricsPort and port are both {port}"),
            "give metricsPort a port of its own, such as 9105",
        ));
        return findings;
    }
    match listening {
        Listening::Possible => {}
        // The running server has the port itself.
        Listening::Taken(Some(_)) if is_running => {}
        Listening::Taken(_) => findings.push(Finding::of(
            METRICS_PORT_TAKEN,
            format!("another program has metricsPort, {port}"),
            format!("stop it (`ss -ltnp 'sport = :{port}'` names it), or set another metricsPort"),
        )),
        Listening::NotAllowed => findings.push(Finding::of(
            METRICS_UNUSABLE,
            format!("the system does not let this user have metricsPort, {port}"),
            "take a port above 1023",
        )),
        Listening::NotHere(why) => findings.push(Finding::of(
            METRICS_UNUSABLE,
            format!("metricsHost: {why}"),
            "set metricsHost to an address of this machine, or leave it out",
        )),
    }
    if !is_private(&host) {
        findings.push(Finding::of(
            METRICS_OPEN,
            "everybody who reaches metricsHost reads the metrics: there is no token for them",
            "leave metricsHost out, give an address of a private network, or let a firewall pass \
             only Prometheus",
        ));
    }
    if findings.is_empty() {
        let says = format!("the metrics are for this machine or a private network, on port {port}");
        findings.push(Finding::ok("metrics", says));
    }
    findings
}

/// Whether the two cannot listen on the same port.
fn overlap(one: &Host, other: &Host) -> bool {
    let ip = |host: &Host| match host {
        Host::Named(name) => name.parse::<IpAddr>().ok(),
        Host::Loopback => Some(Ipv4Addr::LOCALHOST.into()),
        Host::All => Some(Ipv4Addr::UNSPECIFIED.into()),
    };
    let is_all = |host| ip(host).is_some_and(|ip| ip.is_unspecified());
    one == other
        || is_all(one)
        || is_all(other)
        || ip(one).is_some_and(|own| Some(own) == ip(other))
}

/// Whether only a private network, or this machine, can reach it.
fn is_private(host: &Host) -> bool {
    match host {
        Host::Loopback => true,
        Host::All => false,
        Host::Named(name) => match name.trim_matches(['[', ']']).parse() {
            Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
            Ok(IpAddr::V6(ip)) => {
                ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
            }
            // A name may lead anywhere.
            Err(_) => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, names};
    use super::*;

    const OWN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn where_the_metrics_are_told_is_judged() {
        let there = Running::There {
            version: None,
            addresses: Vec::new(),
            process: None,
        };
        let (none, free, taken) = (Running::None, Listening::Possible, Listening::Taken(None));
        let by_server = Listening::Taken(Some(String::new()));
        let away = Listening::NotHere("x".to_owned());
        let at = ["--metrics-port", "9105"];
        let same = ["--metrics-port", "3005"];
        for (flags, running, listening, expected) in [
            (&[][..], &none, &taken, &[][..]),
            (&at, &none, &free, &["metrics"]),
            (&at, &none, &taken, &["metrics-port-taken"]),
            (&at, &there, &taken, &["metrics-port-taken"]),
            (&at, &none, &by_server, &["metrics-port-taken"]),
            (&at, &there, &by_server, &["metrics"]),
            (&at, &none, &Listening::NotAllowed, &["metrics-unusable"]),
            (
                &at,
                &none,
                &away,
                &["metrics-unusable", "metrics-open"][..1],
            ),
            (&same, &there, &by_server, &["metrics-port-same"]),
            (
                &["--metrics-port", "0", "--port", "0"],
                &none,
                &free,
                &["metrics"],
            ),
        ] {
            let found = check(&config(flags), running, listening);
            assert_eq!(
                names(&found),
                expected,
                "{flags:?} {running:?} {listening:?}"
            );
        }
        let on = |host| {
            check(
                &config(&[&at[..], &["--metrics-host", host]].concat()),
                &none,
                &free,
            )
        };
        for host in [
            "localhost",
            "127.0.0.2",
            "10.0.0.5",
            "::1",
            "fd00::7",
            "192.168.1.7",
        ] {
            assert_eq!(names(&on(host)), ["metrics"], "{host}");
        }
        for host in [
            "*",
            "0.0.0.0",
            "::",
            "203.0.113.7",
            "2001:db8::7",
            "host.example",
        ] {
            assert_eq!(names(&on(host)), ["metrics-open"], "{host}");
        }
        for (host, metrics_host) in [
            ("127.0.0.1", "localhost"),
            ("*", "127.0.0.1"),
            ("10.0.0.5", "0.0.0.0"),
        ] {
            let flags = [
                "--key",
                OWN,
                "--host",
                host,
                "--metrics-port",
                "3005",
                "--metrics-host",
                metrics_host,
            ];
            assert_eq!(
                names(&check(&config(&flags), &none, &free)),
                ["metrics-port-same"],
                "{host}"
            );
        }
        let elsewhere = ["--key", OWN, "--host", "10.0.0.5", "--metrics-port", "3005"];
        assert_eq!(
            names(&check(&config(&elsewhere), &none, &free)),
            ["metrics"]
        );
    }
}
