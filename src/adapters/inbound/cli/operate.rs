//! The operator's commands: carried out here if no server runs on the folder, otherwise by that
//! server.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use super::args::Operation;
use super::config::Config;
use super::run::{Failure, print};
use super::target::Target;
use crate::adapters::inbound::control::{self, Request, Response};
use crate::application::ports::{ModerationStore, StoreResources, Stores};
use crate::application::{Moderations, Operator};
use crate::domain::ProjectId;

/// Carries out `operation` on the stores that `open` opens; `None` if a running server has them.
///
/// # Errors
/// Why it cannot be done.
pub async fn operate(
    config: &Config,
    operation: Operation,
    open: impl Future<Output = Result<Option<Stores>, Failure>>,
) -> Result<(), Failure> {
    config.must_have_base_dir()?;
    let stores = open.await?;
    let here = stores.map(|stores| Operator {
        projects: stores.projects,
        pull_requests: stores.pull_requests,
        guests: stores.guests,
        moderations: moderations(stores.moderation),
        events: None,
    });
    let performer = Performer { config, here };
    match operation {
        Operation::Adopt(target) => performer.adopt(&target).await,
        Operation::Rescan(target) => performer.rescan(&target).await,
        Operation::Remove { project, yes } => performer.remove(&project, yes).await,
    }
}

/// The moderation of a store that nobody else uses while the command runs.
fn moderations(store: Arc<dyn ModerationStore>) -> Arc<Moderations> {
    let account = StoreResources::default().memory.shared_account();
    Arc::new(Moderations::new(store, account))
}

struct Performer<'a> {
    config: &'a Config,
    here: Option<Operator>,
}

impl Performer<'_> {
    async fn ask(&self, request: Request) -> Result<Response, Failure> {
        if let Some(operator) = &self.here {
            return Ok(control::carry_out(operator, &request).await);
        }
        control::ask(self.config.base_dir.as_path(), &request).map_err(|error| {
            format!(
                "a server is running on this folder, but cannot be asked: {error}; run the command \
                 as the user that the server runs as"
            )
            .into()
        })
    }

    async fn adopt(&self, target: &Target) -> Result<(), Failure> {
        let base = self.config.base_dir.as_path();
        let (user, project, place) = match target {
            Target::User(user) => (user, None, base.join(user.as_str())),
            Target::Project(ProjectId { streamer, name }) => {
                let place = base.join(streamer.as_str()).join(&*name.file_name());
                (streamer, Some(name.to_string()), place)
            }
        };
        let user = user.to_string();
        let adopted = self.ask(Request::Adopt { user, project }).await?;
        if let Response::Refused(why) = adopted {
            return Err(format!("{} cannot be adopted: {why}", place.display()).into());
        }
        print(&match target {
            Target::User(user) => format!("{user} can have projects now\n"),
            Target::Project(project) => format!("{project} is a project now\n"),
        });
        Ok(())
    }

    async fn rescan(&self, target: &Target) -> Result<(), Failure> {
        if self.here.is_some() {
            print("no server is running on this folder; the next one sees it as it is\n");
            return Ok(());
        }
        let (user, project) = match target {
            Target::User(user) => (user, None),
            Target::Project(ProjectId { streamer, name }) => (streamer, Some(name.to_string())),
        };
        let user = user.to_string();
        match self.ask(Request::Rescan { user, project }).await? {
            Response::Refused(why) => Err(format!("nothing can be looked at anew: {why}").into()),
            Response::Rescanned(files) => {
                print(&format!("files that differ from what was known: {files}\n"));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn remove(&self, id: &ProjectId, yes: bool) -> Result<(), Failure> {
        let (user, project) = (id.streamer.to_string(), id.name.to_string());
        let refused = |why| Err(format!("{id} cannot be removed: {why}").into());
        let holdings = Request::Holdings {
            user: user.clone(),
            project: project.clone(),
        };
        let what = match self.ask(holdings).await? {
            Response::Refused(why) => return refused(why),
            Response::Holdings {
                files,
                bytes,
                pull_requests,
            } => format!("files: {files} ({bytes} bytes), open pull requests: {pull_requests}"),
            _ => String::new(),
        };
        print(&format!("{id} will be deleted; {what}\n"));
        if !yes && !confirmed()? {
            return refused("nobody said yes; --yes deletes without asking".to_owned());
        }
        let removed = self.ask(Request::Remove { user, project }).await?;
        if let Response::Refused(why) = removed {
            return refused(why);
        }
        print(&format!("{id} is removed\n"));
        Ok(())
    }
}

/// Asks on the terminal, if there is one.
fn confirmed() -> std::io::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    print!("Delete it? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
