//! What is written to the terminal: lines that scroll up, and below them the line to type in. This
//! module only makes texts.

use unicode_width::UnicodeWidthStr;

use crate::chat::editor::Editor;

const PROMPT: &str = "> ";
/// Clears from the start of the line to the end of the screen, including the rest of a wrapped
/// line.
const CLEAR: &str = "\r\x1b[J";

/// The line to type in, drawn again, with the cursor in its place.
pub fn prompt(editor: &Editor, columns: usize) -> String {
    let (text, cursor) = editor.window(columns.saturating_sub(PROMPT.len()));
    let cursor = cursor + PROMPT.len() + 1;
    format!("{CLEAR}{PROMPT}{text}\x1b[{cursor}G")
}

/// A new line above the line to type in.
pub fn line_above(line: &str, editor: &Editor, columns: usize) -> String {
    let line = wrapped(line, columns.max(1));
    format!("{CLEAR}{line}\r\n{}", prompt(editor, columns))
}

/// Removes a line that begins so many rows above the line to type in, and draws the lines after it
/// again in its place.
pub fn without(rows: usize, after: &[String], editor: &Editor, columns: usize) -> String {
    let mut drawn = format!("{CLEAR}\x1b[{rows}A\x1b[J");
    for line in after {
        drawn.push_str(&wrapped(line, columns.max(1)));
        drawn.push_str("\r\n");
    }
    drawn + &prompt(editor, columns)
}

/// How many rows a line takes on the screen.
pub fn rows(line: &str, columns: usize) -> usize {
    let columns = columns.max(1);
    let wrapped = wrapped(line, columns);
    let lines = wrapped.split("\r\n");
    let rows = lines.map(|line| line.width().div_ceil(columns).max(1));
    rows.sum()
}

/// Breaks a line between words. The terminal breaks a word that is longer than a line, so that an
/// address can still be copied.
fn wrapped(line: &str, columns: usize) -> String {
    let mut wrapped = String::with_capacity(line.len() + 8);
    let mut column = 0;
    for (index, word) in line.split(' ').enumerate() {
        let width = word.width();
        if index > 0 && width <= columns && column + 1 + width > columns {
            wrapped.push_str("\r\n");
            column = 0;
        } else if index > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += width;
        if column > columns {
            column %= columns;
        }
    }
    wrapped
}

/// Clears the line to type in.
pub fn no_prompt() -> &'static str {
    CLEAR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_above_the_line_and_leaves_text_and_cursor_where_they_were() {
        let mut editor = Editor::default();
        editor.insert_text("hä日");
        editor.left();
        assert_eq!(
            line_above("12:03 bob: hi", &editor, 80),
            "\r\x1b[J12:03 bob: hi\r\n\r\x1b[J> hä日\x1b[5G"
        );
    }

    #[test]
    fn long_lines_are_broken_between_words_and_long_words_are_not() {
        let table = [
            ("one two three", "one two\r\nthree"),
            ("one two  three", "one two \r\nthree"),
            ("exactly8 so", "exactly8\r\nso"),
            ("日本 日本", "日本\r\n日本"),
            ("a longer-than-that b", "a longer-than-that b"),
            ("", ""),
        ];
        for (line, expected) in table {
            assert_eq!(wrapped(line, 8), expected);
        }
    }

    #[test]
    fn a_line_goes_with_all_rows_that_it_takes() {
        for (line, expected) in [
            ("", 1),
            ("exactly8", 1),
            ("one two three", 2),
            ("a-word-of-many-letters", 3),
            ("日本 日本", 2),
        ] {
            assert_eq!(rows(line, 8), expected, "{line}");
        }
        let editor = Editor::default();
        let after = ["b: two".to_owned()];
        assert_eq!(
            without(3, &after, &editor, 80),
            "\r\x1b[J\x1b[3A\x1b[Jb: two\r\n\r\x1b[J> \x1b[3G"
        );
    }

    #[test]
    fn the_line_is_never_as_wide_as_the_terminal() {
        let mut editor = Editor::default();
        editor.insert_text(&"x".repeat(100));
        assert_eq!(prompt(&editor, 10), "\r\x1b[J> xxxxxxx\x1b[10G");
        assert_eq!(prompt(&editor, 0), "\r\x1b[J> \x1b[3G");
    }
}
