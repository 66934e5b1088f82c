//! Contents as texts: which are, which are small enough to compare, and merging them.

use diffy::{ConflictStyle, IncompleteHunkStyle, MergeOptions};

/// Comparing takes time in the square of what differs; more than so many lines together are not
/// compared.
const LINES_MAX: usize = 20_000;
/// Nor more bytes.
const BYTES_MAX: usize = 4 << 20;

/// Whether people read a content as text, in whatever encoding.
pub fn is_text(content: &[u8]) -> bool {
    !content.contains(&0)
}

/// Whether contents together are too much to compare.
pub fn are_too_large(contents: &[&[u8]]) -> bool {
    let lines = |content: &&[u8]| content.split(|byte| *byte == b'\n').count();
    contents.iter().map(|content| content.len()).sum::<usize>() > BYTES_MAX
        || contents.iter().map(lines).sum::<usize>() > LINES_MAX
}

const BEGIN: &[u8] = b"<<<<<<< ours";
const MIDDLE: &[u8] = b"=======";
const END: &[u8] = b">>>>>>> theirs";

/// Merges three ways. What the base holds is in the result only where one of the others holds it
/// too.
///
/// # Errors
///
/// Where both have changed the same, both stand between conflict markers.
pub fn merged(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let mut options = MergeOptions::new();
    options
        .set_conflict_style(ConflictStyle::Merge)
        .set_incomplete_hunk_style(IncompleteHunkStyle::Git)
        .merge_bytes(base, ours, theirs)
        .map_err(|text| with_line_ends_of(ours, &text))
}

/// Two contents of which nobody knows where they come from: all that differs stands between
/// conflict markers.
pub fn conflict(ours: &[u8], theirs: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for (marker, content) in [(BEGIN, ours), (MIDDLE, theirs)] {
        text.extend(marker);
        text.push(b'\n');
        text.extend(content);
        if content.last().is_some_and(|byte| *byte != b'\n') {
            text.push(b'\n');
        }
    }
    text.extend(END);
    text.push(b'\n');
    with_line_ends_of(ours, &text)
}

/// Whether a text holds a conflict that nobody has solved yet.
pub fn has_conflict(text: &[u8]) -> bool {
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    lines.any(|line| line == BEGIN)
        && lines.any(|line| line == MIDDLE)
        && lines.any(|line| line == END)
}

/// A text whose conflict markers end as the lines of `ours` do.
fn with_line_ends_of(ours: &[u8], text: &[u8]) -> Vec<u8> {
    let is_crlf = |line: &[u8]| line.ends_with(b"\r\n");
    let lines = || ours.split_inclusive(|byte| *byte == b'\n');
    if lines().filter(|line| is_crlf(line)).count() * 2 <= lines().count() {
        return text.to_vec();
    }
    let mut with = Vec::with_capacity(text.len() + 16);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(marker) if [BEGIN, MIDDLE, END].contains(&marker) => {
                with.extend(marker);
                with.extend(b"\r\n");
            }
            _ => with.extend(line),
        }
    }
    with
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_stand_on_lines_of_their_own_though_no_text_ends_with_one() {
        assert_eq!(
            merged(b"a\nb", b"a\nours", b"a\ntheirs").unwrap_err(),
            b"a\n<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n"
        );
        assert_eq!(
            conflict(b"ours", b"theirs"),
            b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n"
        );
    }

    #[test]
    fn the_base_is_not_in_a_conflict() {
        let text = merged(b"secret\n", b"ours\n", b"theirs\n").unwrap_err();
        assert!(!text.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn empty_files_are_texts_like_others() {
        assert!(is_text(b""));
        assert_eq!(merged(b"a\n", b"a\n", b""), Ok(Vec::new()));
        assert_eq!(
            merged(b"a\n", b"", b"b\n").unwrap_err(),
            b"<<<<<<< ours\n=======\nb\n>>>>>>> theirs\n"
        );
        assert_eq!(
            conflict(b"", b"b"),
            b"<<<<<<< ours\n=======\nb\n>>>>>>> theirs\n"
        );
    }

    #[test]
    fn line_ends_stay_as_they_are() {
        let base = b"one\r\ntwo\r\nthree\r\nfour\r\n";
        let ours = b"ONE\r\ntwo\r\nthree\r\nfour\r\n";
        let theirs = b"one\r\ntwo\r\nthree\r\nFOUR\r\n";
        assert_eq!(
            merged(base, ours, theirs),
            Ok(b"ONE\r\ntwo\r\nthree\r\nFOUR\r\n".to_vec())
        );
        assert_eq!(
            merged(b"a\r\n", b"b\r\n", b"c\r\n").unwrap_err(),
            b"<<<<<<< ours\r\nb\r\n=======\r\nc\r\n>>>>>>> theirs\r\n"
        );
        assert_eq!(
            conflict(b"b\r\n", b"c\r\n"),
            b"<<<<<<< ours\r\nb\r\n=======\r\nc\r\n>>>>>>> theirs\r\n"
        );
        assert!(has_conflict(&conflict(b"b\r\n", b"c")));
        assert!(!has_conflict(b"a\n=======\n<<<<<<< ours\n"));
    }

    #[test]
    fn sources_in_older_encodings_are_texts() {
        let (base, ours, theirs) = (
            b"gr\xfcn\nx\ny\nrot\n",
            b"gr\xfcn!\nx\ny\nrot\n",
            b"gr\xfcn\nx\ny\nblau\n",
        );
        assert!(is_text(base));
        assert_eq!(
            merged(base, ours, theirs),
            Ok(b"gr\xfcn!\nx\ny\nblau\n".to_vec())
        );
        assert!(!is_text(b"a\0b"));
    }

    #[test]
    fn too_many_lines_or_bytes_are_too_large() {
        let lines = "a\n".repeat(10_000);
        assert!(!are_too_large(&[&lines.as_bytes()[..18_000], b"b"]));
        assert!(are_too_large(&[lines.as_bytes(), lines.as_bytes()]));
        let long = vec![b'x'; BYTES_MAX];
        assert!(!are_too_large(&[&long]) && are_too_large(&[&long, b"y"]));
    }
}
