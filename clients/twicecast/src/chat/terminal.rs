//! The room in a terminal: raw mode, keys in, drawings out, and the terminal as it was when it is
//! over, however it ends.

use std::io::Write;

use crossterm::event::{self, Event};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode, size};
use tokio::sync::mpsc;
use twicecast_client::untrusted::shown;

use crate::chat::commands::Wish;
use crate::chat::editor::Editor;
use crate::chat::keys::{Pressed, press};
use crate::chat::ui::Ui;
use crate::chat::words::ASIDE;
use crate::chat::{commands, draw};
use crate::failure::Failure;

const WAITING_MAX: usize = 64;
/// A terminal that does not tell its width has this one.
const COLUMNS: usize = 80;
/// What is pasted comes as one piece, so that it is one message.
const PASTE_AS_ONE: &str = "\x1b[?2004h";
const PASTE_AS_KEYS: &str = "\x1b[?2004l";

/// A terminal with a line to type in.
#[derive(Debug)]
pub struct Terminal {
    events: mpsc::Receiver<Event>,
    editor: Editor,
    columns: usize,
    _raw: Raw,
}

/// The terminal's raw mode, while it lives.
#[derive(Debug)]
struct Raw;

impl Raw {
    fn enter() -> std::io::Result<Self> {
        enable_raw_mode()?;
        // A panic's message is for people too.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
        write(PASTE_AS_ONE);
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    write(PASTE_AS_KEYS);
    write(draw::no_prompt());
    let _ = disable_raw_mode();
}

/// A terminal that is gone is told by its events.
fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

impl Terminal {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn open() -> Result<Self, Failure> {
        let raw = Raw::enter()
            .map_err(|error| Failure::usage(format!("The terminal cannot be used: {error}.")))?;
        let (sender, events) = mpsc::channel(WAITING_MAX);
        // A thread of its own: it may wait for a key when all else has ended, and nobody waits for
        // it.
        std::thread::spawn(move || {
            while let Ok(event) = event::read() {
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        let terminal = Self {
            events,
            editor: Editor::default(),
            columns: columns(),
            _raw: raw,
        };
        terminal.redraw();
        Ok(terminal)
    }

    fn redraw(&self) {
        write(&draw::prompt(&self.editor, self.columns));
    }
}

fn columns() -> usize {
    size().map_or(COLUMNS, |(columns, _)| match columns {
        0 => COLUMNS,
        columns => columns.into(),
    })
}

impl Ui for Terminal {
    const HAS_LINE: bool = true;

    async fn next(&mut self) -> Wish {
        loop {
            let line = match self.events.recv().await {
                None => return Wish::Quit,
                Some(Event::Key(key)) => match press(&mut self.editor, key) {
                    Pressed::Edited => None,
                    Pressed::Line(line) => commands::read(&line),
                    Pressed::Quit => Some(Wish::Quit),
                },
                Some(Event::Paste(text)) => {
                    self.editor.insert_text(&text);
                    None
                }
                Some(Event::Resize(..)) => {
                    self.columns = columns();
                    None
                }
                Some(_) => continue,
            };
            self.redraw();
            if let Some(wish) = line {
                return wish;
            }
        }
    }

    fn show(&mut self, line: &str) {
        write(&draw::line_above(line, &self.editor, self.columns));
    }

    fn tell(&mut self, sentence: &str) {
        self.show(&format!("{ASIDE}{sentence}"));
    }

    fn give_back(&mut self, text: &str) {
        if self.editor.is_empty() {
            self.editor.insert_text(text);
            self.redraw();
        } else {
            self.tell(&format!("It was: {}", shown(text)));
        }
    }
}
