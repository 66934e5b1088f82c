//! `file-ws-server doctor` and `health`: each fault leads to its sentence and its exit code.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::*;

const SERVER: &str = include_str!("certificates/server.pem");

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// The exit code and what was said.
fn said(output: &Output) -> (i32, String) {
    let code = output.status.code().expect("it ends by itself");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.stderr.is_empty(), "{output:?}");
    (code, text)
}

fn doctor(folder: &Path, flags: &[&str]) -> (i32, String) {
    said(&run(folder, &[&["doctor"], flags].concat()))
}

/// The severity and the sentence of a finding.
fn finding(text: &str, name: &str) -> (String, String) {
    let lines = text.lines().filter_map(|line| {
        let (head, says) = line.split_once(": ")?;
        let (severity, found) = head.split_once(' ')?;
        (found.trim() == name).then(|| (severity.to_owned(), says.to_owned()))
    });
    let mut lines = lines;
    lines
        .next()
        .unwrap_or_else(|| panic!("no {name} in\n{text}"))
}

/// Asserts an error of that name and the exit code 2; returns the sentence.
fn has_error(folder: &Path, flags: &[&str], name: &str) -> String {
    let (code, text) = doctor(folder, flags);
    let (severity, says) = finding(&text, name);
    assert_eq!((code, severity.as_str()), (2, "error"), "{text}");
    says
}

/// A folder with a configuration file of that mode in which nothing is wrong.
fn configured(mode: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.json");
    let text = format!("{{\"key\":\"{KEY}\",\"host\":\"127.0.0.1\",\"maxConnections\":10}}");
    std::fs::write(&config, text).expect("written");
    std::fs::set_permissions(config, std::fs::Permissions::from_mode(mode)).expect("changed");
    folder
}

#[test]
fn where_all_is_well_it_says_so() {
    let folder = configured(0o600);
    let flags = ["--store", "memory", "--port", "0"];
    let (code, text) = doctor(folder.path(), &flags);
    assert_eq!(code, 0, "{text}");
    assert!(text.ends_with("errors: 0, warnings: 0\n"), "{text}");
    assert!(!text.contains(KEY), "{text}");
    let (code, text) = doctor(folder.path(), &[&flags[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &report["worst"]), (0, &"ok".into()), "{text}");
    assert_eq!(report["findings"][0]["name"], "key", "{text}");
}

#[test]
fn a_key_that_others_can_read_is_an_error() {
    let folder = configured(0o644);
    let says = has_error(folder.path(), &["--port", "0"], "key-file-open");
    assert!(
        says.contains("chmod 600 config.json") && !says.contains(KEY),
        "{says}"
    );
}

#[test]
fn a_key_that_others_can_replace_is_an_error_and_so_is_one_with_a_slip() {
    let folder = configured(0o600);
    let secrets = folder.path().join("secrets");
    std::fs::create_dir(&secrets).expect("made");
    let key = secrets.join("key");
    let flags = ["--port", "0", "--key-file", "secrets/key"];
    for (text, says) in [
        (format!("\u{feff}{KEY}\n"), "byte order mark"),
        (format!("{KEY}\n{KEY}\n"), "one line"),
        ("\n\n".to_owned(), "more than spaces"),
    ] {
        std::fs::write(&key, text).expect("written");
        let found = has_error(folder.path(), &flags, "configuration");
        assert!(found.contains(says) && !found.contains(KEY), "{found}");
    }
    std::fs::write(&key, KEY).expect("written");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("changed");
    let all = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(&secrets, all).expect("changed");
    let says = has_error(folder.path(), &flags, "key-file-changeable");
    assert!(says.contains("/secrets`"), "{says}");
}

#[test]
fn metrics_for_everybody_or_on_a_port_that_is_taken_are_found() {
    let folder = configured(0o600);
    let base = ["--store", "memory", "--port", "0", "--metrics-port"];
    let open = [&base[..], &["0", "--metrics-host", "*"]].concat();
    let (code, text) = doctor(folder.path(), &open);
    assert!(
        code == 1 && text.contains("warning  metrics-open: "),
        "{text}"
    );
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("bound").port().to_string();
    has_error(
        folder.path(),
        &[&base[..], &[&port]].concat(),
        "metrics-port-taken",
    );
}

#[test]
fn the_default_key_is_a_warning_alone_and_an_error_behind_a_proxy() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = [
        "--store",
        "memory",
        "--port",
        "0",
        "--max-connections",
        "10",
    ];
    let (code, text) = doctor(folder.path(), &flags);
    assert_eq!(
        (code, finding(&text, "key-default").0.as_str()),
        (1, "warning"),
        "{text}"
    );
    let behind = [&flags[..], &["--trusted-proxies", "10.0.0.1"]].concat();
    has_error(folder.path(), &behind, "key-reachable");
}

#[test]
fn a_configuration_that_cannot_be_used_is_an_error_also_in_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let says = has_error(folder.path(), &["--host", "0.0.0.0"], "configuration");
    assert!(says.contains("others can reach"), "{says}");
    std::fs::write(folder.path().join("config.json"), "{\"prot\":1}").expect("written");
    let (code, text) = doctor(folder.path(), &["--json"]);
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &report["worst"]), (2, &"error".into()), "{text}");
    let path = ["--config", "none.json"];
    let says = has_error(folder.path(), &path, "configuration");
    assert!(says.contains("none.json"), "{says}");
}

#[test]
fn too_few_open_files_are_a_warning() {
    let folder = configured(0o600);
    let program = Server::program();
    // More than the system lets even a privileged process have.
    let script = "ulimit -n 256; exec \"$0\" doctor --store memory --port 0 \
                  --max-connections 4000000000";
    let mut command = Command::new("sh");
    let command = command.args(["-c", script, &program]).env_clear();
    let output = command.current_dir(folder.path()).output();
    let output = output.expect("sh runs");
    let (code, text) = said(&output);
    let (severity, says) = finding(&text, "open-files-low");
    assert_eq!((code, severity.as_str()), (1, "warning"), "{text}");
    assert!(says.starts_with("256 files may be open"), "{says}");
}

#[test]
fn nats_is_looked_at() {
    let folder = configured(0o600);
    let engine = nats_server::NatsServer::start();
    let address = engine.address();
    let flags = |replicas| {
        let shared = ["--port", "0", "--store", "nats", "--nats", &address];
        [&shared[..], &["--nats-replicas", replicas]].concat()
    };
    let (code, text) = doctor(folder.path(), &flags("1"));
    assert_eq!(code, 1, "{text}");
    assert_eq!(finding(&text, "nats-single").0, "warning");
    let says = has_error(folder.path(), &flags("3"), "nats-unusable");
    assert!(says.starts_with("the NATS server is alone"), "{says}");
    drop(engine);
    let says = has_error(folder.path(), &flags("1"), "nats-unusable");
    assert!(
        says.starts_with("cannot connect to the NATS server"),
        "{says}"
    );
}

#[tokio::test]
async fn who_has_the_port_is_named() {
    let folder = configured(0o600);
    let other = TcpListener::bind("127.0.0.1:0").expect("listens");
    let port = other.local_addr().expect("bound").port().to_string();
    // It closes the connection that it accepts, so it is no file-ws-server.
    let closing = std::thread::spawn(move || drop(other.accept()));
    has_error(
        folder.path(),
        &["--port", &port, "--base-dir", "b"],
        "port-taken",
    );
    closing.join().expect("asked");
    let server = Server::alone();
    let port = server.port.to_string();
    let says = has_error(
        folder.path(),
        &["--port", &port, "--base-dir", "b"],
        "port-taken-by-server",
    );
    assert!(says.contains(env!("CARGO_PKG_VERSION")), "{says}");
    let own = ["--port", &port, "--base-dir", "base"];
    let (_, text) = doctor(server.folder(), &own);
    let (severity, says) = finding(&text, "port");
    assert_eq!(severity, "ok", "{text}");
    assert!(says.contains("the server of this folder runs"), "{says}");
    let (_, text) = doctor(server.folder(), &["--port", "1", "--base-dir", "base"]);
    assert_eq!(finding(&text, "running-elsewhere").0, "warning", "{text}");
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error_and_none_is_made() {
    let folder = configured(0o600);
    std::fs::write(folder.path().join("file"), "x").expect("written");
    for base in ["file", "file/below"] {
        let says = has_error(
            folder.path(),
            &["--port", "0", "--base-dir", base],
            "base-not-a-folder",
        );
        assert!(says.contains(base), "{says}");
    }
    let (_, text) = doctor(folder.path(), &["--port", "0", "--base-dir", "missing"]);
    assert_eq!(finding(&text, "base-missing").0, "warning", "{text}");
    assert!(!folder.path().join("missing").exists());
    // Nobody can write there, not even root.
    let says = has_error(
        folder.path(),
        &["--port", "0", "--base-dir", "/proc/self/fdinfo"],
        "base-not-writable",
    );
    assert!(says.contains("/proc"), "{says}");
}

#[test]
fn another_layout_and_folders_that_are_no_projects_are_told() {
    let mut server = Server::alone();
    assert!(server.stop());
    let flags = ["--port", "0", "--base-dir", "base"];
    std::fs::create_dir_all(server.base().join("bob/x")).expect("made");
    let (_, text) = doctor(server.folder(), &flags);
    let (severity, says) = finding(&text, "folders-not-adopted");
    assert!(severity == "warning" && says.contains("1 (bob)"), "{text}");
    std::fs::write(server.base().join(".twicecast/version"), "99\n").expect("written");
    let says = has_error(server.folder(), &flags, "layout-newer");
    assert!(says.contains("\"99\""), "{says}");
}

/// Everything below a folder.
fn names(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("lists") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(names(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_doctor_changes_nothing_and_disturbs_nobody() {
    let mut server = Server::alone();
    let mut ana = server.streamer().await;
    ana.ok(post("a", "x")).await;
    let before = names(&server.base());
    let port = server.port.to_string();
    for _ in 0..3 {
        doctor(server.folder(), &["--port", &port, "--base-dir", "base"]);
        assert_eq!(names(&server.base()), before);
    }
    ana.ok(post("b", "y")).await;
    drop(ana);
    assert!(server.stop());
}

/// A proxy between the doctor and a server, which rewrites the head of each request; returns its
/// port.
async fn proxy(port: u16, rewrite: fn(&str) -> String) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("listens");
    let own = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.expect("a head"));
            }
            let head = rewrite(&String::from_utf8_lossy(&head));
            let server = TcpStream::connect(("127.0.0.1", port)).await;
            let mut server = server.expect("the server is there");
            server.write_all(head.as_bytes()).await.expect("passed on");
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    own
}

/// Speaks TLS with the certificate `server.pem`, which is for 127.0.0.1 and valid for a century.
fn acceptor() -> tokio_rustls::TlsAcceptor {
    let own = CertificateDer::from_pem_slice(SERVER.as_bytes()).expect("a certificate");
    let key = include_bytes!("certificates/server.key");
    let key = PrivateKeyDer::from_pem_slice(key).expect("its key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_no_client_auth()
        .with_single_cert(vec![own], key);
    Arc::new(config.expect("they belong together")).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_certificate_must_be_valid_here() {
    let server = Server::alone();
    let acceptor = acceptor();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("listens");
    let url = format!("https://{}", listener.local_addr().expect("bound"));
    let behind = server.port;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate leaves without a word.
                let Ok(mut client) = acceptor.accept(client).await else {
                    return;
                };
                let server = TcpStream::connect(("127.0.0.1", behind)).await;
                let mut server = server.expect("the server is there");
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let doctor = |trusted: &str| {
        let file = server.folder().join("trusted.pem");
        std::fs::write(&file, trusted).expect("written");
        let output = Command::new(Server::program())
            .args(["doctor", "--base-dir", "base", "--public-url", &url])
            .args(["--port", &server.port.to_string()])
            .current_dir(server.folder())
            .env_clear()
            .env("SSL_CERT_FILE", file)
            .output();
        said(&output.expect("it runs")).1
    };
    let text = tokio::task::block_in_place(|| doctor(SERVER));
    let says = finding(&text, "public-url").1;
    assert!(says.contains("leads to this server"), "{text}");
    assert!(!text.contains("upgrade-blocked"), "{text}");
    assert_eq!(finding(&text, "proxy-hides-address").0, "warning", "{text}");
    let text = tokio::task::block_in_place(|| doctor(include_str!("certificates/other.pem")));
    let (severity, says) = finding(&text, "public-url-untrusted");
    assert!(
        severity == "error" && says.contains("certificate"),
        "{text}"
    );
}

#[tokio::test]
async fn the_limits_are_those_of_the_server_that_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    // More than the system lets even a privileged process have.
    let flags = "--max-connections 4000000000";
    let script = format!("ulimit -n 300; exec \"$0\" {flags} \"$@\"");
    let line = ["sh", "-c", &script, &Server::program()].map(|word| {
        let is_sh = word == "sh";
        if is_sh { "/bin/sh" } else { word }.to_owned()
    });
    let server = Server::of_line(folder, line.into());
    let port = server.port.to_string();
    let flags: Vec<_> = flags.split(' ').collect();
    let own = ["--port", &port, "--base-dir", "base"];
    let (_, text) = doctor(server.folder(), &[&own[..], &flags].concat());
    let says = finding(&text, "open-files-low").1;
    assert!(says.starts_with("300 files may be open"), "{text}");
}

#[test]
fn a_server_that_holds_the_folder_and_does_not_answer_is_told() {
    let mut server = Server::alone();
    assert!(server.stop());
    let lock = std::fs::File::open(server.base().join(".twicecast/lock")).expect("a lock");
    lock.lock().expect("locked");
    let (_, text) = doctor(server.folder(), &["--port", "0", "--base-dir", "base"]);
    let (severity, says) = finding(&text, "server-silent");
    assert!(
        severity == "warning" && says.contains("cannot be asked"),
        "{text}"
    );
}

/// What a doctor finds in the folder of a server behind that proxy.
async fn behind(rewrite: fn(&str) -> String, flags: &[&str]) -> (i32, String) {
    let server = Server::alone_with(flags);
    let through = proxy(server.port, rewrite).await;
    let (port, url) = (
        server.port.to_string(),
        format!("http://127.0.0.1:{through}"),
    );
    let own = ["--port", &port, "--base-dir", "base", "--public-url", &url];
    let (own, flags): (Vec<_>, Vec<_>) = (
        own.map(str::to_owned).into(),
        flags.iter().map(|&flag| flag.to_owned()).collect(),
    );
    let asking = tokio::task::spawn_blocking(move || {
        let flags: Vec<_> = own.iter().chain(&flags).map(String::as_str).collect();
        doctor(server.folder(), &flags)
    });
    asking.await.expect("ends")
}

fn forwarded(head: &str) -> String {
    head.replacen("\r\n", "\r\nX-Forwarded-For: 192.0.2.1\r\n", 1)
}

#[tokio::test]
async fn it_is_known_whether_the_public_address_leads_here() {
    let (server, other) = (Server::alone(), Server::start());
    let port = server.port.to_string();
    let url = |port| format!("http://127.0.0.1:{port}");
    let own = ["--port", &port, "--base-dir", "base", "--public-url"];
    let right = url(server.port);
    let (_, text) = doctor(server.folder(), &[&own[..], &[&right]].concat());
    assert!(
        finding(&text, "public-url")
            .1
            .contains("leads to this server"),
        "{text}"
    );
    assert!(
        !text.contains("upgrade-blocked") && !text.contains("proxy"),
        "{text}"
    );
    let wrong = url(other.port);
    let flags = [&own[..], &[&wrong]].concat();
    let says = has_error(server.folder(), &flags, "public-url-not-ours");
    assert!(says.contains("another file-ws-server"), "{says}");
    let nowhere = url(1);
    let (_, text) = doctor(server.folder(), &[&own[..], &[&nowhere]].concat());
    assert_eq!(
        finding(&text, "public-url-unreachable").0,
        "warning",
        "{text}"
    );
}

#[tokio::test]
async fn what_a_proxy_leaves_out_or_adds_is_found() {
    let (_, text) = behind(forwarded, &[]).await;
    let (severity, says) = finding(&text, "proxy-untrusted");
    assert!(
        severity == "warning" && says.contains("add 127.0.0.1"),
        "{text}"
    );
    let trusted = ["--trusted-proxies", "127.0.0.1"];
    let (_, text) = behind(forwarded, &trusted).await;
    assert_eq!(finding(&text, "proxy").0, "ok", "{text}");
    let (_, text) = behind(str::to_owned, &trusted).await;
    assert_eq!(finding(&text, "proxy-hides-address").0, "warning", "{text}");
    let without_upgrade = |head: &str| {
        let kept = head.split_inclusive("\r\n");
        let kept = kept.filter(|line| !line.to_ascii_lowercase().contains("upgrade"));
        kept.collect()
    };
    let (code, text) = behind(without_upgrade, &[]).await;
    assert_eq!(
        (code, finding(&text, "upgrade-blocked").0.as_str()),
        (2, "error"),
        "{text}"
    );
    let other_host = |head: &str| {
        let lines = head.split_inclusive("\r\n").map(|line| {
            let is_host = line.to_ascii_lowercase().starts_with("host:");
            if is_host { "Host: backend\r\n" } else { line }
        });
        lines.collect()
    };
    let (code, text) = behind(other_host, &[]).await;
    assert!(
        finding(&text, "host-lost").1.contains("\"backend\""),
        "{text}"
    );
    let (severity, says) = finding(&text, "upgrade-blocked");
    assert!(
        code == 2 && severity == "error" && says.contains("403"),
        "{text}"
    );
}

#[test]
fn an_origin_that_cannot_match_is_told() {
    let folder = configured(0o600);
    let flags = [
        "--store",
        "memory",
        "--port",
        "0",
        "--public-url",
        "https://127.0.0.1:1",
    ];
    let origins = ["--allowed-origins", "http://127.0.0.1:1"];
    let (code, text) = doctor(folder.path(), &[&flags[..], &origins].concat());
    assert_eq!(finding(&text, "origin-other-scheme").0, "warning", "{text}");
    assert_eq!(code, 1, "{text}");
    let path = ["--allowed-origins", "https://live.example/path"];
    let output = run(folder.path(), &[&["doctor"], &path[..]].concat());
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn health_is_asked_on_the_configured_port() {
    let server = Server::alone();
    let port = server.port.to_string();
    let output = run(server.folder(), &["health", "--port", &port]);
    assert!(
        output.status.success() && output.stdout == b"ready\n",
        "{output:?}"
    );
    // It also works for another user, who cannot read the key.
    let unread = [
        "health",
        "--port",
        &port,
        "--key-file",
        "/nowhere",
        "--host",
        "*",
    ];
    assert!(run(server.folder(), &unread).status.success());
    let output = run(server.folder(), &["health", "--port", "1"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(why.contains("not ready"), "{why}");
}
