//! Changes of projects and drafts, watching, status (sections 4 and 6).

use serde_json::{Value, json};

use super::names::{exclude_each_other, is_below, normal};
use super::reading::parts;
use super::uploads::{Piece, Whole};
use super::{Answer, File, Files, RequestError, World, ok, success};
use crate::ask::{Ask, Part, Project, Right, Token};

impl World {
    /// `Ok` if the project may be read.
    pub(super) fn check_may_read(&self, me: usize, project: &Project) -> Result<(), RequestError> {
        let token = self.connections[me].token.as_ref();
        let names = token.is_some_and(|token| token.allows("read") && token.project == *project);
        if self.limits.public_read || names {
            Ok(())
        } else {
            Err(RequestError::Unauthorized)
        }
    }

    pub(super) fn watch(&mut self, me: usize, project: &Project) -> Answer {
        self.check_may_read(me, project)?;
        let watches = &mut self.connections[me].watches;
        if watches.len() >= self.limits.watches && !watches.contains(project) {
            return Err(RequestError::Limit("maxWatches", self.limits.watches));
        }
        watches.insert(project.clone());
        Ok(vec![ok("fileWatch")])
    }

    pub(super) fn unwatch(&mut self, me: usize, project: &Project) -> Answer {
        let connection = &mut self.connections[me];
        let may_read_something = self.limits.public_read || connection.token.is_some();
        // A connection may give up what it watches, whatever project its token names by now.
        if !(may_read_something && connection.watches.remove(project)) {
            self.check_may_read(me, project)?;
        }
        Ok(vec![ok("fileUnwatch")])
    }

    pub(super) fn status(&self, me: usize, project: &Project) -> Answer {
        self.check_may_read(me, project)?;
        let files = self.projects.get(project).ok_or(RequestError::ReadPath)?;
        let all = 0..self.connections.len();
        let receivers = all.filter(|other| self.receives(*other, project)).count();
        let streamers = self.streamed().get(project).copied().unwrap_or(0);
        let data = json!({
            "streamer": streamers > 0,
            "viewers": receivers - streamers,
            "files": files.len(),
            "bytes": bytes(files),
            "maxBytes": self.limits.project_bytes,
            "folders": folders(files),
            "guests": "off",
            "slow": 0,
            "you": self.you(me, project),
        });
        Ok(vec![success("fileStatus", data)])
    }

    /// What the connection may do in the project.
    fn you(&self, me: usize, project: &Project) -> Value {
        let token = self.connections[me].token.as_ref();
        let may = |right: &dyn Fn(&Token) -> bool| token.is_some_and(right);
        json!({
            "name": token.map(|token| &token.user),
            "read": self.check_may_read(me, project).is_ok(),
            // No connection of these histories listens or applies.
            "listen": false,
            "apply": false,
            "chat": may(&|token| token.may_chat(self.limits.public_read)),
            "propose": may(&|token| {
                token.project == *project && token.allows("read") && token.allows("propose")
            }),
            "stream": may(&|token| {
                token.project == *project && token.user == project.streamer
                    && token.rights.is_none()
            }),
            // No token of these histories has the claim `role`.
            "moderate": may(&|token| {
                token.project == *project && token.user == project.streamer
                    && token.rights.is_none()
            }),
        })
    }

    pub(super) fn post(
        &mut self,
        me: usize,
        name: &str,
        content: &[u8],
        part: Option<Part>,
        binary: Option<&str>,
        base: Option<&str>,
    ) -> Answer {
        self.check_right(me, Right::Write)?;
        let (path, is_folder) = normal(name).ok_or(RequestError::Bad)?;
        if is_folder {
            return Err(RequestError::Bad);
        }
        let limits = self.limits;
        let in_draft = self.connections[me].draft.is_some();
        let whole = match part {
            Some(part) => {
                let place = (in_draft, path.clone());
                let uploads = &mut self.connections[me].uploads;
                let (bytes, open) = (limits.file_bytes, limits.open_uploads);
                let piece = Piece {
                    content,
                    part,
                    binary,
                    base,
                };
                match uploads.take(&place, piece, bytes, open)? {
                    Some(whole) => whole,
                    None => return Ok(Vec::new()),
                }
            }
            None if content.len() > limits.file_bytes => {
                return Err(RequestError::Limit("maxFileBytes", limits.file_bytes));
            }
            None => (content.to_vec(), base.map(str::to_owned)),
        };
        self.store(me, &path, whole)?;
        Ok(vec![stored("filePost", name)])
    }

    /// Completes the desktop client's upload that lacks only its last part, unless `next` is that
    /// part.
    pub(super) fn settle(&mut self, me: usize, next: Option<&Ask>) -> Vec<Value> {
        let in_draft = self.connections[me].draft.is_some();
        let next = match next.map(|ask| ask.split_base().0) {
            Some(Ask::Post(name, _, Some(part)) | Ask::PostPiece(name, _, part)) => {
                let path = normal(name).map(|(path, _)| path);
                path.map(|path| ((in_draft, path), *part))
            }
            _ => None,
        };
        let next = next.as_ref().map(|(place, part)| (place, *part));
        let Some(((_, path), whole)) = self.connections[me].uploads.settle(next) else {
            return Vec::new();
        };
        // The answer goes to the request that brought its latest part.
        let (name, reference) = self.connections[me].latest.clone();
        let mut reply = match self.store(me, &path, whole) {
            Ok(()) => stored("filePost", &name),
            Err(error) => error.json(Some(&name)),
        };
        if let Some(reference) = reference {
            reply["ref"] = reference;
        }
        vec![reply]
    }

    fn store(&mut self, me: usize, path: &str, whole: Whole) -> Result<(), RequestError> {
        let in_draft = self.connections[me].draft.is_some();
        let (content, base) = whole;
        let file = File {
            content,
            base: base.filter(|_| in_draft),
            change: self.number(),
        };
        if in_draft {
            self.put_into_draft(me, path, file)
        } else {
            self.put(me, path, &file)
        }
    }

    fn put(&mut self, me: usize, path: &str, file: &File) -> Result<(), RequestError> {
        let limits = self.limits;
        let project = self
            .role_project(me)
            .ok_or(RequestError::Unauthorized)?
            .clone();
        let files = self.projects.entry(project.clone()).or_default();
        let mut after = files.clone();
        after.insert(path.to_owned(), file.clone());
        if after.len() > limits.project_files && after.len() > files.len() {
            return Err(RequestError::Limit("maxProjectFiles", limits.project_files));
        }
        if bytes(&after) > limits.project_bytes && bytes(&after) > bytes(files) {
            return Err(RequestError::Limit("maxProjectBytes", limits.project_bytes));
        }
        if files.keys().any(|other| exclude_each_other(other, path)) {
            return Err(RequestError::WriteFile);
        }
        *files = after;
        for mut part in parts(path, file, limits.part_bytes) {
            part["data"]["username"] = project.streamer.clone().into();
            part["data"]["project"] = project.name.clone().into();
            self.tell_receivers(me, &project, &part);
        }
        Ok(())
    }

    fn put_into_draft(&mut self, me: usize, path: &str, file: File) -> Result<(), RequestError> {
        let limits = self.limits;
        let draft = self.connections[me].draft.as_mut();
        let draft = draft.ok_or(RequestError::Unauthorized)?;
        let mut after = draft.clone();
        after.deleted.remove(path);
        after.files.insert(path.to_owned(), file);
        if after.files.len() + after.deleted.len() > limits.pull_files {
            return Err(RequestError::Limit(
                "maxPullRequestFiles",
                limits.pull_files,
            ));
        }
        if bytes(&after.files) > limits.pull_bytes {
            return Err(RequestError::Limit(
                "maxPullRequestBytes",
                limits.pull_bytes,
            ));
        }
        let mut others = draft.files.keys();
        if others.any(|other| exclude_each_other(other, path)) {
            return Err(RequestError::WriteFile);
        }
        *draft = after;
        Ok(())
    }

    pub(super) fn delete(&mut self, me: usize, name: &str, base: Option<&str>) -> Answer {
        self.check_right(me, Right::Write)?;
        let (path, is_folder) = normal(name).ok_or(RequestError::Bad)?;
        if path.is_empty() {
            return Err(RequestError::Bad);
        }
        let connection = &mut self.connections[me];
        let in_draft = connection.draft.is_some();
        connection.uploads.end_where(|(into_draft, file)| {
            *into_draft == in_draft && (*file == path || is_below(file, &path))
        });
        let meant = |files: &Files| {
            let mut meant: Vec<_> = files.keys().cloned().collect();
            meant.retain(|file| is_below(file, &path) || (*file == path && !is_folder));
            meant
        };
        let project = self
            .role_project(me)
            .ok_or(RequestError::Unauthorized)?
            .clone();
        let of_project = self.projects.get(&project).map(meant).unwrap_or_default();
        if let Some(draft) = &mut self.connections[me].draft {
            let own = meant(&draft.files);
            if own.is_empty() && of_project.is_empty() {
                return Err(RequestError::ReadFile);
            }
            if own.is_empty() {
                let mut after = draft.clone();
                for file in of_project {
                    if file == path {
                        after.deleted.insert(file, base.map(str::to_owned));
                    } else {
                        after.deleted.entry(file).or_default();
                    }
                }
                if after.files.len() + after.deleted.len() > self.limits.pull_files {
                    let limit = self.limits.pull_files;
                    return Err(RequestError::Limit("maxPullRequestFiles", limit));
                }
                *draft = after;
            } else {
                draft.files.retain(|file, _| !own.contains(file));
            }
        } else {
            if of_project.is_empty() {
                return Err(RequestError::ReadFile);
            }
            for file in of_project {
                self.projects
                    .entry(project.clone())
                    .or_default()
                    .remove(&file);
                let data = json!({
                    "message": "OK", "file": file,
                    "username": project.streamer, "project": project.name,
                });
                self.tell_receivers(me, &project, &success("fileDeleted", data));
            }
        }
        Ok(vec![stored("fileDelete", name)])
    }
}

/// How many folders have a file below them.
fn folders(files: &Files) -> usize {
    let names = files.keys().map(String::as_str);
    let folders = names.flat_map(|name| {
        let ends = name.match_indices('/').map(|(end, _)| end);
        ends.filter(|end| *end > 0).map(|end| &name[..end])
    });
    folders.collect::<std::collections::BTreeSet<_>>().len()
}

/// The total length of all files.
fn bytes(files: &Files) -> usize {
    files.values().map(|file| file.content.len()).sum()
}

fn stored(kind: &str, name: &str) -> Value {
    let mut answer = success(kind, json!({"message": "OK", "file": name}));
    answer["message"] = "OK".into();
    answer
}
