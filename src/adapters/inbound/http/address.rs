//! What an address means (protocol, section 8).

use percent_encoding::percent_decode_str;

use crate::domain::{ProjectId, ProjectName, UserName};

/// Where the parts of the page are.
const PARTS: &str = "/-/viewer/";

/// What a request asks for, by the path of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// Whether the process lives.
    Health,
    /// Whether the server serves.
    Readiness,
    /// The page.
    Page,
    /// The page, at an address with a slash too many: the one without.
    Moved(String),
    /// A part of the page.
    Part(String),
    /// The licences of what the page uses.
    Licences,
}

impl Address {
    /// What `path` means, as it stands in the request; `None`: nothing.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/healthz" | "/healthz/" => return Some(Self::Health),
            "/readyz" | "/readyz/" => return Some(Self::Readiness),
            "/" => return Some(Self::Page),
            "/-/licenses" => return Some(Self::Licences),
            _ => {}
        }
        if let Some(part) = path.strip_prefix(PARTS) {
            return Some(Self::Part(part.to_owned()));
        }
        let bare = path.strip_suffix('/').unwrap_or(path);
        let (streamer, project) = bare.strip_prefix('/')?.split_once('/')?;
        if streamer == "-" {
            return None;
        }
        project_of(streamer, project)?;
        Some(if bare == path {
            Self::Page
        } else {
            Self::Moved(bare.to_owned())
        })
    }
}

/// The project that two segments of an address name.
fn project_of(streamer: &str, project: &str) -> Option<ProjectId> {
    if project.contains('/') {
        return None;
    }
    Some(ProjectId {
        streamer: UserName::parse(&decoded(streamer)?).ok()?,
        name: ProjectName::parse(&decoded(project)?).ok()?,
    })
}

/// A segment of an address as the text that it means, if it is one.
fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_mean_what_the_table_says() {
        let long = format!("/{}/demo", "a".repeat(256));
        let moved = |to: &str| Some(Address::Moved(to.into()));
        let part = |path: &str| Some(Address::Part(path.into()));
        for (path, expected) in [
            ("/", Some(Address::Page)),
            ("/healthz", Some(Address::Health)),
            ("/readyz", Some(Address::Readiness)),
            ("/-/licenses", Some(Address::Licences)),
            ("/-/viewer/style.css", part("style.css")),
            ("/-/viewer/src/main.js", part("src/main.js")),
            ("/-/viewer/../../x", part("../../x")),
            ("/ana/demo", Some(Address::Page)),
            ("/ana/demo/", moved("/ana/demo")),
            ("/ana/a%2Fb%5C%25", Some(Address::Page)),
            ("/ana/a%2fb/", moved("/ana/a%2fb")),
            ("/%C3%A9va/caf%C3%A9%20x", Some(Address::Page)),
            ("/ws/demo", Some(Address::Page)),
            ("/healthz/demo", Some(Address::Page)),
            ("/ana", None),
            ("/ana/", None),
            ("/ana//", None),
            ("//demo", None),
            ("//evil.example/", None),
            ("/%5Cevil.example/x/", None),
            ("/a%2Fb/demo", None),
            ("/.ana/demo", None),
            ("/%2Eana/demo", None),
            ("/../demo", None),
            ("/ana/..", None),
            ("/ana/%2e%2e", None),
            ("/ana/demo/more", None),
            ("/ana/demo//", None),
            ("/ana/%00", None),
            ("/ana/%0Ax", None),
            ("/ana/%FF", None),
            ("/-/demo", None),
            ("/-/viewer", None),
            ("/favicon.ico", None),
            (&long, None),
            ("", None),
            ("*", None),
        ] {
            assert_eq!(Address::of(path), expected, "{path}");
        }
    }
}
