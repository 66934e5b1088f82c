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
use crate::application::moderation::announce::announce;
use crate::application::moderation::ban::{ban, unban};
use crate::application::moderation::banned::explain_ban;
use crate::application::moderation::delete::delete_message;
use crate::application::moderation::mute::{mute, unmute};
use crate::application::moderation::put_out::heed_summons;
use crate::application::moderation::show::show_moderation;
use crate::application::moderation::slow::slow;
use crate::application::outcome::CommandOutcome;
use crate::application::pull_requests::apply::{
    accept_pull_request, applied_pull_request, apply_pull_request,
};
use crate::application::pull_requests::creation::create_pull_request;
use crate::application::pull_requests::delete::delete_pull_request;
use crate::application::pull_requests::finish::finish_pull_request;
use crate::application::pull_requests::get::get_pull_request;
use crate::application::pull_requests::list::list_pull_requests;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::Timestamp;

/// Carries out one command of a connection. Changes of a project come back as
/// [`CommandOutcome::Commit`], so that the caller can carry out several at once.
pub async fn execute(
    app: &Arc<Application>,
    session: &mut Session,
    command: Command,
) -> CommandOutcome {
    let now = app.now();
    heed_summons(app, session, now);
    let concerns_room = command.concerns_room();
    let outcome = carry_out(app, session, command, now).await;
    match outcome {
        CommandOutcome::Refused(refused @ RequestError::Unauthorized(_)) if concerns_room => {
            CommandOutcome::Refused(explain_ban(app, session, refused, now).boxed().await)
        }
        outcome => outcome,
    }
}

async fn carry_out(
    app: &Arc<Application>,
    session: &mut Session,
    command: Command,
    now: Timestamp,
) -> CommandOutcome {
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
            run(accept_pull_request(app, session, request, now)).await
        }
        Command::AppliedPullRequest(request) => {
            run(applied_pull_request(app, session, request, now)).await
        }
        Command::SendMessage(text) => run(send_message(app, session, text, now)).await,
        Command::ChatHistory(limit) => chat_history(app, session, limit, now).into(),
        Command::ChatMembers => chat_members(app, session, now).await.into(),
        Command::Listen(room) => run(listen(app, session, room, now)).await,
        Command::LeaveRoom => leave_room(app, session, now).into(),
        Command::Mute(request) => run(mute(app, session, request, now)).await,
        Command::Unmute(user) => run(unmute(app, session, user, now)).await,
        Command::Ban(request) => run(ban(app, session, request, now)).await,
        Command::Unban(user) => run(unban(app, session, user, now)).await,
        Command::DeleteMessage(id) => run(delete_message(app, session, id, now)).await,
        Command::Slow(seconds) => run(slow(app, session, seconds, now)).await,
        Command::Announce(text) => run(announce(app, session, text, now)).await,
        Command::ShowModeration => run(show_moderation(app, session, now)).await,
        Command::EnterAsGuest(request) => run(enter_as_guest(app, session, request, now)).await,
    }
}

/// Runs a use case in a box, because its future is large and rare: most connections are idle most
/// of the time, and without the box each would reserve room for it.
async fn run(use_case: impl Future<Output: Into<CommandOutcome>> + Send) -> CommandOutcome {
    use_case.boxed().await.into()
}
