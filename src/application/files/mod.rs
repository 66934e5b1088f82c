//! Files of projects and drafts (protocol, section 4).

pub(crate) mod abandoned_projects;
pub mod change_outlives_connection;
pub mod delete_file;
pub mod download;
pub mod downloads;
pub mod file_stream;
pub mod focus;
pub(crate) mod hashing;
pub mod open_updated;
pub(crate) mod optional_last_part;
pub mod post_file;
pub mod project_status;
pub mod read_files;
pub(crate) mod refused_upload;
pub(crate) mod stream_source;
pub mod streamer_grace;
#[cfg(test)]
pub(crate) mod test_upload_runs;
pub(crate) mod upload;
pub mod upload_log;
pub(crate) mod upload_memory;
pub(crate) mod uploads;
pub(crate) mod viewer_counts;
pub mod watch_project;
