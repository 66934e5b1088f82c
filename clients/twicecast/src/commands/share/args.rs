//! The flags of `twicecast share`, and its help.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Args;

use crate::credentials::flags::CommonArgs;
use crate::links::public_url;
use crate::local_settings::{LocalSettings, Viewers, own_address};

/// What `--help` says.
pub const HELP: &str = "\
Makes the project on the server equal to DIR, and keeps it so until stopped with Ctrl-C: what \
changes is sent at once. \
A lost connection is taken up again. Needs a token or a key, or --local.

Asks first where that would delete more than 5 files, or half of those that the server has, where \
DIR holds \
20,000 files or is your home folder, and where somebody shares the project already. Without a \
terminal it stops there, unless --yes. It also stops if somebody else has put more than 5 files \
into the project since, which it would delete or overwrite.

Never sent:
  what .gitignore, .ignore and .tcignore files leave out, as git reads them (of one folder's the \
last named wins),
  and git's own excludes, by its whole configuration; a rule counts from the moment in which it is \
written, also while sharing;
  what looks like a secret by its name, such as .env files, private keys and credentials, or by \
what it holds, such as
  a private key or a token of GitHub, unless --allow names it;
  what editors and systems leave: unsaved text, copies from before the last save, .DS_Store and \
the like;
  links and special files, `.git`, and names that the protocol forbids.
What becomes ignored is deleted on the server, what becomes allowed is sent. `twicecast why PATH` \
says which rule decides.

Keys, in a terminal: p pauses and goes on, q stops; y or n answers what your page asks.

A pull request that you accept on your page is applied here, as `twicecast pulls apply` does it, \
once you press y.

With --json each line is an object; `event` says which:
  link               link, and until of the token in it: what viewers open (--local)
  invitation         command, until, pulls, chat: what to type elsewhere (--local);
                     guests: name and file of each, and text with --show-invites
  connected          url, project
  sending            files, bytes, deletions: what is about to be done
  sent, deleted      name (sent: bytes)
  failed             name, why
  synced             sent, bytes, deleted, files, seconds
  leftOut            ignored (a count), secrets (names), never (name and why of each)
  wouldDo            send, bytes, delete (--dry-run)
  complete           files (--once)
  lost               why, retryIn (seconds)
  paused, resumed
  pullRequest        id, author, title
  pullRequestClosed  id
  applyAsked         id, author, title, files, held: what your page asks for; held
                     are those that `pulls apply` takes only by name
  applied            text: what has come of it
  viewers            count
  note               text
  stopped            why, where nobody wanted it";

/// What `--help` ends with.
pub const AFTER_HELP: &str = "\
Exit codes:
  0  all is done
  1  some files failed or were refused; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in

Examples:
  twicecast share . --local
  twicecast share . --local --invite bob
  twicecast share . --local --host 192.168.1.7 --viewers propose --qr
  twicecast share ./demo --user ana --key secret
  twicecast share ./demo --token \"$TOKEN\" --allow .env.example
  twicecast share ./demo --key secret --json | jq -r 'select(.event == \"sent\").name'";

/// `twicecast share`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ShareArgs {
    /// The folder to share
    pub dir: PathBuf,
    /// Share this although it looks like a secret: a pattern as in a .gitignore; may be given
    /// several times
    #[arg(long, value_name = "PATTERN")]
    pub allow: Vec<String>,
    /// Start a server in this process, on a free port, and print the link with which viewers open
    /// the project in a browser, and the command with which they mirror it: both hold a token that
    /// can only read, for 12 hours. Your own commands, such as `twicecast pulls list` in the
    /// folder, find your token by themselves
    #[arg(long)]
    pub local: bool,
    /// With --local, let everybody who reaches the server read the project without a token
    #[arg(long, requires = "local")]
    pub public: bool,
    /// With --local, what people may do who open the link and have no token of their own: `chat` is
    /// the default
    #[arg(long, value_enum, value_name = "WHAT", requires = "local")]
    pub viewers: Option<Viewers>,
    /// With --local, let your network in: an address of this computer at which others reach it,
    /// such as 192.168.1.7
    #[arg(long, value_name = "ADDRESS", requires = "local", value_parser = own_address)]
    pub host: Option<IpAddr>,
    /// With --local, listen on this port and not on a free one, for a tunnel or a proxy
    #[arg(long, value_name = "NUMBER", requires = "local")]
    pub port: Option<u16>,
    /// With --local, the address at which others reach the server through a tunnel or a proxy, such
    /// as <https://code.example.org>; the link names it
    #[arg(long, value_name = "URL", requires = "local", value_parser = public_url)]
    pub public_url: Option<String>,
    /// With --local, show the link as a QR code, too, for phones
    #[arg(long, requires = "local", conflicts_with = "json")]
    pub qr: bool,
    /// With --local, let this person chat and propose changes for 12 hours: what to send them, a
    /// token and the commands, is in a file that only you can read; may be given several times
    #[arg(long, value_name = "NAME", requires = "local")]
    pub invite: Vec<String>,
    /// Show the invitations here, too: anyone who sees the screen can use them
    #[arg(long, requires = "invite")]
    pub show_invites: bool,
    /// Apply what you accept on your page without asking here, but for files that tools run by
    /// themselves, that become executable or say what is shared
    #[arg(long, conflicts_with = "once")]
    pub accept_from_page: bool,
    /// Send what differs, and end when the server has acknowledged all of it
    #[arg(long)]
    pub once: bool,
    /// Only say what would be sent, and deleted on the server
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask, whatever would be deleted or sent
    #[arg(long)]
    pub yes: bool,
    /// Look through the folder now and then instead of watching it, for file systems that tell
    /// nothing
    #[arg(long)]
    pub poll: bool,
    /// Print what happens as JSON, one object per line
    #[arg(long)]
    pub json: bool,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

impl ShareArgs {
    /// The settings for the server in this process.
    pub fn local_settings(&self) -> LocalSettings {
        LocalSettings {
            is_public: self.public,
            viewers: self.viewers.unwrap_or(Viewers::Chat),
            host: self.host.unwrap_or(Ipv4Addr::LOCALHOST.into()),
            port: self.port.unwrap_or(0),
            public_url: self.public_url.clone(),
        }
    }
}
