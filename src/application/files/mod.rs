//! Files of projects and drafts (protocol, section 4).

pub mod abandoned;
pub(crate) mod abandoned_projects;
pub mod commit;
pub mod delete_file;
pub mod digest;
pub mod file_stream;
pub mod post_file;
pub mod project_status;
pub mod read_files;
pub mod upload_log;
pub mod uploads;
pub mod watch_project;
