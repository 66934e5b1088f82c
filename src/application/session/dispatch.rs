//! Which use case carries out a command.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::application::auth::authenticate::authenticate;
use crate::application::auth::authenticate::authenticate_section;
use crate::application::chat::history::chat_history;
use crate::application::chat::leave::leave_room;
use crate::application::chat::members::chat_members;
use crate::application::chat::message::send_message;
use crate::application::command::Command;
use crate::application::files::delete_file::delete_file;
use crate::application::files::post_file::post_file;
use crate::application::files::project_status::project_status;
use crate::application::files::read_files::get_files;
use crate::application::files::read_files::list_files;
use crate::application::files::watch_project::unwatch_project;
use crate::application::files::watch_project::watch_project;
use crate::application::outcome::CommandOutcome;
use crate::application::pull_requests::creation::create_pull_request;
use crate::application::pull_requests::delete::delete_pull_request;
use crate::application::pull_requests::finish::finish_pull_request;
use crate::application::pull_requests::get::get_pull_request;
use crate::application::pull_requests::list::list_pull_requests;
use crate::application::service::Application;
use crate::application::session::state::Session;

/// Carries out one command of a connection. Changes of a project come back as
/// [`CommandOutcome::Commit`], so that the caller can carry out several at once.
pub async fn execute(
    app: &Arc<Application>,
    session: &mut Session,
    command: Command,
) -> CommandOutcome {
    let now = app.ports.clock.now();
    // Large and rare futures are boxed: most connections are idle most of the time, and each has
    // room for the others.
    match command {
        Command::Malformed(fault) => CommandOutcome::Refused(fault.into()),
        Command::Authenticate(request) => authenticate(app, session, request, now).boxed().await,
        Command::AuthenticateSection(request) => {
            authenticate_section(app, session, request, now)
                .boxed()
                .await
        }
        Command::GetFiles(request) => get_files(app, session, request, now).boxed().await,
        Command::ListFiles(request) => list_files(app, session, request, now).boxed().await,
        Command::PostFile(request) => post_file(app, session, request, now).await,
        Command::DeleteFile(request) => delete_file(app, session, request, now).boxed().await,
        Command::WatchProject(project) => watch_project(app, session, project, now).into(),
        Command::UnwatchProject(project) => unwatch_project(app, session, project, now).into(),
        Command::ProjectStatus(project) => project_status(app, session, project, now)
            .boxed()
            .await
            .into(),
        Command::CreatePullRequest(request) => create_pull_request(app, session, request, now)
            .boxed()
            .await
            .into(),
        Command::FinishPullRequest => finish_pull_request(app, session, now).boxed().await.into(),
        Command::GetPullRequest(id) => get_pull_request(app, session, id, now).boxed().await,
        Command::DeletePullRequest(request) => delete_pull_request(app, session, request, now)
            .boxed()
            .await
            .into(),
        Command::ListPullRequests => match list_pull_requests(app, session, now).boxed().await {
            Ok(pages) => CommandOutcome::PullRequests(pages),
            Err(refusal) => CommandOutcome::Refused(refusal),
        },
        Command::SendMessage(text) => send_message(app, session, text, now).into(),
        Command::ChatHistory(limit) => chat_history(app, session, limit, now).into(),
        Command::ChatMembers => chat_members(app, session, now).into(),
        Command::LeaveRoom => leave_room(app, session, now).into(),
    }
}
