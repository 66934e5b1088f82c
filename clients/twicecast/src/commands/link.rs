//! `twicecast link`: prints the link with which viewers open a project in a browser.

use std::io::IsTerminal as _;
use std::path::Path;

use clap::Args;
use serde_json::json;
use twicecast_client::Error;

use crate::commands::share::VIEWER;
use crate::credentials::flags::CommonArgs;
use crate::credentials::local_share::{self, LocalShare};
use crate::credentials::{Claims, Credentials, Purpose, Right};
use crate::failure::Failure;
use crate::local_settings::ViewersLink;
use crate::ui::output::{say, warn};
use crate::ui::qr;
use crate::ui::time::{date_and_time, now_in_seconds};
use crate::{connection, links};

/// What `--help` says.
pub const HELP: &str = "\
Prints the link with which viewers open the project in a browser. Where reading needs a token, the \
link holds one that can only read, for 12 hours: made from the key, or that of a running \
`twicecast \
share --local`.

In a terminal it shows the link as a QR code, too, for phones.

With --own it is your own link, with which the page lets you review and accept what viewers \
propose. \
Anyone who has it is you: never show it on a stream.";

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  the link is printed
  2  the command line is not usable
  3  no connection, or reading needs a token and none can be made

Examples:
  twicecast link                                     in the folder of a `share --local`
  twicecast link --url wss://live.example --streamer ana --project demo
  twicecast link --own --no-qr | xclip";

/// The reference of the only request.
const STATUS: u64 = 1;

/// `twicecast link`.
#[derive(Debug, Args)]
pub struct LinkArgs {
    /// Print your own link instead, with your token in it
    #[arg(long)]
    pub own: bool,
    /// Show a QR code, also of your own link or where standard output is no terminal
    #[arg(long, conflicts_with = "no_qr")]
    pub qr: bool,
    /// Show no QR code
    #[arg(long)]
    pub no_qr: bool,
    /// How long a token holds that is made for the link
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub hours: u32,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if there is no link, or what is needed to make one is not known.
pub async fn run(args: &LinkArgs) -> Result<u8, Failure> {
    let credentials = Credentials::resolve(&args.common, Purpose::Link, None)?;
    let share = running_share(&credentials);
    let link = if args.own {
        own(&credentials, share.as_ref(), args.hours)?
    } else {
        of_viewers(&credentials, share, args.hours).await?
    };
    say(&link.address);
    let is_terminal = std::io::stdout().is_terminal();
    if args.qr || (is_terminal && !args.own && !args.no_qr) {
        qr::show(&link.address);
    }
    if is_terminal {
        if let Some(until) = link.until {
            warn(&format!(
                "It opens the project until {}.",
                date_and_time(until)
            ));
        }
        if args.own {
            warn("Anyone who has this link is you: do not show it, and send it to nobody.");
        }
    }
    Ok(0)
}

/// The running share of this user's, in another process, that serves this project.
fn running_share(credentials: &Credentials) -> Option<LocalShare> {
    local_share::find(Some(&credentials.url), Path::new("."), |share| {
        (&share.streamer, &share.project) == (&credentials.streamer, &credentials.project)
    })
}

fn page(credentials: &Credentials, share: Option<&LocalShare>) -> Result<String, Failure> {
    // Others may reach the server at another address than we do.
    let theirs = share.and_then(|share| share.link.split('#').next());
    match theirs.filter(|page| !page.is_empty()) {
        Some(page) => Ok(page.to_owned()),
        None => links::page(
            &links::origin(&credentials.url)?,
            &credentials.streamer,
            &credentials.project,
        ),
    }
}

fn own(
    credentials: &Credentials,
    share: Option<&LocalShare>,
    hours: u32,
) -> Result<ViewersLink, Failure> {
    let page = page(credentials, share)?;
    let (token, until) = if let Some(token) = credentials.given_token() {
        (token.to_owned(), credentials.given_until())
    } else {
        let Credentials {
            user,
            streamer,
            project,
            ..
        } = credentials;
        let claims = Claims::new(user, streamer, project, None, hours);
        (claims.signed(credentials.key()?)?, Some(claims.exp))
    };
    Ok(ViewersLink {
        address: links::with_token(&page, &token),
        until,
    })
}

async fn of_viewers(
    credentials: &Credentials,
    share: Option<LocalShare>,
    hours: u32,
) -> Result<ViewersLink, Failure> {
    let page = page(credentials, share.as_ref())?;
    if let Some(LocalShare { link, until, .. }) = share.filter(|share| !share.link.is_empty()) {
        check_holds(until, now_in_seconds())?;
        return Ok(ViewersLink {
            address: link,
            until,
        });
    }
    if is_public(credentials).await? {
        let (address, until) = (page, None);
        return Ok(ViewersLink { address, until });
    }
    let Ok(key) = credentials.key() else {
        return Err(Failure::denied(
            "Reading needs a token there, and yours must not be in a link for everybody: give \
             --key if you run the server, or ask who makes its tokens for one that can only read. \
             --own prints your own link.",
        ));
    };
    let Credentials {
        streamer, project, ..
    } = credentials;
    // The token names no room: a shorter link makes a simpler QR code.
    let reader = Claims::new(VIEWER, streamer, project, Some(""), hours);
    let reader = reader.limited_to(Some(&[Right::Read]));
    Ok(ViewersLink {
        address: links::with_token(&page, &reader.signed(key)?),
        until: Some(reader.exp),
    })
}

/// Fails if a link that held until `until` has expired; both are in seconds since the epoch.
fn check_holds(until: Option<u64>, now: u64) -> Result<(), Failure> {
    if until.is_none_or(|until| now < until) {
        return Ok(());
    }
    Err(Failure::denied(
        "The link of your `twicecast share --local` has expired. It makes another within a minute \
         if it still runs; try again then, or start it again.",
    ))
}

/// Whether everybody may read the project: asks without a token.
async fn is_public(credentials: &Credentials) -> Result<bool, Failure> {
    let (outgoing, mut incoming) = connection::connect(&credentials.url, None).await?;
    let whose = json!({"username": credentials.streamer, "project": credentials.project});
    let request = json!({"type": "file", "subtype": "status", "ref": STATUS, "data": whose});
    outgoing.send(request.to_string()).await;
    let answer = incoming.answer(STATUS, &mut drop).await;
    drop(outgoing);
    incoming.finish().await;
    match answer {
        Ok(_) => Ok(true),
        Err(Error::Refused(error)) if error.code == 401 => Ok(false),
        Err(Error::Refused(error)) if error.code == 409 => {
            warn(&format!(
                "The server has no {} yet; the page says so until it is there.",
                twicecast_client::untrusted::shown(&credentials.full_project())
            ));
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_has_expired_is_not_printed() {
        for (until, now, holds) in [(None, 5, true), (Some(5), 4, true), (Some(5), 5, false)] {
            let checked = check_holds(until, now);
            assert_eq!(checked.is_ok(), holds, "{until:?} at {now}");
        }
    }
}
