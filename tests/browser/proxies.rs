//! The examples of docs/how-to/proxy.md, as they are written there.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::chromium::Pages;
use crate::support::*;

const EXAMPLES: &str = include_str!("../../docs/how-to/proxy.md");

/// The public name in the examples.
const NAME: &str = "files.example.org";

/// The example that comes after this line and is written in that language.
fn example(after: &str, language: &str) -> String {
    let (_, rest) = EXAMPLES.split_once(after).expect(after);
    let (_, rest) = rest
        .split_once(&format!("```{language}\n"))
        .expect(language);
    let (example, _) = rest.split_once("```").expect("its end");
    example.to_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A server with the example's `config.json`, except for the folder, the port and what `change`
/// changes.
fn server(change: impl Fn(&mut serde_json::Value)) -> Server {
    let folder = tempfile::tempdir().expect("a folder");
    let text = example("With nginx in front", "json");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("an object");
    config["baseDir"] = "base".into();
    config["port"] = 0.into();
    change(&mut config);
    fs::write(folder.path().join("config.json"), config.to_string()).expect("written");
    Server::start_in(folder, Vec::new())
}

/// A proxy in front of a server. Dropping this value ends it.
struct Proxy {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Proxy {
    fn start(mut command: Command, port: u16, folder: tempfile::TempDir) -> Self {
        let command = command.current_dir(folder.path()).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let proxy = Self {
            child: child.expect("the proxy starts"),
            port,
            _folder: folder,
        };
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < PATIENCE, "the proxy does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    /// nginx with the example's server and with a place for the test's page.
    fn nginx(server: &Server, pages: &Pages) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        certificate(folder.path());
        let example = example("With nginx in front", "nginx")
            .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{port} ssl;"))
            .replace(
                "# ssl_certificate, ssl_certificate_key …",
                &format!(
                    "ssl_certificate cert.pem; ssl_certificate_key key.pem;
                     location /page {{ proxy_pass http://{0}; }}
                     location /told {{ proxy_pass http://{0}; }}",
                    pages.address
                ),
            )
            .replace("127.0.0.1:3005", &format!("127.0.0.1:{}", server.port));
        let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {kind};"))
            .concat();
        let text = format!(
            "daemon off; error_log stderr; pid nginx.pid; events {{}}
             http {{ access_log off; {paths} {example} }}"
        );
        fs::write(folder.path().join("nginx.conf"), text).expect("written");
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(folder.path())
            .args(["-c", "nginx.conf"]);
        Self::start(command, port, folder)
    }

    /// Caddy with the example and with a certificate that it makes itself.
    fn caddy(server: &Server, pages: &Pages) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let example = example("With Caddy", "text").replace(
            "reverse_proxy 127.0.0.1:3005",
            &format!(
                "reverse_proxy /page {0}\n reverse_proxy /told {0}\n \
                     reverse_proxy 127.0.0.1:{1}",
                pages.address, server.port
            ),
        );
        let text = format!(
            "{{\n local_certs\n skip_install_trust\n admin off\n auto_https disable_redirects\n \
             https_port {port}\n}}\n{example}"
        );
        fs::write(folder.path().join("Caddyfile"), text).expect("written");
        let mut command = Command::new("caddy");
        command.args(["run", "--config", "Caddyfile"]);
        command
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path());
        Self::start(command, port, folder)
    }

    /// Where the public names lead.
    fn names(&self) -> [String; 2] {
        [NAME, "live.example.org"].map(|name| format!("{name}:443 127.0.0.1:{}", self.port))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx stops its workers only if it is asked to.
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=x",
        ])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success());
}

fn public_urls() -> Vec<String> {
    vec![format!("wss://{NAME}/ws"), format!("https://{NAME}/")]
}

async fn assert_public_page_works(proxy: impl Fn(&Server, &Pages) -> Proxy) {
    let server = server(|_| ());
    let mut ana = server.streamer().await;
    ana.ok(post("old", "as it was")).await;
    let mut pages = Pages::serve().await;
    let proxy = proxy(&server, &pages);
    let own = format!("https://{NAME}");
    let told = pages.tell(&own, &proxy.names(), &public_urls()).await;
    assert_eq!(told[0], "reads and writes");
    assert!(
        told[1].starts_with("200 ") && told[1].contains("/-/viewer/"),
        "{}",
        told[1]
    );
    let foreign = format!("http://127.0.0.1:{}", pages.address.port());
    let told = pages.tell(&foreign, &proxy.names(), &public_urls()).await;
    assert_eq!(told[0], "refused");
}

#[tokio::test]
async fn behind_nginx_as_in_the_example_its_own_page_reads_and_writes_and_others_do_not() {
    assert_public_page_works(Proxy::nginx).await;
}

#[tokio::test]
async fn behind_caddy_as_in_the_example_its_own_page_reads_and_writes_and_others_do_not() {
    assert_public_page_works(Proxy::caddy).await;
}

#[tokio::test]
async fn without_public_url_the_refusal_behind_nginx_says_what_to_set() {
    let server = server(|config| {
        for key in ["publicUrl", "trustedProxies", "allowedOrigins"] {
            config[key] = serde_json::Value::Null;
        }
    });
    let mut pages = Pages::serve().await;
    let proxy = Proxy::nginx(&server, &pages);
    let own = format!("https://{NAME}");
    let told = pages.tell(&own, &proxy.names(), &public_urls()).await;
    assert_eq!(told[0], "refused");
    assert!(
        told[1].starts_with("403 ") && told[1].contains("publicUrl"),
        "{}",
        told[1]
    );
}
