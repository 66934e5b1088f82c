//! What each key does to the line.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::chat::editor::Editor;

/// The effect of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Pressed {
    /// The line has changed, or may have.
    Edited,
    /// The line is finished.
    Line(String),
    /// Complete the line.
    Complete,
    /// Leave the room.
    Quit,
    /// Return to the shell for a while.
    Suspend,
}

/// Does what a key stands for.
pub fn press(editor: &mut Editor, key: KeyEvent) -> Pressed {
    if key.kind == KeyEventKind::Release {
        return Pressed::Edited;
    }
    let held = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
    match key.code {
        KeyCode::Char(c) if held == KeyModifiers::CONTROL => match c.to_ascii_lowercase() {
            'c' | 'd' => return Pressed::Quit,
            'z' => return Pressed::Suspend,
            'u' => editor.delete_to_start(),
            'w' => editor.delete_word(),
            'h' => editor.backspace(),
            'a' => editor.home(),
            'e' => editor.end(),
            'b' => editor.left(),
            'f' => editor.right(),
            'j' | 'm' => return Pressed::Line(editor.take()),
            _ => {}
        },
        // AltGr arrives as Control with Alt, if it arrives at all. Alt alone would mean commands
        // that do not exist here.
        KeyCode::Char(c) if held != KeyModifiers::ALT => editor.insert(c),
        KeyCode::Enter => return Pressed::Line(editor.take()),
        KeyCode::Tab => return Pressed::Complete,
        KeyCode::Backspace => editor.backspace(),
        KeyCode::Delete => editor.delete(),
        KeyCode::Left => editor.left(),
        KeyCode::Right => editor.right(),
        KeyCode::Home => editor.home(),
        KeyCode::End => editor.end(),
        _ => {}
    }
    Pressed::Edited
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press_all(editor: &mut Editor, keys: &[(KeyCode, KeyModifiers)]) -> Vec<Pressed> {
        keys.iter()
            .map(|(code, held)| press(editor, KeyEvent::new(*code, *held)))
            .filter(|pressed| *pressed != Pressed::Edited)
            .collect()
    }

    #[test]
    fn keys_edit_the_line_and_enter_sends_it() {
        let none = KeyModifiers::NONE;
        let control = KeyModifiers::CONTROL;
        let mut editor = Editor::default();
        let pressed = press_all(
            &mut editor,
            &[
                (KeyCode::Char('x'), none),
                (KeyCode::Char('u'), control),
                (KeyCode::Char('H'), KeyModifiers::SHIFT),
                (KeyCode::Char('i'), none),
                (KeyCode::Char('x'), KeyModifiers::ALT),
                (KeyCode::Char(' '), none),
                (KeyCode::Char('y'), none),
                (KeyCode::Char('w'), control),
                (KeyCode::Home, none),
                (KeyCode::Delete, none),
                (KeyCode::Char('h'), none),
                (KeyCode::Right, none),
                (KeyCode::Right, none),
                (KeyCode::Backspace, none),
                (KeyCode::Char('!'), none),
                (KeyCode::F(1), none),
                (KeyCode::Enter, none),
                (KeyCode::Char('c'), control),
                (KeyCode::Char('d'), control),
            ],
        );
        assert_eq!(
            pressed,
            [Pressed::Line("hi!".into()), Pressed::Quit, Pressed::Quit]
        );
    }
}
