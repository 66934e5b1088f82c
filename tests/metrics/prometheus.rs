//! Debian's Prometheus, in a folder of its own.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::PATIENCE;

/// A Prometheus that scrapes one server each second. Dropping this value ends it.
pub struct Prometheus {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Prometheus {
    /// Scrapes that port, and waits until it can be asked.
    pub fn start(scraped: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: ['{}']\n\
             scrape_configs:\n  \
             - job_name: file-ws-server\n    \
             static_configs: [{{targets: ['127.0.0.1:{scraped}']}}]\n",
            crate::ALERTS
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).expect("a file");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("prometheus runs");
        let started = Self {
            child,
            port,
            folder,
        };
        started.await_ready();
        started
    }

    fn await_ready(&self) {
        let begun = Instant::now();
        // It listens before it serves, and until then it may refuse or reset what comes.
        while !try_ask(self.port, "GET", "/-/ready", "").is_ok_and(|told| told.contains("Ready")) {
            assert!(begun.elapsed() < PATIENCE, "{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn api(&self, path: &str, form: &str) -> Value {
        let method = if form.is_empty() { "GET" } else { "POST" };
        let answer = ask(self.port, method, &format!("/api/v1/{path}"), form);
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// The values that a query gives now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn query(&self, query: &str) -> Result<Vec<f64>, String> {
        let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let answer = self.api("query", &format!("query={query}"));
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        let rows = answer["data"]["result"].as_array().expect("a vector");
        let values = rows.iter().map(|row| {
            let value = row["value"][1].as_str().expect("a value");
            value.parse().expect("a number")
        });
        Ok(values.collect())
    }

    /// The rules, and how they are doing.
    pub fn rules(&self) -> Vec<Value> {
        let answer = self.api("rules", "");
        let groups = answer["data"]["groups"].as_array().expect("groups");
        let rules = groups.iter().flat_map(|group| {
            let rules = group["rules"].as_array().expect("rules");
            rules.clone()
        });
        rules.collect()
    }

    /// How often it has scraped the server within a minute.
    pub fn scrapes(&self) -> f64 {
        let scraped = self.query("sum_over_time(up[1m])").expect("a query");
        scraped.first().copied().unwrap_or(0.0)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of Prometheus:\n{}", self.log());
        }
    }
}

/// The body of the answer to a request.
pub fn ask(port: u16, method: &str, path: &str, form: &str) -> String {
    try_ask(port, method, path, form).expect("an answer")
}

fn try_ask(port: u16, method: &str, path: &str, form: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let head = io::Error::other("no head");
    let (_, body) = answer.split_once("\r\n\r\n").ok_or(head)?;
    Ok(body.to_owned())
}
