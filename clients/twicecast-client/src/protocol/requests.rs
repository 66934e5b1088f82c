//! What is sent to the server, as text.

use serde::Serialize;
use serde_json::{Value, json};

/// Asks for a role with a token; `section` is `file`, `pullrequest` or `chat`.
pub fn authenticate(reference: u64, token: &str, section: &str, names: &Value) -> String {
    json!({"type": "authenticate", "ref": reference, "data": {"token": token, section: names}})
        .to_string()
}

/// Asks for a project's live updates.
pub fn watch(reference: u64, streamer: &str, project: &str) -> String {
    file_request(
        "watch",
        reference,
        &json!({"username": streamer, "project": project}),
    )
}

/// Asks for a project's live updates, and to be told how many view it.
pub fn watch_presence(reference: u64, streamer: &str, project: &str) -> String {
    let data = json!({"username": streamer, "project": project, "presence": true});
    file_request("watch", reference, &data)
}

/// Asks for the names, sizes and hashes of a whole project.
pub fn list(reference: u64, streamer: &str, project: &str) -> String {
    file_request(
        "list",
        reference,
        &json!({"username": streamer, "project": project, "recursively": true}),
    )
}

/// Asks for the state of a project.
pub fn status(reference: u64, streamer: &str, project: &str) -> String {
    let data = json!({"username": streamer, "project": project});
    file_request("status", reference, &data)
}

/// Asks for one file, or for the whole project if no name is given.
pub fn get(reference: u64, streamer: &str, project: &str, name: Option<&str>) -> String {
    let data = match name {
        Some(name) => json!({"username": streamer, "project": project, "name": name}),
        None => json!({"username": streamer, "project": project, "recursively": true}),
    };
    file_request("get", reference, &data)
}

/// Asks for the open pull requests.
pub fn pull_requests(reference: u64) -> String {
    json!({"type": "pullrequest", "subtype": "list", "ref": reference}).to_string()
}

/// Asks for a pull request's files.
pub fn pull_request_get(reference: u64, id: &str) -> String {
    pull_request("get", reference, &json!({"id": id}))
}

/// Ends a pull request; `outcome` is `merged` or `closed`.
pub fn pull_request_delete(reference: u64, id: &str, outcome: &str) -> String {
    pull_request("delete", reference, &json!({"id": id, "outcome": outcome}))
}

/// Asks whether the streamer's page still wants what it asked for in question number `request`.
pub fn pull_request_accept(reference: u64, request: u64) -> String {
    pull_request("accept", reference, &json!({"request": request}))
}

/// Says how question number `request` ended; `outcome` is `applied`, `partly`, `declined` or
/// `failed`.
pub fn pull_request_applied(
    reference: u64,
    request: u64,
    outcome: &str,
    conflicts: &[&str],
    message: &str,
) -> String {
    let data = json!({
        "request": request, "outcome": outcome, "conflicts": conflicts, "message": message,
    });
    pull_request("applied", reference, &data)
}

/// Says where the streamer is looking: at a file, and at a line, counted from 1.
pub fn focus(reference: u64, name: &str, line: Option<u32>) -> String {
    let data = match line {
        Some(line) => json!({"name": name, "line": line}),
        None => json!({"name": name}),
    };
    file_request("focus", reference, &data)
}

/// Begins a pull request.
pub fn pull_request_creation(reference: u64, title: &str, description: &str) -> String {
    let data = json!({"title": title, "description": description});
    pull_request("creation", reference, &data)
}

/// Sends the pull request that was begun.
pub fn pull_request_finish(reference: u64) -> String {
    json!({"type": "pullrequest", "subtype": "finish", "ref": reference}).to_string()
}

fn pull_request(subtype: &str, reference: u64, data: &Value) -> String {
    json!({"type": "pullrequest", "subtype": subtype, "ref": reference, "data": data}).to_string()
}

/// Asks for a file to be deleted. `base` is the SHA-256 of the content whose deletion a pull
/// request proposes.
pub fn delete(reference: u64, name: &str, base: Option<&str>) -> String {
    let data = match base {
        Some(base) => json!({"name": name, "base": base}),
        None => json!({"name": name}),
    };
    file_request("delete", reference, &data)
}

fn file_request(subtype: &str, reference: u64, data: &Value) -> String {
    json!({"type": "file", "subtype": subtype, "ref": reference, "data": data}).to_string()
}

#[derive(Serialize)]
struct Post<'a> {
    r#type: &'static str,
    subtype: &'static str,
    r#ref: u64,
    data: PostData<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_part: Option<u64>,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable: Option<bool>,
}

/// Sends a file, or one part of it: `part` is its number, from 1, and the number of all parts.
/// `base`, for a pull request, is the SHA-256 of the content that it was made from. `executable`
/// sets or clears the executable bit; `None` leaves it as the server has it.
///
/// # Errors
///
/// Only if the serialiser fails.
pub fn post(
    reference: u64,
    name: &str,
    part: Option<(u64, u64)>,
    base64: &str,
    base: Option<&str>,
    executable: Option<bool>,
) -> Result<String, serde_json::Error> {
    let data = PostData {
        name,
        part: part.map(|p| p.0),
        max_part: part.map(|p| p.1),
        content: base64,
        base,
        executable,
    };
    serde_json::to_string(&Post {
        r#type: "file",
        subtype: "post",
        r#ref: reference,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_of_one_message_has_no_parts_and_a_part_has_both_numbers() {
        let whole: Value =
            serde_json::from_str(&post(7, "/a\"b", None, "QQ==", None, None).unwrap()).unwrap();
        assert_eq!(
            whole,
            json!({"type":"file","subtype":"post","ref":7,"data":{"name":"/a\"b","content":"QQ=="}})
        );
        let part: Value =
            serde_json::from_str(&post(7, "/a", Some((2, 3)), "", None, None).unwrap()).unwrap();
        assert_eq!(
            part["data"],
            json!({"name":"/a","content":"","part":2,"maxPart":3})
        );
    }
}
