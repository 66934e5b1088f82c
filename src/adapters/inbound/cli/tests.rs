use std::io;

use super::keys::{KEYS, Kind};
use super::*;

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
        "absent" => Ok(None),
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

/// A value that the key takes, as text and as JSON.
fn sample(kind: Kind) -> (String, String) {
    match kind {
        Kind::Number { min, max } => {
            let number = (min.max(65_536).next_multiple_of(3)).min(max).max(min);
            (number.to_string(), number.to_string())
        }
        Kind::Flag => ("false".into(), "false".into()),
        Kind::Text => ("127.0.0.1".into(), "\"127.0.0.1\"".into()),
        Kind::OneOf(words) => (words[1].into(), format!("\"{}\"", words[1])),
        Kind::List => (
            "127.0.0.1, 10.0.0.1".into(),
            "[\"127.0.0.1\",\"10.0.0.1\"]".into(),
        ),
        Kind::Ignored => ("x".into(), "{\"any\":1}".into()),
    }
}

#[test]
fn the_defaults_are_the_contracts() {
    let config = config(&[], &[], None);
    assert_eq!(config.port, 3_005);
    assert_eq!(config.listen, Listen::Loopback);
    assert_eq!(config.base_dir.to_str(), Some("./"));
    assert!(config.public_read && config.fsync);
    assert_eq!(config.delete_abandoned_after, None);
    assert_eq!(
        (config.part_bytes, config.max_message_bytes),
        (49_152, 16 << 20)
    );
    assert_eq!(config.max_unauthenticated_message_bytes, 1 << 20);
    assert_eq!(
        (config.max_file_bytes, config.max_project_bytes),
        (64 << 20, 1 << 30)
    );
    assert_eq!(
        (config.max_queue_bytes, config.max_total_queue_bytes),
        (4 << 20, 256 << 20)
    );
    assert_eq!(config.allowed_origins, None);
}

#[test]
fn every_key_is_taken_from_every_source_to_the_same_effect() {
    for key in KEYS {
        let (text, json) = sample(key.kind);
        // So that the other of a pair does not stand against it.
        let wide = "\"onStreamerDisconnect\":\"delete\",\"maxTotalQueueBytes\":9000000000,\"idleTimeoutSeconds\":86400,\"maxQueueBytes\":5000000";
        let rest: Vec<_> = wide
            .split(',')
            .filter(|pair| !pair.contains(key.name))
            .collect();
        let base = match key.name {
            "pingSeconds"
            | "maxQueueBytes"
            | "idleTimeoutSeconds"
            | "maxTotalQueueBytes"
            | "maxMessageBytes"
            | "maxUnauthenticatedMessageBytes"
            | "partBytes" => continue,
            _ => format!("{{{}}}", rest.join(",")),
        };
        let file = format!("{{{},\"{}\":{json}}}", rest.join(","), key.name);
        let from_file = config(&[], &[], Some(&file));
        let from_variable = config(&[], &[(&key.variable(), &text)], Some(&base));
        let flag = format!("--{}", key.flag());
        let from_flag = config(&[&flag, &text], &[], Some(&base));
        assert_eq!(from_file, from_variable, "{}", key.name);
        assert_eq!(from_file, from_flag, "{}", key.name);
        if key.kind != Kind::Ignored {
            assert_ne!(
                from_file,
                config(&[], &[], Some(&base)),
                "{} has no effect",
                key.name
            );
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
        (config.port, config.chat_burst, config.chat_history),
        (3, 9, 8)
    );
}

#[test]
fn the_first_plain_argument_is_the_port() {
    assert_eq!(config(&["4000"], &[], None).port, 4_000);
    assert!(fault(&["4000", "--port", "4001"], &[], None).contains("port is given twice"));
    assert!(fault(&["70000"], &[], None).contains("port is 70000 in the first argument"));
}

#[test]
fn every_bad_value_names_key_source_and_what_is_allowed() {
    for (file, said) in [
        (
            "{\"port\":65536}",
            "port is 65536 in the file config.json, but must be a whole number from 0 to 65535",
        ),
        ("{\"port\":\"3005\"}", "port is \"3005\""),
        ("{\"port\":1.5}", "port is 1.5"),
        ("{\"port\":-1}", "port is -1"),
        (
            "{\"publicRead\":\"yes\"}",
            "publicRead is \"yes\" in the file config.json, but must be true or false",
        ),
        ("{\"baseDir\":\"\"}", "baseDir is \"\""),
        ("{\"baseDir\":5}", "baseDir is 5"),
        ("{\"store\":\"disk\"}", "must be one of: filesystem, memory"),
        ("{\"durability\":\"none\"}", "must be one of: fsync, rename"),
        ("{\"partBytes\":49153}", "partBytes is 49153"),
        ("{\"partBytes\":0}", "partBytes is 0"),
        ("{\"allowedOrigins\":\"x\"}", "allowedOrigins is \"x\""),
        ("{\"allowedOrigins\":[1]}", "allowedOrigins is [1]"),
        (
            "{\"trustedProxies\":[\"proxy\"]}",
            "trustedProxies holds \"proxy\"",
        ),
        (
            "{\"nonsense\":1}",
            "key \"nonsense\" in the file config.json is unknown",
        ),
        ("{\"port\":1,\"port\":2}", "port is there twice"),
        ("[]", "no JSON object"),
        ("{\"port\":1", "no JSON object"),
        (
            "{\"pingSeconds\":60}",
            "pingSeconds must be less than idleTimeoutSeconds",
        ),
        (
            "{\"maxMessageBytes\":2000}",
            "maxUnauthenticatedMessageBytes must not be greater than maxMessageBytes",
        ),
        (
            "{\"maxQueueBytes\":65536}",
            "maxQueueBytes must be greater than a part of partBytes",
        ),
        (
            "{\"maxTotalQueueBytes\":65536}",
            "maxQueueBytes must not be greater than maxTotalQueueBytes",
        ),
    ] {
        let text = fault(&[], &[], Some(file));
        assert!(text.contains(said), "{file}: {text}");
    }
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
    let text = fault(&["--chat-burst", "0"], &[], None);
    assert!(text.contains("chatBurst is 0 in --chat-burst"), "{text}");
    assert!(fault(&["--prot", "1"], &[], None).contains("--prot"));
    assert!(fault(&["--config", "absent"], &[], None).contains("there is no file absent"));
    assert!(fault(&["--config", "broken"], &[], None).contains("no permission"));
}

#[test]
fn others_are_let_in_only_with_a_key_of_ones_own() {
    let listen = |args: &[&str]| config(args, &[], None).listen;
    assert_eq!(listen(&[]), Listen::Loopback);
    assert_eq!(listen(&["--key", "short"]), Listen::Loopback);
    assert_eq!(listen(&["--key", OWN_KEY]), Listen::All);
    assert_eq!(listen(&["--public-key-file", "k.pem"]), Listen::All);
    assert_eq!(listen(&["--host", "localhost"]), Listen::Loopback);
    assert_eq!(
        listen(&["--host", "127.0.0.1"]),
        Listen::Address("127.0.0.1".into())
    );
    assert_eq!(listen(&["--host", "::1"]), Listen::Address("::1".into()));
    let public = ["--host", "0.0.0.0", "--key", OWN_KEY];
    assert_eq!(listen(&public), Listen::Address("0.0.0.0".into()));
    for weak in [
        &["--host", "0.0.0.0"][..],
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
    let Ok(Invocation::PrintConfig(printed)) = parse_with(&["--print-config"], &[], Some(&file))
    else {
        panic!("no configuration was printed");
    };
    assert!(!printed.contains(secret) && printed.contains("\"key\": \"***\""));
    let bad = format!("{{\"key\":[\"{secret}\"]}}");
    assert!(!fault(&[], &[], Some(&bad)).contains(secret));
    assert!(fault(&[], &[], Some(&printed)).contains("stands for a hidden key"));
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
    let Ok(Invocation::PrintConfig(printed)) = parse_with(&args, &[], None) else {
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
}

#[test]
fn the_subcommands_say_what_they_need() {
    let adopt = parse_with(&["adopt", "ana/demo", "--base-dir", "b"], &[], None);
    assert!(matches!(
        adopt,
        Ok(Invocation::Adopt { user, project, loaded })
            if user == "ana" && project == "demo" && loaded.config.base_dir.to_str() == Some("b")
    ));
    assert!(fault(&["adopt", "ana"], &[], None).contains("<user>/<project>"));
    let token = parse_with(
        &["token", "--username", "ana", "--project", "demo"],
        &[],
        None,
    );
    let Ok(Invocation::Token { request, .. }) = token else {
        panic!("no token: {token:?}")
    };
    assert_eq!(request.streamer.as_deref(), Some("ana"), "his own project");
    assert_eq!((request.hours, request.room), (12, None));
    assert!(fault(&["token"], &[], None).contains("--username"));
    let with_public_key = ["token", "--username", "ana", "--public-key-file", "k.pem"];
    assert!(fault(&with_public_key, &[], None).contains("publicKeyFile"));
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
fn the_greeting_says_where_and_what_next() {
    let addresses = ["127.0.0.1:4000".parse().expect("an address")];
    let local = greeting(&config(&["4000", "--base-dir", "b"], &[], None), &addresses);
    assert!(
        local.contains("ws://127.0.0.1:4000") && local.contains("twicecast push"),
        "{local}"
    );
    let public = greeting(&config(&["--key", OWN_KEY], &[], None), &addresses);
    assert!(
        !public.contains(OWN_KEY) && !public.contains("--key"),
        "{public}"
    );
}
