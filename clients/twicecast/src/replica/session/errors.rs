//! What the server complains about, and what that means for the files that are awaited.

use twicecast_client::protocol::ServerError;

use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::replica::session::{Phase, Session};
use crate::ui::output::{say, warn};

impl Session<'_> {
    /// Notes a file that the server has and cannot read: what is here stays, whether a list shows
    /// it or not.
    fn keep_unread(&mut self, raw_name: &str, why: &str) {
        // What has no proper name was never written.
        if let Ok(name) = FileName::parse(raw_name) {
            self.touch(&name);
            self.fail(raw_name, &format!("the server cannot read it ({why})"));
        }
    }

    /// Takes in an error.
    ///
    /// # Errors
    ///
    /// A sentence, if the session cannot go on.
    pub fn take_error(
        &mut self,
        reference: Option<u64>,
        error: &ServerError,
    ) -> Result<(), Failure> {
        let why = shown(&error.message);
        if error.code == 401 {
            // We were let in with it, so the token was good: whether as an answer or by itself,
            // this tells of its end.
            return Err(self.credentials.withdrawn(&error.message));
        }
        // A file that the server cannot read to its end is broken off, and the next one follows.
        self.assembly
            .take_if(|assembly| assembly.is_ended_by(reference, error));
        if reference.is_none()
            && let Some(name) = error.unread_file()
        {
            // A change that we are told of and cannot get; the copy here is behind until the next
            // one.
            self.keep_unread(name, &why);
            return Ok(());
        }
        match &mut self.phase {
            Phase::Listing {
                reference: asked, ..
            } if reference == Some(*asked) => {
                if let Some(name) = error.unread_file() {
                    self.keep_unread(name, &why);
                    return Ok(());
                }
                let project = shown(&self.credentials.full_project());
                if error.kind != "failReadPathError" {
                    return Err(Failure::connection(format!(
                        "The server could not list {project} ({}: {why}).",
                        error.code
                    )));
                }
                if self.once {
                    return Err(Failure::not_yet(format!(
                        "The server has no project {project} ({why}). Check --streamer and \
                         --project."
                    )));
                }
                say(&format!(
                    "{project} is not there yet; waiting for the streamer"
                ));
                self.phase = Phase::Live { absent: true };
                self.round = 0;
            }
            Phase::Fetching { whole, single, .. } => {
                if let Some(reference) = reference {
                    // Within a whole project one file that cannot be read does not end the answer;
                    // all else does.
                    if *whole == Some(reference) && error.kind != "failReadFileError" {
                        *whole = None;
                    }
                    single.remove(&reference);
                }
                self.go_on();
            }
            // What was asked for again is gone meanwhile, or remains the failure that it was.
            _ if reference.is_some() && error.unread_file().is_some() => {}
            _ => warn(&format!("The server says: {why} ({}).", error.code)),
        }
        Ok(())
    }
}
