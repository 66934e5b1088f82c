//! Copies that editors make of a file beside it: what the file's own name forbids, they must not
//! give away.

/// The full name of the file that this one looks like a copy of, if it does.
pub fn original(full: &str) -> Option<String> {
    let (folder, leaf) = full.rsplit_once('/')?;
    let plain = plain(leaf).filter(|plain| !plain.is_empty())?;
    Some(format!("{folder}/{plain}"))
}

fn plain(leaf: &str) -> Option<&str> {
    const ENDINGS: [&str; 10] = [
        "~",
        ".bak",
        ".backup",
        ".orig",
        ".old",
        ".save",
        ".tmp",
        ".new",
        "___jb_tmp___",
        "___jb_old___",
    ];
    if let Some(inner) = leaf.strip_prefix('#') {
        // Emacs saves by itself.
        return inner.strip_suffix('#').or(Some(inner));
    }
    if let Some(inner) = leaf.strip_prefix(".#") {
        return Some(inner);
    }
    // Vim's swap files: .swp, .swo, …
    if let Some(inner) = leaf.strip_prefix('.')
        && let Some((inner, ending)) = inner.rsplit_once('.')
        && ending.len() == 3
        && ending.starts_with("sw")
    {
        return Some(inner);
    }
    ENDINGS.iter().find_map(|ending| leaf.strip_suffix(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copies_that_editors_make_are_known_by_their_names() {
        for (copy, of) in [
            ("/a/..env.swp", Some("/a/.env")),
            ("/.server.key.swo", Some("/server.key")),
            ("/#.env#", Some("/.env")),
            ("/.#.env", Some("/.env")),
            ("/.env~", Some("/.env")),
            ("/server.key.bak", Some("/server.key")),
            ("/.env___jb_tmp___", Some("/.env")),
            ("/src/main.rs", None),
            ("/.env", None),
            ("/~", None),
        ] {
            assert_eq!(original(copy).as_deref(), of, "{copy}");
        }
    }
}
