//! Turns requests as they come over the wire into commands of the application. Every message
//! becomes exactly one command.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::adapters::inbound::websocket::protocol::base64_content;
use crate::adapters::inbound::websocket::protocol::lenient_value::LenientValue;
use crate::adapters::inbound::websocket::protocol::moderation_parameters::moderation;
use crate::adapters::inbound::websocket::protocol::parameters::{
    base, fault, flag, name, optional, part_number, required,
};
use crate::adapters::inbound::websocket::protocol::pull_request_parameters::{
    applied, apply, creation, deletion, pull_request_id, question,
};
use crate::adapters::inbound::websocket::protocol::request::{
    Context, Data, Request, SectionData, is_authenticate,
};
use crate::application::{
    Authenticate, AuthenticateSection, BadParameters, Checked, Command, DeleteFile, EnterAsGuest,
    FilesQuery, Focus, PartOf, PostFile, ReadFiles, Watch, WatchProject,
};
use crate::domain::{
    ChatSection, Contents, FilePath, FileSection, GuestName, PathQuery, ProjectId, ProjectName,
    PullRequestSection, RoomName, Sections, Streaming, UserName,
};

/// Reads one message. `binary` says whether it came as a binary one.
pub(crate) fn read_command(message: &[u8], binary: bool) -> (Command, Context) {
    let request = match Request::read(message) {
        Ok(request) => request,
        Err(fault) if is_authenticate(message) => {
            return (Command::Authenticate(Err(fault)), Context::default());
        }
        Err(fault) => return (Command::Malformed(fault), Context::default()),
    };
    match request.context() {
        Ok(context) => (command(&request, binary), context),
        Err((context, fault)) => (malformed(&request, fault), context),
    }
}

/// A request with an invalid envelope; an invalid `authenticate` counts as a failed one.
fn malformed(request: &Request<'_>, fault: BadParameters) -> Command {
    match &request.kind {
        LenientValue::Text(kind) if kind == "authenticate" => Command::Authenticate(Err(fault)),
        _ => Command::Malformed(fault),
    }
}

fn command(request: &Request<'_>, binary: bool) -> Command {
    let LenientValue::Text(kind) = &request.kind else {
        return Command::Malformed(BadParameters::new("type must be a text"));
    };
    let data = match &request.data {
        LenientValue::Object(data) => Ok(&**data),
        _ => Err(BadParameters::new("data must be an object")),
    };
    if kind == "authenticate" {
        return Command::Authenticate(data.and_then(authenticate));
    }
    let LenientValue::Text(subtype) = &request.subtype else {
        return Command::Malformed(BadParameters::new("subtype must be a text"));
    };
    match (kind.as_ref(), subtype.as_ref()) {
        ("file", "auth") => section_form(data, |data| {
            let file = Some(file_section(data)?);
            Ok(Sections {
                file,
                ..Sections::default()
            })
        }),
        ("file", "get") => Command::GetFiles(data.and_then(read_files)),
        ("file", "list") => Command::ListFiles(data.and_then(read_files)),
        ("file", "post") => Command::PostFile(data.and_then(|data| post_file(data, binary))),
        ("file", "delete") => Command::DeleteFile(data.and_then(delete_file)),
        ("file", "watch") => Command::WatchProject(data.and_then(watch_project)),
        ("file", "unwatch") => Command::UnwatchProject(data.and_then(project_of)),
        ("file", "status") => Command::ProjectStatus(data.and_then(project_of)),
        ("file", "focus") => Command::Focus(data.and_then(focus)),
        ("pullrequest", "auth") => section_form(data, |data| {
            let pull_request = Some(pull_request_section(data)?);
            Ok(Sections {
                pull_request,
                ..Sections::default()
            })
        }),
        ("pullrequest", "creation") => Command::CreatePullRequest(data.and_then(creation)),
        ("pullrequest", "finish") => Command::FinishPullRequest,
        ("pullrequest", "get") => Command::GetPullRequest(data.and_then(pull_request_id)),
        ("pullrequest", "delete") => Command::DeletePullRequest(data.and_then(deletion)),
        ("pullrequest", "apply") => Command::ApplyPullRequest(data.and_then(apply)),
        ("pullrequest", "accept") => Command::AcceptPullRequest(data.and_then(question)),
        ("pullrequest", "applied") => Command::AppliedPullRequest(data.and_then(applied)),
        ("pullrequest", "list") => Command::ListPullRequests,
        ("chat", "auth") => section_form(data, |data| {
            let chat = Some(chat_section(data)?);
            Ok(Sections {
                chat,
                ..Sections::default()
            })
        }),
        ("chat", "message") => Command::SendMessage(
            data.and_then(|data| required("message", &data.message))
                .map(Arc::from),
        ),
        ("chat", "history") => Command::ChatHistory(history_limit(&request.data)),
        ("chat", "members") => Command::ChatMembers,
        ("chat", "listen") => {
            Command::Listen(data.and_then(|data| name("room", &data.room, RoomName::parse)))
        }
        ("chat", "leave") => Command::LeaveRoom,
        ("guest", "enter") => Command::EnterAsGuest(data.and_then(enter_as_guest)),
        request => moderation(request, data).unwrap_or_else(unknown),
    }
}

/// A request that does not exist.
fn unknown() -> Command {
    Command::Malformed(BadParameters::new("type or subtype is unknown"))
}

fn authenticate(data: &Data<'_>) -> Checked<Authenticate> {
    let token = required("token", &data.token)?.to_owned();
    let sections = Sections {
        file: section("file", &data.file, file_section)?,
        chat: section("chat", &data.chat, chat_section)?,
        pull_request: section("pullrequest", &data.pullrequest, pull_request_section)?,
    };
    Ok(Authenticate { token, sections })
}

fn section<T>(
    name: &str,
    value: &LenientValue<'_, SectionData<'_>>,
    read: fn(&SectionData<'_>) -> Checked<T>,
) -> Checked<Option<T>> {
    match value {
        LenientValue::Absent => Ok(None),
        LenientValue::Object(data) => read(data).map(Some),
        _ => Err(fault(format!("{name} must be an object"))),
    }
}

/// The separate forms of authentication: the data itself is a section, and optionally has a token.
/// An error in the section counts only once it is clear that there is a token.
fn section_form(
    data: Checked<&Data<'_>>,
    read: fn(&SectionData<'_>) -> Checked<Sections>,
) -> Command {
    let token = data
        .as_ref()
        .map_or(Ok(None), |data| optional("token", &data.token));
    let section = data.and_then(|data| {
        read(&SectionData {
            username: data.username.clone(),
            project: data.project.clone(),
            streamer: data.streamer.clone(),
            room: data.room.clone(),
            present: data.present.clone(),
            applies: data.applies.clone(),
        })
    });
    Command::AuthenticateSection(token.map(|token| AuthenticateSection {
        token: token.map(str::to_owned),
        section,
    }))
}

fn file_section(data: &SectionData<'_>) -> Checked<FileSection> {
    let usual = Streaming::default();
    Ok(FileSection {
        project: ProjectId {
            streamer: name("username", &data.username, UserName::parse)?,
            name: name("project", &data.project, ProjectName::parse)?,
        },
        streaming: Streaming {
            present: flag("present", &data.present)?.unwrap_or(usual.present),
            applies: flag("applies", &data.applies)?.unwrap_or(usual.applies),
        },
    })
}

fn chat_section(data: &SectionData<'_>) -> Checked<ChatSection> {
    Ok(ChatSection {
        username: name("username", &data.username, UserName::parse)?,
        room: name("room", &data.room, RoomName::parse)?,
    })
}

fn pull_request_section(data: &SectionData<'_>) -> Checked<PullRequestSection> {
    Ok(PullRequestSection {
        username: name("username", &data.username, UserName::parse)?,
        project: ProjectId {
            streamer: name("streamer", &data.streamer, UserName::parse)?,
            name: name("project", &data.project, ProjectName::parse)?,
        },
    })
}

fn project_of(data: &Data<'_>) -> Checked<ProjectId> {
    Ok(ProjectId {
        streamer: name("username", &data.username, UserName::parse)?,
        name: name("project", &data.project, ProjectName::parse)?,
    })
}

fn watch_project(data: &Data<'_>) -> Checked<WatchProject> {
    Ok(WatchProject {
        project: project_of(data)?,
        watch: watch(data),
    })
}

fn watch(data: &Data<'_>) -> Checked<Watch> {
    let contents = match &data.content {
        LenientValue::Absent | LenientValue::Bool(true) => Contents::All,
        LenientValue::Bool(false) => Contents::Of(BTreeSet::new()),
        LenientValue::Texts(names) if names.len() <= Contents::MOST_NAMES => {
            let names = names.iter().map(|name| FilePath::parse_for_post(name));
            Contents::Of(names.collect::<Result<_, _>>()?)
        }
        _ => {
            let fault = "content must be true, false or a list of at most 256 names";
            return Err(BadParameters::new(fault));
        }
    };
    Ok(Watch {
        contents: Arc::new(contents),
        presence: flag("presence", &data.presence)?.unwrap_or(false),
    })
}

fn focus(data: &Data<'_>) -> Checked<Focus> {
    Ok(Focus {
        path: FilePath::parse_for_post(required("name", &data.name)?)?,
        line: part_number("line", &data.line)?,
    })
}

fn read_files(data: &Data<'_>) -> Checked<ReadFiles> {
    Ok(ReadFiles {
        project: project_of(data)?,
        files: files_query(data),
    })
}

fn files_query(data: &Data<'_>) -> Checked<FilesQuery> {
    let name = optional("name", &data.name)?.unwrap_or_default();
    let recursively = flag("recursively", &data.recursively)?.unwrap_or(false);
    // Without a name the whole project is meant, always with its sub-folders.
    Ok(FilesQuery {
        path: PathQuery::parse(name)?,
        recursively: recursively || name.is_empty(),
        hashes: flag("hashes", &data.hashes)?.unwrap_or(true),
    })
}

fn post_file(data: &Data<'_>, binary: bool) -> Checked<PostFile> {
    let path = FilePath::parse_for_post(required("name", &data.name)?)?;
    let content = required("content", &data.content)?;
    let number = part_number("part", &data.part)?;
    let count = part_number("maxPart", &data.max_part)?;
    let part = match (number, count) {
        (None, None) => None,
        (number, Some(count)) => Some(PartOf { number, count }),
        (Some(_), None) => return Err(BadParameters::new("part needs maxPart")),
    };
    let base = base(&data.base)?;
    let decoded = base64_content::decode(content).ok_or(BadParameters::new(
        "content must be base64 of the standard alphabet",
    ))?;
    Ok(PostFile {
        path,
        content: decoded.bytes.into(),
        part,
        chars: decoded.chars,
        padded: decoded.padded,
        binary,
        base,
        executable: flag("executable", &data.executable)?,
    })
}

fn delete_file(data: &Data<'_>) -> Checked<DeleteFile> {
    let query = PathQuery::parse(required("name", &data.name)?)?;
    let path = query
        .path
        .ok_or(BadParameters::from(crate::domain::FilePathError::NoFile))?;
    Ok(DeleteFile {
        path,
        means_folder: query.means_folder,
        base: base(&data.base)?,
    })
}

fn history_limit(data: &LenientValue<'_, Data<'_>>) -> Checked<Option<usize>> {
    let data = match data {
        LenientValue::Absent => return Ok(None),
        LenientValue::Object(data) => data,
        _ => return Err(BadParameters::new("data must be an object")),
    };
    match &data.limit {
        LenientValue::Absent => Ok(None),
        LenientValue::Integer(limit) if *limit >= 1 => {
            Ok(Some(usize::try_from(*limit).unwrap_or(usize::MAX)))
        }
        _ => Err(BadParameters::new("limit must be an integer of at least 1")),
    }
}

fn enter_as_guest(data: &Data<'_>) -> Checked<EnterAsGuest> {
    Ok(EnterAsGuest {
        project: ProjectId {
            streamer: name("streamer", &data.streamer, UserName::parse)?,
            name: name("project", &data.project, ProjectName::parse)?,
        },
        name: name("name", &data.name, GuestName::parse),
    })
}
