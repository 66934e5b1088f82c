//! Messages as they go over the wire, and their conversion to and from the application
//! (`docs/protocol.md`).
//!
//! Adding a message needs a line in `read_command`, its encoding in `encode`, a use case, and its
//! description in `docs/asyncapi.yaml`.

pub(crate) mod base64_content;
pub(crate) mod encode;
pub(crate) mod lenient_value;
mod moderation_parameters;
mod parameters;
mod pull_request_parameters;
pub(crate) mod read_command;
pub(crate) mod request;

#[cfg(test)]
mod golden_error_tests;
#[cfg(test)]
mod golden_request_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod schema_tests;
