//! The findings as lines for people and as an object for machines.

use serde_json::{Value, json};

use crate::commands::status::finding::{Findings, PullRequests};
use crate::credentials::Grant;
use crate::names::shown;
use crate::ui::output::counted;
use crate::ui::style::{Style, painted};
use crate::ui::time::{date_and_time, for_machines, span};

const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/// The findings as aligned lines.
pub fn lines(findings: &Findings) -> Vec<String> {
    let credentials = &findings.credentials;
    let or_hint = |name: Option<String>, hint: &str| {
        name.map_or_else(|| format!("not known; give {hint}"), |name| shown(&name))
    };
    let project = credentials
        .full_names()
        .map(|(streamer, project)| format!("{streamer}/{project}"));
    let (streamer, size) = match &findings.answers.project {
        None => ("not known".to_owned(), "not known".to_owned()),
        Some(Err(why)) => (format!("not known: {why}"), "not known".to_owned()),
        Some(Ok(project)) => (
            format!(
                "{}; {}",
                if project.streamer {
                    "online"
                } else {
                    "not online"
                },
                counted(
                    usize::try_from(project.viewers).unwrap_or(usize::MAX),
                    "viewer"
                )
            ),
            format!(
                "{}, {} of {}",
                counted(usize::try_from(project.files).unwrap_or(usize::MAX), "file"),
                bytes(project.bytes),
                bytes(project.max_bytes)
            ),
        ),
    };
    [
        ("server", server(findings)),
        ("token", token(findings)),
        ("project", or_hint(project, "--streamer and --project")),
        (
            "room",
            or_hint(credentials.room.clone(), "--streamer and --project"),
        ),
        ("streamer", streamer),
        ("size", size),
        ("pull requests", pull_requests(findings)),
    ]
    .map(|(name, text)| format!("{} {text}", painted(Style::Bold, &format!("{name:<14}"))))
    .into()
}

fn server(findings: &Findings) -> String {
    let url = &findings.credentials.url;
    match (&findings.answers.connection, &findings.health) {
        (Some(Ok(())), Ok(health)) => {
            format!("{url} answers; file-ws-server {}", shown(&health.version))
        }
        (Some(Ok(())), Err(why)) => {
            format!("{url} answers; its version is not known: {}", shown(why))
        }
        (Some(Err(why)), Ok(health)) => {
            format!(
                "{why} It says that it is file-ws-server {}.",
                shown(&health.version)
            )
        }
        (Some(Err(why)), Err(_)) => why.clone(),
        (None, _) => format!("{url} was not asked"),
    }
}

fn token(findings: &Findings) -> String {
    let credentials = &findings.credentials;
    let verdict = match &findings.answers.token {
        Some(Ok(())) => "accepted".to_owned(),
        Some(Err(why)) => why.clone(),
        None => "not checked".to_owned(),
    };
    match (&credentials.grant, &credentials.token) {
        (Grant::None, _) => "none; give --token, or --key if you run the server".to_owned(),
        (Grant::Key(_), _) => {
            let user = shown(credentials.user.as_deref().unwrap_or_default());
            format!("made from the key, for {user}: {verdict}")
        }
        (Grant::Token(_), None) => format!("cannot be read, so it is none: {verdict}"),
        (Grant::Token(_), Some(view)) => {
            let user = shown(view.username.as_deref().unwrap_or("nobody"));
            let until = match (view.expires, findings.expires_in()) {
                (Some(at), Some(left)) if left > 0 => {
                    let left = span(left.unsigned_abs());
                    format!("holds until {} ({left})", date_and_time(at))
                }
                (Some(at), Some(left)) => format!(
                    "expired at {} ({} ago)",
                    date_and_time(at),
                    span(left.unsigned_abs())
                ),
                _ => "says not until when it holds".to_owned(),
            };
            let until = format!("of {user}, {until}: {verdict}");
            let names = |what: &str, seconds: Option<u64>| {
                seconds.map_or_else(String::new, |until| {
                    format!("; {what} in the chat until {}", date_and_time(until))
                })
            };
            until + &names("muted", view.muted_until) + &names("banned", view.banned_until)
        }
    }
}

fn pull_requests(findings: &Findings) -> String {
    match &findings.answers.pull_requests {
        PullRequests::Unknown => "not known".to_owned(),
        PullRequests::NeedToken => "not known: that needs a token or a key".to_owned(),
        PullRequests::WouldShowUp => {
            "not known: asking would make you online; they come to you when you are".to_owned()
        }
        PullRequests::All(count) => format!("{count} open"),
        PullRequests::Own(count) => format!("{count} of your own open"),
        PullRequests::Refused(why) => format!("not known: {why}"),
    }
}

/// A number of bytes in a suitable unit.
fn bytes(bytes: u64) -> String {
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} bytes")
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// The findings as one object; what is not known is null, with the reason next to it.
pub fn json(findings: &Findings) -> Value {
    let credentials = &findings.credentials;
    let answers = &findings.answers;
    let why = |answer: Option<&String>| answer.map_or(Value::Null, |why| json!(why));
    let project = answers.project.as_ref();
    let state = project.and_then(|project| project.as_ref().ok());
    let view = credentials.token.clone().unwrap_or_default();
    let time = |seconds: Option<u64>| seconds.and_then(for_machines);
    let (open, whose, why_no_pull_requests) = match &answers.pull_requests {
        PullRequests::All(count) => (Some(count), Some("all"), None),
        PullRequests::Own(count) => (Some(count), Some("own"), None),
        _ => (None, None, Some(pull_requests(findings))),
    };
    json!({
        "ok": findings.is_well(),
        "server": {
            "url": credentials.url,
            "reachable": matches!(answers.connection, Some(Ok(()))),
            "version": findings.health.as_ref().ok().map(|health| &health.version),
            "error": why(answers.connection.as_ref().and_then(|it| it.as_ref().err())),
        },
        "token": {
            "from": match credentials.grant {
                Grant::None => Value::Null,
                Grant::Token(_) => json!("token"),
                Grant::Key(_) => json!("key"),
            },
            "user": credentials.user,
            "expires": time(view.expires),
            "expired": findings.expires_in().map(|_| findings.has_expired()),
            "mutedUntil": time(view.muted_until),
            "bannedUntil": time(view.banned_until),
            "accepted": answers.token.as_ref().map(Result::is_ok),
            "error": why(answers.token.as_ref().and_then(|it| it.as_ref().err())),
        },
        "project": {
            "streamer": credentials.streamer,
            "project": credentials.project,
            "room": credentials.room,
            "streamerOnline": state.map(|state| state.streamer),
            "viewers": state.map(|state| state.viewers),
            "files": state.map(|state| state.files),
            "bytes": state.map(|state| state.bytes),
            "maxBytes": state.map(|state| state.max_bytes),
            "error": why(project.and_then(|project| project.as_ref().err())),
        },
        "pullRequests": { "open": open, "whose": whose, "error": why_no_pull_requests },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_unit_that_suits_them() {
        let texts = [0, 1_023, 1_024, 1_536, 3_565_158, 1 << 30, u64::MAX].map(bytes);
        assert_eq!(
            texts,
            [
                "0 bytes",
                "1023 bytes",
                "1.0 KiB",
                "1.5 KiB",
                "3.3 MiB",
                "1.0 GiB",
                "16777215.9 TiB"
            ]
        );
    }
}
