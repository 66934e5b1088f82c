//! `twicecast doctor`: finds what would keep somebody from sharing (`docs/doctor.md`). `folder`,
//! `token` and `server` only judge what was found; `look` and `run` do the examining.

mod finding;
mod folder;
mod kinds;
mod look;
mod server;
mod token;

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::commands::doctor::finding::{Finding, Severity, worst};
use crate::commands::doctor::server::ServerSeen;
use crate::commands::doctor::token::{GrantSeen, TokenSeen};
use crate::commands::status::ask::{Depth, ask};
use crate::commands::status::health;
use crate::credentials::flags::CommonArgs;
use crate::credentials::known_servers::is_in_the_clear;
use crate::credentials::{Grant, PartialCredentials, Purpose, folder_name};
use crate::failure::Failure;
use crate::ui::output::{counted, json_line, say};
use crate::ui::time::now_in_seconds;

/// The key of a server for which no key was configured.
const DEFAULT_KEY: &str = "secret";

/// The long help of the command.
pub const HELP: &str = "\
Looks at what would keep you from sharing DIR, and says what to do: the folder and its rules, what \
is held back as a secret, whether it can be watched, your token and the names in it, and the \
server: whether it can be reached, takes your token, has room, and agrees with your clock. \
Changes nothing, and nobody notices. Shows neither token nor key.";

/// What follows the help of the command.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  nothing to do
  1  you can share, but there are warnings
  2  you cannot share, or the command line is not usable

Examples:
  twicecast doctor
  twicecast doctor ./demo --url wss://code.example.org --user ana --json";

/// `twicecast doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The folder that you want to share
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// As with `share`
    #[arg(long, value_name = "PATTERN")]
    pub allow: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// Never: everything that goes wrong is a finding.
pub async fn run(args: &DoctorArgs) -> Result<u8, Failure> {
    let dir = args.dir.as_path();
    let credentials = PartialCredentials::resolve(&args.common, Purpose::Doctor, None, Some(dir));
    let token = credentials.as_ref().map(|it| token_seen(&args.common, it));
    let token = token.map_err(ToString::to_string);
    let seen = match credentials {
        Ok(credentials) => Some(look_at_server(credentials, dir).await),
        Err(_) => None,
    };
    let answers = seen.as_ref().and_then(|seen| seen.as_ref().ok());
    let project = answers.and_then(|seen| seen.answers.project.as_ref()?.as_ref().ok());
    let bytes_max = project.map(|project| project.max_bytes);
    let mut findings = folder::check(&look::folder(dir, &args.allow), bytes_max);
    findings.extend(token::check(&token, now_in_seconds()));
    match seen {
        Some(Ok(seen)) => findings.extend(server::check(&seen)),
        Some(Err(failure)) => {
            findings.extend(token::check(&Err(failure.to_string()), now_in_seconds()));
        }
        None => {}
    }
    print(&findings, args.json);
    Ok(worst(&findings).exit_code())
}

async fn look_at_server(
    mut credentials: PartialCredentials,
    dir: &Path,
) -> Result<ServerSeen, Failure> {
    credentials.project = credentials.project.or_else(|| folder_name(dir));
    let asked = now_in_seconds();
    let asking = ask(&credentials, Depth::Unnoticed);
    let (health, answers) = tokio::join!(health::ask(&credentials.url), asking);
    Ok(ServerSeen {
        health,
        answers: answers?,
        asked,
    })
}

/// What is known about the token, without the token itself.
fn token_seen(common: &CommonArgs, credentials: &PartialCredentials) -> TokenSeen {
    let grant = match (&credentials.grant, &credentials.token) {
        (Grant::None, _) => GrantSeen::None,
        (Grant::Key(key), _) => GrantSeen::Key {
            is_default: key == DEFAULT_KEY,
        },
        (Grant::Token(_), None) => GrantSeen::Unreadable,
        (Grant::Token(_), Some(view)) => GrantSeen::Token(view.clone()),
    };
    TokenSeen {
        grant,
        user: credentials.user.clone(),
        streamer: common.streamer.clone(),
        project: common.project.clone(),
        is_on_command_line: common.is_secret_seen,
        is_in_the_clear: is_in_the_clear(&credentials.url),
    }
}

fn print(findings: &[Finding], as_json: bool) {
    #[derive(Serialize)]
    struct Report<'a> {
        worst: Severity,
        findings: &'a [Finding],
    }
    if as_json {
        let worst = worst(findings);
        say(&json_line(&Report { worst, findings }));
        return;
    }
    for finding in findings {
        say(&finding.line());
    }
    let count = |severity| {
        let same = findings
            .iter()
            .filter(|finding| finding.severity == severity);
        same.count()
    };
    let errors = counted(count(Severity::Error), "error");
    say(&format!(
        "{errors}, {}",
        counted(count(Severity::Warning), "warning")
    ));
}
