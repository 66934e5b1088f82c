//! Checks the key that signs tokens, and who else may read or change it.

use super::finding::{Finding, Kind};
use super::kinds::{
    CONFIGURATION_NOTE, KEY_DEFAULT, KEY_FILE_CHANGEABLE, KEY_FILE_OF_A_GROUP, KEY_FILE_OPEN,
    KEY_GUESSABLE, KEY_ON_COMMAND_LINE, KEY_REACHABLE, KEY_SHORT, PUBLIC_KEY_UNUSABLE,
};
use crate::adapters::inbound::cli::checks::{
    DEFAULT_KEY, DEFAULT_KEY_WARNING, Loaded, STRONG_KEY_BYTES, has_strong_key,
};
use crate::adapters::inbound::cli::config::Config;
use crate::adapters::inbound::cli::layers::Source;

const MAKE_ONE: &str = "set key, for example to the output of `openssl rand -hex 32`";

/// A key with fewer different bytes was typed, not generated.
const FEWEST_BYTES: usize = 8;

/// What was seen of the key and its file.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySeen {
    /// The permissions of the configuration file or of `keyFile`, if the key comes from one of
    /// them.
    pub file_mode: Option<u32>,
    /// Where others could replace the key: that file, `publicKeyFile`, or a folder above it.
    pub changeable: Option<Changeable>,
    /// Why tokens cannot be verified.
    pub fault: Option<String>,
}

/// A place that somebody other than its owner can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changeable {
    /// Its path.
    pub place: String,
    /// Who can change it.
    pub by: ChangedBy,
}

/// Who can change a place besides its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangedBy {
    /// Its group, which may be the owner alone.
    Group,
    /// Every user of this machine.
    All,
}

pub(super) fn check(loaded: &Loaded, seen: &KeySeen) -> Vec<Finding> {
    let notes = loaded.warnings.iter();
    let notes = notes.filter(|note| *note != DEFAULT_KEY_WARNING);
    let notes = notes.map(|note| Finding::of(CONFIGURATION_NOTE, note, ""));
    let mut findings: Vec<_> = notes.collect();
    let config = &loaded.config;
    if config.public_key_file.is_some() {
        findings.extend(public_key(seen));
        return findings;
    }
    let before = findings.len();
    findings.extend(secret(config));
    if let (Source::File(path), Some(mode)) = (&loaded.key_source, seen.file_mode)
        && mode & 0o044 != 0
    {
        findings.push(Finding::of(
            KEY_FILE_OPEN,
            format!("other users of this machine can read the key in {path}"),
            format!("`chmod 600 {path}`, and let the server's user own it"),
        ));
    }
    findings.extend(seen.changeable.as_ref().map(changeable));
    if let Source::Flag(_) = loaded.key_source {
        findings.push(Finding::of(
            KEY_ON_COMMAND_LINE,
            "the key is on the command line, where every user of this machine sees it",
            "put it into keyFile, the configuration file or FILE_WS_SERVER_KEY",
        ));
    }
    if findings.len() == before {
        findings.push(Finding::ok("key", "the key is your own and long enough"));
    }
    findings
}

fn secret(config: &Config) -> Option<Finding> {
    let key = config.key.as_bytes();
    let (kind, what): (Kind, _) = if key == DEFAULT_KEY {
        (
            KEY_DEFAULT,
            "the key is the default one, which everybody knows".to_owned(),
        )
    } else if key.len() < STRONG_KEY_BYTES {
        let bytes = STRONG_KEY_BYTES;
        (KEY_SHORT, format!("the key is shorter than {bytes} bytes"))
    } else if different(key) < FEWEST_BYTES {
        let what = "the key is long, but can be guessed: it has few different letters";
        (KEY_GUESSABLE, what.to_owned())
    } else {
        return None;
    };
    let is_reached = config
        .public_url
        .as_ref()
        .is_some_and(|url| !url.is_loopback())
        || config.trusted_proxies.is_some();
    Some(if is_reached && !has_strong_key(config) {
        let what = format!("{what}, and others reach this server by its proxy");
        Finding::of(KEY_REACHABLE, what, MAKE_ONE)
    } else {
        Finding::of(kind, what, MAKE_ONE)
    })
}

fn different(key: &[u8]) -> usize {
    let mut bytes = key.to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    bytes.len()
}

fn changeable(Changeable { place, by }: &Changeable) -> Finding {
    match by {
        ChangedBy::All => Finding::of(
            KEY_FILE_CHANGEABLE,
            format!("every user of this machine can put in another key, as all may write {place}"),
            format!("`chmod go-w {place}`"),
        ),
        ChangedBy::Group => Finding::of(
            KEY_FILE_OF_A_GROUP,
            format!("the group of {place} may write it, and so put in another key"),
            format!("`chmod g-w {place}`, unless the owner alone is in that group"),
        ),
    }
}

fn public_key(seen: &KeySeen) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(fault) = &seen.fault {
        let cure = "give a PEM file with an RSA, P-256 or Ed25519 public key";
        findings.push(Finding::of(PUBLIC_KEY_UNUSABLE, fault, cure));
    }
    findings.extend(seen.changeable.as_ref().map(changeable));
    if findings.is_empty() {
        findings.push(Finding::ok("key", "tokens are verified with publicKeyFile"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{loaded, names};
    use super::*;

    const OWN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn keys_are_judged_by_what_they_are_and_who_can_reach_the_server() {
        let monotonous = "a1".repeat(16);
        for (flags, expected) in [
            (&[][..], &["key-default"][..]),
            (&["--key", "hunter2"], &["key-short", "key-on-command-line"]),
            (&["--key", &OWN[1..]], &["key-short", "key-on-command-line"]),
            (&["--key", OWN], &["key-on-command-line"]),
            (
                &["--key", &monotonous],
                &["key-guessable", "key-on-command-line"],
            ),
            (
                &["--public-url", "https://code.example"],
                &["key-reachable"],
            ),
            (&["--trusted-proxies", "10.0.0.1"], &["key-reachable"]),
            (&["--public-url", "http://localhost:3005"], &["key-default"]),
            (&["--crypto", "aes"], &["configuration-note", "key-default"]),
        ] {
            let findings = check(&loaded(flags, None), &KeySeen::default());
            assert_eq!(names(&findings), expected, "{flags:?}");
            let shown = format!("{findings:?}");
            assert!(
                !shown.contains("hunter2") && !shown.contains(OWN),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_file_with_the_key_is_for_its_owner_alone() {
        let file = format!("{{\"key\":\"{OWN}\"}}");
        let loaded_from_file = loaded(&[], Some(&file));
        for (mode, expected) in [
            (0o100_600, "key"),
            (0o100_640, "key-file-open"),
            (0o100_604, "key-file-open"),
            (0o100_620, "key"),
        ] {
            let seen = KeySeen {
                file_mode: Some(mode),
                ..KeySeen::default()
            };
            assert_eq!(
                names(&check(&loaded_from_file, &seen)),
                [expected],
                "{mode:o}"
            );
        }
        let seen = KeySeen {
            file_mode: Some(0o644),
            ..KeySeen::default()
        };
        let elsewhere = check(&loaded(&[], Some("{\"port\":1}")), &seen);
        assert_eq!(names(&elsewhere), ["key-default"], "the key is not in it");
    }

    #[test]
    fn nobody_else_puts_in_another_key() {
        let seen = |by| KeySeen {
            changeable: Some(Changeable {
                place: "/etc".to_owned(),
                by,
            }),
            ..KeySeen::default()
        };
        let file = format!("{{\"key\":\"{OWN}\"}}");
        let (secret, public) = (
            loaded(&[], Some(&file)),
            loaded(&["--public-key-file", "k.pem"], None),
        );
        for (by, expected) in [
            (ChangedBy::All, "key-file-changeable"),
            (ChangedBy::Group, "key-file-of-a-group"),
        ] {
            for loaded in [&secret, &public] {
                let found = check(loaded, &seen(by));
                assert_eq!(names(&found), [expected]);
                assert!(found[0].to_string().contains("-w /etc`"), "{}", found[0]);
            }
        }
    }

    #[test]
    fn a_public_key_must_be_one() {
        let loaded = loaded(&["--public-key-file", "k.pem"], None);
        for (fault, expected) in [
            (None, "key"),
            (Some("no such file".to_owned()), "public-key-unusable"),
        ] {
            let seen = KeySeen {
                fault,
                ..KeySeen::default()
            };
            assert_eq!(names(&check(&loaded, &seen)), [expected], "{seen:?}");
        }
    }
}
