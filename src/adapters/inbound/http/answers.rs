//! Short answers.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use warp::reply::Response;

/// The answer if the client already has the present content.
pub(super) fn not_modified() -> Response {
    let mut answer = Response::default();
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    answer
}

/// An answer of one sentence.
pub(in crate::adapters::inbound) fn refusal(status: StatusCode, sentence: &str) -> Response {
    let mut answer = Response::new(format!("{sentence}\n").into());
    *answer.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, text);
    answer
}
