//! Names of files and folders.

/// A name's path, `/` first (empty for the project's own folder), and whether only a folder can be
/// meant; `None` for a name that breaks the rules.
pub fn normal(name: &str) -> Option<(String, bool)> {
    let mut path = String::new();
    for segment in name.split('/') {
        if segment == ".." || segment.contains('\\') || segment.contains(char::is_control) {
            return None;
        }
        if !segment.is_empty() && segment != "." {
            path.push('/');
            path.push_str(segment);
        }
    }
    let folder = path.is_empty() || name.ends_with('/');
    Some((path, folder))
}

/// Whether `path` lies below `folder`.
pub fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Whether a file at one path excludes a file at the other.
pub fn exclude_each_other(one: &str, other: &str) -> bool {
    is_below(one, other) || is_below(other, one)
}
