//! The parameters of the requests of section 6.

use crate::adapters::inbound::websocket::protocol::lenient_value::LenientValue;
use crate::adapters::inbound::websocket::protocol::parameters::{file_names, optional, required};
use crate::adapters::inbound::websocket::protocol::request::Data;
use crate::application::{
    AppliedPullRequest, ApplyPullRequest, BadParameters, Checked, CreatePullRequest,
    DeletePullRequest,
};
use crate::domain::{ApplyOutcome, Outcome, PullRequestId};

/// The parameters of `creation`.
pub(super) fn creation(data: &Data<'_>) -> Checked<CreatePullRequest> {
    Ok(CreatePullRequest {
        title: required("title", &data.title)?.into(),
        description: optional("description", &data.description)?
            .unwrap_or_default()
            .into(),
    })
}

/// An id that is not a UUID cannot exist (`None`). An id that is not a text is an error.
pub(super) fn pull_request_id(data: &Data<'_>) -> Checked<Option<PullRequestId>> {
    Ok(PullRequestId::parse(required("id", &data.id)?))
}

/// The parameters of `delete`.
pub(super) fn deletion(data: &Data<'_>) -> Checked<DeletePullRequest> {
    let id = pull_request_id(data)?;
    let outcome = match optional("outcome", &data.outcome)? {
        None | Some("closed") => Outcome::Closed,
        Some("merged") => Outcome::Merged,
        Some(_) => {
            let fault = "outcome must be \"merged\" or \"closed\"";
            return Err(BadParameters::new(fault));
        }
    };
    Ok(DeletePullRequest { id, outcome })
}

/// The parameters of `apply`.
pub(super) fn apply(data: &Data<'_>) -> Checked<ApplyPullRequest> {
    let files = match &data.files {
        LenientValue::Absent => None,
        files => Some(file_names("files", files)?),
    };
    let id = pull_request_id(data)?;
    Ok(ApplyPullRequest { id, files })
}

/// The number of a question, as in `accept`.
pub(super) fn question(data: &Data<'_>) -> Checked<u64> {
    let number = match data.request {
        LenientValue::Integer(number) => u64::try_from(number).ok(),
        _ => None,
    };
    number.ok_or(BadParameters::new(
        "request must be the number of a question",
    ))
}

/// The parameters of `applied`.
pub(super) fn applied(data: &Data<'_>) -> Checked<AppliedPullRequest> {
    let outcome = match required("outcome", &data.outcome)? {
        "applied" => ApplyOutcome::Applied,
        "partly" => ApplyOutcome::Partly,
        "declined" => ApplyOutcome::Declined,
        "failed" => ApplyOutcome::Failed,
        _ => {
            let fault = "outcome must be \"applied\", \"partly\", \"declined\" or \"failed\"";
            return Err(BadParameters::new(fault));
        }
    };
    let conflicts = match &data.conflicts {
        LenientValue::Absent => Vec::new(),
        names => file_names("conflicts", names)?,
    };
    Ok(AppliedPullRequest {
        request: question(data)?,
        outcome,
        conflicts,
        message: optional("message", &data.message)?
            .unwrap_or_default()
            .to_owned(),
    })
}
