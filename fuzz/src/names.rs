//! Names of users, projects, rooms and files, against the contract's sentences about them.

use file_ws_server::domain::{
    FilePath, FilePathError, PathQuery, ProjectName, PullRequestId, RoomName, UserName,
};

/// Reads any bytes as a name of each kind: it is rightly refused, or has its normal form.
pub fn names(data: &[u8]) {
    // Bytes that are not UTF-8 are refused before they become a name.
    let name = String::from_utf8_lossy(data);
    short_names(&name);
    file_names(&name);
    if let Some(id) = PullRequestId::parse(&name) {
        assert_eq!(id.to_string(), name);
    }
}

fn short_names(name: &str) {
    let text = !name.is_empty() && name.len() <= 255 && !name.chars().any(char::is_control);
    let component = text && !name.contains(['/', '\\']) && name != "." && name != "..";
    let user = component && !name.starts_with('.');

    let room = RoomName::parse(name);
    assert_eq!(room.is_ok(), text);
    assert!(room.is_ok_and(|room| room.as_str() == name) || !text);
    let encoded = name.len() + 2 * name.matches(['/', '\\', '%']).count();
    let fits = text && encoded <= 255 && name != "." && name != "..";
    let project = ProjectName::parse(name);
    assert_eq!(project.is_ok(), fits);
    if let Ok(project) = project {
        assert_eq!(project.as_str(), name);
        let file_name = project.file_name();
        assert_eq!(file_name.len(), encoded);
        assert!(!file_name.contains(['/', '\\']));
        let found = ProjectName::from_file_name(&file_name);
        assert_eq!(found.as_ref(), Some(&project));
    }
    if let Some(project) = ProjectName::from_file_name(name) {
        assert_eq!(project.file_name(), name);
    }
    let parsed = UserName::parse(name);
    assert_eq!(parsed.is_ok(), user);
    assert!(parsed.is_ok_and(|parsed| parsed.as_str() == name) || !user);
}

fn file_names(name: &str) {
    let segments: Vec<&str> = name
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."))
        .collect();
    // The leading slash of the normal form does not count.
    let bytes = segments.join("/").len();
    let allowed = bytes <= 4_096
        && segments.len() <= 64
        && segments.iter().all(|segment| {
            *segment != ".."
                && segment.len() <= 255
                && !segment
                    .chars()
                    .any(|letter| letter == '\\' || letter.is_control())
        });

    let query = PathQuery::parse(name);
    let parsed = FilePath::parse(name);
    let posted = FilePath::parse_for_post(name);
    assert_eq!(query.is_ok(), allowed);
    assert_eq!(parsed.is_ok(), allowed && !segments.is_empty());
    let Ok(query) = query else {
        assert!(posted.is_err());
        return;
    };
    assert_eq!(query.path, parsed.clone().ok());
    assert_eq!(
        query.means_folder,
        segments.is_empty() || name.ends_with('/')
    );
    assert_eq!(query.name(), format!("/{}", segments.join("/")));
    let Ok(path) = parsed else {
        assert_eq!(parsed, Err(FilePathError::NoFile));
        assert_eq!(posted, Err(FilePathError::NoFile));
        return;
    };
    assert_eq!(posted.is_ok(), !name.ends_with('/'));
    normal(&path, &segments);
}

/// `path` consists of `segments` and nothing else, however it is read.
fn normal(path: &FilePath, segments: &[&str]) {
    assert!(path.segments().eq(segments.iter().copied()));
    let shown = path.to_string();
    assert_eq!(shown, path.as_str());
    assert!(shown.starts_with('/') && !shown.contains('\\'));
    assert_eq!(FilePath::parse(&shown).as_ref(), Ok(path));
    assert_eq!(FilePath::parse_for_post(&shown).as_ref(), Ok(path));

    let (first, rest) = path.split_first();
    assert_eq!(first, segments[0]);
    assert_eq!(rest.is_some(), segments.len() > 1);
    if let Some(rest) = rest {
        assert!(rest.segments().eq(segments[1..].iter().copied()));
    }

    let (last, above) = segments.split_last().expect("at least one");
    let folder = FilePath::parse(&above.join("/")).ok();
    assert_eq!(FilePath::join(folder.as_ref(), last).as_ref(), Ok(path));
    assert!(path.touches(path) && !path.is_below(path));
    if let Some(folder) = folder {
        assert!(path.is_below(&folder) && !folder.is_below(path));
        assert!(path.touches(&folder) && folder.touches(path));
    }
}
