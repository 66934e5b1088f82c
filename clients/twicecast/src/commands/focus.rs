//! `twicecast focus`: tells viewers where the streamer is looking. Editors call it.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use twicecast_client::protocol;

use crate::credentials::flags::CommonArgs;
use crate::credentials::login::{self, Login};
use crate::credentials::{Credentials, Purpose};
use crate::failure::Failure;
use crate::names::{FileName, shown};
use crate::replica::kind;

/// The largest line number (protocol, section 4).
const LINE_MAX: u32 = 0x7fff_ffff;
const AUTHENTICATE: u64 = 1;
const FOCUS: u64 = 2;

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Viewers who follow you go there. It tells them only the name and the line, and only while it is \
asked; nothing is sent of the file. Without a line the file alone is meant.

In an editor, for example:
  vim:  autocmd BufEnter,CursorHold * silent! call job_start(['twicecast', 'focus', expand('%:p'), \
'--line', line('.')])

Exit codes:
  0  all is done
  2  the command line is not usable, or the file lies in no folder that is shared
  3  no connection, or the server does not let you in

Examples:
  twicecast focus src/main.rs
  twicecast focus ~/demo/src/main.rs:12
  twicecast focus ~/demo/src/main.rs --line 12";

/// `twicecast focus`.
#[derive(Debug, Args)]
pub struct FocusArgs {
    /// The file, in the folder that is shared; it may end in :LINE
    pub file: PathBuf,
    /// The line, from 1 on
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(LINE_MAX)))]
    pub line: Option<u32>,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The file and the line that are meant. If no file has that name, it may be `FILE:LINE`, or
/// `FILE:LINE:COLUMN` as compilers print it.
fn place(file: &Path, line: Option<u32>) -> io::Result<(PathBuf, Option<u32>)> {
    let whole = std::fs::canonicalize(file);
    if let (Err(_), Some(text), None) = (&whole, file.to_str(), line)
        && let Some((name, number)) = text.rsplit_once(':')
        && let Some(number) = line_number(number)
    {
        let before = name.rsplit_once(':');
        let before = before.and_then(|(name, line)| Some((name, line_number(line)?)));
        let (name, number) = before.unwrap_or((name, number));
        return Ok((std::fs::canonicalize(name)?, Some(number)));
    }
    whole.map(|file| (file, line))
}

fn line_number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten()?;
    (1..=LINE_MAX).contains(&number).then_some(number)
}

/// Runs the command and returns the exit code.
///
/// # Errors
///
/// A sentence, if the file is not shared, or the server cannot be reached or does not let us in.
pub async fn run(args: &FocusArgs) -> Result<u8, Failure> {
    let (file, line) = place(&args.file, args.line).map_err(|error| {
        let file = shown(&args.file.to_string_lossy());
        Failure::usage(format!("{file} cannot be found: {error}."))
    })?;
    let folders = file.ancestors().skip(1);
    let mut shared = folders.filter(|dir| kind::of(dir).is_some_and(|marked| marked.is_shared()));
    let found = shared.next().and_then(|dir| {
        let path = file.strip_prefix(dir).ok()?.to_str()?;
        Some((dir, FileName::parse(&format!("/{path}")).ok()?))
    });
    let Some((dir, name)) = found else {
        return Err(Failure::usage(format!(
            "{} lies in no folder that is shared; `twicecast share` shares one.",
            shown(&file.to_string_lossy())
        )));
    };
    let credentials = Credentials::resolve(&args.common, Purpose::Review, Some(dir))?;
    let without = "Only the streamer can tell viewers where to look: give --token (or \
                   TWICECAST_TOKEN), or --key (or TWICECAST_KEY) if you run the server.";
    let login = Login::reviewer(&credentials);
    let (outgoing, mut incoming) =
        login::connect(&credentials, &login, without, AUTHENTICATE).await?;
    outgoing
        .send(protocol::focus(FOCUS, name.as_str(), line))
        .await;
    let answer = incoming.answer(FOCUS, &mut drop).await;
    answer.map_err(Failure::from)?;
    drop(outgoing);
    incoming.finish().await;
    Ok(0)
}
