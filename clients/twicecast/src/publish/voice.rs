//! What a share says: lines and a status for people, or one JSON object per line for programs.

use std::fmt::Write as _;

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::names::shown;
use crate::ui::output::{counted, json_line, say, warn};

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
        /// For their shell.
        command: String,
        /// The same for who wants to propose changes.
        clone: String,
        /// The flags with which the streamer looks at what they propose.
        pulls: String,
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
        never: usize,
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
        id: String,
        /// Who.
        author: String,
        /// What its author calls it.
        title: String,
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

/// Where it is said.
pub struct Voice {
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
    pulls: usize,
    last: Option<String>,
}

/// More deletions or files than this are counted and not named.
const NAMED_MAX: usize = 8;

impl Voice {
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
        self.note(event);
        if self.json {
            say(&json_line(event));
            return;
        }
        if let Some(line) = sentence(event) {
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
        match event {
            Event::Connected { .. } => self.facts.connected = true,
            Event::Lost { .. } | Event::Stopped { .. } => self.facts.connected = false,
            Event::Paused => self.facts.paused = true,
            Event::Resumed => self.facts.paused = false,
            Event::PullRequest { .. } => self.facts.pulls += 1,
            Event::Synced {
                files,
                sent,
                deleted,
                ..
            } => {
                self.facts.files = *files;
                if sent + deleted > 0 {
                    self.facts.last = Some(clock());
                }
            }
            _ => {}
        }
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
        if facts.pulls > 0 {
            let _ = write!(line, " · {}", counted(facts.pulls, "pull request"));
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

impl Drop for Voice {
    fn drop(&mut self) {
        self.status.finish_and_clear();
    }
}

/// What people read; nothing where the status line or the summary says it.
fn sentence(event: &Event) -> Option<String> {
    Some(match event {
        Event::Connected { url, project } => {
            format!("sharing {} at {url}; Ctrl-C stops", shown(project))
        }
        Event::Invitation {
            command,
            clone,
            pulls,
        } => format!(
            "to see it elsewhere:

    {command}

to propose changes:

    {clone}

to look at what is proposed:

    twicecast pulls {pulls} list
"
        ),
        Event::Synced { sent, deleted, .. } if sent + deleted == 0 => return None,
        Event::Synced {
            sent,
            bytes,
            deleted,
            files,
            seconds,
        } => format!(
            "{} sent ({}), {deleted} deleted, {files} in all, in {seconds:.1} s",
            counted(*sent, "file"),
            HumanBytes(*bytes)
        ),
        Event::Failed { name, why } => {
            let name = if name.is_empty() { "/" } else { name };
            format!("{}: {}", shown(name), shown(why))
        }
        Event::LeftOut {
            ignored,
            secrets,
            never,
        } => left_out(*ignored, secrets, *never)?,
        Event::Lost { why, retry_in } => format!("{why} Trying again in {retry_in:.1} s."),
        Event::Paused => "paused; `p` goes on".to_owned(),
        Event::Resumed => "going on".to_owned(),
        Event::PullRequest { id, author, title } => format!(
            "{} proposes “{}”: twicecast pulls show {id}",
            shown(author),
            shown(title)
        ),
        Event::Note { text } => text.clone(),
        Event::Stopped { .. } => "stopped".to_owned(),
        Event::Sending { .. } | Event::Sent { .. } | Event::Deleted { .. } => return None,
    })
}

fn left_out(ignored: usize, secrets: &[String], never: usize) -> Option<String> {
    let mut parts = Vec::new();
    if ignored > 0 {
        parts.push(format!("{ignored} ignored"));
    }
    if !secrets.is_empty() {
        let named: Vec<_> = secrets
            .iter()
            .take(NAMED_MAX)
            .map(|name| shown(name))
            .collect();
        let more = if secrets.len() > NAMED_MAX {
            ", …"
        } else {
            ""
        };
        let count = counted(secrets.len(), "secret");
        parts.push(format!("{count} held back ({}{more})", named.join(", ")));
    }
    if never > 0 {
        parts.push(format!("{never} links and the like"));
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
            left_out(3, &secrets, 0).unwrap(),
            "not shared: 3 ignored, 2 secrets held back (/.env, /key.pem); `twicecast why PATH` \
             explains"
        );
        assert_eq!(left_out(0, &[], 0), None);
    }
}
