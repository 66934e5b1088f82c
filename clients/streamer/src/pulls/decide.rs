//! What becomes of one file that a pull request proposes: pure, from the contents alone.

/// What is to be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is so already.
    Nothing,
    /// Nothing is there, or what its author started from: take what is proposed.
    Take,
    /// Both have changed it, in different places.
    Merged(String),
    /// Both have changed the same places: the text, with conflict markers.
    Conflict(String),
    /// What is there stays; what is proposed is put aside, for this reason.
    Aside(&'static str),
    /// What is proposed replaces it, though it may have changed meanwhile, for this reason.
    Replace(&'static str),
}

/// Decides about a file of which `ours` is there and `theirs` is proposed. `base` is whether a base is known, and its
/// content, where that could be found; `is_unchanged` whether ours is what the author started from.
pub fn decide(
    ours: Option<&[u8]>,
    theirs: &[u8],
    has_base: bool,
    is_unchanged: bool,
    base: Option<&[u8]>,
) -> Decision {
    let Some(ours) = ours else {
        return Decision::Take;
    };
    if ours == theirs {
        return Decision::Nothing;
    }
    if has_base && is_unchanged {
        return Decision::Take;
    }
    let (Some(our_text), Some(their_text)) = (text(ours), text(theirs)) else {
        return Decision::Aside("it is binary, and has changed here meanwhile");
    };
    if !has_base {
        return Decision::Replace("its author's client does not say what he started from");
    }
    match base.map(text) {
        // Without the base all that differs is a conflict.
        None | Some(None) => match diffy::merge("", our_text, their_text) {
            Ok(text) | Err(text) => Decision::Conflict(text),
        },
        Some(Some(base)) => match diffy::merge(base, our_text, their_text) {
            Ok(text) => Decision::Merged(text),
            Err(text) => Decision::Conflict(text),
        },
    }
}

/// The content as a text, if it is one.
pub fn text(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "one\ntwo\nthree\nfour\nfive\n";

    fn decided(ours: &str, theirs: &str, base: Option<&str>) -> Decision {
        let is_unchanged = base == Some(ours);
        decide(
            Some(ours.as_bytes()),
            theirs.as_bytes(),
            true,
            is_unchanged,
            base.map(str::as_bytes),
        )
    }

    #[test]
    fn what_nobody_has_changed_meanwhile_is_taken() {
        assert_eq!(decide(None, b"x", false, false, None), Decision::Take);
        assert_eq!(decide(None, b"x", true, false, None), Decision::Take);
        assert_eq!(decided(BASE, "other\n", Some(BASE)), Decision::Take);
        assert_eq!(decided("other\n", "other\n", Some(BASE)), Decision::Nothing);
    }

    #[test]
    fn changes_in_different_places_are_merged() {
        let (ours, theirs) = (BASE.replace("one", "ONE"), BASE.replace("five", "FIVE"));
        let merged = BASE.replace("one", "ONE").replace("five", "FIVE");
        assert_eq!(
            decided(&ours, &theirs, Some(BASE)),
            Decision::Merged(merged)
        );
    }

    #[test]
    fn changes_in_the_same_place_are_a_conflict_that_loses_neither() {
        let (ours, theirs) = (BASE.replace("two", "ours"), BASE.replace("two", "theirs"));
        let Decision::Conflict(text) = decided(&ours, &theirs, Some(BASE)) else {
            panic!("no conflict");
        };
        for word in [
            "<<<<<<<", "ours\n", "=======", "theirs\n", ">>>>>>>", "one\n", "five\n",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }

    #[test]
    fn a_base_that_cannot_be_found_makes_a_conflict_that_loses_neither() {
        let ours = BASE.replace("two", "ours");
        let Decision::Conflict(text) =
            decide(Some(ours.as_bytes()), BASE.as_bytes(), true, false, None)
        else {
            panic!("no conflict");
        };
        assert!(text.contains("ours\n") && text.contains("two\n"), "{text}");
    }

    #[test]
    fn a_binary_file_that_has_changed_is_left_alone_and_one_that_has_not_is_taken() {
        let decision = decide(Some(b"a\0b"), b"a\0c", true, false, Some(b"a\0"));
        assert!(matches!(decision, Decision::Aside(_)));
        assert_eq!(
            decide(Some(b"a\0b"), b"a\0c", true, true, None),
            Decision::Take
        );
        // A text that becomes binary, too.
        let decision = decide(Some(b"text"), &[0xFF], true, false, Some(b"base"));
        assert!(matches!(decision, Decision::Aside(_)));
    }

    #[test]
    fn without_a_base_what_is_there_is_replaced_with_a_warning() {
        let decision = decide(Some(b"ours"), b"theirs", false, false, None);
        assert!(matches!(decision, Decision::Replace(_)));
    }
}
