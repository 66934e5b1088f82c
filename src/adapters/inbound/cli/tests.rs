use std::io;

use clap::{Arg, CommandFactory as _};

use super::layers::{ORIGINAL_DEFAULTS, key_name, keys, variable_name};
use super::values::{FolderDeletion, OnStreamerDisconnect};
use super::*;
use crate::adapters::inbound::transport::WebPages;
use crate::adapters::inbound::transport::listen::Host;
use crate::domain::{GuestAccess, Timestamp};

const OWN_KEY: &str = "a key of my own that has at least 32 bytes";

/// Parses with a configuration file of this text, if any.
fn parse_with(
    args: &[&str],
    variables: &[(&str, &str)],
    file: Option<&str>,
) -> Result<Invocation, Exit> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let read = |path: &str| match path {
        "broken" => Err(io::Error::other("no permission")),
        _ if file == Some("a folder") => Err(io::ErrorKind::IsADirectory.into()),
        "absent" => Ok(None),
        "own.key" => Ok(Some(format!("{OWN_KEY}\r\n"))),
        "empty.key" => Ok(Some("\n".to_owned())),
        "blank.key" => Ok(Some(" \r\n \n".to_owned())),
        "two-lines.key" => Ok(Some(format!("{OWN_KEY}\n\n"))),
        "inner-break.key" => Ok(Some(format!("{OWN_KEY}\r\n{OWN_KEY}\n"))),
        "marked.key" => Ok(Some(format!("\u{feff}{OWN_KEY}\n"))),
        "spaced.key" => Ok(Some(format!("{OWN_KEY} \n"))),
        _ => Ok(file.map(str::to_owned)),
    };
    parse(args.iter().map(|arg| (*arg).to_owned()), variables, read)
}

fn config(args: &[&str], variables: &[(&str, &str)], file: Option<&str>) -> Config {
    match parse_with(args, variables, file) {
        Ok(Invocation::Serve(loaded)) => loaded.config,
        other => panic!("not a configuration to serve with: {other:?}"),
    }
}

fn fault(args: &[&str], variables: &[(&str, &str)], file: Option<&str>) -> String {
    match parse_with(args, variables, file) {
        Err(Exit { code: 2, text }) => text,
        other => panic!("should have been refused: {other:?}"),
    }
}

/// A valid value of each key that is not its default, as text.
const SAMPLES: &[(&str, &str)] = &[
    ("host", "127.0.0.1"),
    ("store", "memory"),
    ("nats", "nats://h1, tls://h2:4222"),
    ("natsCredentialsFile", "node.creds"),
    ("natsReplicas", "5"),
    ("natsPrefix", "code2"),
    ("clusterTimeoutSeconds", "60"),
    ("publicRead", "false"),
    ("publicChat", "true"),
    ("durability", "rename"),
    ("onStreamerDisconnect", "delete"),
    ("partBytes", "65535"),
    ("port", "65535"),
    ("metricsPort", "65535"),
    ("pingSeconds", "59"),
    ("idleTimeoutSeconds", "61"),
    ("drainSeconds", "3600"),
    ("handshakeTimeoutSeconds", "3600"),
    ("messageTimeoutSeconds", "3600"),
    ("chatHistory", "65536"),
    ("maxMessageBytes", "16777217"),
    ("maxMemoryBytes", "100663297"),
    ("maxTotalQueueBytes", "100663297"),
    ("maxUnauthenticatedMessageBytes", "65536"),
    ("maxQueueBytes", "4194305"),
    ("keyFile", "own.key"),
    ("publicUrl", "https://code.example"),
    ("allowedOrigins", "http://127.0.0.1, https://a.example"),
    ("trustedProxies", "127.0.0.1, 10.0.0.0/8"),
    ("compatibility", "original"),
    ("folderDeletion", "ignore"),
    ("guests", "propose"),
    ("maxGuests", "10000"),
    ("maxModerated", "10000"),
    ("logFormat", "json"),
    ("logLevel", "warn"),
];

/// The sample as it is written in the file.
fn json(name: &str, text: &str) -> String {
    match name {
        "allowedOrigins" | "trustedProxies" | "nats" => {
            let items: Vec<_> = text.split(", ").collect();
            format!("{items:?}")
        }
        "crypto" => "{\"any\":1}".to_owned(),
        _ if text.parse::<u64>().is_ok() || text == "false" || text == "true" => text.to_owned(),
        _ => format!("{text:?}"),
    }
}

#[test]
fn as_many_people_may_be_moderated_as_a_store_may_bring_back() {
    let most = crate::domain::MOST_MODERATED;
    for (value, is_valid) in [(most, true), (most + 1, false)] {
        let flags = ["--max-moderated".to_owned(), value.to_string()];
        let parsed = parse(flags, std::iter::empty(), |_| Ok(None));
        assert_eq!(parsed.is_ok(), is_valid, "{value}");
    }
}

#[test]
fn the_defaults_are_the_contracts() {
    let config = config(&[], &[], None);
    assert_eq!(config.port(), 3_005);
    assert_eq!(config.host(), Host::Loopback);
    assert_eq!(&*config.base_dir, "./");
    assert_eq!(config.durability, Durability::Fsync);
    assert!(config.policy().public.read);
    assert_eq!(config.policy().delete_abandoned_after, None);
    assert_eq!(config.policy().guests, GuestAccess::Off);
    assert_eq!(config.part_bytes.size(), 196_608);
    let limits = config.limits();
    assert_eq!(
        (limits.max_file_bytes, limits.project.max_bytes),
        (64 << 20, 1 << 30)
    );
    assert_eq!(config.max_message_bytes.size(), 16 << 20);
    let transport = config.transport_settings(&[([127, 0, 0, 1], 3_005).into()]);
    assert_eq!(transport.max_message_bytes, 1 << 20);
    let loopback_only = WebPages {
        loopback_only: true,
        ..WebPages::default()
    };
    assert_eq!(transport.web_pages, loopback_only);
    assert_eq!(config.send_queue_limits().max_bytes, 4 << 20);
    assert_eq!(config.max_memory_bytes(), 96 << 20);
    assert_eq!(config.max_project_folders.get(), 100_000);
    assert_eq!(config.max_project_name_bytes.size(), 16 << 20);
}

#[test]
fn every_key_is_taken_from_every_source_to_the_same_effect() {
    let defaults = config(&[], &[], None);
    for arg in keys() {
        let name = key_name(&arg);
        let sample = SAMPLES.iter().find(|(of, _)| *of == name);
        let is_number = arg.get_value_names().is_some_and(|names| {
            names
                .iter()
                .any(|name| ["NUMBER", "BYTES", "SECONDS"].contains(&name.as_str()))
        });
        let other = if is_number { "65536" } else { "some-text" };
        let text = sample.map_or(other, |(_, text)| *text);
        let file = format!("{{\"{name}\":{}}}", json(&name, text));
        let from_file = config(&[], &[], Some(&file));
        let from_variable = config(&[], &[(&variable_name(&arg), text)], None);
        let flag = format!("--{}", arg.get_long().expect("a flag"));
        let from_flag = config(&[&flag, text], &[], None);
        assert_eq!(from_file, from_variable, "{name}");
        assert_eq!(from_file, from_flag, "{name}");
        assert_ne!(from_file, defaults, "{name} has no effect");
        let null = format!("{{\"{name}\":null}}");
        assert_eq!(config(&[], &[], Some(&null)), defaults, "{name}");
    }
}

#[test]
fn names_are_spelt_for_every_source() {
    let spelt = |arg: clap::Arg| {
        let flag = arg.get_long().unwrap_or_default().to_owned();
        (key_name(&arg), variable_name(&arg), flag)
    };
    let expected = (
        "maxConnectionsPerAddress".to_owned(),
        "FILE_WS_SERVER_MAX_CONNECTIONS_PER_ADDRESS".to_owned(),
        "max-connections-per-address".to_owned(),
    );
    assert!(keys().map(spelt).any(|names| names == expected));
}

#[test]
fn the_documentation_shows_every_key_as_the_help_does() {
    let shown = include_str!("../../../../docs/configuration.md");
    let documented: Vec<_> = Config::command()
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .cloned()
        .collect();
    let numbers = serde_json::to_value(Config::default()).expect("a configuration");
    for arg in &documented {
        let name = key_name(arg);
        let default = match arg.get_default_values() {
            [] => "none".to_owned(),
            [default] if numbers[&name].is_string() => format!("{default:?}"),
            [default, ..] => default.display().to_string(),
        };
        let help = arg.get_help().expect("a doc comment");
        let row = format!("| `{name}` | `{default}` | {help} |");
        assert!(
            shown.contains(&row),
            "docs/configuration.md lacks the row\n{row}"
        );
    }
    let (_, keys) = shown.split_once("## The keys").expect("the keys");
    let (keys, _) = keys
        .split_once("## The two old clients")
        .expect("their end");
    let rows = keys.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(
        rows,
        documented.len(),
        "docs/configuration.md has rows of no key"
    );
}

#[test]
fn the_help_of_every_number_names_its_bounds() {
    let is_number = |arg: &Arg| {
        let names = arg.get_value_names().unwrap_or_default();
        names
            .iter()
            .any(|name| ["NUMBER", "BYTES", "SECONDS"].contains(&name.as_str()))
    };
    let numbers: Vec<_> = keys()
        .filter(|arg| !arg.is_hide_set() && is_number(arg))
        .collect();
    assert!(numbers.len() > 30, "{numbers:?}");
    for arg in numbers {
        let variable = (&*variable_name(&arg), "-1");
        let refused = parse_with(&[], &[variable], None);
        let Exit { text, .. } = refused.expect_err("-1 is below every bound");
        let help = arg.get_help().expect("a doc comment").to_string();
        let bounds = text
            .split(" from ")
            .nth(1)
            .map(|bounds| format!("from {}", bounds.trim()))
            .or_else(|| {
                Some(format!(
                    "at least {}",
                    text.split(" at least ").nth(1)?.trim()
                ))
            });
        match bounds.as_deref() {
            None | Some("at least 0") => {}
            Some(bounds) => assert!(help.contains(bounds), "{help}: {text}"),
        }
    }
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = Some("{\"port\":1,\"chatBurst\":7,\"chatHistory\":8}");
    let environment = [
        ("FILE_WS_SERVER_PORT", "2"),
        ("FILE_WS_SERVER_CHAT_BURST", "9"),
    ];
    let config = config(&["--port", "3"], &environment, file);
    assert_eq!(
        (
            config.port(),
            config.chat_burst.get(),
            config.chat_history.get()
        ),
        (3, 9, 8)
    );
}

#[test]
fn the_first_plain_argument_is_the_port() {
    assert_eq!(config(&["4000"], &[], None).port(), 4_000);
    let variable = [("FILE_WS_SERVER_PORT", "2")];
    assert_eq!(config(&["4000"], &variable, None).port(), 4_000);
    let twice = fault(&["4000", "--port", "4001"], &[], None);
    assert!(
        twice.contains("'[PORT]' cannot be used with '--port <NUMBER>'"),
        "{twice}"
    );
    let text = fault(&["70000"], &[], None);
    assert!(
        text.contains("'70000' for '[PORT]': must be a whole number from 0 to 65535"),
        "{text}"
    );
}

#[test]
fn every_bad_value_in_the_file_names_key_and_what_is_allowed() {
    for (file, said) in [
        (
            "{\"port\":65536}",
            "port is 65536 in the file config.json: must be a whole number from 0 to 65535",
        ),
        ("{\"port\":\"3005\"}", "port is \"3005\""),
        ("{\"port\":1.5}", "port is 1.5"),
        ("{\"port\":-1}", "port is -1"),
        (
            "{\"publicRead\":\"yes\"}",
            "publicRead is \"yes\" in the file config.json: invalid type: string \"yes\", expected \
             a boolean",
        ),
        ("{\"baseDir\":\"\"}", "baseDir is \"\""),
        ("{\"baseDir\":5}", "baseDir is 5"),
        (
            "{\"store\":\"disk\"}",
            "store is \"disk\" in the file config.json: unknown variant `disk`, expected \
             one of `filesystem`, `memory`, `nats`",
        ),
        (
            "{\"durability\":\"none\"}",
            "unknown variant `none`, expected `fsync` or `rename`",
        ),
        ("{\"partBytes\":49153}", "partBytes is 49153"),
        ("{\"partBytes\":0}", "partBytes is 0"),
        ("{\"allowedOrigins\":\"x\"}", "allowedOrigins is \"x\""),
        ("{\"allowedOrigins\":[1]}", "allowedOrigins is [1]"),
        (
            "{\"allowedOrigins\":[\"live.example\"]}",
            "must be an origin, such as https://example.org",
        ),
        (
            "{\"publicUrl\":\"ftp://code.example\"}",
            "publicUrl must begin with http:// or https://",
        ),
        (
            "{\"publicUrl\":\"https://code.example/path\"}",
            "publicUrl is \"https://code.example/path\"",
        ),
        (
            "{\"key\":\"secret\\n\"}",
            "key is *** in the file config.json: must be one line",
        ),
        (
            "{\"trustedProxies\":[\"proxy\"]}",
            "trustedProxies is [\"proxy\"] in the file config.json: invalid address: \
             proxy",
        ),
        (
            "{\"nonsense\":1}",
            "no key for \"nonsense\" in the file config.json",
        ),
        ("{\"port\":1,\"port\":2}", "port is there twice"),
        ("[]", "not a JSON object"),
        ("{\"port\":1", "not a JSON object"),
        (
            "{\"pingSeconds\":60}",
            "pingSeconds (which is 60) must be less than idleTimeoutSeconds (which is 60)",
        ),
        (
            "{\"store\":\"nats\"}",
            "store is nats, so nats must name at least one of its servers",
        ),
        (
            "{\"nats\":[\"nats://ana:secret@h1\"]}",
            "must be without a password; name a natsCredentialsFile",
        ),
        ("{\"nats\":[\"nats://h 1\"]}", "must be a host such as"),
        ("{\"natsReplicas\":4}", "natsReplicas must be 1, 3 or 5"),
        ("{\"natsPrefix\":\"a.b\"}", "must be 1 to 32 small letters"),
        (
            "{\"maxMessageBytes\":2000}",
            "maxUnauthenticatedMessageBytes (which is 1048576) must not be greater than \
             maxMessageBytes (which is 2000)",
        ),
        (
            "{\"maxQueueBytes\":65536}",
            "maxQueueBytes (which is 65536) must hold a part of partBytes",
        ),
        (
            "{\"maxMemoryBytes\":67108863}",
            "maxMemoryBytes (which is 67108863) must be at least four times maxMessageBytes (which \
             is 16777216)",
        ),
        (
            "{\"maxMemoryBytes\":67108864,\"maxQueueBytes\":16777217}",
            "maxMemoryBytes (which is 67108864) must be at least four times maxQueueBytes (which \
             is 16777217)",
        ),
    ] {
        let text = fault(&[], &[], Some(file));
        assert!(text.contains(said), "{file}: {text}");
    }
}

#[test]
fn every_bad_environment_variable_is_named_with_what_is_allowed() {
    let text = fault(&[], &[("FILE_WS_SERVER_PORT", "x")], None);
    assert!(
        text.contains("port is \"x\" in the environment variable FILE_WS_SERVER_PORT"),
        "{text}"
    );
    let text = fault(&[], &[("FILE_WS_SERVER_PROT", "1")], None);
    assert!(
        text.contains("no key for the environment variable FILE_WS_SERVER_PROT"),
        "{text}"
    );
    for (variable, value, said) in [
        (
            "STORE",
            "disk",
            "store is \"disk\" in the environment variable FILE_WS_SERVER_STORE: must be one of: \
             filesystem, memory, nats",
        ),
        ("PUBLIC_READ", "yes", "must be one of: true, false"),
        (
            "HOST",
            "",
            "host is \"\" in the environment variable FILE_WS_SERVER_HOST: must be a text that is \
             not empty",
        ),
        (
            "TRUSTED_PROXIES",
            "::1,proxy",
            "\"proxy\": invalid address: proxy",
        ),
        (
            "HELP",
            "1",
            "no key for the environment variable FILE_WS_SERVER_HELP",
        ),
        (
            "port",
            "1",
            "no key for the environment variable FILE_WS_SERVER_port",
        ),
    ] {
        let text = fault(&[], &[(&format!("FILE_WS_SERVER_{variable}"), value)], None);
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn every_bad_flag_is_named_with_what_is_allowed() {
    let text = fault(&["--chat-burst", "0"], &[], None);
    assert!(
        text.contains("'0' for '--chat-burst <NUMBER>': must be a whole number from 1 to 1000000"),
        "{text}"
    );
    let text = fault(&["--store", "disk"], &[], None);
    assert!(
        text.contains("'disk' for '--store <STORE>'") && text.contains("filesystem, memory"),
        "{text}"
    );
    assert!(fault(&["--prot", "1"], &[], None).contains("--prot"));
    assert!(fault(&["--config", "absent"], &[], None).contains("there is no file absent"));
    assert!(fault(&["--config", "broken"], &[], None).contains("no permission"));
}

#[test]
fn others_are_let_in_only_with_a_key_of_ones_own() {
    let listen = |args: &[&str]| config(args, &[], None).host();
    assert_eq!(listen(&[]), Host::Loopback);
    assert_eq!(listen(&["--key", "short"]), Host::Loopback);
    assert_eq!(listen(&["--key", OWN_KEY]), Host::All);
    assert_eq!(listen(&["--public-key-file", "k.pem"]), Host::All);
    assert_eq!(listen(&["--host", "localhost"]), Host::Loopback);
    assert_eq!(
        listen(&["--host", "127.0.0.1"]),
        Host::Named("127.0.0.1".into())
    );
    assert_eq!(listen(&["--host", "::1"]), Host::Named("::1".into()));
    assert_eq!(listen(&["--host", "*", "--key", OWN_KEY]), Host::All);
    let public = ["--host", "0.0.0.0", "--key", OWN_KEY];
    assert_eq!(listen(&public), Host::Named("0.0.0.0".into()));
    for weak in [
        &["--host", "0.0.0.0"][..],
        &["--host", "*"],
        &["--host", "example.org", "--key", "31 bytes ........"],
    ] {
        let text = fault(weak, &[], None);
        assert!(
            text.contains("host is") && text.contains("32 bytes"),
            "{text}"
        );
    }
}

#[test]
fn the_key_is_never_shown() {
    let secret = "my very secret key that nobody may see";
    let file = format!("{{\"key\":\"{secret}\"}}");
    let config = config(&[], &[], Some(&file));
    assert!(!format!("{config:?}").contains(secret));
    let Err(Exit {
        code: 0,
        text: printed,
    }) = parse_with(&["--print-config"], &[], Some(&file))
    else {
        panic!("no configuration was printed");
    };
    assert!(!printed.contains(secret) && printed.contains("\"key\": \"***\""));
    let bad = format!("{{\"key\":[\"{secret}\"]}}");
    assert!(!fault(&[], &[], Some(&bad)).contains(secret));
    let text = fault(&[], &[], Some(&printed));
    assert!(text.contains("key is *** in the file config.json: that stands for a hidden key"));
    for flags in [
        &["--key", &format!("{secret}\n")][..],
        &[&format!("--key={secret}\n")],
    ] {
        let text = fault(flags, &[], None);
        assert!(text.contains("'***'") && !text.contains(secret), "{text}");
    }
    let misspelt = format!("{{\"kye\":\"{secret}\"}}");
    assert!(!fault(&[], &[], Some(&misspelt)).contains(secret));
}

#[test]
fn what_is_printed_is_a_configuration_to_the_same_effect() {
    let args = [
        "--print-config",
        "--port",
        "4000",
        "--trusted-proxies",
        "127.0.0.1",
    ];
    let Err(Exit {
        code: 0,
        text: printed,
    }) = parse_with(&args, &[], None)
    else {
        panic!("no configuration was printed");
    };
    let printed = printed.replace("\"***\"", "\"secret\"");
    assert_eq!(
        config(&[], &[], Some(&printed)),
        config(
            &["--port", "4000", "--trusted-proxies", "127.0.0.1"],
            &[],
            None
        )
    );
    for flags in [["--key-file", "own.key"], ["--public-key-file", "k.pem"]] {
        let args = [&["--print-config"][..], &flags].concat();
        let Err(Exit { code: 0, text }) = parse_with(&args, &[], None) else {
            panic!("no configuration was printed");
        };
        assert_eq!(config(&[], &[], Some(&text)), config(&flags, &[], None));
    }
}

#[test]
fn warnings_name_what_the_operator_should_know() {
    let warnings = |args: &[&str]| match parse_with(args, &[], None) {
        Ok(Invocation::Serve(loaded)) => loaded.warnings,
        other => panic!("not a configuration to serve with: {other:?}"),
    };
    assert!(warnings(&[])[0].contains("the default one"));
    assert!(warnings(&["--key", OWN_KEY]).is_empty());
    assert!(warnings(&["--key", OWN_KEY, "--crypto", "x"])[0].contains("crypto"));
    let old = ["--key", OWN_KEY, "--max-total-queue-bytes", "9000000"];
    let alone = ["--key", OWN_KEY, "--metrics-host", "*"];
    assert!(warnings(&alone)[0].contains("without metricsPort"));
    assert!(warnings(&old)[0].contains("now called maxMemoryBytes"));
}

#[test]
fn what_a_container_platform_says_of_a_service_of_this_name_is_ignored_with_a_note() {
    let variables = [
        ("FILE_WS_SERVER_SERVICE_HOST", "10.0.0.7"),
        ("FILE_WS_SERVER_SERVICE_PORT", "3005"),
        ("FILE_WS_SERVER_SERVICE_PORT_WS", "3005"),
        ("FILE_WS_SERVER_PORT", "tcp://10.0.0.7:3005"),
        ("FILE_WS_SERVER_PORT_3005_TCP", "tcp://10.0.0.7:3005"),
        ("FILE_WS_SERVER_PORT_3005_TCP_PROTO", "tcp"),
        ("FILE_WS_SERVER_PORT_3005_TCP_PORT", "3005"),
        ("FILE_WS_SERVER_PORT_3005_UDP_ADDR", "10.0.0.7"),
        ("FILE_WS_SERVER_NAME", "/web/file-ws-server"),
        ("FILE_WS_SERVER_ENV_PATH", "/bin"),
    ];
    let Ok(Invocation::Serve(loaded)) = parse_with(&["--key", OWN_KEY], &variables, None) else {
        panic!("starts");
    };
    assert_eq!(loaded.config, config(&["--key", OWN_KEY], &[], None));
    assert_eq!(loaded.warnings.len(), variables.len());
    for ((name, _), note) in variables.iter().zip(&loaded.warnings) {
        assert!(note.contains(name) && note.contains("is ignored"), "{note}");
    }
}

#[test]
fn compatibility_with_the_original_changes_the_defaults_of_the_documented_keys() {
    let usual = config(&[], &[], None);
    let original = config(&[], &[], Some("{\"compatibility\":\"original\"}"));
    let shown = |config: &Config| serde_json::to_value(config).expect("JSON");
    let (usual, original) = (shown(&usual), shown(&original));
    let documentation = include_str!("../../../../docs/configuration.md");
    for arg in keys() {
        let name = key_name(&arg);
        let changed = ORIGINAL_DEFAULTS.iter().find(|(of, _)| *of == name);
        match changed {
            Some((_, value)) => {
                assert_eq!(original[&name].to_string().trim_matches('"'), *value);
                let row = format!("| `{name}` | `{value}` |");
                assert!(documentation.contains(&row), "the row is missing: {row}");
            }
            None if name == "compatibility" => assert_eq!(original[&name], "original"),
            None => assert_eq!(original[&name], usual[&name], "{name}"),
        }
        assert!(
            changed.is_none() || original[&name] != usual[&name],
            "{name}"
        );
    }
}

#[test]
fn what_is_set_anywhere_counts_under_compatibility_too() {
    let set = config(
        &[
            "--compatibility",
            "original",
            "--streamer-grace-seconds",
            "30",
        ],
        &[("FILE_WS_SERVER_FOLDER_DELETION", "delete")],
        Some("{\"partBytes\":196608,\"maxQueueBytes\":null}"),
    );
    assert_eq!(set.streamer_grace_seconds.get(), 30);
    assert_eq!(set.folder_deletion, FolderDeletion::Delete);
    assert_eq!(set.part_bytes.size(), 196_608);
    assert_eq!(set.max_queue_bytes.size(), 16_777_216);
    assert_eq!(set.on_streamer_disconnect, OnStreamerDisconnect::Delete);
}

#[test]
fn each_path_may_begin_with_the_home_folder() {
    let home = [("HOME", "/home/ana")];
    let names = layers::keys().map(|key| layers::key_name(&key));
    let is_path = |key: &String| key.ends_with("File") || key.ends_with("Dir");
    // The public key excludes a secret one.
    let paths: Vec<_> = names
        .filter(is_path)
        .filter(|key| key != "keyFile")
        .collect();
    assert!(paths.len() >= 3, "{paths:?}");
    let file = paths.iter().map(|key| format!("\"{key}\":\"~/x\""));
    let file = format!("{{{}}}", file.collect::<Vec<_>>().join(","));
    let expanded = serde_json::to_value(config(&[], &home, Some(&file))).expect("JSON");
    for key in paths {
        assert_eq!(expanded[&key], "/home/ana/x", "{key}");
    }
    let of_another = config(&["--base-dir", "~ana/x"], &home, None);
    assert_eq!(&*of_another.base_dir, "~ana/x");
    let text = fault(&["--base-dir=~"], &[], None);
    assert!(text.contains("baseDir: ~ stands for the home folder, but HOME is not set"));
}

#[test]
fn the_secret_may_lie_in_a_file() {
    let of_file = config(&["--key-file", "own.key"], &[], None);
    assert_eq!(of_file.key.as_bytes(), OWN_KEY.as_bytes());
    assert_eq!(
        of_file.host(),
        config(&["--key", OWN_KEY], &[], None).host()
    );
    for (file, why) in [
        ("absent", "there is no file absent"),
        ("broken", "broken cannot be read: no permission"),
        ("empty.key", "empty.key must be a text that is not empty"),
        ("blank.key", "blank.key must hold more than spaces"),
        ("two-lines.key", "two-lines.key must be one line"),
        ("inner-break.key", "inner-break.key must be one line"),
        (
            "marked.key",
            "marked.key must not begin with a byte order mark",
        ),
        (
            "spaced.key",
            "spaced.key must not begin or end with a space",
        ),
    ] {
        let text = fault(&["--key-file", file], &[], None);
        assert!(text.contains(&format!("keyFile: {why}")), "{text}");
        assert!(!text.contains(OWN_KEY), "{text}");
    }
}

#[test]
fn of_the_ways_to_give_a_key_the_latest_place_decides() {
    let own = OWN_KEY.as_bytes();
    let key = |value| [("FILE_WS_SERVER_KEY", value)];
    let key_file = [("FILE_WS_SERVER_KEY_FILE", "own.key")];
    let absent = Some("{\"keyFile\":\"absent\"}");
    for (flags, variables, file) in [
        (&["--key", OWN_KEY][..], &key_file[..0], absent),
        (&["--key", OWN_KEY], &key("other"), absent),
        (&["--key-file", "own.key"], &key("other"), absent),
        (&[], &key_file, absent),
        (&[], &key_file, Some("{\"key\":\"other\"}")),
        (&[], &key_file, Some("{\"publicKeyFile\":\"k.pem\"}")),
        (&[], &key(OWN_KEY), absent),
        (&[], &key(OWN_KEY), Some("{\"publicKeyFile\":\"k.pem\"}")),
    ] {
        let config = config(flags, variables, file);
        assert_eq!(config.key.as_bytes(), own, "{flags:?} {variables:?}");
        assert_eq!(config.public_key_file, None, "{flags:?} {variables:?}");
    }
    let of_public = config(&["--public-key-file", "k.pem"], &key("other"), absent);
    assert!(of_public.public_key_file.is_some() && of_public.key_file.is_none());
    assert_eq!(of_public.key.as_bytes(), b"secret");
}

#[test]
fn two_keys_in_one_place_are_a_contradiction() {
    let both = "{\"key\":\"other\",\"keyFile\":\"own.key\"}";
    let public = "{\"keyFile\":\"own.key\",\"publicKeyFile\":\"k.pem\"}";
    for (flags, file, said) in [
        (
            &["--key", "a", "--key-file", "own.key"][..],
            None,
            "key is in --key and keyFile in --key-file",
        ),
        (
            &["--key", "a", "health", "--public-key-file", "k.pem"],
            None,
            "key is in --key and publicKeyFile in --public-key-file",
        ),
        (
            &[],
            Some(both),
            "key is in the file config.json and keyFile",
        ),
        (&[], Some(public), "keyFile is in the file config.json and"),
    ] {
        let text = fault(flags, &[], file);
        assert!(text.contains(said), "{text}");
    }
    let of_flag = config(&["--key", OWN_KEY], &[], Some(public));
    assert_eq!(of_flag.key.as_bytes(), OWN_KEY.as_bytes());
}

#[test]
fn what_needs_no_key_works_where_it_cannot_be_read() {
    let file = "{\"keyFile\":\"broken\",\"host\":\"*\",\"port\":4000}";
    for verb in [
        &["health"][..],
        &["adopt", "ana"],
        &["rescan", "ana"],
        &["remove", "ana/demo", "--yes"],
    ] {
        let invocation = parse_with(verb, &[], Some(file));
        let Ok(Invocation::Health(loaded) | Invocation::Operate { loaded, .. }) = &invocation
        else {
            panic!("{invocation:?}")
        };
        assert_eq!(loaded.config.port(), 4_000);
    }
    for verb in [&[][..], &["--check-config"], &["token", "--user", "ana"]] {
        let text = fault(verb, &[], Some(file));
        assert!(text.contains("broken cannot be read"), "{verb:?} {text}");
    }
}

#[test]
fn a_folder_that_is_called_like_the_configuration_is_not_the_configuration() {
    assert_eq!(config(&[], &[], Some("a folder")), config(&[], &[], None));
    let named = fault(&["--config", "config.json"], &[], Some("a folder"));
    assert!(named.contains("cannot be read"), "{named}");
}

#[test]
fn a_byte_order_mark_before_the_configuration_is_skipped() {
    let marked = config(&[], &[], Some("\u{feff}{\"port\":4000}"));
    assert_eq!(marked.port(), 4_000);
}

#[test]
fn the_help_of_a_command_shows_the_keys_that_concern_it() {
    for (verb, shown, left_out) in [
        ("adopt", "--base-dir", "--key"),
        ("remove", "--base-dir", "--key"),
        ("rescan", "--base-dir", "--key"),
        ("token", "--key", "--port"),
    ] {
        let Err(Exit { code: 0, text }) = parse_with(&[verb, "--help"], &[], None) else {
            panic!("no help for {verb}");
        };
        assert!(text.contains(shown) && !text.contains(left_out), "{text}");
    }
    let with_flag = ["token", "--username", "ana", "--issuer", "x"];
    let Ok(Invocation::Token { loaded, .. }) = parse_with(&with_flag, &[], None) else {
        panic!("a key after the command counts, shown or not");
    };
    assert_eq!(loaded.config.issuer.as_deref(), Some("x"));
}

#[test]
fn the_old_name_of_max_memory_bytes_counts_where_it_is_larger() {
    let in_force = |file| config(&[], &[], Some(file)).max_memory_bytes();
    assert_eq!(in_force("{\"maxTotalQueueBytes\":268435456}"), 256 << 20);
    assert_eq!(in_force("{\"maxTotalQueueBytes\":65536}"), 96 << 20);
    let both = "{\"maxTotalQueueBytes\":268435456,\"maxMemoryBytes\":67108864}";
    assert_eq!(in_force(both), 256 << 20);
}

#[test]
fn exactly_four_times_the_longest_message_and_queue_is_memory_enough() {
    let file = "{\"maxMemoryBytes\":67108864,\"maxQueueBytes\":16777216}";
    assert_eq!(config(&[], &[], Some(file)).max_memory_bytes(), 64 << 20);
}

#[test]
fn the_subcommands_say_what_they_need() {
    let adopt = parse_with(&["adopt", "ana/demo", "--base-dir", "b"], &[], None);
    let Ok(Invocation::Operate {
        operation: Operation::Adopt(target),
        loaded,
    }) = adopt
    else {
        panic!("nothing to adopt: {adopt:?}")
    };
    assert!(matches!(&target, Target::Project(project) if project.to_string() == "ana/demo"));
    assert_eq!(&*loaded.config.base_dir, "b");
    let adopt = parse_with(&["adopt", "ana"], &[], None);
    assert!(matches!(
        adopt,
        Ok(Invocation::Operate { operation: Operation::Adopt(Target::User(user)), .. })
            if user.as_str() == "ana"
    ));
    let nats = ["--store", "nats", "--nats", "nats://h1"];
    let import = parse_with(&[&["import", "b"], &nats[..]].concat(), &[], None);
    assert!(matches!(
        import,
        Ok(Invocation::Transfer { direction: Direction::Import(folder), .. })
            if folder.as_path() == "b"
    ));
    let export = parse_with(&["export", "b"], &[], None).expect_err("nothing to copy from");
    assert!(export.text.contains("set store to nats"), "{}", export.text);
    let remove = parse_with(&["remove", "ana/a/b", "--yes"], &[], None);
    assert!(matches!(
        remove,
        Ok(Invocation::Operate { operation: Operation::Remove { project, yes: true }, .. })
            if project.name.as_str() == "a/b"
    ));
    assert!(fault(&["remove", "ana"], &[], None).contains("<user>/<project>"));
    for (named, why) in [
        ("", "the user must not be empty"),
        ("/demo", "the user must not be empty"),
        ("ana/", "the project must not be empty"),
        ("ana/..", "the project must not"),
        (".twicecast", "the user must not start with a dot"),
    ] {
        assert!(fault(&["adopt", named], &[], None).contains(why), "{named}");
    }
    let token = parse_with(&["token", "--user", "ana", "--project", "demo"], &[], None);
    let Ok(Invocation::Token { request, .. }) = token else {
        panic!("no token: {token:?}")
    };
    assert_eq!(
        request.streamer.as_deref(),
        Some("ana"),
        "their own project"
    );
    assert_eq!((request.hours, &request.room), (12, &None));
    assert_eq!(request.claims(Timestamp::default()).rights, None);
    let limited = ["token", "--username", "bob", "--rights", "read,chat"];
    let Ok(Invocation::Token { request, .. }) = parse_with(&limited, &[], None) else {
        panic!("no token")
    };
    let rights = request.claims(Timestamp::default()).rights;
    assert_eq!(rights, Some(vec!["read".to_owned(), "chat".to_owned()]));
    for unknown in ["", "read,stream", "read, chat"] {
        let limited = ["token", "--username", "bob", "--rights", unknown];
        assert!(fault(&limited, &[], None).contains("--rights"), "{unknown}");
    }
    assert!(fault(&["token"], &[], None).contains("--user "));
    let of_guest = fault(&["token", "--user", "~bob"], &[], None);
    assert!(of_guest.contains("those of guests"), "{of_guest}");
    let with_public_key = ["token", "--username", "ana", "--public-key-file", "k.pem"];
    assert!(fault(&with_public_key, &[], None).contains("publicKeyFile"));
}

#[test]
fn the_manual_and_the_completions_know_every_key_and_command_and_need_no_configuration() {
    let shown = |args: &[&str]| match parse_with(args, &[], Some("no JSON")) {
        Err(Exit { code: 0, text }) => text,
        other => panic!("{args:?} printed nothing: {other:?}"),
    };
    let manual = shown(&["man"]).replace("\\-", "-");
    for shell in ["bash", "zsh", "fish"] {
        let completions = shown(&["completions", shell]);
        for key in keys().filter(|key| !key.is_hide_set()) {
            let flag = key.get_long().expect("a flag");
            assert!(completions.contains(flag), "{shell}: {flag}");
            assert!(manual.contains(&format!("--{flag}")), "{flag}");
        }
        assert!(completions.contains("rescan"), "{shell}");
    }
    assert!(manual.contains("file-ws-server-rescan(1)"), "{manual}");
    assert!(shown(&["man", "token"]).contains("Whose token it is"));
    let unknown = fault(&["man", "nonsense"], &[], None);
    assert!(unknown.contains("there is no command \"nonsense\"") && unknown.contains("adopt"));
}

#[test]
fn help_and_version_go_to_standard_output() {
    for arg in ["--help", "--version"] {
        let Err(exit) = parse_with(&[arg], &[], None) else {
            panic!("{arg} did something")
        };
        assert_eq!(exit.code, 0);
        assert!(exit.text.contains("file-ws-server"));
    }
}

#[test]
fn metrics_are_on_loopback_unless_told_otherwise() {
    let metrics = |flags: &[&str]| config(flags, &[], None).metrics();
    assert_eq!(metrics(&[]), None);
    assert_eq!(metrics(&["--key", OWN_KEY, "--host", "*"]), None);
    let public = ["--key", OWN_KEY, "--host", "*", "--metrics-port", "65535"];
    assert_eq!(metrics(&public), Some((Host::Loopback, 65_535)));
    for (host, meant) in [
        ("localhost", Host::Loopback),
        ("*", Host::All),
        ("10.0.0.5", Host::Named("10.0.0.5".to_owned())),
    ] {
        let flags = ["--metrics-port", "0", "--metrics-host", host];
        assert_eq!(metrics(&flags), Some((meant, 0)));
    }
    let too_high = fault(&["--metrics-port", "65536"], &[], None);
    assert!(too_high.contains("from 0 to 65535"), "{too_high}");
}

#[test]
fn the_greeting_says_where_and_what_next() {
    let addresses = ["127.0.0.1:4000".parse().expect("an address")];
    let local = greeting(
        &config(&["4000", "--base-dir", "b"], &[], None),
        &addresses,
        &[],
    );
    assert!(
        local.contains("ws://127.0.0.1:4000") && local.contains("twicecast share"),
        "{local}"
    );
    let public = ["--key", OWN_KEY, "--public-url", "https://code.example/"];
    let public = greeting(
        &config(&public, &[], None),
        &addresses,
        &[([127, 0, 0, 1], 9).into()],
    );
    assert!(
        public.contains("  as     https://code.example/\n"),
        "{public}"
    );
    assert!(
        !public.contains(OWN_KEY) && !public.contains("--key"),
        "{public}"
    );
}
