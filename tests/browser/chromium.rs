//! Chromium, and the web server whose pages it opens.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use warp::Filter as _;

use crate::support::{PATIENCE, base64, token};

const PAGE: &str = include_str!("page.html");

/// Serves the page that tries what a page may do, and receives its report.
pub struct Pages {
    pub address: SocketAddr,
    told: mpsc::UnboundedReceiver<Vec<String>>,
    serving: JoinHandle<()>,
}

impl Pages {
    pub async fn serve() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let page = warp::path("page").map(|| warp::reply::html(PAGE));
        let hear = warp::path("told").and(warp::body::json());
        let hear = hear.map(move |told: Vec<String>| {
            tell.send(told).expect("somebody listens");
            ""
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(warp::serve(page.or(hear)).incoming(listener).run());
        Self {
            address,
            told,
            serving,
        }
    }

    /// What the page at `origin` (an origin, or a folder of one) reports about these addresses:
    /// what it may do at a `ws` address, and what it reads from an `http` one. `names` says where
    /// host names lead, as in `evil.example 127.0.0.1`.
    pub async fn tell(&mut self, origin: &str, names: &[String], urls: &[String]) -> Vec<String> {
        let tried = json!({"urls": urls, "token": streamers_token()});
        let tried = base64(tried.to_string());
        let _browser = Browser::open(&format!("{origin}/page#{tried}"), names);
        let told = tokio::time::timeout(PATIENCE, self.told.recv()).await;
        told.expect("the page tells in time")
            .expect("the page tells")
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A token that any page can make that knows the default key.
fn streamers_token() -> String {
    token(json!({"username": "ana", "streamername": "ana", "streamname": "demo"}))
}

/// A browser with one page. Dropping this value ends it.
struct Browser {
    child: Child,
    /// Where it keeps its files.
    _profile: tempfile::TempDir,
}

impl Browser {
    fn open(url: &str, names: &[String]) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let rules: Vec<_> = names.iter().map(|name| format!("MAP {name}")).collect();
        let child = Command::new("chromium")
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
            ])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .arg("--ignore-certificate-errors")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--host-resolver-rules={}", rules.join(",")))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self {
            child: child.expect("chromium starts"),
            _profile: profile,
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
