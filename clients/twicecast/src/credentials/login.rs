//! Logs in with one `authenticate`, and says what its refusals mean to the user who gave the flags.

use serde_json::{Value, json};
use twicecast_client::protocol;
use twicecast_client::protocol::ServerError;

use crate::connection;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::complete::Credentials;
use crate::credentials::purpose::Role;
use crate::failure::Failure;
use crate::names::shown;

/// The role that a user asks for.
#[derive(Debug, Clone)]
pub struct Login {
    role: Role,
    names: Value,
}

impl Login {
    /// The streamer who shares. `applies` says that pull requests can be put into the folder here.
    pub fn streamer(credentials: &Credentials, applies: bool) -> Self {
        let mut login = Self::of_streamer(credentials);
        if applies {
            login.names["applies"] = true.into();
        }
        login
    }

    /// The streamer who only looks at pull requests, which does not make the project live.
    pub fn reviewer(credentials: &Credentials) -> Self {
        let mut login = Self::of_streamer(credentials);
        login.names["present"] = false.into();
        login
    }

    fn of_streamer(credentials: &Credentials) -> Self {
        Self {
            role: Role::Streamer,
            names: json!({"username": credentials.user, "project": credentials.project}),
        }
    }

    /// A viewer.
    pub fn viewer(credentials: &Credentials) -> Self {
        Self {
            role: Role::Viewer,
            names: json!({
                "username": credentials.user,
                "streamer": credentials.streamer,
                "project": credentials.project,
            }),
        }
    }

    /// The request that asks for this role.
    pub fn request(&self, reference: u64, token: &str) -> String {
        let section = match self.role {
            Role::Streamer => "file",
            Role::Viewer => "pullrequest",
        };
        protocol::authenticate(reference, token, section, &self.names)
    }
}

/// Authenticates for a role and waits until all of it is granted. Live updates that arrive before
/// that are ignored: a caller that wants them lists the project afterwards.
///
/// # Errors
///
/// A sentence that says what to change.
pub async fn authenticate(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    credentials: &Credentials,
    login: &Login,
    token: &str,
    reference: u64,
) -> Result<(), Failure> {
    outgoing.send(login.request(reference, token)).await;
    let answer = incoming.answer(reference, &mut drop).await;
    answer.map_err(|error| {
        connection::refused(error, |error| refused(credentials, login.role, error))
    })?;
    Ok(())
}

/// Connects and authenticates for a role that needs a token; `without` is the message if there is
/// none.
///
/// # Errors
///
/// A sentence that says what to change.
pub async fn connect(
    credentials: &Credentials,
    login: &Login,
    without: &str,
    reference: u64,
) -> Result<(Outgoing, Incoming), Failure> {
    let token = credentials
        .token()?
        .ok_or_else(|| Failure::usage(without))?;
    let (outgoing, mut incoming) = connection::connect(&credentials.url, None).await?;
    authenticate(
        &outgoing,
        &mut incoming,
        credentials,
        login,
        &token,
        reference,
    )
    .await?;
    Ok((outgoing, incoming))
}

/// What to tell a user who does not get that role.
pub fn refused(credentials: &Credentials, role: Role, error: &ServerError) -> Failure {
    let (project, why) = (credentials.full_project(), shown(&error.message));
    match (error.code, role) {
        (401, _) => credentials.refused(&error.message),
        (400, Role::Viewer) => Failure::not_yet(format!(
            "The project {project} is not there ({why}). Check --streamer and --project, or wait \
             until the streamer comes."
        )),
        (400, Role::Streamer) => Failure::denied(format!(
            "The server does not take files for {project} ({why}). If it says that it did not make \
             the folder, its operator can adopt it with `file-ws-server adopt '{project}'`, or \
             with \
             `adopt '{}'` if only the streamer's folder is there.",
            shown(&credentials.streamer)
        )),
        (code, _) => Failure::denied(format!(
            "The server did not let {} in ({code}: {why}).",
            credentials.user
        )),
    }
}
