//! What is written to the terminal: lines that scroll up, and below them the one to type in. Only texts are made here.

use super::editor::Editor;

const PROMPT: &str = "> ";
/// From the start of the line to the end of the screen, so that a line that was wrapped goes too.
const CLEAR: &str = "\r\x1b[J";

/// The line to type in, drawn anew, with the cursor in its place.
pub fn prompt(editor: &Editor, columns: usize) -> String {
    let (text, cursor) = editor.window(columns.saturating_sub(PROMPT.len()));
    let cursor = cursor + PROMPT.len() + 1;
    format!("{CLEAR}{PROMPT}{text}\x1b[{cursor}G")
}

/// A line above the one to type in.
pub fn line_above(line: &str, editor: &Editor, columns: usize) -> String {
    format!("{CLEAR}{line}\r\n{}", prompt(editor, columns))
}

/// Nothing where the line was.
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
    fn the_line_is_never_as_wide_as_the_terminal() {
        let mut editor = Editor::default();
        editor.insert_text(&"x".repeat(100));
        assert_eq!(prompt(&editor, 10), "\r\x1b[J> xxxxxxx\x1b[10G");
        assert_eq!(prompt(&editor, 0), "\r\x1b[J> \x1b[3G");
    }
}
