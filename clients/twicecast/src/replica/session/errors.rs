//! Errors from the server, and what they mean for the files that are expected.

use twicecast_client::protocol::ServerError;

use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::replica::session::{Phase, Session};
use crate::ui::output::{say, warn};

impl Session<'_> {
    /// Notes a file that the server has but cannot read: the file here stays, whether or not a list
    /// contains it.
    fn keep_unread(&mut self, raw_name: &str, why: &str) {
        // A file with an invalid name was never written.
        if let Ok(name) = FileName::parse(raw_name) {
            self.touch(&name);
            self.fail(raw_name, &format!("the server cannot read it ({why})"));
        }
    }

    /// Handles an error.
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
            // We were let in with the token, so it was good. Whether this answers a request or not,
            // it says that the token has expired.
            return Err(self.credentials.withdrawn(&error.message));
        }
        // If the server cannot read a file to its end, it breaks off, and the next file follows.
        self.assembly
            .take_if(|assembly| assembly.is_ended_by(reference, error));
        if reference.is_none()
            && let Some(name) = error.unread_file()
        {
            // There is a change that the server announces but cannot send; the copy stays behind
            // until the next change.
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
                    // In the answer for a whole project a file that cannot be read does not end the
                    // answer; every other error does.
                    if *whole == Some(reference) && error.kind != "failReadFileError" {
                        *whole = None;
                    }
                    single.remove(&reference);
                }
                self.go_on();
            }
            // A file that was asked for again is gone by now, or still fails.
            _ if reference.is_some() && error.unread_file().is_some() => {}
            _ => warn(&format!("The server says: {why} ({}).", error.code)),
        }
        Ok(())
    }
}
