//! What a share says: lines and a status for people, or one JSON object per line for programs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::names::shown;
use crate::ui::output::{counted, cut, json_line, say, warn};
use crate::ui::time::date_and_time;
use crate::ui::untrusted::Untrusted;

/// The commands of one guest, each with the guest's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuestCommands {
    /// Who.
    pub name: String,
    /// To get the project.
    pub clone: String,
    /// To propose what they changed in it.
    pub propose: String,
    /// To talk.
    pub chat: String,
}

/// What happens while a folder is shared. Written as JSON its name stands in `event`, and times are
/// in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// The server has let us in.
    Connected {
        /// The server.
        url: String,
        /// The project.
        project: String,
    },
    /// How a viewer sees it.
    Invitation {
        /// For their shell; its token can only read.
        command: String,
        /// When the tokens end, in seconds since the epoch.
        until: u64,
        /// Who may chat and propose changes, too.
        guests: Vec<GuestCommands>,
        /// With which the streamer looks at what they propose.
        pulls: String,
        /// With which the streamer talks to them.
        chat: String,
    },
    /// What differs is about to be sent.
    Sending {
        /// Files to send.
        files: usize,
        /// Their bytes.
        bytes: u64,
        /// Files to delete.
        deletions: usize,
    },
    /// The server has stored a file.
    Sent {
        /// Its name.
        name: String,
        /// Its bytes.
        bytes: u64,
    },
    /// The server has deleted a file.
    Deleted {
        /// Its name.
        name: String,
    },
    /// A file could not be sent or deleted.
    Failed {
        /// Its name.
        name: String,
        /// Why.
        why: String,
    },
    /// The server has what the folder has.
    Synced {
        /// Files sent just now.
        sent: usize,
        /// Their bytes.
        bytes: u64,
        /// Files deleted just now.
        deleted: usize,
        /// All files that are shared.
        files: usize,
        /// How long it took.
        seconds: f64,
    },
    /// What is not shared has changed.
    LeftOut {
        /// By rules of ignore files.
        ignored: usize,
        /// By the list of secrets.
        secrets: Vec<String>,
        /// Links, special files, names that no server takes.
        never: Vec<Never>,
    },
    /// What would be done, where nothing is.
    WouldDo {
        /// Files that would be sent.
        send: Vec<String>,
        /// Their bytes.
        bytes: u64,
        /// Files that would be deleted on the server.
        delete: Vec<String>,
    },
    /// All is sent that was to be sent once.
    Complete {
        /// All files that are shared.
        files: usize,
    },
    /// The connection is lost.
    Lost {
        /// Why.
        why: String,
        /// When it is tried again.
        retry_in: f64,
    },
    /// Nothing is sent until further notice.
    Paused,
    /// Changes are sent again.
    Resumed,
    /// A viewer has sent a pull request.
    PullRequest {
        /// Its id.
        id: Untrusted,
        /// Who.
        author: Untrusted,
        /// What its author calls it.
        title: Untrusted,
    },
    /// A pull request is not open any more.
    PullRequestClosed {
        /// Its id.
        id: String,
    },
    /// How many viewers there are.
    Viewers {
        /// Their number.
        count: u64,
    },
    /// Something that is worth knowing.
    Note {
        /// What.
        text: String,
    },
    /// The end.
    Stopped {
        /// Why, where nobody wanted it.
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

/// Something that is never sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Never {
    /// Its path.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Where it is said.
pub struct ShareOutput {
    json: bool,
    has_keys: bool,
    /// Whether a bar has the terminal.
    is_lent: bool,
    status: ProgressBar,
    facts: Facts,
}

/// What the status line says.
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
    sent: Vec<String>,
    deleted: Vec<String>,
    /// Since when there is no connection, where there was one.
    lost: Option<Instant>,
}

/// More files than this are counted and not named.
const NAMED_MAX: usize = 5;
/// Of a title no more is said.
const TITLE_CHARS: usize = 120;
/// Of what would be done no more names are listed.
const LISTED_MAX: usize = 200;

impl ShareOutput {
    /// One for people or for programs.
    pub fn new(json: bool, project: &str, has_keys: bool) -> Self {
        let status = if json {
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template("{msg}");
            ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        };
        Self {
            json,
            status,
            has_keys,
            is_lent: false,
            facts: Facts {
                project: project.to_owned(),
                ..Facts::default()
            },
        }
    }

    /// Whether programs listen.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether it has been said that nothing is sent.
    pub fn is_paused(&self) -> bool {
        self.facts.paused
    }

    /// Says what has happened.
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
                Event::Failed { .. } | Event::Lost { .. } | Event::Note { .. }
            );
            self.status
                .suspend(|| if is_trouble { warn(&line) } else { say(&line) });
        }
        // Not for each file: a terminal takes only so many pictures in a second.
        if !matches!(event, Event::Sent { .. } | Event::Deleted { .. }) {
            self.draw();
        }
    }

    /// Gives the terminal to a bar, until [`take_back`](Self::take_back).
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
            Event::Sent { name, .. } => note_name(&mut facts.sent, name),
            Event::Deleted { name } => note_name(&mut facts.deleted, name),
            Event::Synced {
                files,
                sent,
                deleted,
                ..
            } => {
                facts.files = *files;
                facts.sent.clear();
                facts.deleted.clear();
                if sent + deleted > 0 {
                    facts.last = Some(clock());
                }
            }
            _ => {}
        }
    }

    /// What people read; nothing where the status line or the summary says it.
    fn sentence(&self, event: &Event) -> Option<String> {
        let facts = &self.facts;
        Some(match event {
            Event::Connected { url, project } => match facts.lost {
                None => format!("sharing {} at {url}; Ctrl-C stops", shown(project)),
                Some(since) => {
                    format!(
                        "connected again after {:.1} s",
                        since.elapsed().as_secs_f64()
                    )
                }
            },
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
                format!("{}: {}", shown(name), shown(why))
            }
            Event::LeftOut {
                ignored,
                secrets,
                never,
            } => left_out(*ignored, secrets, never)?,
            // Said once; the status line says that it goes on.
            Event::Lost { .. } if facts.lost.is_some() => return None,
            Event::Lost { why, .. } => format!("{why} Trying again until it is back."),
            Event::Paused => "paused; `p` goes on".to_owned(),
            Event::Resumed => "going on".to_owned(),
            Event::PullRequest { id, author, title } => format!(
                "{} proposes “{}”: twicecast pulls show {}",
                shown(author),
                shown(&cut(title.raw(), TITLE_CHARS)),
                id.beginning(8)
            ),
            Event::Note { text } => text.clone(),
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
            // It has made room for something else.
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

/// Remembers a name, as long as few are named.
fn note_name(names: &mut Vec<String>, name: &str) {
    if names.len() <= NAMED_MAX {
        names.push(name.to_owned());
    }
}

/// The names of some files, or how many there are.
fn named(count: usize, names: &[String]) -> String {
    if count > NAMED_MAX || names.len() != count {
        return counted(count, "file");
    }
    list(names)
}

fn list(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(shown).collect();
    names.join(", ")
}

fn would_do(send: &[String], bytes: u64, delete: &[String]) -> String {
    let mut lines = String::new();
    for (verb, names) in [("send", send), ("delete", delete)] {
        for name in names.iter().take(LISTED_MAX) {
            let _ = writeln!(lines, "would {verb}  {}", shown(name));
        }
        if names.len() > LISTED_MAX {
            let more = counted(names.len() - LISTED_MAX, "more file");
            let _ = writeln!(lines, "would {verb}  {more}");
        }
    }
    let (send, delete) = (counted(send.len(), "file"), counted(delete.len(), "file"));
    let _ = write!(
        lines,
        "{send} would be sent ({}), {delete} deleted on the server; nothing was done",
        HumanBytes(bytes)
    );
    lines
}

fn left_out(ignored: usize, secrets: &[String], never: &[Never]) -> Option<String> {
    let some = |names: &[String]| {
        let more = if names.len() > NAMED_MAX { ", …" } else { "" };
        format!("{}{more}", list(&names[..names.len().min(NAMED_MAX)]))
    };
    let mut parts = Vec::new();
    if ignored > 0 {
        parts.push(format!("{ignored} ignored"));
    }
    if !secrets.is_empty() {
        let count = counted(secrets.len(), "secret");
        parts.push(format!("{count} held back ({})", some(secrets)));
    }
    if !never.is_empty() {
        let whys = never.iter().map(|it| format!("{}: {}", it.name, it.why));
        let whys: Vec<_> = whys.collect();
        parts.push(format!("{} never sent ({})", never.len(), some(&whys)));
    }
    (!parts.is_empty()).then(|| {
        format!(
            "not shared: {}; `twicecast why PATH` explains",
            parts.join(", ")
        )
    })
}

/// The time of day where the streamer is.
fn clock() -> String {
    chrono::Local::now().format("%H:%M:%S").to_string()
}

fn invitation(
    command: &str,
    until: u64,
    guests: &[GuestCommands],
    pulls: &str,
    chat: &str,
) -> String {
    let until = date_and_time(until);
    let mut text = format!("for viewers, to read, until {until}:\n\n    {command}\n");
    for guest in guests {
        let _ = write!(
            text,
            "\nfor {}, to propose changes and to chat, until {until}:\n\n    {}\n    {}\n    {}\n",
            shown(&guest.name),
            guest.clone,
            guest.propose,
            guest.chat
        );
    }
    if guests.is_empty() {
        text.push_str("\n--invite NAME lets somebody propose changes and chat\n");
    }
    let _ = writeln!(text, "\nfor you:\n\n    {pulls}\n    {chat}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_object_that_says_which_it_is() {
        let event = Event::Lost {
            why: "gone".to_owned(),
            retry_in: 1.5,
        };
        assert_eq!(
            serde_json::to_string(&event).unwrap(),
            r#"{"event":"lost","why":"gone","retryIn":1.5}"#
        );
        assert_eq!(
            serde_json::to_string(&Event::Paused).unwrap(),
            r#"{"event":"paused"}"#
        );
    }

    #[test]
    fn secrets_are_named_and_the_rest_is_counted() {
        let secrets = vec!["/.env".to_owned(), "/key.pem".to_owned()];
        assert_eq!(
            left_out(3, &secrets, &[]).unwrap(),
            "not shared: 3 ignored, 2 secrets held back (/.env, /key.pem); `twicecast why PATH` \
             explains"
        );
        assert_eq!(left_out(0, &[], &[]), None);
    }
}
