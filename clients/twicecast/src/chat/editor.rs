//! One line of text with a cursor. It knows nothing about keys or terminals.

use unicode_width::UnicodeWidthChar;

use twicecast_client::untrusted::{is_joiner, may_stand};

/// A line that is being typed. The cursor stands before a character that has width, or at the end;
/// a character without width belongs to the one before it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Editor {
    text: Vec<char>,
    cursor: usize,
}

impl Editor {
    /// Inserts a character at the cursor; one that could steer a terminal is dropped.
    pub fn insert(&mut self, c: char) {
        if may_stand(c) {
            self.text.insert(self.cursor, c);
            self.cursor += 1;
        }
    }

    /// Inserts a text at the cursor; line ends and tabs become spaces.
    pub fn insert_text(&mut self, text: &str) {
        for c in text
            .trim_end_matches(['\r', '\n'])
            .replace("\r\n", "\n")
            .chars()
        {
            self.insert(if matches!(c, '\n' | '\r' | '\t') {
                ' '
            } else {
                c
            });
        }
    }

    /// Deletes the character before the cursor.
    pub fn backspace(&mut self) {
        let to = self.cursor;
        self.left();
        self.text.drain(self.cursor..to);
    }

    /// Deletes the character at the cursor.
    pub fn delete(&mut self) {
        let from = self.cursor;
        self.right();
        self.text.drain(from..self.cursor);
        self.cursor = from;
    }

    /// Deletes the word before the cursor, and the spaces after it.
    pub fn delete_word(&mut self) {
        let before = &self.text[..self.cursor];
        let end = before.iter().rposition(|c| !c.is_whitespace());
        let from = end.and_then(|end| before[..end].iter().rposition(|c| c.is_whitespace()));
        let from = from.map_or(0, |space| space + 1);
        self.text.drain(from..self.cursor);
        self.cursor = from;
    }

    /// Deletes everything before the cursor.
    pub fn delete_to_start(&mut self) {
        self.text.drain(..self.cursor);
        self.cursor = 0;
    }

    /// Moves the cursor one character to the left.
    pub fn left(&mut self) {
        while self.cursor > 0 {
            self.cursor -= 1;
            if takes_room(self.text[self.cursor]) {
                break;
            }
        }
    }

    /// Moves the cursor one character to the right.
    pub fn right(&mut self) {
        while self.cursor < self.text.len() {
            self.cursor += 1;
            if self.text.get(self.cursor).is_some_and(|c| takes_room(*c)) {
                break;
            }
        }
    }

    /// Moves the cursor to the start.
    pub fn home(&mut self) {
        self.cursor = 0;
    }

    /// Moves the cursor to the end.
    pub fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// Takes the text out and leaves the line empty.
    pub fn take(&mut self) -> String {
        self.cursor = 0;
        self.text.drain(..).collect()
    }

    /// The text before the cursor.
    pub fn before_cursor(&self) -> String {
        self.text[..self.cursor].iter().collect()
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// As much of the text around the cursor as fits into so many columns, and the cursor's column.
    pub fn window(&self, columns: usize) -> (String, usize) {
        // The cursor may stand after the last character and needs a column there.
        let room = columns.saturating_sub(1);
        let mut start = self.cursor;
        let mut cursor_column = 0;
        while start > 0 {
            let width = width(self.text[start - 1]);
            if cursor_column + width > room {
                break;
            }
            start -= 1;
            cursor_column += width;
        }
        // A mark is never shown alone: if its character did not fit, it is left out too.
        while start < self.cursor && !takes_room(self.text[start]) {
            start += 1;
        }
        let mut taken = 0;
        let shown = self.text[start..].iter().take_while(|c| {
            taken += width(**c);
            taken <= room
        });
        let shown = shown.filter(|c| !is_joiner(**c)).collect();
        (shown, cursor_column)
    }
}

fn width(c: char) -> usize {
    c.width().unwrap_or_default()
}

fn takes_room(c: char) -> bool {
    width(c) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        text.chars().for_each(|c| editor.insert(c));
        editor
    }

    #[test]
    fn characters_go_in_and_out_at_the_cursor() {
        let mut editor = typed("helo");
        editor.left();
        editor.insert('l');
        editor.end();
        editor.insert('!');
        editor.home();
        editor.delete();
        editor.insert('H');
        editor.backspace();
        editor.insert('J');
        assert_eq!(editor.window(80), ("Jello!".into(), 1));
        assert_eq!(editor.take(), "Jello!");
        assert!(editor.is_empty());
        editor.backspace();
        editor.delete();
        editor.left();
        editor.right();
        assert_eq!(editor, Editor::default());
    }

    #[test]
    fn words_and_the_beginning_are_deleted_before_the_cursor_only() {
        let mut editor = typed("one two  three");
        editor.left();
        editor.delete_word();
        assert_eq!(editor.window(80), ("one two  e".into(), 9));
        editor.delete_word();
        assert_eq!(editor.window(80), ("one e".into(), 4));
        editor.delete_to_start();
        assert_eq!(editor.window(80), ("e".into(), 0));
        editor.delete_word();
        assert_eq!(editor.take(), "e");
    }

    #[test]
    fn wide_characters_take_two_columns_and_marks_go_with_their_letter() {
        let mut editor = typed("日本e\u{301}");
        assert_eq!(editor.window(80).1, 5);
        editor.left();
        assert_eq!(editor.window(80).1, 4);
        editor.left();
        assert_eq!(editor.window(80).1, 2);
        editor.end();
        editor.backspace();
        assert_eq!(editor.take(), "日本");
    }

    #[test]
    fn a_line_longer_than_the_window_shows_what_is_around_the_cursor() {
        let mut editor = typed("0123456789日本");
        assert_eq!(editor.window(8), ("789日本".into(), 7));
        assert_eq!(editor.window(7), ("89日本".into(), 6));
        // One column stays free, because half a character cannot be shown.
        assert_eq!(editor.window(6), ("9日本".into(), 5));
        assert_eq!(editor.window(5), ("日本".into(), 4));
        assert_eq!(editor.window(4), ("本".into(), 2));
        assert_eq!(editor.window(1), (String::new(), 0));
        editor.home();
        assert_eq!(editor.window(8), ("0123456".into(), 0));
    }

    #[test]
    fn what_could_steer_the_terminal_does_not_go_in() {
        let mut editor = typed("a\u{1b}[2J\u{202e}b");
        editor.insert_text("c\r\nd\te\n");
        assert_eq!(editor.take(), "a[2Jbc d e");
    }

    #[test]
    fn joined_pictures_are_sent_joined_and_drawn_apart() {
        let mut editor = typed("👩\u{200d}💻");
        assert_eq!(editor.window(80), ("👩💻".into(), 4));
        assert_eq!(editor.take(), "👩\u{200d}💻");
    }
}
