//! What a folder remembers about its server and project: it is a copy of the project, or the
//! project is shared from it.

use std::path::{Path, PathBuf};

use twicecast_client::untrusted::shown;

use crate::credentials::claims::TokenView;
use crate::credentials::flags::{AddressSource, CommonArgs};
use crate::credentials::local_share;
use crate::credentials::purpose::{Purpose, Role};
use crate::replica::kind;
use crate::ui::output::warn;

/// What a folder remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The folder.
    dir: PathBuf,
    /// The server's address.
    url: String,
    streamer: String,
    project: String,
    /// The streamer's own token, if the server is that of a running `share --local`.
    pub token: Option<String>,
    /// Whether the project is shared from this folder, so that the user is the streamer.
    is_shared: bool,
}

impl Origin {
    /// Reads what the folder remembers in which, or for which, a command runs. Returns `None` if it
    /// remembers nothing, or the flags or the token name another user, streamer or project.
    pub fn of(
        purpose: Purpose,
        dir: Option<&Path>,
        common: &CommonArgs,
        token: Option<&TokenView>,
    ) -> Option<Self> {
        let dir = dir.unwrap_or(Path::new("."));
        let local = purpose.is_of_a_streamer().then(|| Self::local(dir, common));
        local.flatten().or_else(|| {
            let origin = Self::lasting(purpose, dir)?;
            origin.fits(purpose, common, token).then_some(origin)
        })
    }

    fn local(dir: &Path, common: &CommonArgs) -> Option<Self> {
        let share = local_share::find(None, dir, |share| is_of(common, share))?;
        Some(Self {
            dir: share.dir,
            url: share.url,
            streamer: share.streamer,
            project: share.project,
            token: Some(share.token),
            is_shared: true,
        })
    }

    fn lasting(purpose: Purpose, dir: &Path) -> Option<Self> {
        let marked = match purpose {
            // The user alone says where a folder is shared, and a token that is only printed goes
            // nowhere.
            Purpose::Share | Purpose::Token | Purpose::Doctor => return None,
            // Only this folder itself counts, because it is the one to be filled.
            Purpose::Read => kind::of(dir).filter(|marked| !marked.is_shared()),
            _ => kind::above(dir).iter().find_map(|dir| kind::of(dir)),
        }?;
        let is_shared = marked.is_shared();
        // A copy remembers the project, but does not make the user its streamer.
        let is_usable = !marked.url.is_empty() && (is_shared || purpose.role() == Role::Viewer);
        is_usable.then_some(Self {
            dir: marked.path,
            url: marked.url,
            streamer: marked.streamer,
            project: marked.project,
            token: None,
            is_shared,
        })
    }

    fn fits(&self, purpose: Purpose, common: &CommonArgs, token: Option<&TokenView>) -> bool {
        let is = |flag: &Option<String>, in_token: Option<&String>, name: &str| {
            (flag.as_ref().or(in_token)).is_none_or(|given| given == name)
        };
        let streamer = token.and_then(|token| token.streamername.as_ref());
        let streamer = streamer.filter(|_| purpose.role() == Role::Viewer);
        let project = token.and_then(|token| token.streamname.as_ref());
        is(&common.streamer, streamer, &self.streamer)
            && is(&common.project, project, &self.project)
    }

    /// Fills in what the flags do not say. An address that the user gave takes precedence. If it
    /// comes from the variable and the folder has another one, the user is told.
    pub fn complete(&self, common: &mut CommonArgs) {
        let is_same = common.url.trim_end_matches('/') == self.url.trim_end_matches('/');
        match common.url_source {
            AddressSource::Default if !is_same => {
                common.url.clone_from(&self.url);
                // The address of a share that runs here comes from the share itself.
                if self.token.is_none() {
                    common.url_source = AddressSource::Folder;
                }
            }
            AddressSource::Environment if !is_same => {
                let [theirs, dir, url] =
                    [&self.url, &*self.dir.to_string_lossy(), &common.url].map(shown);
                let is = if self.is_shared {
                    "is shared at"
                } else {
                    "came from"
                };
                warn(&format!(
                    "TWICECAST_URL says {url}, and {dir} {is} {theirs}; the variable counts. If \
                     you \
                     mean the other, give --url {theirs}."
                ));
            }
            _ => {}
        }
        common.streamer.get_or_insert_with(|| self.streamer.clone());
        common.project.get_or_insert_with(|| self.project.clone());
    }

    /// The user's name, if the folder tells it.
    pub fn user(&self) -> Option<String> {
        self.is_shared.then(|| self.streamer.clone())
    }
}

/// Whether the flags name nothing that differs from a share.
pub fn is_of(common: &CommonArgs, share: &local_share::LocalShare) -> bool {
    let same = |given: &Option<String>, name| given.as_ref().is_none_or(|given| given == name);
    same(&common.user, &share.streamer)
        && same(&common.streamer, &share.streamer)
        && same(&common.project, &share.project)
}
