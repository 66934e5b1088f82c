//! Which pull requests are open, so that asking costs no disk.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Mutex;

use crate::adapters::outbound::filesystem::projects::registry::folders;
use crate::adapters::outbound::filesystem::pull_requests::record::decode;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::uploads::drafts::RECORD;
use crate::application::locks::lock;
use crate::domain::{ProjectId, ProjectName, PullRequest, PullRequestId, Timestamp, UserName};

/// The longest record that is read: far more than the names and bases (256 KiB, the names of bases
/// twice), title and description of a pull request can take.
const MAX_RECORD_BYTES: u64 = 16 * 1_024 * 1_024;

/// The open pull requests of all projects, with their owners, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Index(Mutex<HashMap<ProjectId, ByAge>>);

type ByAge = BTreeMap<(Timestamp, PullRequestId), UserName>;

impl Index {
    /// Reads what is on disk. What cannot be read, or is none of ours, is left alone.
    pub fn load(pulls: &Folder) -> rustix::io::Result<Self> {
        let index = Self::default();
        for (streamer, user) in folders(pulls, UserName::parse)? {
            for (name, home) in folders(&user, ProjectName::parse)? {
                let project = ProjectId {
                    streamer: streamer.clone(),
                    name,
                };
                index.load_project(&project, &home)?;
            }
        }
        Ok(index)
    }

    fn load_project(&self, project: &ProjectId, home: &Folder) -> rustix::io::Result<()> {
        for (name, _) in home.list()? {
            let read = match home.folder(&name) {
                Ok(folder) => read(&folder),
                Err(error) => Err(error.into()),
            };
            // Others' own texts: what cannot be seen is written out.
            let place = || format!("{project}/{name}").escape_debug().to_string();
            match read {
                Ok(found) if found.project == *project && found.id.to_string() == name => {
                    self.insert(&found);
                }
                Ok(_) => tracing::warn!(place = %place(), "a pull request lies in a wrong place"),
                Err(error) => {
                    tracing::warn!(place = %place(), %error, "cannot read a pull request");
                }
            }
        }
        Ok(())
    }

    pub fn insert(&self, pull_request: &PullRequest) {
        let key = (pull_request.date, pull_request.id);
        let mut all = lock(&self.0);
        let project = all.entry(pull_request.project.clone()).or_default();
        project.insert(key, pull_request.owner.clone());
    }

    pub fn remove(&self, project: &ProjectId, id: PullRequestId) {
        let mut all = lock(&self.0);
        if let Some(open) = all.get_mut(project) {
            open.retain(|(_, open), _| *open != id);
            if open.is_empty() {
                all.remove(project);
            }
        }
    }

    pub fn contains(&self, project: &ProjectId, id: PullRequestId) -> bool {
        let all = lock(&self.0);
        let open = all.get(project);
        open.is_some_and(|open| open.keys().any(|(_, open)| *open == id))
    }

    /// The ids of a project's, those of one owner where one is given, oldest first.
    pub fn open(&self, project: &ProjectId, owner: Option<&UserName>) -> Vec<PullRequestId> {
        let all = lock(&self.0);
        let open = all.get(project).into_iter().flatten();
        open.filter(|(_, its)| owner.is_none_or(|owner| owner == *its))
            .map(|((_, id), _)| *id)
            .collect()
    }
}

/// Reads the record in a pull request's folder.
pub(crate) fn read(folder: &Folder) -> std::io::Result<PullRequest> {
    let file = folder.file(RECORD)?;
    let mut json = Vec::new();
    file.take(MAX_RECORD_BYTES).read_to_end(&mut json)?;
    decode(&json).map_err(std::io::Error::other)
}
