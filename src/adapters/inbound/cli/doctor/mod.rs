//! The operator's doctor: looks for what operators get wrong, and says what to do
//! (`docs/doctor.md`). Each file beside this one judges one area from what was seen. Only `look`
//! looks.

mod address;
mod clock;
mod disk;
mod finding;
mod folder;
mod key;
mod kinds;
mod limits;
mod look;
mod metrics;
mod nats;
mod port;
mod public;
#[cfg(test)]
mod testing;

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use serde::Serialize;

use self::finding::{Finding, Severity};
use self::key::KeySeen;
use self::kinds::CONFIGURATION;
use self::limits::Allowed;
use self::look::{change, network};
use self::port::Running;
use super::checks::Loaded;
use super::config::Config;
use super::exit::Exit;
use super::layers::Source;
use super::run::print;
use super::values::Store;
use crate::adapters::inbound::process;
use crate::application::inspection::{EngineInspection, Inspection, PlaceState};
use crate::domain::Timestamp;

/// What the doctor cannot see for itself, because it knows no outbound adapter.
#[derive(Debug)]
pub struct Doctor {
    /// Why tokens cannot be verified.
    pub key_fault: Option<String>,
    /// The folder of the projects.
    pub folder: Inspection,
    /// The engine that keeps the projects, if there is one.
    pub engine: Option<EngineInspection>,
    /// The time.
    pub now: Timestamp,
    /// A number that nobody can guess.
    pub number: String,
}

/// Looks at everything, prints the findings, and returns the exit code. `equip` is called only if
/// the configuration can be used.
pub async fn doctor(
    loaded: Result<Loaded, Exit>,
    as_json: bool,
    equip: impl AsyncFnOnce(&Config) -> Doctor,
) -> u8 {
    let findings = match loaded {
        Ok(loaded) => {
            let doctor = equip(&loaded.config).await;
            doctor.look(&loaded).await
        }
        Err(Exit { text, .. }) => {
            let why = text.trim_end().trim_start_matches("file-ws-server: ");
            vec![Finding::of(CONFIGURATION, why, "")]
        }
    };
    print(&if as_json {
        json(&findings)
    } else {
        lines(&findings)
    });
    worst(&findings).exit_code()
}

/// Asks whether the configured server is ready; returns the exit code.
pub async fn health(config: &Config) -> u8 {
    match network::is_ready(config).await {
        Ok(()) => {
            print("ready\n");
            0
        }
        Err(why) => {
            eprintln!("file-ws-server: not ready: {why}");
            1
        }
    }
}

impl Doctor {
    async fn look(self, loaded: &Loaded) -> Vec<Finding> {
        let config = &loaded.config;
        let place = match (&self.folder, config.store) {
            (Inspection::There(place), Store::Filesystem) => Some(&**place),
            _ => None,
        };
        let is_held = place.and_then(|place| place.own.as_ref().ok());
        let is_held = is_held.and_then(|own| own.as_ref().map_or(Some(false), |own| own.is_held));
        let running = match place {
            Some(_) => network::running(config.base_dir.as_path(), is_held).await,
            None => Running::None,
        };
        let mut findings = key::check(loaded, &self.key_seen(loaded));
        findings.extend(address::check(config));
        let at = (config.host(), config.port());
        let listening = network::listening(at, network::version_at).await;
        findings.extend(port::check(config, &running, &listening));
        if let Some(at) = config.metrics() {
            let listening = network::listening(at, network::metrics_at).await;
            findings.extend(metrics::check(config, &running, &listening));
        }
        let process = match &running {
            Running::There { process, .. } => *process,
            Running::None | Running::Silent(_) => None,
        };
        let allowed = Allowed {
            open_files: match process {
                Some(process) => process::open_files_of(process),
                // Changes only this process, and shows whether a server could do the same.
                None => Some(process::raise_open_files(config.open_files() as u64)),
            },
            memory: process::max_memory_of(process),
        };
        findings.extend(limits::check(config, allowed));
        findings.extend(self.kept(config, place));
        if let Some(url) = &config.public_url {
            let seen = network::public(config, url, self.number, self.now).await;
            findings.extend(public::check(url, &seen));
        }
        findings
    }

    /// The findings about the place where projects are kept.
    fn kept(&self, config: &Config, place: Option<&PlaceState>) -> Vec<Finding> {
        if config.store == Store::Memory {
            let says = "projects are kept in memory, and end with the server";
            return vec![Finding::ok("folder", says)];
        }
        let mut findings = folder::check(&config.base_dir, &self.folder);
        findings.extend(
            place
                .into_iter()
                .flat_map(|place| disk::check(config, place)),
        );
        let engine = self.engine.iter();
        findings.extend(engine.flat_map(|seen| nats::check(config, seen)));
        let newest = place.and_then(|place| place.newest.as_ref());
        findings.push(clock::check(self.now, newest));
        findings
    }

    fn key_seen(&self, loaded: &Loaded) -> KeySeen {
        let mode = |path: &str| {
            let about = std::fs::metadata(path).ok()?;
            Some(about.permissions().mode())
        };
        let secret_file = match &loaded.key_source {
            Source::File(path) => Some(path.as_str()),
            _ => None,
        };
        let file = loaded.config.public_key_file.as_deref().or(secret_file);
        KeySeen {
            file_mode: secret_file.and_then(mode),
            changeable: file.and_then(change::changeable),
            fault: self.key_fault.clone(),
        }
    }
}

fn worst(findings: &[Finding]) -> Severity {
    let severities = findings.iter().map(|finding| finding.severity);
    severities.max().unwrap_or(Severity::Ok)
}

fn lines(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{finding}");
    }
    let count = |severity| {
        let same = findings
            .iter()
            .filter(|finding| finding.severity == severity);
        same.count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let _ = writeln!(text, "errors: {errors}, warnings: {warnings}");
    text
}

fn json(findings: &[Finding]) -> String {
    #[derive(Serialize)]
    struct Report<'a> {
        worst: Severity,
        findings: &'a [Finding],
    }
    let worst = worst(findings);
    // Texts and words only: it cannot fail.
    serde_json::to_string(&Report { worst, findings }).unwrap_or_default() + "\n"
}
