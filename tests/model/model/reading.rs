//! `get` and `list` (section 4).

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::names::{is_below, normal};
use super::{Answer, File, Files, RequestError, World, success};
use crate::ask::{Project, Right};
use crate::support::base64;

impl World {
    pub(super) fn get(
        &self,
        me: usize,
        project: &Project,
        name: Option<&str>,
        deep: bool,
    ) -> Answer {
        let (asked, files) = self.read(me, project, name, deep)?;
        let mut replies = self.sent(&files);
        let data = json!({"name": asked, "files": files.len()});
        replies.push(success("fileGetDone", data));
        Ok(replies)
    }

    pub(super) fn list(
        &self,
        me: usize,
        project: &Project,
        name: Option<&str>,
        deep: bool,
    ) -> Answer {
        let (asked, files) = self.read(me, project, name, deep)?;
        let listed: Vec<_> = files
            .iter()
            .map(|(name, file)| {
                let digest = Sha256::digest(&file.content);
                let digest: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                json!({
                    "name": name, "size": file.content.len(), "sha256": digest.concat(),
                    "modified": format!("$modified{};", file.change),
                })
            })
            .collect();
        let data = json!({"name": asked, "files": listed, "part": 1, "last": true});
        Ok(vec![success("fileList", data)])
    }

    /// All parts of these files.
    pub(super) fn sent(&self, files: &Files) -> Vec<Value> {
        files
            .iter()
            .flat_map(|(name, file)| parts(name, file, self.limits.part_bytes))
            .collect()
    }

    /// The requested name and the files that it means.
    fn read(
        &self,
        me: usize,
        project: &Project,
        name: Option<&str>,
        deep: bool,
    ) -> Result<(String, Files), RequestError> {
        self.check_right(me, Right::Read)?;
        let name = name.unwrap_or("");
        self.check_may_read(me, project)?;
        let (path, is_folder) = normal(name).ok_or(RequestError::Bad)?;
        let deep = deep || name.is_empty();
        let missing = || {
            if is_folder || deep {
                RequestError::ReadPath
            } else {
                RequestError::ReadFile
            }
        };
        let of_pull = self.in_pull(me, project, &path);
        let (path, files) = match &of_pull {
            Some((rest, files)) => (rest.clone(), Some(*files)),
            None => (path, self.projects.get(project)),
        };
        let files = files.ok_or_else(missing)?;
        let is_file = !is_folder && files.contains_key(&path);
        let holds_any = files.keys().any(|file| is_below(file, &path));
        if !(is_file || holds_any || path.is_empty()) {
            return Err(missing());
        }
        let mut meant = files.clone();
        meant.retain(|file, _| {
            if is_file {
                *file == path
            } else {
                let lies_below = is_below(file, &path);
                lies_below && (deep || !file[path.len() + 1..].contains('/'))
            }
        });
        let asked = if path.is_empty() {
            "/".to_owned()
        } else {
            path
        };
        Ok((asked, meant))
    }

    /// The files of the open pull request that the first segment names for the streamer, and the
    /// path in it.
    fn in_pull(&self, me: usize, project: &Project, path: &str) -> Option<(String, &Files)> {
        let is_mine = self.connections[me].is_streamer && self.role_project(me) == Some(project);
        let pulls = self
            .pulls
            .iter()
            .filter(|pull| is_mine && pull.project == *project);
        let mut found = pulls.filter_map(|pull| {
            let rest = path.strip_prefix(&format!("/{}", pull.id()))?;
            Some((rest.to_owned(), &pull.draft.files))
        });
        found.next()
    }
}

/// A file as it is sent.
pub fn parts(name: &str, file: &File, part_bytes: usize) -> Vec<Value> {
    let mut chunks: Vec<_> = file.content.chunks(part_bytes).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let count = chunks.len();
    let part = |(index, chunk): (usize, &&[u8])| {
        let mut data = json!({
            "name": name, "content": base64(chunk), "part": index + 1, "maxPart": count,
        });
        if let Some(base) = &file.base {
            data["base"] = json!(base);
        }
        success("fileGet", data)
    };
    chunks.iter().enumerate().map(part).collect()
}
