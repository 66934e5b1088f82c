//! The server: whether it can be reached, lets you in, and has room for you.

use crate::commands::doctor::finding::Finding;
use crate::commands::doctor::kinds::{
    SERVER_CLOCK_OFF, SERVER_OTHER_VERSION, SERVER_SILENT_ON_PROJECT, SERVER_UNNAMED,
    SERVER_UNREACHABLE, SHARER_LIVE, TOKEN_REFUSED,
};
use crate::commands::status::finding::{Answers, Health};
use crate::ui::time::span;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most seconds by which two clocks may differ.
const APART: u64 = 30;

/// What was found out about the server.
#[derive(Debug, Clone)]
pub struct ServerSeen {
    /// What it says about itself, or why it says nothing.
    pub health: Result<Health, String>,
    /// Its answers.
    pub answers: Answers,
    /// When it was asked, in seconds since the epoch by the local clock.
    pub asked: u64,
}

/// Judges what was found.
pub fn check(seen: &ServerSeen) -> Vec<Finding> {
    if let Some(Err(why)) = &seen.answers.connection {
        return vec![Finding::of(SERVER_UNREACHABLE, why, "")];
    }
    let mut findings = Vec::new();
    match &seen.health {
        Ok(health) => findings.extend(of_health(health, seen.asked)),
        Err(why) => findings.push(Finding::of(
            SERVER_UNNAMED,
            &format!("it is not known which version the server is: {why}"),
            "if sharing works, a proxy holds /healthz back; else ask the server's operator",
        )),
    }
    if findings.is_empty() {
        let says = format!("the server answers, and is version {VERSION}, as this is");
        findings.push(Finding::ok("server", &says));
    }
    match &seen.answers.token {
        Some(Err(why)) => findings.push(Finding::of(TOKEN_REFUSED, why, "")),
        Some(Ok(())) => findings.push(Finding::ok("server-token", "the server accepts the token")),
        None => {}
    }
    match &seen.answers.project {
        Some(Ok(project)) if project.streamer => findings.push(Finding::of(
            SHARER_LIVE,
            "somebody shares this project at this moment, perhaps you in another window",
            "end the other `share`: each would overwrite what the other sends",
        )),
        Some(Ok(project)) => {
            let (files, viewers) = (project.files, project.viewers);
            let says = format!("nobody shares it; {files} files are there, {viewers} viewers wait");
            findings.push(Finding::ok("project", &says));
        }
        Some(Err(_)) if seen.answers.is_absent => {
            let says = "the server has no such project yet; sharing makes it";
            findings.push(Finding::ok("project", says));
        }
        Some(Err(why)) => findings.push(Finding::of(SERVER_SILENT_ON_PROJECT, why, "")),
        None => {}
    }
    findings
}

fn of_health(health: &Health, asked: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    let version = health.version.to_string();
    if version != VERSION {
        findings.push(Finding::of(
            SERVER_OTHER_VERSION,
            &format!("the server is version {version}, and this command {VERSION}"),
            "use the same version on both sides",
        ));
    }
    let apart = health.date.map(|theirs| (theirs.abs_diff(asked), theirs));
    if let Some((apart, theirs)) = apart.filter(|(apart, _)| *apart > APART) {
        let which = if asked > theirs { "ahead of" } else { "behind" };
        findings.push(Finding::of(
            SERVER_CLOCK_OFF,
            &format!("this clock is {} {which} the server's", span(apart)),
            "set the clock that is wrong, and let both keep time by NTP: tokens end by it",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::names;
    use crate::commands::status::finding::Project;

    fn good() -> ServerSeen {
        let project = Project {
            streamer: false,
            viewers: 2,
            files: 3,
            bytes: 4,
            max_bytes: 5,
        };
        ServerSeen {
            health: Ok(Health {
                version: VERSION.to_owned().into(),
                date: Some(1_000),
            }),
            answers: Answers {
                connection: Some(Ok(())),
                token: Some(Ok(())),
                project: Some(Ok(project)),
                ..Answers::default()
            },
            asked: 1_000,
        }
    }

    type Change = fn(&mut ServerSeen);

    fn health(seen: &mut ServerSeen) -> &mut Health {
        seen.health.as_mut().unwrap()
    }

    fn project(seen: &mut ServerSeen) -> &mut Project {
        seen.answers.project.as_mut().unwrap().as_mut().unwrap()
    }

    #[test]
    fn a_server_is_judged_as_the_table_says() {
        fn why<T>() -> Result<T, String> {
            Err("x".to_owned())
        }
        let table: &[(Change, &[&str])] = &[
            (|_| {}, &["server", "server-token", "project"]),
            (
                |seen| seen.answers.connection = Some(why()),
                &["server-unreachable"],
            ),
            (
                |seen| seen.health = Err("x".to_owned()),
                &["server-unnamed", "server-token", "project"],
            ),
            (
                |seen| health(seen).version = "0.0.0\u{1b}".to_owned().into(),
                &["server-other-version", "server-token", "project"],
            ),
            (
                |seen| health(seen).date = Some(970),
                &["server", "server-token", "project"],
            ),
            (
                |seen| health(seen).date = Some(969),
                &["server-clock-off", "server-token", "project"],
            ),
            (
                |seen| health(seen).date = Some(1_031),
                &["server-clock-off", "server-token", "project"],
            ),
            (
                |seen| health(seen).date = None,
                &["server", "server-token", "project"],
            ),
            (
                |seen| seen.answers.token = Some(why()),
                &["server", "token-refused", "project"],
            ),
            (|seen| seen.answers.token = None, &["server", "project"]),
            (
                |seen| seen.answers.project = Some(why()),
                &["server", "server-token", "server-silent-on-project"],
            ),
            (
                |seen| (seen.answers.project, seen.answers.is_absent) = (Some(why()), true),
                &["server", "server-token", "project"],
            ),
            (
                |seen| project(seen).streamer = true,
                &["server", "server-token", "sharer-live"],
            ),
        ];
        for (row, (change, expected)) in table.iter().enumerate() {
            let mut seen = good();
            change(&mut seen);
            assert_eq!(names(&check(&seen)), *expected, "row {row}");
        }
    }
}
