//! How a message is read, and how its error is written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use file_ws_server::adapters::inbound::websocket::fuzzing::{self, Reading};
use file_ws_server::application::{BadParameters, Command, PostFile, RequestError};
use serde_json::Value;

/// Reads any bytes as a message. They make the same command as text and as binary, and each fault
/// gets one error that says what is wrong and which request it answers.
pub fn message(data: &[u8]) {
    let binary = fuzzing::read(data, true);
    let text = fuzzing::read(data, false);
    // The obvious reading, with which the server's own is compared.
    let request: Option<Value> = serde_json::from_slice(data).ok();
    for reading in [&binary, &text] {
        if request.as_ref().is_some_and(|request| !request.is_object()) {
            assert!(matches!(reading.command, Command::Malformed(_)));
        }
        refused(reading, request.as_ref());
    }
    same(text.command, binary.command, request.as_ref());
}

/// Both kinds of messages mean the same, except that a post knows how it came.
fn same(text: Command, binary: Command, request: Option<&Value>) {
    match (text, binary) {
        (Command::PostFile(Ok(text)), Command::PostFile(Ok(binary))) => {
            if let Some(request) = request {
                posted(&text, request);
            }
            assert!(binary.binary && !text.binary);
            let as_text = PostFile {
                binary: false,
                ..binary
            };
            assert_eq!(as_text, text);
        }
        (Command::ChatHistory(Ok(limit)), Command::ChatHistory(Ok(other))) => {
            assert_eq!(limit, other);
            assert_ne!(limit, Some(0));
        }
        (text, binary) => assert_eq!(format!("{text:?}"), format!("{binary:?}")),
    }
}

/// The content of a post is what its base64 says, and no other base64 says the same.
fn posted(post: &PostFile, request: &Value) {
    let content = request["data"]["content"].as_str().expect("a text");
    let letters: String = content
        .split(|letter: char| letter.is_ascii_whitespace())
        .collect();
    assert_eq!(post.chars, letters.len());
    assert_eq!(post.padded, letters.ends_with('='));
    assert_eq!(
        STANDARD_NO_PAD.encode(&post.content),
        letters.trim_end_matches('=')
    );
    if let Some(part) = post.part {
        let range = 1..=0x7fff_ffff;
        assert!(range.contains(&part.count));
        assert!(part.number.is_none_or(|number| range.contains(&number)));
        assert_eq!(request["data"]["maxPart"], part.count);
    }
    let base = post.base.map(|base| base.to_string());
    assert_eq!(base.as_deref(), request["data"]["base"].as_str());
    assert!(!post.path.as_str().ends_with('/'));
}

/// Each error that the message can meet is one JSON object that belongs to it.
fn refused(reading: &Reading, request: Option<&Value>) {
    // An `authenticate` with an invalid `ref` counts as a failed one, so it is unknown here
    // whether there should be a `ref`.
    let sound = !matches!(
        reading.command,
        Command::Malformed(_) | Command::Authenticate(Err(_))
    );
    if let Some(fault) = fault(&reading.command) {
        let error = error(reading, &RequestError::BadParameters(fault.clone()));
        assert_eq!(error["code"], 400);
        assert_eq!(error["type"], "badParametersError");
        assert_eq!(error["message"].as_str(), Some(fault.to_string().as_str()));
        belongs(&error, "file", request, sound);
        if let Some(request) = request
            && fault.0.starts_with("ref ")
        {
            assert!(!is_reference(&request["ref"]), "a good ref is refused");
        }
    }
    let error = error(reading, &RequestError::UnreadablePath);
    assert_eq!(error["code"], 409);
    assert_eq!(error["type"], "failReadPathError");
    let path = error["path"].as_str().expect("a path");
    let message = format!("Path {path} doesn't exist or cannot be read");
    assert_eq!(error["message"].as_str(), Some(message.as_str()));
    if path != "/" {
        belongs(&error, "path", request, sound);
    }
}

/// Whether this may be a `ref`; null is none.
fn is_reference(value: &Value) -> bool {
    let most = 1_i64 << 53;
    value.is_null()
        || value.as_str().is_some_and(|text| text.len() <= 128)
        || value
            .as_i64()
            .is_some_and(|number| (-most..=most).contains(&number))
}

/// A longer name is not repeated in an error.
const MAX_NAME_BYTES: usize = 4_097;

/// The `ref` and the name come back exactly as they were sent, or not at all.
fn belongs(error: &Value, member: &str, request: Option<&Value>, sound: bool) {
    // The server ignores unknown members, and need not read them as closely as this does.
    let Some(request) = request else {
        return;
    };
    let sent = &request["ref"];
    let back = &error["ref"];
    if sound {
        assert_eq!(back, sent);
    } else {
        assert!(back.is_null() || back == sent);
    }
    let name = &request["data"]["name"];
    let carried = request["type"] == "file"
        && name
            .as_str()
            .is_some_and(|name| name.len() <= MAX_NAME_BYTES);
    if sound && carried {
        assert_eq!(&error[member], name);
    } else {
        assert!(error[member].is_null() || carried && error[member] == *name);
    }
}

/// The text of the one unmasked frame that an error consists of, as JSON.
fn error(reading: &Reading, refusal: &RequestError) -> Value {
    let frame = reading.refused(refusal);
    assert_eq!(frame[0], 0x81, "one whole text frame");
    let (length, header) = match frame[1] {
        126 => (u64::from(u16::from_be_bytes([frame[2], frame[3]])), 4),
        127 => {
            let length = frame[2..10].try_into().expect("eight bytes");
            (u64::from_be_bytes(length), 10)
        }
        short => (u64::from(short), 2),
    };
    let payload = &frame[header..];
    assert_eq!(payload.len() as u64, length);
    let error: Value = serde_json::from_slice(payload).expect("valid JSON");
    assert!(error.is_object());
    error
}

fn fault(command: &Command) -> Option<&BadParameters> {
    match command {
        Command::Malformed(fault) | Command::AuthenticateSection(Err(fault)) => Some(fault),
        Command::Authenticate(checked) => checked.as_ref().err(),
        Command::AuthenticateSection(Ok(form)) => form.section.as_ref().err(),
        Command::GetFiles(checked) | Command::ListFiles(checked) => checked.as_ref().err(),
        Command::PostFile(checked) => checked.as_ref().err(),
        Command::DeleteFile(checked) => checked.as_ref().err(),
        Command::WatchProject(checked) => checked.as_ref().err(),
        Command::UnwatchProject(checked) | Command::ProjectStatus(checked) => {
            checked.as_ref().err()
        }
        Command::Focus(checked) => checked.as_ref().err(),
        Command::Listen(checked) => checked.as_ref().err(),
        Command::ApplyPullRequest(checked) => checked.as_ref().err(),
        Command::AcceptPullRequest(checked) => checked.as_ref().err(),
        Command::AppliedPullRequest(checked) => checked.as_ref().err(),
        Command::CreatePullRequest(checked) => checked.as_ref().err(),
        Command::GetPullRequest(checked) => checked.as_ref().err(),
        Command::DeletePullRequest(checked) => checked.as_ref().err(),
        Command::SendMessage(checked) | Command::Announce(checked) => checked.as_ref().err(),
        Command::ChatHistory(checked) => checked.as_ref().err(),
        Command::EnterAsGuest(checked) => match checked {
            Ok(entry) => entry.name.as_ref().err(),
            Err(fault) => Some(fault),
        },
        Command::Mute(checked) => checked.as_ref().err(),
        Command::Ban(checked) => checked.as_ref().err(),
        Command::Unmute(checked) | Command::Unban(checked) => checked.as_ref().err(),
        Command::DeleteMessage(checked) => checked.as_ref().err(),
        Command::Slow(checked) => checked.as_ref().err(),
        Command::FinishPullRequest
        | Command::ListPullRequests
        | Command::ChatMembers
        | Command::ShowModeration
        | Command::LeaveRoom => None,
    }
}
