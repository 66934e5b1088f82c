//! The room in a terminal: sets raw mode, reads keys and draws. At the end, however it comes, the
//! terminal is as it was before.

use std::collections::VecDeque;
use std::io::Write;

use crossterm::event::{self, Event};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode, size};
use rustix::process as system;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use twicecast_client::untrusted::shown;

use crate::chat::commands::Wish;
use crate::chat::completion::{Offer, complete};
use crate::chat::editor::Editor;
use crate::chat::keys::{Pressed, press};
use crate::chat::ui::Ui;
use crate::chat::words::ASIDE;
use crate::chat::{commands, draw};
use crate::failure::Failure;

const WAITING_MAX: usize = 64;
/// The most lines that can be taken off the screen again; no screen has more.
const SHOWN_MAX: usize = 500;
/// The width of a terminal that does not report its own.
const COLUMNS: usize = 80;
/// Makes pasted text arrive as one piece, so that it becomes one message.
const PASTE_AS_ONE: &str = "\x1b[?2004h";
const PASTE_AS_KEYS: &str = "\x1b[?2004l";

/// A terminal with a line to type in.
#[derive(Debug)]
pub struct Terminal {
    events: mpsc::Receiver<Event>,
    editor: Editor,
    columns: usize,
    /// What is above the line to type in, as long as nothing else has been written: the lines,
    /// those of messages with their number.
    shown: VecDeque<(Option<u64>, String)>,
    offer: Offer,
    jobs: Jobs,
    _raw: Raw,
}

/// The shell's job control.
#[derive(Debug)]
struct Jobs {
    suspended: Signal,
    resumed: Signal,
}

impl Jobs {
    fn listen() -> std::io::Result<Self> {
        let of = |wanted: system::Signal| signal(SignalKind::from_raw(wanted.as_raw()));
        Ok(Self {
            suspended: of(system::Signal::TSTP)?,
            resumed: of(system::Signal::CONT)?,
        })
    }
}

/// Raw mode, for as long as this value lives.
#[derive(Debug)]
struct Raw;

impl Raw {
    fn enter() -> std::io::Result<Self> {
        take()?;
        // The message of a panic must be readable, too.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
        Ok(Self)
    }
}

fn take() -> std::io::Result<()> {
    // In the background this stops us until the shell brings us to the foreground.
    enable_raw_mode()?;
    write(PASTE_AS_ONE);
    Ok(())
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

/// Errors are ignored: the events tell that a terminal is gone.
fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

impl Terminal {
    /// Takes over the terminal.
    ///
    /// # Errors
    ///
    /// If it cannot be used as one.
    pub fn open() -> Result<Self, Failure> {
        let unusable = |error| Failure::usage(format!("The terminal cannot be used: {error}."));
        let jobs = Jobs::listen().map_err(unusable)?;
        let raw = Raw::enter().map_err(unusable)?;
        let (sender, events) = mpsc::channel(WAITING_MAX);
        // This has a thread of its own because it may still wait for a key when everything else has
        // ended; nobody waits for it.
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
            shown: VecDeque::new(),
            offer: Offer::default(),
            jobs,
            _raw: raw,
        };
        terminal.redraw();
        Ok(terminal)
    }

    fn redraw(&self) {
        write(&draw::prompt(&self.editor, self.columns));
    }

    /// Forgets what is where: the screen has changed, or another program has written on it.
    fn forget_screen(&mut self) {
        self.columns = columns();
        self.shown.clear();
    }

    fn show_numbered(&mut self, id: Option<u64>, line: &str) {
        if self.shown.len() == SHOWN_MAX {
            self.shown.pop_front();
        }
        self.shown.push_back((id, line.to_owned()));
        write(&draw::line_above(line, &self.editor, self.columns));
    }

    fn complete(&mut self) {
        let typed = self.editor.before_cursor();
        let Some(completion) = complete(&typed, &self.offer) else {
            return;
        };
        self.editor.insert_text(&completion.added);
        if completion.added.is_empty() && !completion.choices.is_empty() {
            let choices: Vec<String> = completion.choices.iter().map(shown).collect();
            self.tell(&choices.join("  "));
        }
    }
}

fn screen_rows() -> usize {
    size().map_or(0, |(_, rows)| rows.into())
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
            let event = tokio::select! {
                event = self.events.recv() => event,
                _ = self.jobs.suspended.recv() => {
                    restore();
                    let _ = system::kill_process(system::getpid(), system::Signal::STOP);
                    continue;
                }
                _ = self.jobs.resumed.recv() => {
                    if take().is_err() {
                        return Wish::Quit;
                    }
                    self.forget_screen();
                    self.redraw();
                    continue;
                }
            };
            let line = match event {
                None => return Wish::Quit,
                Some(Event::Key(key)) => match press(&mut self.editor, key) {
                    Pressed::Edited => None,
                    Pressed::Line(line) => commands::read(&line),
                    Pressed::Complete => {
                        self.complete();
                        None
                    }
                    Pressed::Quit => Some(Wish::Quit),
                    Pressed::Suspend => {
                        // This also stops programs that were started with us, as the system itself
                        // would.
                        let _ = system::kill_current_process_group(system::Signal::TSTP);
                        continue;
                    }
                },
                Some(Event::Paste(text)) => {
                    self.editor.insert_text(&text);
                    None
                }
                Some(Event::Resize(..)) => {
                    self.forget_screen();
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
        self.show_numbered(None, line);
    }

    fn show_message(&mut self, id: Option<u64>, line: &str) {
        self.show_numbered(id, line);
    }

    fn remove(&mut self, id: u64) {
        let mut newest_first = self.shown.iter().rev();
        let Some(after) = newest_first.position(|(shown, _)| *shown == Some(id)) else {
            return;
        };
        let place = self.shown.len() - 1 - after;
        let rows = self.shown.iter().skip(place);
        let rows: usize = rows.map(|(_, line)| draw::rows(line, self.columns)).sum();
        self.shown.remove(place);
        // Lines that have scrolled off the screen cannot be changed.
        if rows < screen_rows() {
            let after = self.shown.iter().skip(place);
            let after: Vec<_> = after.map(|(_, line)| line.clone()).collect();
            write(&draw::without(rows, &after, &self.editor, self.columns));
        }
    }

    fn offer(&mut self, offer: Offer) {
        self.offer = offer;
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
