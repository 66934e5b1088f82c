//! Checks the NATS servers that keep everything with the store `nats`.

use super::finding::{Finding, bytes, some};
use super::kinds::{NATS_AWAY, NATS_CLOCK_OFF, NATS_OPEN, NATS_PLAIN, NATS_SINGLE, NATS_UNUSABLE};
use crate::adapters::inbound::cli::checks::is_loopback;
use crate::adapters::inbound::cli::config::Config;
use crate::application::inspection::EngineInspection;

/// How far the clocks may differ, in milliseconds: they decide which of two changes came first.
const APART_MS: u64 = 1_000;

pub(super) fn check(config: &Config, seen: &EngineInspection) -> Vec<Finding> {
    let seen = match seen {
        EngineInspection::Unusable(why) => {
            let cure = "correct what the sentence names: nats, natsCredentialsFile, natsReplicas, \
                        or the NATS servers";
            return vec![Finding::of(NATS_UNUSABLE, why, cure)];
        }
        EngineInspection::Usable(seen) => seen,
    };
    let mut findings = Vec::new();
    let is_elsewhere = config.nats_servers().iter().any(|server| !is_here(server));
    if seen.is_open && (is_elsewhere || !is_loopback(&seen.host)) {
        findings.push(Finding::of(
            NATS_OPEN,
            format!(
                "NATS listens on {} and lets anybody in: whoever reaches it can change every \
                 project",
                seen.host
            ),
            "give the servers an account of their own (natsCredentialsFile), or let NATS listen \
             on 127.0.0.1 only",
        ));
    }
    if is_elsewhere && !seen.is_encrypted {
        findings.push(Finding::of(
            NATS_PLAIN,
            "what the servers and NATS send each other is not encrypted",
            "use tls:// addresses, unless nobody else shares the network",
        ));
    }
    if config.nats_replicas.size() == 1 {
        findings.push(Finding::of(
            NATS_SINGLE,
            "one NATS server keeps everything (natsReplicas is 1): if its disk dies, all is lost",
            "run three NATS servers, and leave natsReplicas at 3",
        ));
    }
    if !seen.away.is_empty() {
        findings.push(Finding::of(
            NATS_AWAY,
            format!(
                "these NATS servers should keep everything, and are away: {}",
                some(&seen.away)
            ),
            "start them, and look at their logs and disks",
        ));
    }
    if let Some(ahead) = seen.ahead
        && ahead.unsigned_abs() > APART_MS
    {
        let which = if ahead < 0 { "behind" } else { "ahead of" };
        findings.push(Finding::of(
            NATS_CLOCK_OFF,
            format!(
                "the clock of NATS is {} ms {which} this one",
                ahead.unsigned_abs()
            ),
            "let all machines keep time by NTP (timedatectl set-ntp true)",
        ));
    }
    if findings.is_empty() {
        let (version, kept) = (&seen.version, bytes(seen.bytes));
        findings.push(Finding::ok("nats", format!("NATS {version}, {kept} kept")));
    }
    findings
}

/// Whether this NATS server is on this machine.
fn is_here(server: &str) -> bool {
    let (_, address) = server.split_once("://").unwrap_or(("", server));
    let (host, _) = address.rsplit_once(':').unwrap_or((address, ""));
    [address, host]
        .iter()
        .any(|host| is_loopback(host.trim_matches(['[', ']'])))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, names};
    use super::*;
    use crate::application::inspection::EngineSeen;

    type Change = fn(&mut EngineSeen);

    const OTHERS: &[&str] = &["--nats", "nats://127.0.0.1,nats://n2"];
    const HERE: &[&str] = &[
        "--nats",
        "nats://127.0.0.1,localhost:4223,nats://[::1]:4224",
    ];

    #[test]
    fn an_engine_is_judged_by_what_it_says_of_itself() {
        let table: &[(&[&str], Change, &[&str])] = &[
            (OTHERS, |_| {}, &["nats"]),
            (OTHERS, |seen| seen.is_open = true, &["nats-open"]),
            (OTHERS, |seen| seen.is_encrypted = false, &["nats-plain"]),
            (
                HERE,
                |seen| (seen.is_open, seen.is_encrypted) = (true, false),
                &["nats"],
            ),
            (
                HERE,
                |seen| (seen.is_open, seen.host) = (true, "0.0.0.0".to_owned()),
                &["nats-open"],
            ),
            (
                &["--nats", "localhost.example.org"],
                |seen| seen.is_encrypted = false,
                &["nats-plain"],
            ),
            (
                OTHERS,
                |seen| seen.away = vec!["n3".to_owned()],
                &["nats-away"],
            ),
            (OTHERS, |seen| seen.ahead = None, &["nats"]),
            (OTHERS, |seen| seen.ahead = Some(-1_000), &["nats"]),
            (OTHERS, |seen| seen.ahead = Some(1_001), &["nats-clock-off"]),
            (
                OTHERS,
                |seen| seen.ahead = Some(-1_001),
                &["nats-clock-off"],
            ),
            (
                &["--nats", "nats://n1", "--nats-replicas", "1"],
                |_| {},
                &["nats-single"],
            ),
        ];
        for (at, (flags, change, expected)) in table.iter().enumerate() {
            let mut seen = EngineSeen {
                version: "2.15.1".to_owned(),
                host: "127.0.0.1".to_owned(),
                is_open: false,
                is_encrypted: true,
                ahead: Some(0),
                bytes: 1 << 20,
                away: Vec::new(),
            };
            change(&mut seen);
            let config = config(&[&["--store", "nats"], *flags].concat());
            let found = check(&config, &EngineInspection::Usable(seen));
            assert_eq!(names(&found), *expected, "case {at}");
        }
    }

    #[test]
    fn one_that_cannot_be_used_is_an_error_with_its_reason() {
        let config = config(&["--store", "nats", "--nats", "nats://n1"]);
        let why = "cannot connect".to_owned();
        let found = check(&config, &EngineInspection::Unusable(why));
        assert_eq!(names(&found), ["nats-unusable"]);
        assert!(found[0].to_string().contains("cannot connect"));
    }
}
