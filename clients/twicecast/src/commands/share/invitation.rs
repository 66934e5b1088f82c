//! What `share --local` prints for others and for the streamer: a link, and commands that work as
//! printed.
//!
//! The screen is being streamed, and all users can see the list of processes. So the viewers'
//! token, which everybody may see, can only read; it is in the link's fragment and in a variable of
//! their command. Guests' invitations are written to files. Neither the key nor a token of the
//! streamer is printed.

use std::path::Path;

use twicecast_client::connection::websocket;

use crate::commands::share::args::ShareArgs;
use crate::credentials::{Claims, Credentials, Right};
use crate::embedded::LocalServer;
use crate::failure::Failure;
use crate::links;
use crate::local_settings::{Viewers, ViewersLink};
use crate::names::check_user;
use crate::publish::output::{Event, GuestInvitation};
use crate::ui::command_line::program;
use crate::ui::output::quoted;
use crate::ui::time::date_and_time;

/// How long the tokens hold.
const HOURS: u32 = 12;
/// The user name of viewers who need no name of their own.
pub const ANYBODY: &str = "viewer";

/// What the streamer is told about how others come in.
pub struct Invited {
    /// What viewers open, and what to type elsewhere.
    pub events: [Event; 2],
    /// Until when the tokens in it hold, in seconds since the epoch; `None` if it has none.
    pub until: Option<u64>,
}

/// Makes the tokens and the link, and saves the link for `twicecast link`.
///
/// # Errors
///
/// A sentence, if any of it cannot be made or saved.
pub fn invite(
    server: &mut LocalServer,
    credentials: &Credentials,
    dir: &Path,
    args: &ShareArgs,
) -> Result<Invited, Failure> {
    let invitation = Invitation::new(server, credentials, dir)?;
    let link = invitation.link()?;
    let events = [
        invitation.link_event(&link, args.qr),
        invitation.event(args)?,
    ];
    let has_tokens = link.until.is_some() || !args.invite.is_empty();
    let until = has_tokens.then_some(invitation.until);
    server.keep(credentials, dir, &link)?;
    Ok(Invited { events, until })
}

/// What an invitation is made from.
struct Invitation<'a> {
    server: &'a LocalServer,
    credentials: &'a Credentials,
    dir: &'a Path,
    /// The address at which others reach the server.
    url: String,
    /// The viewers' token.
    token: String,
    /// Until when the token holds, in seconds since the epoch.
    until: u64,
}

impl<'a> Invitation<'a> {
    /// An invitation to see `dir`, which the owner of these credentials shares on this server.
    ///
    /// # Errors
    ///
    /// Only if the signing library fails.
    fn new(
        server: &'a LocalServer,
        credentials: &'a Credentials,
        dir: &'a Path,
    ) -> Result<Self, Failure> {
        let Credentials {
            streamer, project, ..
        } = credentials;
        // The token names no room: it is on the screen, and should be short.
        let reader = Claims::new(ANYBODY, streamer, project, Some(""), HOURS);
        let reader = reader.limited_to(Some(&[Right::Read]));
        let public_url = server.settings().public_url.as_deref();
        let url = public_url.map(|url| websocket(url).into_owned());
        Ok(Self {
            server,
            credentials,
            dir,
            url: url.unwrap_or_else(|| server.url.clone()),
            token: reader.signed(&server.key)?,
            until: reader.exp,
        })
    }

    /// The link that viewers open.
    ///
    /// # Errors
    ///
    /// A sentence, if there can be no page for the streamer's name.
    fn link(&self) -> Result<ViewersLink, Failure> {
        let Credentials {
            streamer, project, ..
        } = self.credentials;
        let page = links::page(&links::origin(&self.url)?, streamer, project)?;
        Ok(if self.server.settings().is_public {
            let (address, until) = (page, None);
            ViewersLink { address, until }
        } else {
            ViewersLink {
                address: links::with_token(&page, &self.token),
                until: Some(self.until),
            }
        })
    }

    /// The link, and what people who open it may do.
    fn link_event(&self, link: &ViewersLink, has_qr: bool) -> Event {
        let settings = self.server.settings();
        let may = match settings.viewers {
            Viewers::Read => "read",
            Viewers::Chat => "read, and chat under a name",
            Viewers::Propose => "read, chat and propose",
        };
        let anyone = match link.until.map(date_and_time) {
            Some(until) => format!("until {until}, anyone who"),
            None => "anyone who".to_owned(),
        };
        Event::Link {
            link: link.address.clone(),
            until: link.until,
            about: format!("{anyone} opens it may {may}\n{}", settings.reach()),
            has_qr,
        }
    }

    /// The commands for viewers and for the streamer, and the files for guests.
    ///
    /// # Errors
    ///
    /// A sentence, if a guest's name is invalid or is the streamer's, or a file cannot be written.
    fn event(&self, args: &ShareArgs) -> Result<Event, Failure> {
        let program = program();
        let Credentials {
            streamer, project, ..
        } = self.credentials;
        let (url, copy) = (quoted(&self.url), self.beside("copy"));
        let command = if args.public {
            let (streamer, project) = (quoted(streamer), quoted(project));
            let names = format!("--streamer {streamer} --project {project}");
            format!("{program} mirror {copy} --url {url} {names}")
        } else {
            let token = &self.token;
            format!("TWICECAST_TOKEN={token} {program} mirror {copy} --url {url}")
        };
        let guests = args.invite.iter().map(|name| {
            let text = self.letter(name, &program)?;
            Ok(GuestInvitation {
                name: name.clone(),
                file: self.server.invite(name, &text)?,
                text: args.show_invites.then_some(text),
            })
        });
        let dir = quoted(&self.dir.to_string_lossy());
        Ok(Event::Invitation {
            command,
            until: self.until,
            guests: guests.collect::<Result<_, Failure>>()?,
            pulls: format!("{program} pulls list --dir {dir}"),
            chat: format!("{program} chat --url {}", quoted(&self.server.url)),
        })
    }

    /// What to send to a guest: lines for their shell.
    fn letter(&self, name: &str, program: &str) -> Result<String, Failure> {
        check_user("guest", name).map_err(Failure::usage)?;
        let Credentials {
            streamer, project, ..
        } = self.credentials;
        if name == streamer {
            return Err(Failure::usage(format!(
                "--invite {name} would make the streamer's own token; invite others."
            )));
        }
        let rights = [Right::Read, Right::Chat, Right::Propose];
        let claims = Claims::new(name, streamer, project, None, HOURS).limited_to(Some(&rights));
        let token = claims.signed(&self.server.key)?;
        let (until, url) = (date_and_time(claims.exp), quoted(&self.url));
        let (clone, of) = (self.beside(name), self.credentials.full_project());
        Ok(format!(
            "# For {name}, to propose changes to {of} and to chat, until {until}.\n\
             export TWICECAST_TOKEN={token} TWICECAST_URL={url}\n\
             {program} clone {clone}\n\
             # Change something in there, then:\n\
             {program} propose {clone} --title 'What it changes'\n\
             {program} chat\n"
        ))
    }

    /// A folder beside the shared one.
    fn beside(&self, whose: &str) -> String {
        let mut folder = self.dir.as_os_str().to_owned();
        folder.push(format!("-{whose}"));
        quoted(&folder.to_string_lossy())
    }
}
