//! The token, or the key that makes one, and the names that go with it. Shows neither.

use crate::commands::doctor::finding::Finding;
use crate::commands::doctor::kinds::{
    COMMAND_LINE, TOKEN_BANNED, TOKEN_ENDLESS, TOKEN_ENDS_SOON, TOKEN_EXPIRED, TOKEN_IN_THE_CLEAR,
    TOKEN_LIMITED, TOKEN_MISSING, TOKEN_OF_ANOTHER, TOKEN_OF_ANOTHER_PROJECT, TOKEN_SEEN,
    TOKEN_UNREADABLE,
};
use crate::credentials::TokenView;
use crate::ui::time::{date_and_time, span};

/// A token that holds for less than this, in seconds, may expire during a stream.
const SOON: u64 = 3_600;

/// Who would share, and with what right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenSeen {
    /// The right.
    pub grant: GrantSeen,
    /// The user who would share.
    pub user: Option<String>,
    /// The streamer that the flag names.
    pub streamer: Option<String>,
    /// The project that the flag names.
    pub project: Option<String>,
    /// Whether the token or key is on the command line.
    pub is_on_command_line: bool,
    /// Whether others can read what is sent to the server.
    pub is_in_the_clear: bool,
}

/// A right, without its secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum GrantSeen {
    /// None.
    #[default]
    None,
    /// A key.
    Key {
        /// Whether it is `secret`, which is in every manual.
        is_default: bool,
    },
    /// Something that was given as a token but is not one.
    Unreadable,
    /// A token.
    Token(TokenView),
}

/// Judges what was found; `now` is in seconds since the epoch.
pub fn check(seen: &Result<TokenSeen, String>, now: u64) -> Vec<Finding> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(why) => return vec![Finding::of(COMMAND_LINE, why, "")],
    };
    let mut findings = Vec::new();
    if let (Some(user), Some(streamer)) = (&seen.user, &seen.streamer)
        && user != streamer
    {
        findings.push(Finding::of(
            TOKEN_OF_ANOTHER,
            &format!("you are {user}, and only {streamer} can share a project of {streamer}"),
            "leave --streamer away",
        ));
    }
    let mut is_default = false;
    match &seen.grant {
        GrantSeen::None => findings.push(Finding::of(
            TOKEN_MISSING,
            "there is neither token nor key, and a server takes files from nobody else",
            "give --token-file or TWICECAST_TOKEN; or share with --local, which needs none",
        )),
        GrantSeen::Unreadable => findings.push(Finding::of(
            TOKEN_UNREADABLE,
            "what is given as the token is none",
            "copy it again, whole and in one line",
        )),
        GrantSeen::Key { is_default: it } => is_default = *it,
        GrantSeen::Token(token) => {
            findings.extend(time(token, now));
            findings.extend(names(seen, token));
        }
    }
    let has_secret = seen.grant != GrantSeen::None && !is_default;
    if seen.is_on_command_line && has_secret {
        findings.push(Finding::of(
            TOKEN_SEEN,
            "token or key stand on the command line, where other users of this computer see them",
            "use TWICECAST_TOKEN, --token-file or --key-file",
        ));
    }
    if seen.is_in_the_clear && seen.grant != GrantSeen::None {
        findings.push(Finding::of(
            TOKEN_IN_THE_CLEAR,
            "the way to the server is not encrypted, so others on it can read your token",
            "use a wss:// address, if the server has one",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("token", &summary(seen, now)));
    }
    findings
}

fn time(token: &TokenView, now: u64) -> Option<Finding> {
    let Some(ends) = token.expires else {
        return Some(Finding::of(
            TOKEN_ENDLESS,
            "the token does not say when it ends, and a server refuses such a one",
            "get another from the person who gave it to you",
        ));
    };
    if ends <= now {
        let says = format!("the token ended at {}", date_and_time(ends));
        return Some(Finding::of(TOKEN_EXPIRED, &says, "get a fresh one"));
    }
    let left = ends - now;
    (left < SOON).then(|| {
        let says = format!("the token ends in {}", span(left));
        Finding::of(TOKEN_ENDS_SOON, &says, "get a fresh one before you go live")
    })
}

fn names(seen: &TokenSeen, token: &TokenView) -> Vec<Finding> {
    let mut findings = Vec::new();
    let bearer = token.username.as_ref();
    let is_another = |name: &Option<String>| {
        let other = name.as_ref().filter(|name| Some(*name) != bearer);
        other.cloned()
    };
    if let Some(other) = is_another(&seen.user).or_else(|| is_another(&token.streamername)) {
        let bearer = bearer.map_or("nobody", String::as_str);
        findings.push(Finding::of(
            TOKEN_OF_ANOTHER,
            &format!("the token is {bearer}'s, and is to be used to share as or for {other}"),
            "leave --user away, or get a token that names you as user and streamer",
        ));
    }
    if let (Some(project), Some(named)) = (&seen.project, &token.streamname)
        && project != named
    {
        findings.push(Finding::of(
            TOKEN_OF_ANOTHER_PROJECT,
            &format!("the token is for the project {named}, and --project is {project}"),
            "leave --project away, or get a token for it",
        ));
    }
    if token.is_limited {
        findings.push(Finding::of(
            TOKEN_LIMITED,
            "the token has a list of rights, and with one nobody streams",
            "get a token without the claim `rights`",
        ));
    }
    if token.muted_until.is_some() || token.banned_until.is_some() {
        findings.push(Finding::of(
            TOKEN_BANNED,
            "the token says that you are muted or banned in the chat",
            "ask the person who gave it to you",
        ));
    }
    findings
}

fn summary(seen: &TokenSeen, now: u64) -> String {
    let user = seen.user.as_deref().unwrap_or("nobody");
    match &seen.grant {
        GrantSeen::Token(token) => {
            let left = token.expires.unwrap_or_default().saturating_sub(now);
            format!("of {user}, and holds for {}", span(left))
        }
        _ => format!("made from the key, for {user}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding;

    const NOW: u64 = 1_800_000_000;

    fn good() -> TokenSeen {
        let name = |name: &str| Some(name.to_owned());
        TokenSeen {
            grant: GrantSeen::Token(TokenView {
                username: name("ana"),
                streamername: name("ana"),
                streamname: name("demo"),
                expires: Some(NOW + SOON),
                ..TokenView::default()
            }),
            user: name("ana"),
            ..TokenSeen::default()
        }
    }

    fn token(seen: &mut TokenSeen) -> &mut TokenView {
        match &mut seen.grant {
            GrantSeen::Token(token) => token,
            other => panic!("{other:?}"),
        }
    }

    type Change = fn(&mut TokenSeen);

    #[test]
    fn a_token_is_judged_as_the_table_says() {
        let table: &[(Change, &[&str])] = &[
            (|_| {}, &["token"]),
            (|seen| seen.grant = GrantSeen::None, &["token-missing"]),
            (
                |seen| seen.grant = GrantSeen::Unreadable,
                &["token-unreadable"],
            ),
            (
                |seen| seen.grant = GrantSeen::Key { is_default: true },
                &["token"],
            ),
            (|seen| token(seen).expires = None, &["token-endless"]),
            (|seen| token(seen).expires = Some(NOW), &["token-expired"]),
            (
                |seen| token(seen).expires = Some(NOW + 1),
                &["token-ends-soon"],
            ),
            (
                |seen| token(seen).expires = Some(NOW + SOON - 1),
                &["token-ends-soon"],
            ),
            (
                |seen| seen.user = Some("bob".to_owned()),
                &["token-of-another"],
            ),
            (
                |seen| token(seen).streamername = Some("bob".to_owned()),
                &["token-of-another"],
            ),
            (|seen| token(seen).streamername = None, &["token"]),
            (
                |seen| seen.streamer = Some("bob".to_owned()),
                &["token-of-another"],
            ),
            (|seen| seen.streamer = Some("ana".to_owned()), &["token"]),
            (|seen| seen.project = Some("demo".to_owned()), &["token"]),
            (
                |seen| seen.project = Some("other".to_owned()),
                &["token-of-another-project"],
            ),
            (|seen| token(seen).is_limited = true, &["token-limited"]),
            (
                |seen| token(seen).muted_until = Some(NOW),
                &["token-banned"],
            ),
            (|seen| seen.is_on_command_line = true, &["token-seen"]),
            (|seen| seen.is_in_the_clear = true, &["token-in-the-clear"]),
            (
                |seen| {
                    seen.grant = GrantSeen::Key { is_default: true };
                    seen.is_on_command_line = true;
                },
                &["token"],
            ),
            (
                |seen| {
                    seen.grant = GrantSeen::None;
                    seen.is_in_the_clear = true;
                },
                &["token-missing"],
            ),
        ];
        for (row, (change, expected)) in table.iter().enumerate() {
            let mut seen = good();
            change(&mut seen);
            let found = check(&Ok(seen), NOW);
            assert_eq!(finding::names(&found), *expected, "row {row}: {found:?}");
        }
        let found = check(&Err("The file x is empty.".to_owned()), NOW);
        assert_eq!(finding::names(&found), ["command-line"]);
    }
}
