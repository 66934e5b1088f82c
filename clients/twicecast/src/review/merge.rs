//! Contents as texts: which are texts, which are small enough to compare, and how they are merged.

use diffy::{ConflictStyle, IncompleteHunkStyle, MergeOptions};

/// The most lines together that are compared: the time grows with the square of the differences.
const LINES_MAX: usize = 20_000;
/// The most bytes together that are compared.
const BYTES_MAX: usize = 4 << 20;

/// Whether people can read a content as text, in whatever encoding.
pub fn is_text(content: &[u8]) -> bool {
    !content.contains(&0)
}

/// Whether the contents together are too large to compare.
pub fn are_too_large(contents: &[&[u8]]) -> bool {
    let lines = |content: &&[u8]| content.split(|byte| *byte == b'\n').count();
    contents.iter().map(|content| content.len()).sum::<usize>() > BYTES_MAX
        || contents.iter().map(lines).sum::<usize>() > LINES_MAX
}

const BEGIN: &[u8] = b"<<<<<<< ours";
const MIDDLE: &[u8] = b"=======";
const END: &[u8] = b">>>>>>> theirs";

/// Merges two changed contents with their base. What the base contains is in the result only if one
/// of the others still contains it.
///
/// # Errors
///
/// If both have changed the same place, the text with both versions between conflict markers. The
/// markers have the same line ends as the files.
pub fn merged(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let mut options = MergeOptions::new();
    options
        .set_conflict_style(ConflictStyle::Merge)
        .set_incomplete_hunk_style(IncompleteHunkStyle::Git);
    let result = options.merge_bytes(base, ours, theirs);
    let end = line_end(ours, theirs);
    if result.is_ok() || end == LF {
        return result;
    }
    // A last line without a line end would get LF before a marker.
    let padded = [base, ours, theirs].map(|text| with_line_end(text, end));
    let text = options.merge_bytes(&padded[0], &padded[1], &padded[2]);
    text.map_err(|text| with_markers_ended(&text, end, ours.ends_with(LF)))
}

/// Merges two contents without a known base: all differences are between conflict markers.
pub fn conflict(ours: &[u8], theirs: &[u8]) -> Vec<u8> {
    let end = line_end(ours, theirs);
    let (ours, theirs) = (with_line_end(ours, end), with_line_end(theirs, end));
    [BEGIN, end, &ours, MIDDLE, end, &theirs, END, end].concat()
}

const LF: &[u8] = b"\n";
const CRLF: &[u8] = b"\r\n";

/// The line end of most lines, in ours or, if that has none, in theirs.
fn line_end(ours: &[u8], theirs: &[u8]) -> &'static [u8] {
    let text = if ours.contains(&b'\n') { ours } else { theirs };
    let lines = || text.split_inclusive(|byte| *byte == b'\n');
    let with_return = lines().filter(|line| line.ends_with(CRLF)).count();
    let all = lines().filter(|line| line.ends_with(LF)).count();
    if with_return > all - with_return {
        CRLF
    } else {
        LF
    }
}

fn with_line_end(text: &[u8], end: &[u8]) -> Vec<u8> {
    let is_whole = text.is_empty() || text.ends_with(LF);
    [text, if is_whole { b"" } else { end }].concat()
}

/// A text in which the conflict markers have this line end. Its own last line has one only if
/// `is_whole`.
fn with_markers_ended(text: &[u8], end: &[u8], is_whole: bool) -> Vec<u8> {
    let is_marker = |line: &[u8]| [BEGIN, MIDDLE, END].contains(&line);
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let mut lines: Vec<_> = lines
        .map(|line| match line.strip_suffix(LF) {
            Some(marker) if is_marker(marker) => [marker, end].concat(),
            _ => line.to_vec(),
        })
        .collect();
    if let Some(last) = lines.last_mut().filter(|_| !is_whole)
        && let Some(line) = last.strip_suffix(end)
        && !is_marker(line)
    {
        *last = line.to_vec();
    }
    lines.concat()
}

/// Whether a text contains a conflict that has not been resolved.
pub fn has_conflict(text: &[u8]) -> bool {
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    lines.any(|line| line == BEGIN)
        && lines.any(|line| line == MIDDLE)
        && lines.any(|line| line == END)
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
        assert_eq!(
            conflict(b"b\r\nx", b"c"),
            b"<<<<<<< ours\r\nb\r\nx\r\n=======\r\nc\r\n>>>>>>> theirs\r\n"
        );
        // Whichever line has the conflict, all lines have the same line end.
        for (base, ours, theirs) in [
            (&b"a\r\nb"[..], &b"a\r\nours"[..], &b"a\r\ntheirs"[..]),
            (b"a\r\nb\r\nc", b"ours\r\nb\r\nc", b"theirs\r\nb\r\nc"),
            (b"", b"ours\r\n", b"theirs"),
            (b"", b"ours", b"theirs\r\n"),
        ] {
            let text = String::from_utf8(merged(base, ours, theirs).unwrap_err()).unwrap();
            let lone = text.matches('\n').count() - text.matches("\r\n").count();
            assert_eq!(lone, 0, "{text:?}");
        }
        let text = merged(b"a\r\nb\r\nc", b"ours\r\nb\r\nc", b"theirs\r\nb\r\nc");
        assert!(text.unwrap_err().ends_with(b"theirs\r\nb\r\nc"));
        // A file with both line ends is treated like most of its lines.
        assert!(conflict(b"a\nb\nc\r\n", b"d").ends_with(b"theirs\n"));
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
