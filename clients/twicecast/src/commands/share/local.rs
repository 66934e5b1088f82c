//! The server of `share --local`, and the credentials to share with it.

use crate::commands::share::args::ShareArgs;
use crate::credentials::flags::{AddressSource, CommonArgs};
use crate::credentials::name_of_user;
use crate::embedded;
use crate::embedded::LocalServer;
use crate::failure::Failure;

/// The streamer's name, if neither a flag nor the system gives one.
const NOBODY: &str = "streamer";

/// Starts a server in this process. Returns it with the flags that lead to it.
///
/// # Errors
///
/// A sentence that says what the system refuses.
pub async fn start(args: &ShareArgs) -> Result<(CommonArgs, LocalServer), Failure> {
    let server = embedded::start(&args.dir, args.local_settings()).await?;
    let mut common = args.common.clone();
    (common.url, common.key) = (server.url.clone(), Some(server.key.clone()));
    (common.token, common.url_source) = (None, AddressSource::Default);
    // One command must be enough, wherever it is typed.
    common.user = common
        .user
        .or_else(name_of_user)
        .or_else(|| Some(NOBODY.to_owned()));
    Ok((common, server))
}
