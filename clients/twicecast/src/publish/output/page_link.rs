//! What a share says about the project's page.

use crate::ui::command_line::CommandLine;

/// A project's page on a server that others run.
pub struct PageLink {
    /// Its address.
    pub address: String,
    /// The command that makes a link with a token.
    pub link: CommandLine,
}
