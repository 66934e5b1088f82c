//! Decides what to do with one file of a pull request, from the contents alone.

use crate::review::merge;

/// What to do with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It has this content already.
    Nothing,
    /// Nothing is there, or the content that its author started from: take the proposed content.
    Take,
    /// Both have changed it, in different places.
    Merged(Vec<u8>),
    /// Both have changed the same places: the text, with conflict markers.
    Conflict(Vec<u8>),
    /// The file here stays; the proposed content is put aside, for this reason.
    Aside(&'static str),
}

/// What is known about the content that the author started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// It is the content here: the author's client says so, or the server has had it since before
    /// the pull request was sent.
    Ours,
    /// It is another content, given if it could be found.
    Other(Option<&'a [u8]>),
}

/// Decides about a file whose content here is `ours` and whose proposed content is `theirs`.
pub fn decide(ours: Option<&[u8]>, theirs: &[u8], start: Start<'_>) -> Decision {
    let Some(ours) = ours else {
        return Decision::Take;
    };
    if ours == theirs {
        return Decision::Nothing;
    }
    let Start::Other(base) = start else {
        return Decision::Take;
    };
    if !merge::is_text(ours) || !merge::is_text(theirs) {
        return Decision::Aside("it is binary, and has changed here meanwhile");
    }
    if merge::are_too_large(&[base.unwrap_or_default(), ours, theirs]) {
        return Decision::Aside("it is too large to merge, and has changed here meanwhile");
    }
    let conflict = match base.filter(|base| merge::is_text(base)) {
        // Without the base, every difference is a conflict.
        None => merge::conflict(ours, theirs),
        Some(base) => match merge::merged(base, ours, theirs) {
            Ok(text) if text == ours => return Decision::Nothing,
            Ok(text) => return Decision::Merged(text),
            Err(text) => text,
        },
    };
    if merge::has_conflict(ours) {
        return Decision::Aside("it holds conflict markers already; solve them first");
    }
    Decision::Conflict(conflict)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "one\ntwo\nthree\nfour\nfive\n";

    fn decided(ours: &str, theirs: &str) -> Decision {
        let start = if ours == BASE {
            Start::Ours
        } else {
            Start::Other(Some(BASE.as_bytes()))
        };
        decide(Some(ours.as_bytes()), theirs.as_bytes(), start)
    }

    #[test]
    fn what_nobody_has_changed_meanwhile_is_taken() {
        assert_eq!(decide(None, b"x", Start::Other(None)), Decision::Take);
        assert_eq!(decided(BASE, "other\n"), Decision::Take);
        assert_eq!(decided("other\n", "other\n"), Decision::Nothing);
        let binary = decide(Some(b"a\0b"), b"a\0c", Start::Ours);
        assert_eq!(binary, Decision::Take);
    }

    #[test]
    fn changes_in_different_places_are_merged() {
        let (ours, theirs) = (BASE.replace("one", "ONE"), BASE.replace("five", "FIVE"));
        let merged = BASE.replace("one", "ONE").replace("five", "FIVE");
        assert_eq!(
            decided(&ours, &theirs),
            Decision::Merged(merged.into_bytes())
        );
    }

    #[test]
    fn changes_in_the_same_place_are_a_conflict_that_loses_neither() {
        let (ours, theirs) = (BASE.replace("two", "ours"), BASE.replace("two", "theirs"));
        let conflict =
            "one\n<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\nthree\nfour\nfive\n";
        assert_eq!(decided(&ours, &theirs), Decision::Conflict(conflict.into()));
    }

    #[test]
    fn a_base_that_cannot_be_found_makes_a_conflict_that_loses_neither() {
        let decision = decide(Some(b"ours\n"), b"theirs", Start::Other(None));
        let conflict = b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n";
        assert_eq!(decision, Decision::Conflict(conflict.to_vec()));
    }

    #[test]
    fn what_was_merged_before_is_so_already_and_no_conflict_goes_into_another() {
        let (ours, theirs) = (BASE.replace("one", "ONE"), BASE.replace("five", "FIVE"));
        let Decision::Merged(merged) = decided(&ours, &theirs) else {
            panic!("nothing to merge");
        };
        let again = decided(&String::from_utf8(merged).unwrap(), &theirs);
        assert_eq!(again, Decision::Nothing);
        let (ours, theirs) = (BASE.replace("two", "ours"), BASE.replace("two", "theirs"));
        let Decision::Conflict(conflict) = decided(&ours, &theirs) else {
            panic!("no conflict");
        };
        let again = decided(&String::from_utf8(conflict).unwrap(), &theirs);
        assert!(matches!(again, Decision::Aside(_)), "{again:?}");
    }

    #[test]
    fn what_cannot_be_merged_is_put_aside() {
        let large = "line\n".repeat(20_000);
        for (ours, theirs) in [
            (&b"a\0b"[..], &b"a\0c"[..]),
            (b"text", b"\0"),
            (b"text", large.as_bytes()),
        ] {
            let decision = decide(Some(ours), theirs, Start::Other(Some(b"base")));
            assert!(matches!(decision, Decision::Aside(_)));
        }
    }
}
