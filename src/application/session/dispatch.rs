//! Which use case carries out a command.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::application::auth::authenticate::{authenticate, authenticate_section};
use crate::application::chat::history::chat_history;
use crate::application::chat::leave::leave_room;
use crate::application::chat::listen::listen;
use crate::application::chat::members::chat_members;
use crate::application::chat::message::send_message;
use crate::application::command::Command;
use crate::application::files::delete_file::delete_file;
use crate::application::files::focus::focus;
use crate::application::files::post_file::post_file;
use crate::application::files::project_status::project_status;
use crate::application::files::read_files::{get_files, list_files};
use crate::application::files::watch_project::{unwatch_project, watch_project};
use crate::application::guests::enter::enter_as_guest;
use crate::application::outcome::CommandOutcome;
use crate::application::pull_requests::apply::{
    accept_pull_request, applied_pull_request, apply_pull_request,
};
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
    let now = app.now();
    match command {
        Command::Malformed(fault) => CommandOutcome::Refused(fault.into()),
        Command::Authenticate(request) => run(authenticate(app, session, request, now)).await,
        Command::AuthenticateSection(request) => {
            run(authenticate_section(app, session, request, now)).await
        }
        Command::GetFiles(request) => run(get_files(app, session, request, now)).await,
        Command::ListFiles(request) => run(list_files(app, session, request, now)).await,
        Command::PostFile(request) => post_file(app, session, request, now).await.into(),
        Command::DeleteFile(request) => run(delete_file(app, session, request, now)).await,
        Command::WatchProject(project) => watch_project(app, session, project, now).into(),
        Command::UnwatchProject(project) => unwatch_project(app, session, project, now).into(),
        Command::ProjectStatus(project) => run(project_status(app, session, project, now)).await,
        Command::Focus(request) => focus(app, session, request, now).into(),
        Command::CreatePullRequest(request) => {
            run(create_pull_request(app, session, request, now)).await
        }
        Command::FinishPullRequest => run(finish_pull_request(app, session, now)).await,
        Command::GetPullRequest(id) => run(get_pull_request(app, session, id, now)).await,
        Command::DeletePullRequest(request) => {
            run(delete_pull_request(app, session, request, now)).await
        }
        Command::ListPullRequests => run(list_pull_requests(app, session, now)).await,
        Command::ApplyPullRequest(request) => {
            run(apply_pull_request(app, session, request, now)).await
        }
        Command::AcceptPullRequest(request) => {
            accept_pull_request(app, session, request, now).into()
        }
        Command::AppliedPullRequest(request) => {
            applied_pull_request(app, session, request, now).into()
        }
        Command::SendMessage(text) => send_message(app, session, text, now).into(),
        Command::ChatHistory(limit) => chat_history(app, session, limit, now).into(),
        Command::ChatMembers => chat_members(app, session, now).into(),
        Command::Listen(room) => listen(app, session, room, now).into(),
        Command::LeaveRoom => leave_room(app, session, now).into(),
        Command::EnterAsGuest(request) => run(enter_as_guest(app, session, request, now)).await,
    }
}

/// Runs a use case in a box, as its future is large and rare: most connections are idle most of the
/// time, and each has room for the others.
async fn run(use_case: impl Future<Output: Into<CommandOutcome>> + Send) -> CommandOutcome {
    use_case.boxed().await.into()
}
