//! The server of `share --local`, and who shares with it.

use crate::commands::share::args::ShareArgs;
use crate::credentials::flags::{AddressSource, CommonArgs};
use crate::credentials::name_of_user;
use crate::embedded;
use crate::embedded::LocalServer;
use crate::failure::Failure;

/// Who shares with a server of their own, where nobody says.
const NOBODY: &str = "streamer";

/// Starts a server in this process. The flags that come with it are those that lead there.
///
/// # Errors
///
/// A sentence that says what the system does not give.
pub async fn start(args: &ShareArgs) -> Result<(CommonArgs, LocalServer), Failure> {
    let server = embedded::start(&args.dir, args.local_settings()).await?;
    let mut common = args.common.clone();
    (common.url, common.key) = (server.url.clone(), Some(server.key.clone()));
    (common.token, common.url_source) = (None, AddressSource::Default);
    // One command is enough, wherever it is typed.
    common.user = common
        .user
        .or_else(name_of_user)
        .or_else(|| Some(NOBODY.to_owned()));
    Ok((common, server))
}
