//! Errors on the wire (section 2).

use serde_json::{Value, json};

use crate::ask::FOR_LONG;

/// Why a request is refused.
pub enum RequestError {
    Bad,
    BadBecause(&'static str),
    BadNaming(String),
    Unauthorized,
    Muted,
    Banned,
    ReadFile,
    ReadPath,
    WriteFile,
    Limit(&'static str, usize),
}

impl RequestError {
    /// Its form on the wire, if `name` was requested.
    pub fn json(self, name: Option<&str>) -> Value {
        let shown = name.filter(|name| !name.is_empty()).unwrap_or("/");
        let (code, kind, message) = match &self {
            Self::Bad => (400, "badParametersError", "$text".to_owned()),
            Self::BadBecause(sentence) => (400, "badParametersError", (*sentence).to_owned()),
            Self::BadNaming(what) => (400, "badParametersError", format!("$naming {what}")),
            Self::Unauthorized | Self::Muted | Self::Banned => {
                (401, "badAuthError", "$text".to_owned())
            }
            Self::ReadFile => {
                let message = format!("File {shown} doesn't exist or cannot be read");
                (409, "failReadFileError", message)
            }
            Self::ReadPath => {
                let message = format!("Path {shown} doesn't exist or cannot be read");
                (409, "failReadPathError", message)
            }
            Self::WriteFile => {
                let message = format!("File {shown} cannot be created or written");
                (409, "failWriteFileError", message)
            }
            Self::Limit(key, value) => {
                let message = format!("the limit {key} of {value} would be exceeded");
                (413, "limitExceededError", message)
            }
        };
        let mut answer = json!({"code": code, "type": kind, "message": message});
        match self {
            Self::ReadPath => answer["path"] = shown.into(),
            Self::Muted => answer["until"] = FOR_LONG.into(),
            Self::Banned => {
                answer["banned"] = true.into();
                answer["until"] = FOR_LONG.into();
            }
            _ => {
                if let Some(name) = name {
                    answer["file"] = name.into();
                }
            }
        }
        answer
    }
}
