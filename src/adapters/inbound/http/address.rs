//! What an address means (protocol, section 8).

use percent_encoding::percent_decode_str;

use crate::domain::{FilePath, ProjectId, ProjectName, UserName};

/// Where the parts of the page are.
pub(super) const PARTS: &str = "/-/viewer/";

/// Stands in place of a streamer's name in addresses other than a project's page.
const NOBODY: &str = "-";

/// How many digits the version of a page has.
pub(super) const VERSION_DIGITS: usize = 16;

/// What a request asks for, by the path of its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// Whether the process lives.
    Health,
    /// Whether the server serves.
    Readiness,
    /// The page.
    Page,
    /// The page, at an address with a slash too many; holds the address without it.
    Moved(String),
    /// A part of the page, and the version of the page that it is asked for.
    Part {
        path: String,
        version: Option<String>,
    },
    /// The licences of what the page uses.
    Licences,
    /// The list of a project's files.
    List(ProjectId),
    /// One file of a project.
    File(ProjectId, FilePath),
    /// All files of a project in a zip.
    Zip(ProjectId),
}

impl Address {
    /// What `path` means, as it stands in the request; `None` if it means nothing.
    pub fn of(path: &str) -> Option<Self> {
        match path {
            "/healthz" | "/healthz/" => return Some(Self::Health),
            "/readyz" | "/readyz/" => return Some(Self::Readiness),
            "/" => return Some(Self::Page),
            "/-/licenses" => return Some(Self::Licences),
            _ => {}
        }
        if let Some(part) = path.strip_prefix(PARTS) {
            return Some(part_of(part));
        }
        if let Some(own) = path.strip_prefix("/-/") {
            return Self::of_project(own);
        }
        let bare = path.strip_suffix('/').unwrap_or(path);
        let (streamer, project) = bare.strip_prefix('/')?.split_once('/')?;
        let project = project_of(streamer, project)?;
        if project.streamer.as_str() == NOBODY {
            return None;
        }
        Some(if bare == path {
            Self::Page
        } else {
            Self::Moved(bare.to_owned())
        })
    }

    /// What an address below `/-/` means.
    fn of_project(path: &str) -> Option<Self> {
        let (what, rest) = path.split_once('/')?;
        let (streamer, rest) = rest.split_once('/')?;
        match what {
            "files" => Some(Self::List(project_of(streamer, rest)?)),
            "zip" => Some(Self::Zip(project_of(streamer, rest)?)),
            "raw" => {
                let (project, path) = rest.split_once('/')?;
                Some(Self::File(project_of(streamer, project)?, file_of(path)?))
            }
            _ => None,
        }
    }
}

/// The part of the page that the rest of an address names.
fn part_of(path: &str) -> Address {
    let is_version = |text: &str| {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        text.len() == VERSION_DIGITS && text.bytes().all(is_digit)
    };
    let versioned = path.split_once('/');
    let versioned = versioned.filter(|(version, _)| is_version(version));
    let (version, path) = versioned.map_or((None, path), |(version, path)| (Some(version), path));
    Address::Part {
        path: path.to_owned(),
        version: version.map(str::to_owned),
    }
}

/// The file that the rest of an address names.
fn file_of(path: &str) -> Option<FilePath> {
    if path.ends_with('/') {
        return None;
    }
    let mut name = String::new();
    for segment in path.split('/') {
        let segment = decoded(segment)?;
        // `FilePath::parse` refuses a `\` by itself.
        if segment.contains('/') {
            return None;
        }
        name.push('/');
        name.push_str(&segment);
    }
    FilePath::parse(&name).ok()
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

/// Decodes a segment of an address; `None` if it is not UTF-8.
fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_project_has_is_found_by_names_that_are_decoded_once() {
        let project = |streamer: &str, name: &str| ProjectId {
            streamer: UserName::parse(streamer).expect("valid"),
            name: ProjectName::parse(name).expect("valid"),
        };
        let demo = || project("ana", "demo");
        let file = |project, path: &str| {
            let path = FilePath::parse(path).expect("valid");
            Some(Address::File(project, path))
        };
        for (path, expected) in [
            ("files/ana/demo", Some(Address::List(demo()))),
            ("zip/ana/demo", Some(Address::Zip(demo()))),
            (
                "zip/ana/a%2Fb%255C",
                Some(Address::Zip(project("ana", "a/b%5C"))),
            ),
            ("files/-/x", Some(Address::List(project("-", "x")))),
            ("raw/ana/demo/a", file(demo(), "/a")),
            (
                "raw/ana/demo/src/m%20%C3%A9.rs",
                file(demo(), "/src/m \u{e9}.rs"),
            ),
            ("raw/ana/a%2Fb/d/f", file(project("ana", "a/b"), "/d/f")),
            ("raw/ana/demo//a/./b", file(demo(), "/a/b")),
            ("raw/ana/demo/%252e%252e", file(demo(), "/%2e%2e")),
            ("raw/ana/demo/a%3Fb%23c", file(demo(), "/a?b#c")),
            ("raw/ana/demo/..", None),
            ("raw/ana/demo/%2e%2e/x", None),
            ("raw/ana/demo/a/%2E./x", None),
            ("raw/ana/demo/..%2f..%2fetc", None),
            ("raw/ana/demo/a%2Fb", None),
            ("raw/ana/demo/a%5Cb", None),
            ("raw/ana/demo/a%00", None),
            ("raw/ana/demo/a%0A", None),
            ("raw/ana/demo/a%FF", None),
            ("raw/ana/demo/a/", None),
            ("raw/ana/demo/", None),
            ("raw/ana/demo", None),
            ("raw/ana/../demo/a", None),
            ("raw/%2e%2e/demo/a", None),
            ("raw/.ana/demo/a", None),
            ("files/ana/demo/", None),
            ("files/ana/demo/a", None),
            ("files/ana", None),
            ("zip/ana/demo/", None),
            ("zip//demo", None),
            ("other/ana/demo", None),
            ("files", None),
            ("", None),
        ] {
            assert_eq!(Address::of(&format!("/-/{path}")), expected, "{path}");
        }
        let long = format!("/-/raw/ana/demo/{}", "a".repeat(256));
        assert_eq!(Address::of(&long), None);
    }

    #[test]
    fn addresses_mean_what_the_table_says() {
        let long = format!("/{}/demo", "a".repeat(256));
        let moved = |to: &str| Some(Address::Moved(to.into()));
        let part = |path: &str| {
            let path = path.to_owned();
            let version = None;
            Some(Address::Part { path, version })
        };
        let versioned = Address::Part {
            path: "src/main.js".into(),
            version: Some("0123456789abcdef".into()),
        };
        for (path, expected) in [
            ("/", Some(Address::Page)),
            ("/healthz", Some(Address::Health)),
            ("/readyz", Some(Address::Readiness)),
            ("/-/licenses", Some(Address::Licences)),
            ("/-/viewer/style.css", part("style.css")),
            ("/-/viewer/src/main.js", part("src/main.js")),
            ("/-/viewer/0123456789abcdef/src/main.js", Some(versioned)),
            ("/-/viewer/0123456789ABCDEF/x", part("0123456789ABCDEF/x")),
            ("/-/viewer/0123456789abcde/x", part("0123456789abcde/x")),
            ("/-/viewer/0123456789abcdef", part("0123456789abcdef")),
            ("/-/viewer/../../x", part("../../x")),
            ("/ana/demo", Some(Address::Page)),
            ("/ana/demo/", moved("/ana/demo")),
            ("/ana/a%2Fb%5C%25", Some(Address::Page)),
            ("/ana/a%2fb/", moved("/ana/a%2fb")),
            ("/%C3%A9va/caf%C3%A9%20x", Some(Address::Page)),
            ("/ws/demo", Some(Address::Page)),
            ("/healthz/demo", Some(Address::Page)),
            ("/-/demo", None),
            ("/%2D/demo", None),
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
