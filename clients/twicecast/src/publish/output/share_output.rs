//! Where a share reports what happens, and its status line.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use twicecast_client::untrusted::shown;

use crate::publish::output::event::Event;
use crate::publish::output::page_link::PageLink;
use crate::publish::output::sentences::{
    apply_asked, invitation, left_out, link_sentence, sharing, would_do,
};
use crate::ui::command_line::CommandLine;
use crate::ui::output::{counted, cut, failure_line, json_line, say, warn};
use crate::ui::tally::Tally;
use crate::ui::time::clock;

/// Where the share reports.
pub struct ShareOutput {
    json: bool,
    has_keys: bool,
    /// Whether a progress bar is using the terminal.
    is_lent: bool,
    status: ProgressBar,
    facts: Facts,
    commands: Commands,
}

/// The beginnings of the commands that the output names.
pub struct Commands {
    /// Those for pull requests.
    pub pulls: CommandLine,
    /// The one that says why something is not shared.
    pub why: CommandLine,
    /// The page that viewers open, if nothing else prints it.
    pub page: Option<PageLink>,
}

/// What the status line shows.
#[derive(Default)]
struct Facts {
    project: String,
    connected: bool,
    paused: bool,
    files: usize,
    pulls: BTreeSet<String>,
    viewers: Option<u64>,
    last: Option<String>,
    /// Since the last sync.
    sent: Tally,
    deleted: Tally,
    /// Since when the connection has been lost.
    lost: Option<Instant>,
}

/// The most characters of a title that are shown.
const TITLE_CHARS: usize = 120;
impl ShareOutput {
    /// Reports for people or, as JSON, for programs.
    pub fn new(json: bool, project: &str, has_keys: bool, commands: Commands) -> Self {
        let status = if json {
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template("{wide_msg}");
            ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        };
        Self {
            json,
            status,
            has_keys,
            is_lent: false,
            commands,
            facts: Facts {
                project: project.to_owned(),
                ..Facts::default()
            },
        }
    }

    /// Whether the output is JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a pause has been reported.
    pub fn is_paused(&self) -> bool {
        self.facts.paused
    }

    /// Reports an event.
    pub fn tell(&mut self, event: &Event) {
        let line = if self.json {
            None
        } else {
            self.sentence(event)
        };
        self.note(event);
        if self.json {
            say(&json_line(event));
            return;
        }
        if let Some(line) = line {
            let is_trouble = matches!(
                event,
                Event::Failed { .. }
                    | Event::Lost { .. }
                    | Event::Note { .. }
                    | Event::ApplyAsked { .. }
            );
            self.status
                .suspend(|| if is_trouble { warn(&line) } else { say(&line) });
        }
        // Not after each file: a terminal can show only so many frames per second.
        if !matches!(event, Event::Sent { .. } | Event::Deleted { .. }) {
            self.draw();
        }
    }

    /// Lends the terminal to a progress bar, until [`take_back`](Self::take_back).
    pub fn lend(&mut self) {
        self.is_lent = true;
        self.status.finish_and_clear();
    }

    /// Takes the terminal back.
    pub fn take_back(&mut self) {
        self.is_lent = false;
    }

    fn note(&mut self, event: &Event) {
        let facts = &mut self.facts;
        match event {
            Event::Connected { .. } => (facts.connected, facts.lost) = (true, None),
            Event::Lost { .. } | Event::Stopped { .. } => {
                facts.connected = false;
                facts.viewers = None;
                facts.lost.get_or_insert_with(Instant::now);
            }
            Event::Paused => facts.paused = true,
            Event::Resumed => facts.paused = false,
            Event::PullRequest { id, .. } => drop(facts.pulls.insert(id.raw().to_owned())),
            Event::PullRequestClosed { id } => drop(facts.pulls.remove(id)),
            Event::Viewers { count } => facts.viewers = Some(*count),
            Event::Sent { name, .. } => facts.sent.add(name),
            Event::Deleted { name } => facts.deleted.add(name),
            Event::Synced {
                files,
                sent,
                deleted,
                ..
            } => {
                facts.files = *files;
                facts.sent = Tally::default();
                facts.deleted = Tally::default();
                if sent + deleted > 0 {
                    facts.last = Some(clock());
                }
            }
            _ => {}
        }
    }

    /// What people read; `None` if the status line or the summary shows it.
    fn sentence(&self, event: &Event) -> Option<String> {
        let facts = &self.facts;
        Some(match event {
            Event::Connected { url, project } => match facts.lost {
                None => sharing(url, project, self.commands.page.as_ref()),
                Some(since) => {
                    format!(
                        "connected again after {:.1} s",
                        since.elapsed().as_secs_f64()
                    )
                }
            },
            Event::Link {
                link,
                about,
                has_qr,
                ..
            } => link_sentence(link, about, *has_qr),
            Event::Invitation {
                command,
                until,
                guests,
                pulls,
                chat,
            } => invitation(command, *until, guests, pulls, chat),
            Event::Synced { sent, deleted, .. } if sent + deleted == 0 => return None,
            Event::Synced {
                sent,
                bytes,
                deleted,
                files,
                seconds,
            } => {
                let mut parts = Vec::new();
                if *sent > 0 {
                    let what = named(*sent, &facts.sent);
                    parts.push(format!("{what} sent ({})", HumanBytes(*bytes)));
                }
                if *deleted > 0 {
                    parts.push(format!("{} deleted", named(*deleted, &facts.deleted)));
                }
                parts.push(format!("{files} in all, in {seconds:.1} s"));
                parts.join(", ")
            }
            Event::Complete { files } => {
                format!("complete: the server has {}", counted(*files, "file"))
            }
            Event::WouldDo {
                send,
                bytes,
                delete,
            } => would_do(send, *bytes, delete),
            Event::Failed { name, why } => {
                let name = if name.is_empty() { "/" } else { name };
                failure_line(name, why)
            }
            Event::LeftOut {
                ignored,
                secrets,
                never,
            } => left_out(*ignored, secrets, never, &self.commands.why)?,
            // This is said once; the status line shows that it continues.
            Event::Lost { .. } if facts.lost.is_some() => return None,
            Event::Lost { why, .. } => format!("{why} Trying again until it is back."),
            Event::Paused => "paused; `p` goes on".to_owned(),
            Event::Resumed => "going on".to_owned(),
            Event::PullRequest { id, author, title } => format!(
                "{} proposes “{}”: {} show {}",
                shown(author),
                shown(&cut(title.raw(), TITLE_CHARS)),
                self.commands.pulls,
                id.beginning(8)
            ),
            Event::ApplyAsked {
                id,
                author,
                title,
                files,
                held,
            } => apply_asked(id, author, title, files, held, &self.commands.pulls),
            Event::Note { text } | Event::Applied { text } => text.clone(),
            Event::Stopped { .. } => "stopped".to_owned(),
            Event::Sending { .. }
            | Event::Sent { .. }
            | Event::Deleted { .. }
            | Event::PullRequestClosed { .. }
            | Event::Viewers { .. } => return None,
        })
    }

    fn draw(&self) {
        if self.is_lent || self.status.is_hidden() {
            return;
        }
        let facts = &self.facts;
        let state = match (facts.connected, facts.paused) {
            (false, _) => "not connected",
            (true, true) => "paused, `p` goes on",
            (true, false) if self.has_keys => "sharing, `p` pauses",
            (true, false) => "sharing",
        };
        let mut line = format!(
            "{} · {state} · {}",
            shown(&facts.project),
            counted(facts.files, "file")
        );
        if let Some(viewers) = facts.viewers {
            let viewers = usize::try_from(viewers).unwrap_or(usize::MAX);
            let _ = write!(line, " · {}", counted(viewers, "viewer"));
        }
        if !facts.pulls.is_empty() {
            let _ = write!(line, " · {}", counted(facts.pulls.len(), "pull request"));
        }
        if let Some(last) = &facts.last {
            let _ = write!(line, " · last change {last}");
        }
        if self.status.is_finished() {
            // It had been removed to make room for something else.
            self.status.reset();
        }
        self.status.set_message(line);
        self.status.tick();
    }
}

impl Drop for ShareOutput {
    fn drop(&mut self) {
        self.status.finish_and_clear();
    }
}

/// The names of the files, or how many there are.
fn named(count: usize, files: &Tally) -> String {
    let names = files.names().filter(|_| files.count() == count);
    names.unwrap_or_else(|| counted(count, "file"))
}
