//! Checks before the first file is sent or deleted whether this is the folder that the person
//! means. It uses a connection without a role, so nobody notices.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;
use twicecast_client::protocol;
use twicecast_client::protocol::ServerMessage;

use crate::credentials::login;
use crate::credentials::{Credentials, Role};
use crate::failure::Failure;
use crate::fs::fingerprint::Fingerprint;
use crate::names::{FileName, shown};
use crate::publish::foreign::Approved;
use crate::publish::known::Known;
use crate::publish::look::Found;
use crate::publish::plan::{self, Plan, Remote};
use crate::ui::output::{counted, first_names};
use crate::{connection, listing};

const TOKEN: u64 = 1;
const STATUS: u64 = 2;
const LIST: u64 = 3;

/// The person is asked about more deletions than this, or about half of what the server has.
const DELETIONS_MAX: usize = 5;
/// The person is asked about a folder with this many files.
const FILES_MANY: usize = 20_000;

/// What the server has at the moment.
#[derive(Debug, Default)]
pub struct There {
    files: BTreeMap<FileName, Remote>,
    has_streamer: bool,
}

/// What the first sync would do.
#[derive(Debug, Default)]
pub struct Intent {
    /// What would be sent and deleted.
    pub plan: Plan,
    /// How many files the server has.
    pub there: usize,
    /// How many files would be shared.
    pub here: usize,
    /// Whether somebody streams into the project at this moment.
    pub has_streamer: bool,
}

/// Asks the server what it has. A project that does not exist has nothing.
///
/// # Errors
///
/// Why there is no answer.
pub async fn ask(credentials: &Credentials) -> Result<There, Failure> {
    let token = credentials.token()?.unwrap_or_default();
    let (outgoing, mut incoming) = connection::connect(&credentials.url, None).await?;
    let login = json!({"type": "authenticate", "ref": TOKEN, "data": {"token": token}});
    let status = protocol::status(STATUS, &credentials.streamer, &credentials.project);
    for request in [login.to_string(), status] {
        outgoing.send(request).await;
    }
    let mut has_streamer = false;
    loop {
        match incoming.next().await? {
            (Some(TOKEN), ServerMessage::Error(error)) => {
                return Err(login::refused(credentials, Role::Streamer, &error));
            }
            (Some(STATUS), ServerMessage::Reply(reply)) => {
                has_streamer = reply.data["streamer"] == true;
                break;
            }
            // The server does not tell, or has no such project.
            (Some(STATUS), _) => break,
            _ => {}
        }
    }
    let listed = listing::list(&outgoing, &mut incoming, credentials, LIST, &mut |_| {}).await;
    let files = match listed {
        Ok((listed, _)) => plan::known(listed).0,
        Err(failure) if failure.is_not_yet() => BTreeMap::new(),
        Err(failure) => return Err(failure),
    };
    drop(outgoing);
    incoming.finish().await;
    Ok(There {
        files,
        has_streamer,
    })
}

impl Intent {
    /// What the first sync would do with a folder in which `found` was found. `hash` reads a file
    /// that has the same size on the server, if that is worth the time.
    pub fn of(
        there: There,
        found: &Found,
        hash: impl FnMut(&FileName) -> Option<(Remote, Option<Fingerprint>)>,
    ) -> Self {
        let mut known = Known::default();
        let count = there.files.len();
        known.listed(there.files);
        Self {
            plan: known.plan("", found, hash),
            there: count,
            here: found.files.len(),
            has_streamer: there.has_streamer,
        }
    }

    /// What may be deleted once all questions are answered.
    pub fn approved(self) -> Approved {
        Approved::Deletions(self.plan.delete.into_iter().collect::<BTreeSet<_>>())
    }

    /// The question to ask before that is done, if there is one.
    pub fn question(&self, dir: &str, project: &str) -> Option<String> {
        let (dir, project) = (shown(dir), shown(project));
        let mut text = String::new();
        if self.has_streamer {
            let _ = write!(
                text,
                "Somebody shares {project} already, perhaps you in another window; each of you \
                 would overwrite what the other sends. "
            );
        }
        let gone = self.plan.delete.len();
        // In a small project half is much: a single name in common does not make it the same
        // project.
        if gone > DELETIONS_MAX || (gone > 0 && gone * 2 >= self.there) {
            let _ = write!(
                text,
                "{} of the {} that the server has of {project} would be deleted, since {dir} does \
                 not have them: {}. ",
                gone,
                counted(self.there, "file"),
                first_names(&self.plan.delete)
            );
        }
        if self.here >= FILES_MANY {
            let _ = write!(text, "{dir} has {} files to share. ", self.here);
        }
        (!text.is_empty()).then(|| text.trim_end().to_owned())
    }
}

/// The question to ask before a folder is even searched, if there is one: people hardly ever mean
/// their home folder, or one that contains it.
pub fn question_of_home(dir: &Path, home: Option<&Path>) -> Option<String> {
    if dir.parent().is_none() {
        return Some("/ is everything that this computer holds.".to_owned());
    }
    let home = std::fs::canonicalize(home?).ok()?;
    home.starts_with(dir).then(|| {
        format!(
            "{} {} your home folder, with all that is in it.",
            shown(&dir.to_string_lossy()),
            if home == dir { "is" } else { "holds" }
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(deletions: usize, there: usize, here: usize) -> Intent {
        let name = |i| FileName::parse(&format!("/f{i}")).unwrap();
        Intent {
            plan: Plan {
                delete: (0..deletions).map(name).collect(),
                ..Plan::default()
            },
            there,
            here,
            has_streamer: false,
        }
    }

    #[test]
    fn what_would_destroy_much_is_asked_for_and_the_ordinary_is_not() {
        for (deletions, there, here, asked) in [
            (0, 0, 10, false),
            (5, 11, 10, false),
            (4, 5, 10, true),
            (6, 100, 10, true),
            (1, 1, 10, true),
            (0, 0, 19_999, false),
            (0, 0, 20_000, true),
        ] {
            let question = intent(deletions, there, here).question("/d", "ana/demo");
            assert_eq!(question.is_some(), asked, "{deletions} {there} {here}");
        }
        let mut other = intent(0, 0, 1);
        other.has_streamer = true;
        assert!(other.question("/d", "ana/demo").is_some());
        let question = intent(7, 9, 1).question("/d", "ana/demo").unwrap();
        assert!(question.contains("7 of the 9 files") && question.contains("/f0, /f1"));
    }

    #[test]
    fn a_home_folder_and_what_holds_it_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        let home = dir.join("home");
        std::fs::create_dir_all(home.join("project")).unwrap();
        assert!(question_of_home(&home, Some(&home)).is_some());
        assert!(question_of_home(&dir, Some(&home)).is_some());
        assert!(question_of_home(&home.join("project"), Some(&home)).is_none());
        assert!(question_of_home(&home, None).is_none());
        assert!(question_of_home(Path::new("/"), None).is_some());
    }
}
