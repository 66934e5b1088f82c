//! What a hostile server can send to the client's library. The library's `tests/corpus.rs` includes
//! this file too.

use twicecast_client::assembly::{Assembly, FILE_BYTES_MAX};
use twicecast_client::names::FileName;
use twicecast_client::protocol::{self, FilePart, ServerMessage};
use twicecast_client::untrusted::shown;

/// Reads lines as a server's messages. Each is understood or refused, no printed text controls the
/// terminal, and the parts of a file never become longer than was announced.
pub fn answer(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut open = None;
    for line in text.lines() {
        match protocol::parse(line) {
            Ok((_, ServerMessage::Part(part))) => take(&mut open, &part),
            Ok((_, ServerMessage::Error(error))) => {
                assert_ne!(error.code, 200);
                printable(&error.message.to_string());
                printable(&format!("{:?}", error.message));
            }
            Ok((_, ServerMessage::PullRequest(pull))) => {
                let [title, description] = [pull.title, pull.description];
                printable(&format!("{} {} {title} {description}", pull.id, pull.owner));
            }
            Ok(_) => {}
            Err(why) => printable(&shown(&why)),
        }
    }
}

fn take(open: &mut Option<(Assembly, u64)>, part: &FilePart) {
    let listed = Some(6);
    let (mut assembly, mut bytes) = match open.take() {
        Some(open) => open,
        None => match Assembly::begin(part, listed) {
            Ok(assembly) => (assembly, 0),
            Err(why) => {
                assert!(part.part != 1 || part.max_part == 0);
                return printable(&why.to_string());
            }
        },
    };
    match assembly.take(part) {
        Ok(taken) => {
            assert_eq!(part.name, assembly.name());
            assert_eq!(taken.is_last, part.part == part.max_part);
            bytes += taken.bytes.len() as u64;
            assert!(bytes <= 6 || taken.too_long.is_some());
            assert!(bytes <= FILE_BYTES_MAX);
            if !taken.is_last && taken.too_long.is_none() {
                *open = Some((assembly, bytes));
            }
        }
        Err(why) => printable(&why.to_string()),
    }
}

fn printable(text: &str) {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(steers), "{text:?}");
}

/// Any text as a file's name: accepted exactly if it stays inside the project.
pub fn file_name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(name) = FileName::parse(&text) else {
        return;
    };
    assert_eq!(name.as_str(), text);
    let segments: Vec<&str> = text.split('/').collect();
    assert_eq!(segments[0], "");
    assert!(text.len() <= 4_097 && (2..=65).contains(&segments.len()));
    for segment in &segments[1..] {
        assert!((1..=255).contains(&segment.len()) && !matches!(*segment, "." | ".."));
        assert!(!segment.contains(|c: char| c.is_control() || c == '\\'));
        let plain = segment.trim_end_matches(['.', ' ']).to_ascii_lowercase();
        assert!(!matches!(&*plain, ".git" | ".twicecast" | "git~1"));
        assert!(!plain.starts_with(".twicecast-"));
    }
    let (folder, last) = name.split();
    assert_eq!(format!("{folder}/{last}"), text);
    assert_eq!(name.folders().count(), segments.len() - 2);
    assert!(name.folders().all(|folder| name.is_below(folder)));
    printable(&name.to_string());
}
