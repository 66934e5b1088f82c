//! Checks under which names the server can be asked, and which pages may ask it.

use super::finding::Finding;
use super::kinds::{
    ORIGIN_NEVER_SENT, ORIGIN_OTHER_SCHEME, OWN_PAGE_REFUSED, PUBLIC_URL_MISSING, PUBLIC_URL_PLAIN,
};
use crate::adapters::inbound::cli::checks::is_loopback;
use crate::adapters::inbound::cli::config::Config;
use crate::adapters::inbound::cli::values::List;
use crate::adapters::inbound::transport::Origin;
use crate::adapters::inbound::transport::listen::Host;

/// Schemes of pages for which browsers send `null` or nothing.
const NEVER_SENT: [&str; 6] = ["about", "blob", "data", "file", "ftp", "javascript"];

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let origins = config.allowed_origins.clone().map(List::into_items);
    let mut findings: Vec<_> = public_url(config, origins.is_some()).into_iter().collect();
    for origin in origins.iter().flatten() {
        findings.extend(allowed_origin(origin, config.public_url.as_ref()));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("address", names(config)));
    }
    findings
}

/// Whether the server listens where other machines can reach it.
fn listens_to_others(config: &Config) -> bool {
    match config.host() {
        Host::Loopback => false,
        Host::All => true,
        Host::Named(name) => !is_loopback(&name),
    }
}

fn public_url(config: &Config, lists_origins: bool) -> Option<Finding> {
    let set = "set publicUrl to the address that you give to others, such as \
               https://code.example.org/";
    let listens = listens_to_others(config);
    match &config.public_url {
        None if listens && lists_origins => Some(Finding::of(
            OWN_PAGE_REFUSED,
            "allowedOrigins is set and publicUrl is not, so the server's own page is refused under \
             any name",
            set,
        )),
        None if listens || config.trusted_proxies.is_some() => {
            let why = if listens {
                "others reach this server, but it does not know under which address"
            } else {
                "there is a proxy, but without publicUrl every name but those of loopback is \
                 refused"
            };
            Some(Finding::of(PUBLIC_URL_MISSING, why, set))
        }
        Some(url) if url.scheme() == "http" && !url.is_loopback() => Some(Finding::of(
            PUBLIC_URL_PLAIN,
            format!("{url} has no TLS: others on the way can read tokens and change files"),
            "put a proxy with TLS in front of the server, and set publicUrl to its https:// address",
        )),
        _ => None,
    }
}

fn allowed_origin(origin: &Origin, public_url: Option<&Origin>) -> Option<Finding> {
    if NEVER_SENT.contains(&origin.scheme()) {
        return Some(Finding::of(
            ORIGIN_NEVER_SENT,
            format!("no browser sends the origin {origin}, which is in allowedOrigins"),
            "list the origin of a web server, such as https://live.example.org",
        ));
    }
    let url = public_url.filter(|url| {
        url.host().eq_ignore_ascii_case(origin.host()) && *url != origin && origin.is_of_http()
    })?;
    Some(Finding::of(
        ORIGIN_OTHER_SCHEME,
        format!("{origin} in allowedOrigins is not {url}, which is the publicUrl of that host"),
        "take it out if it is a slip; publicUrl is always allowed",
    ))
}

fn names(config: &Config) -> String {
    match (&config.public_url, listens_to_others(config)) {
        (Some(url), true) => format!("others reach this server as {url}, or by any name it has"),
        (Some(url), false) => format!("this server answers as {url} and under names of loopback"),
        (None, _) => "this server answers under names of loopback, to this machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, names};
    use super::*;

    const KEY: [&str; 2] = ["--key", "0123456789abcdef0123456789abcdef"];

    #[test]
    fn names_and_origins_are_judged_as_the_table_says() {
        let https = ["--public-url", "https://code.example"];
        let origins = |list| [https[0], https[1], "--allowed-origins", list];
        for (is_strong, flags, expected) in [
            (false, &[][..], &["address"][..]),
            (
                false,
                &["--trusted-proxies", "10.0.0.1"],
                &["public-url-missing"],
            ),
            (
                false,
                &["--public-url", "http://127.0.0.1:3005"],
                &["address"],
            ),
            (
                false,
                &["--public-url", "http://code.example"],
                &["public-url-plain"],
            ),
            (true, &[], &["public-url-missing"]),
            (true, &["--host", "127.0.0.1"], &["address"]),
            (true, &["--host", "192.0.2.1"], &["public-url-missing"]),
            (true, &https, &["address"]),
            (
                true,
                &["--allowed-origins", "https://a.example"],
                &["own-page-refused"],
            ),
            (
                true,
                &origins("https://a.example,https://code.example"),
                &["address"],
            ),
            (true, &origins("https://a.example/"), &["address"]),
            (
                true,
                &origins("http://code.example"),
                &["origin-other-scheme"],
            ),
            (
                true,
                &origins("https://code.example:8443"),
                &["origin-other-scheme"],
            ),
            (true, &origins("https://CODE.example:443"), &["address"]),
            (
                true,
                &origins("file://code.example"),
                &["origin-never-sent"],
            ),
            (true, &origins("chrome-extension://abc"), &["address"]),
        ] {
            let key = KEY.iter().copied().filter(|_| is_strong);
            let flags: Vec<_> = flags.iter().copied().chain(key).collect();
            assert_eq!(names(&check(&config(&flags))), expected, "{flags:?}");
        }
    }
}
