//! What the user sees and types.

pub mod command_line;
pub mod keyboard;
pub mod output;
pub mod pager;
pub mod progress;
pub mod qr;
pub mod question;
pub mod signals;
pub mod style;
pub mod tally;
pub mod time;
