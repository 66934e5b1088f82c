//! What `share --local` prints for others and for the streamer: commands that work as they stand.
//!
//! The screen is being streamed and the list of processes is open to all users. So a token stands
//! in a variable of the command and allows what its bearer needs, and neither the key nor a token
//! of the streamer appears.

use std::path::Path;

use crate::credentials::{Claims, Credentials, Right};
use crate::failure::Failure;
use crate::names::check_user;
use crate::publish::output::{Event, GuestCommands};
use crate::ui::output::quoted;

/// How long a token holds that stands on the screen.
const HOURS: u32 = 12;
/// In whose name viewers come who need none of their own.
const ANYBODY: &str = "viewer";

/// What an invitation is made of.
pub struct Invitation<'a> {
    /// The server.
    pub url: &'a str,
    /// Its key, which signs the tokens.
    pub key: &'a str,
    /// The streamer's.
    pub credentials: &'a Credentials,
    /// The shared folder.
    pub dir: &'a Path,
}

impl Invitation<'_> {
    /// The commands: to read, and for each guest to propose and to chat.
    ///
    /// # Errors
    ///
    /// A sentence, if a guest's name is none, or is the streamer's.
    pub fn event(&self, is_public: bool, guests: &[String]) -> Result<Event, Failure> {
        let program = program();
        let Credentials {
            streamer, project, ..
        } = self.credentials;
        let reader = self.claims(ANYBODY).limited_to(Some(&[Right::Read]));
        let until = reader.exp;
        let (url, copy) = (quoted(self.url), self.beside("copy"));
        let command = if is_public {
            let (streamer, project) = (quoted(streamer), quoted(project));
            let names = format!("--streamer {streamer} --project {project}");
            format!("{program} mirror {copy} --url {url} {names}")
        } else {
            let token = reader.signed(self.key)?;
            format!("TWICECAST_TOKEN={token} {program} mirror {copy} --url {url}")
        };
        let guests = guests.iter().map(|name| self.guest(name, &program));
        Ok(Event::Invitation {
            command,
            until,
            guests: guests.collect::<Result<_, _>>()?,
            pulls: format!(
                "{program} pulls list --dir {}",
                quoted(&self.dir.to_string_lossy())
            ),
            chat: format!("{program} chat --url {url}"),
        })
    }

    fn guest(&self, name: &str, program: &str) -> Result<GuestCommands, Failure> {
        check_user("guest", name).map_err(Failure::usage)?;
        if name == self.credentials.streamer {
            return Err(Failure::usage(format!(
                "--invite {name} would make the streamer's own token; invite others."
            )));
        }
        let rights = [Right::Read, Right::Chat, Right::Propose];
        let token = self
            .claims(name)
            .limited_to(Some(&rights))
            .signed(self.key)?;
        let (url, clone) = (quoted(self.url), self.beside(name));
        let program = format!("TWICECAST_TOKEN={token} {program}");
        Ok(GuestCommands {
            name: name.to_owned(),
            clone: format!("{program} clone {clone} --url {url}"),
            propose: format!("{program} propose {clone} --url {url} --title 'What it changes'"),
            chat: format!("{program} chat --url {url}"),
        })
    }

    fn claims(&self, user: &str) -> Claims {
        let Credentials {
            streamer, project, ..
        } = self.credentials;
        Claims::new(user, streamer, project, None, HOURS)
    }

    /// A folder beside the shared one.
    fn beside(&self, whose: &str) -> String {
        let mut folder = self.dir.as_os_str().to_owned();
        folder.push(format!("-{whose}"));
        quoted(&folder.to_string_lossy())
    }
}

fn program() -> String {
    let program = std::env::current_exe().map(|path| path.display().to_string());
    quoted(&program.unwrap_or_else(|_| "twicecast".to_owned()))
}
