//! Finds out which pull requests are open when the server starts.

use std::io::Read;

use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::uploads::names::RECORD;
use crate::adapters::outbound::open_pull_requests::OpenPullRequests;
use crate::adapters::outbound::records::pull_request::decode;
use crate::domain::{ProjectId, ProjectName, PullRequest, UserName};

/// The longest record that is read: far more than the names and bases (256 KiB, the names of bases
/// twice), title and description of a pull request can take.
const MAX_RECORD_BYTES: u64 = 16 * 1_024 * 1_024;

/// Reads what is on disk. What cannot be read, or is not ours, is left alone.
pub(crate) fn open_pull_requests(pulls: &Folder) -> rustix::io::Result<OpenPullRequests> {
    let open = OpenPullRequests::default();
    for (streamer, user) in pulls.folders(|name| UserName::parse(name).ok())? {
        for (name, home) in user.folders(ProjectName::from_file_name)? {
            let project = ProjectId {
                streamer: streamer.clone(),
                name,
            };
            load_project(&open, &project, &home)?;
        }
    }
    Ok(open)
}

fn load_project(
    open: &OpenPullRequests,
    project: &ProjectId,
    home: &Folder,
) -> rustix::io::Result<()> {
    for (name, _) in home.list()? {
        let read = match home.folder(&name) {
            Ok(folder) => read(&folder),
            Err(error) => Err(error.into()),
        };
        // Others chose these texts, so invisible characters are escaped.
        let place = || format!("{project}/{name}").escape_debug().to_string();
        match read {
            Ok(found) if found.project == *project && found.id.to_string() == name => {
                open.insert(&found);
            }
            Ok(_) => tracing::warn!(place = %place(), "a pull request lies in a wrong place"),
            Err(error) => {
                tracing::warn!(place = %place(), %error, "cannot read a pull request");
            }
        }
    }
    Ok(())
}

/// Reads the record in a pull request's folder.
pub(crate) fn read(folder: &Folder) -> std::io::Result<PullRequest> {
    let file = folder.file(RECORD)?;
    let mut json = Vec::new();
    file.take(MAX_RECORD_BYTES).read_to_end(&mut json)?;
    decode(&json).map_err(std::io::Error::other)
}
