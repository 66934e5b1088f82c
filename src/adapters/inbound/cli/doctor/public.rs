//! Checks how others reach the server: what `publicUrl` leads to, and what a proxy does on the way.

use serde::Deserialize;

use super::clock;
use super::finding::Finding;
use super::kinds::{
    HOST_LOST, PROXY_HIDES_ADDRESS, PROXY_UNTRUSTED, PUBLIC_URL_GATEWAY, PUBLIC_URL_NOT_OURS,
    PUBLIC_URL_UNPROVEN, PUBLIC_URL_UNREACHABLE, PUBLIC_URL_UNTRUSTED, UPGRADE_BLOCKED,
};
use crate::adapters::inbound::transport::{Origin, ProbeSeen};
use crate::domain::Timestamp;

/// How many letters of an answer are shown.
const SHOWN_LETTERS: usize = 100;

/// An answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body, or the beginning of it.
    pub body: String,
    /// When it was given, by the clock of the other side.
    pub date: Option<Timestamp>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nobody answers.
    Unreachable(String),
    /// The certificate of what answers is not trusted.
    Untrusted(String),
}

impl NoAnswer {
    /// Why.
    pub fn why(&self) -> &str {
        match self {
            Self::Unreachable(why) | Self::Untrusted(why) => why,
        }
    }
}

/// The result of asking `publicUrl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicSeen {
    /// The answer of `/healthz`.
    pub health: Result<Answer, NoAnswer>,
    /// The answer to the handshake of a WebSocket.
    pub upgrade: Result<Answer, NoAnswer>,
    /// How these two requests came in at the server of the folder; `None` if it cannot be asked.
    pub seen: Option<Vec<ProbeSeen>>,
    /// When they were sent, by this clock.
    pub asked: Timestamp,
}

/// What `/healthz` tells.
#[derive(Debug, Deserialize)]
struct Health {
    version: String,
}

/// The version of the file-ws-server that answers like this, if one does.
pub(super) fn version(answer: &Answer) -> Option<String> {
    let health: Health = serde_json::from_str(&answer.body).ok()?;
    (answer.status == 200 || answer.status == 503).then_some(health.version)
}

pub(super) fn check(url: &Origin, public: &PublicSeen) -> Vec<Finding> {
    let answer = match &public.health {
        Ok(answer) => answer,
        Err(NoAnswer::Unreachable(why)) => {
            return vec![Finding::of(
                PUBLIC_URL_UNREACHABLE,
                format!("{url} cannot be reached from here: {why}"),
                "check DNS, the firewall and the proxy; if it can be reached from elsewhere, your \
                 router hides it from inside",
            )];
        }
        Err(NoAnswer::Untrusted(why)) => {
            return vec![Finding::of(
                PUBLIC_URL_UNTRUSTED,
                format!("the certificate of {url} is not valid: {why}"),
                "renew it, or have the missing names added",
            )];
        }
    };
    let mut findings = Vec::new();
    match who(url, answer, public.seen.as_deref()) {
        Ok(proven) => findings.push(proven),
        Err(finding) => return vec![finding],
    }
    findings.extend(upgrade(url, &public.upgrade));
    let first = public.seen.as_deref().and_then(<[_]>::first);
    findings.extend(first.map(|seen| proxy(url, seen)).unwrap_or_default());
    let theirs = answer.date;
    findings.extend(theirs.and_then(|theirs| clock::compare(public.asked, theirs)));
    findings
}

/// Whether this server answers; an error if it does not.
fn who(url: &Origin, answer: &Answer, seen: Option<&[ProbeSeen]>) -> Result<Finding, Finding> {
    let status = answer.status;
    let version = match version(answer) {
        Some(version) => version,
        None if matches!(status, 502..=504) => {
            return Err(Finding::of(
                PUBLIC_URL_GATEWAY,
                format!("the proxy at {url} answers {status}: it does not reach the server"),
                "start the server, and check its address in the configuration of the proxy",
            ));
        }
        None => {
            return Err(Finding::of(
                PUBLIC_URL_NOT_OURS,
                format!("{url}/healthz answers {status}, not as a file-ws-server does"),
                "correct publicUrl, DNS or the proxy, which must pass on all paths",
            ));
        }
    };
    match seen {
        Some([]) => Err(Finding::of(
            PUBLIC_URL_NOT_OURS,
            format!("{url} leads to another file-ws-server ({version}), not to this one"),
            "correct publicUrl, DNS, or the server's address in the proxy",
        )),
        Some(_) => Ok(Finding::ok(
            "public-url",
            format!("{url} leads to this server"),
        )),
        None => Ok(Finding::of(
            PUBLIC_URL_UNPROVEN,
            format!("a file-ws-server ({version}) answers at {url}, perhaps another one"),
            "start the server on this folder and look again",
        )),
    }
}

fn upgrade(url: &Origin, answer: &Result<Answer, NoAnswer>) -> Option<Finding> {
    let why = match answer {
        Ok(answer) if answer.status == 101 => return None,
        Ok(answer) => {
            let line = answer.body.lines().next().unwrap_or_default();
            let line: String = line.chars().take(SHOWN_LETTERS).collect();
            format!("is answered {} ({line})", answer.status)
        }
        Err(none) => format!("fails: {}", none.why()),
    };
    Some(Finding::of(
        UPGRADE_BLOCKED,
        format!("a WebSocket to {url} {why}"),
        "have the proxy speak HTTP/1.1 and pass on Upgrade, Connection and Host (configuration.md, \
         Behind a reverse proxy)",
    ))
}

fn proxy(url: &Origin, seen: &ProbeSeen) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !is_host_of(&seen.host, url) {
        let host = &seen.host;
        findings.push(Finding::of(
            HOST_LOST,
            format!("the proxy passes on the Host {host:?} instead of that of {url}"),
            "nginx: `proxy_set_header Host $http_host;`",
        ));
    }
    let address = seen.socket;
    if seen.forwarded && !seen.trusted {
        findings.push(Finding::of(
            PROXY_UNTRUSTED,
            format!(
                "the proxy at {address} is not in trustedProxies, so everybody behind it counts \
                 as one address"
            ),
            format!("add {address} to trustedProxies"),
        ));
    } else if !seen.forwarded && (seen.trusted || url.scheme() == "https") {
        findings.push(Finding::of(
            PROXY_HIDES_ADDRESS,
            format!("the proxy at {address} does not say who it asks for, as far as can be read"),
            "nginx: `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`",
        ));
    } else if seen.forwarded {
        findings.push(Finding::ok(
            "proxy",
            "the proxy is trusted and says who it asks for",
        ));
    }
    findings
}

/// Whether `host` is the name in `url`; a proxy may leave out the port.
fn is_host_of(host: &str, url: &Origin) -> bool {
    let same = |name: &str| name.eq_ignore_ascii_case(host);
    same(url.authority())
        || same(url.host())
        || url
            .port()
            .is_some_and(|port| same(&format!("{}:{port}", url.host())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::names;
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.to_owned(),
            date: Some(NOW),
        }
    }

    fn ours() -> Answer {
        answer(200, "{\"status\":\"ok\",\"version\":\"1.2.3\"}")
    }

    fn seen() -> ProbeSeen {
        ProbeSeen {
            upgrade: false,
            socket: [127, 0, 0, 1].into(),
            forwarded: true,
            trusted: true,
            host: "code.example".to_owned(),
        }
    }

    fn good() -> PublicSeen {
        PublicSeen {
            health: Ok(ours()),
            upgrade: Ok(answer(101, "")),
            seen: Some(vec![seen(), seen()]),
            asked: NOW,
        }
    }

    type Change = fn(&mut PublicSeen);

    fn first(public: &mut PublicSeen) -> &mut ProbeSeen {
        &mut public.seen.as_mut().expect("asked")[0]
    }

    #[test]
    fn what_answers_under_the_public_address_is_judged_as_the_table_says() {
        let table: &[(Change, &[&str])] = &[
            (|_| {}, &["public-url", "proxy"]),
            (
                |public| public.health = Err(NoAnswer::Unreachable("x".to_owned())),
                &["public-url-unreachable"],
            ),
            (
                |public| public.health = Err(NoAnswer::Untrusted("x".to_owned())),
                &["public-url-untrusted"],
            ),
            (
                |public| public.health = Ok(answer(502, "Bad Gateway")),
                &["public-url-gateway"],
            ),
            (
                |public| public.health = Ok(answer(504, "")),
                &["public-url-gateway"],
            ),
            (
                |public| public.health = Ok(answer(200, "<html>")),
                &["public-url-not-ours"],
            ),
            (
                |public| public.health = Ok(answer(404, "{}")),
                &["public-url-not-ours"],
            ),
            (
                |public| public.seen = Some(Vec::new()),
                &["public-url-not-ours"],
            ),
            (|public| public.seen = None, &["public-url-unproven"]),
            (
                |public| public.upgrade = Ok(answer(400, "no upgrade\n")),
                &["public-url", "upgrade-blocked", "proxy"],
            ),
            (
                |public| public.upgrade = Err(NoAnswer::Unreachable("x".to_owned())),
                &["public-url", "upgrade-blocked", "proxy"],
            ),
            (
                |public| first(public).host = "127.0.0.1:3005".to_owned(),
                &["public-url", "host-lost", "proxy"],
            ),
            (
                |public| first(public).host = "CODE.example:443".to_owned(),
                &["public-url", "proxy"],
            ),
            (
                |public| first(public).trusted = false,
                &["public-url", "proxy-untrusted"],
            ),
            (
                |public| first(public).forwarded = false,
                &["public-url", "proxy-hides-address"],
            ),
            (
                |public| public.asked = NOW.plus(Duration::from_secs(31)),
                &["public-url", "proxy", "clock-off"],
            ),
        ];
        let url = "https://code.example".parse().expect("an origin");
        for (row, (change, expected)) in table.iter().enumerate() {
            let mut public = good();
            change(&mut public);
            assert_eq!(names(&check(&url, &public)), *expected, "row {row}");
        }
    }

    #[test]
    fn without_a_proxy_there_is_nothing_to_say_of_one() {
        let url = "http://127.0.0.1:3005".parse().expect("an origin");
        let mut public = good();
        *first(&mut public) = ProbeSeen {
            forwarded: false,
            trusted: false,
            host: "127.0.0.1:3005".to_owned(),
            ..seen()
        };
        assert_eq!(names(&check(&url, &public)), ["public-url"]);
    }
}
