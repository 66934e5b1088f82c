//! The operator's `import` and `export`: whole folders into NATS and back.

use std::io::{IsTerminal as _, Write as _, stderr};

use super::run::{Failure, print};
use super::target::Direction;
use crate::application::ports::Stores;
use crate::application::transfer::{Differs, Step, Transfer, Transferred};

/// Copies everything, says what it does, and returns the exit code: 1 if something that is already
/// there differs.
///
/// # Errors
/// What cannot be read or written. Running the same command again goes on from there.
pub async fn transfer(
    direction: &Direction,
    folder: &Stores,
    engine: &Stores,
) -> Result<u8, Failure> {
    let (from, to) = match direction {
        Direction::Import(_) => (folder, engine),
        Direction::Export(_) => (engine, folder),
    };
    let tell = &mut tell;
    let Transferred {
        projects,
        files,
        bytes,
        pull_requests,
        same,
        differs,
    } = Transfer { from, to, tell }.run().await?;
    print(&format!(
        "projects: {projects}; copied: {files} files ({bytes} bytes), {pull_requests} pull \
         requests; there already: {same}\n"
    ));
    if differs == 0 {
        return Ok(0);
    }
    print(&format!(
        "left as they are, since they differ: {differs} (named above)\n"
    ));
    Ok(1)
}

/// Shows the progress on a terminal, and always names what differs and stays.
fn tell(step: Step<'_>) {
    let shows_progress = stderr().is_terminal();
    let mut out = stderr().lock();
    // If nobody can read it, the exit code is still the same.
    let _ = match step {
        Step::Files { project, done, of } if shows_progress => {
            let end = if done == of { "\n" } else { "" };
            write!(out, "\r{project}: {done} of {of} files{end}")
        }
        Step::Files { .. } => Ok(()),
        Step::Differs { project, what } => match what {
            Differs::Project => writeln!(
                out,
                "{project} is left out: something that the server did not create has that name"
            ),
            Differs::File(path) => writeln!(out, "{project}: {path} differs, and stays"),
            Differs::Moderation => {
                writeln!(
                    out,
                    "{project}: what its moderators decided differs, and stays"
                )
            }
        },
    };
}
