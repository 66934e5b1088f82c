//! The sentences for events that need more than one line.

use std::fmt::Write as _;

use indicatif::HumanBytes;
use twicecast_client::untrusted::{Untrusted, shown};

use crate::publish::output::event::{GuestInvitation, Never};
use crate::publish::output::page_link::PageLink;
use crate::ui::command_line::CommandLine;
use crate::ui::output::{counted, cut, first_names, path_word};
use crate::ui::qr;
use crate::ui::style::{Style, painted};
use crate::ui::time::date_and_time;

/// The most names that are listed of what would be done.
const LISTED_MAX: usize = 200;

/// What a dry run prints.
pub fn would_do(send: &[String], bytes: u64, delete: &[String]) -> String {
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

/// What is not shared; `None` if everything is.
pub fn left_out(
    ignored: usize,
    secrets: &[String],
    never: &[Never],
    why: &CommandLine,
) -> Option<String> {
    let mut parts = Vec::new();
    if ignored > 0 {
        parts.push(format!("{ignored} ignored"));
    }
    if !secrets.is_empty() {
        let count = counted(secrets.len(), "secret");
        parts.push(format!("{count} held back ({})", first_names(secrets)));
    }
    if !never.is_empty() {
        let whys = never.iter().map(|it| format!("{}: {}", it.name, it.why));
        parts.push(format!(
            "{} never sent ({})",
            never.len(),
            first_names(whys)
        ));
    }
    (!parts.is_empty()).then(|| format!("not shared: {}; `{why} PATH` explains", parts.join(", ")))
}

/// The link that viewers open: the first and most visible thing that a share prints.
pub fn link_sentence(link: &str, about: &str, has_qr: bool) -> String {
    let mut text = format!("\n{}\n\n", painted(Style::Bold, link));
    if has_qr {
        let code = qr::drawn_here(link);
        let _ = writeln!(text, "{}\n", code.unwrap_or_else(|why| why));
    }
    text.push_str(about);
    text
}

/// Says that a project is shared on a server that others run.
pub fn sharing(url: &str, project: &str, page: Option<&PageLink>) -> String {
    let mut text = format!("sharing {} at {url}; Ctrl-C stops", shown(project));
    if let Some(PageLink { address, link }) = page {
        let _ = write!(
            text,
            "\nviewers open {address}; where reading needs a token, `{link}` makes them a link"
        );
    }
    text
}

/// What viewers, guests and the streamer type in other terminals.
pub fn invitation(
    command: &str,
    until: u64,
    guests: &[GuestInvitation],
    pulls: &str,
    chat: &str,
) -> String {
    let until = date_and_time(until);
    let mut text = format!("in a terminal, to read, until {until}:\n    {command}\n");
    if guests.is_empty() {
        text.push_str("--invite NAME lets somebody propose changes and chat\n");
    } else {
        text.push_str(
            "to propose and to chat; send each what is in the file, not on the stream:\n",
        );
    }
    for GuestInvitation {
        name,
        file,
        text: shown_text,
    } in guests
    {
        let _ = writeln!(text, "    {}: {}", shown(name), shown(&path_word(file)));
        for line in shown_text.iter().flat_map(|text| text.lines()) {
            let _ = writeln!(text, "        {line}");
        }
    }
    let _ = write!(text, "for you:\n    {pulls}\n    {chat}");
    text
}

/// The most characters of a title and of a name that are shown.
const TITLE_CHARS: usize = 120;
const NAME_CHARS: usize = 60;

/// The question to the streamer when their page asks to apply a pull request.
pub fn apply_asked(
    id: &Untrusted,
    author: &Untrusted,
    title: &Untrusted,
    files: &[String],
    held: &[String],
    pulls: &CommandLine,
) -> String {
    let mut text = format!(
        "your page asks to apply {} by {}: {} ({}: {})\n",
        id.beginning(8),
        shown(&cut(author.raw(), NAME_CHARS)),
        shown(&cut(title.raw(), TITLE_CHARS)),
        counted(files.len(), "file"),
        first_names(files)
    );
    let _ = writeln!(
        text,
        "`{pulls} show {}` shows what changes",
        id.beginning(8)
    );
    if !held.is_empty() {
        let names = first_names(held);
        let _ = writeln!(
            text,
            "LOOK FIRST: tools run these by themselves, they become executable, or they say what \
             is shared: {names}"
        );
    }
    text.push_str("press y to apply, n to decline");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_named_and_the_rest_is_counted() {
        let why = CommandLine::new("why");
        let secrets = vec!["/.env".to_owned(), "/key.pem".to_owned()];
        assert_eq!(
            left_out(3, &secrets, &[], &why).unwrap(),
            format!(
                "not shared: 3 ignored, 2 secrets held back (/.env, /key.pem); `{why} PATH` explains"
            )
        );
        assert_eq!(left_out(0, &[], &[], &why), None);
    }
}
