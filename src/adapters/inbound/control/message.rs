//! What operators ask of a running server, and its answers.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::adapters::inbound::transport::{ProbeSeen, Probes};
use crate::application::{Holdings, Operator};
use crate::domain::{ProjectId, ProjectName, UserName};

/// One request of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// Adopt a project's folder or, if no project is named, a user's.
    Adopt {
        /// The name of the user.
        user: String,
        /// The name of the project.
        project: Option<String>,
    },
    /// Say what would be removed with a project.
    Holdings {
        /// The name of the streamer.
        user: String,
        /// The name of the project.
        project: String,
    },
    /// Remove a project.
    Remove {
        /// The name of the streamer.
        user: String,
        /// The name of the project.
        project: String,
    },
    /// Look at a project again or, if none is named, at all projects of a user.
    Rescan {
        /// The name of the streamer.
        user: String,
        /// The name of the project.
        project: Option<String>,
    },
    /// Say which version the server is and where it listens.
    State,
    /// Note requests that carry this number.
    Expect {
        /// The number.
        number: String,
    },
    /// Say how those requests came in, and stop noting.
    Seen,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Response {
    /// It is done.
    Done,
    /// What would be removed with the project.
    Holdings {
        /// How many files.
        files: u64,
        /// How many bytes they have.
        bytes: u64,
        /// How many open pull requests.
        pull_requests: usize,
    },
    /// How many files differ from what was known.
    Rescanned(usize),
    /// Which version the server is and where it listens.
    State {
        /// The version of the server.
        version: String,
        /// Where it listens.
        addresses: Vec<SocketAddr>,
    },
    /// How the requests came in.
    Seen(Vec<ProbeSeen>),
    /// Why it cannot be done.
    Refused(String),
}

/// What operators can ask of a running server.
pub struct RunningServer {
    /// Its use cases.
    pub operator: Operator,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// Notes the requests of a doctor.
    pub probes: Arc<Probes>,
}

impl RunningServer {
    /// Carries out a request.
    pub(super) async fn carry_out(&self, request: &Request) -> Response {
        match request {
            Request::State => Response::State {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                addresses: self.addresses.clone(),
            },
            Request::Expect { number } => {
                self.probes.expect(number.clone());
                Response::Done
            }
            Request::Seen => Response::Seen(self.probes.take()),
            _ => carry_out(&self.operator, request).await,
        }
    }
}

/// Carries out a request.
pub async fn carry_out(operator: &Operator, request: &Request) -> Response {
    match try_to(operator, request).await {
        Ok(response) => response,
        Err(why) => Response::Refused(why),
    }
}

async fn try_to(operator: &Operator, request: &Request) -> Result<Response, String> {
    let done = match request {
        Request::Adopt { user, project } => match project {
            None => operator.adopt_user(&user_named(user)?).await,
            Some(name) => operator.adopt(&project_named(user, name)?).await,
        },
        Request::Remove { user, project } => operator.remove(&project_named(user, project)?).await,
        Request::Rescan { user, project } => {
            let found = match project {
                None => operator.rescan_user(&user_named(user)?).await,
                Some(name) => operator.rescan(&project_named(user, name)?).await,
            };
            return match found {
                Ok(files) => Ok(Response::Rescanned(files)),
                Err(error) => Err(error.to_string()),
            };
        }
        Request::State | Request::Expect { .. } | Request::Seen => {
            return Err("no server runs".to_owned());
        }
        Request::Holdings { user, project } => {
            let found = operator.holdings(&project_named(user, project)?).await;
            let Holdings {
                files,
                bytes,
                pull_requests,
            } = found.map_err(|error| error.to_string())?;
            return Ok(Response::Holdings {
                files,
                bytes,
                pull_requests,
            });
        }
    };
    done.map(|()| Response::Done)
        .map_err(|error| error.to_string())
}

fn user_named(name: &str) -> Result<UserName, String> {
    UserName::parse(name).map_err(|error| format!("the user {error}"))
}

fn project_named(streamer: &str, name: &str) -> Result<ProjectId, String> {
    Ok(ProjectId {
        streamer: user_named(streamer)?,
        name: ProjectName::parse(name).map_err(|error| format!("the project {error}"))?,
    })
}
