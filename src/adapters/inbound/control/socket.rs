//! Both ends of the socket.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::message::{Request, Response, RunningServer};

/// The longest line in either direction. It has room for two names, each byte of which may take six
/// in JSON.
const MAX_LINE_BYTES: u64 = 8 * 1_024;

/// How long a request may take to come, and an answer to be taken: the next request has to wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// The folder with the socket, held open. A socket's address may have at most 108 bytes, and the
/// folder's path may be longer, so the address goes through the open folder.
struct Place {
    folder: OwnedFd,
}

impl Place {
    fn open(base_dir: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(base_dir.join(".twicecast"), flags, Mode::empty())?;
        Ok(Self { folder })
    }

    fn address(&self) -> PathBuf {
        format!("/proc/self/fd/{}/control", self.folder.as_raw_fd()).into()
    }
}

/// Creates the socket, in place of an old one. Only the holder of the folder's lock may call this.
///
/// # Errors
/// The folder does not allow it.
pub fn listen(base_dir: &Path) -> io::Result<UnixListener> {
    let place = Place::open(base_dir)?;
    let address = place.address();
    match std::fs::remove_file(&address) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&address)?;
    std::fs::set_permissions(&address, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers operators, one after the other, forever.
pub async fn serve(listener: UnixListener, server: RunningServer) {
    loop {
        let answered = match listener.accept().await {
            Ok((stream, _)) => answer(stream, &server).await,
            Err(error) => {
                // Perhaps the process has too many files open.
                tokio::time::sleep(Duration::from_secs(1)).await;
                Err(error)
            }
        };
        if let Err(error) = answered {
            tracing::warn!(%error, "cannot answer an operator's command");
        }
    }
}

async fn answer(stream: UnixStream, server: &RunningServer) -> io::Result<()> {
    let (incoming, mut outgoing) = stream.into_split();
    let mut line = Vec::new();
    let mut incoming = BufReader::new(incoming.take(MAX_LINE_BYTES));
    timeout(PATIENCE, incoming.read_until(b'\n', &mut line)).await??;
    let response = match serde_json::from_slice::<Request>(&line) {
        Ok(request) => {
            let response = server.carry_out(&request).await;
            tracing::info!(?request, ?response, "carried out an operator's command");
            response
        }
        Err(error) => Response::Refused(format!("the request cannot be read: {error}")),
    };
    let mut line = serde_json::to_vec(&response)?;
    line.push(b'\n');
    timeout(PATIENCE, outgoing.write_all(&line)).await?
}

/// Asks the server that runs on the folder. Blocks until it has answered.
///
/// # Errors
/// No server can be reached, or it does not answer.
pub fn ask(base_dir: &Path, request: &Request) -> io::Result<Response> {
    let mut stream = connect(base_dir)?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = Vec::new();
    stream.take(MAX_LINE_BYTES).read_to_end(&mut answer)?;
    Ok(serde_json::from_slice(&answer)?)
}

/// Like [`ask`], but does not wait for long. Also returns the number of the server's process, if
/// that can be seen from here.
///
/// # Errors
/// Those of [`ask`], and that the server is busy.
pub async fn ask_soon(base_dir: &Path, request: &Request) -> io::Result<(Response, Option<i32>)> {
    let stream = connect(base_dir)?;
    stream.set_nonblocking(true)?;
    let mut stream = UnixStream::from_std(stream)?;
    // It is zero if the server is in another container.
    let process = stream.peer_cred()?.pid().filter(|process| *process > 0);
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    let mut answer = Vec::new();
    let exchange = async {
        stream.write_all(&line).await?;
        stream.take(MAX_LINE_BYTES).read_to_end(&mut answer).await
    };
    timeout(PATIENCE, exchange).await??;
    Ok((serde_json::from_slice(&answer)?, process))
}

fn connect(base_dir: &Path) -> io::Result<std::os::unix::net::UnixStream> {
    let place = Place::open(base_dir)?;
    std::os::unix::net::UnixStream::connect(place.address())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::adapters::inbound::transport::Probes;
    use crate::application::memory::MemoryBudget;
    use crate::application::ports::{
        MockGuestStore, MockModerationStore, MockProjectStore, MockPullRequestStore, ProjectState,
        StoreError,
    };
    use crate::application::{Moderations, Operator};
    use crate::domain::Moderation;

    fn server(projects: MockProjectStore) -> RunningServer {
        let mut pull_requests = MockPullRequestStore::new();
        pull_requests.expect_open().returning(|_, _| Ok(Vec::new()));
        let mut guests = MockGuestStore::new();
        guests.expect_is_kept().returning(|_| Ok(false));
        guests.expect_free().returning(|_| Ok(()));
        let mut moderation = MockModerationStore::new();
        let nothing = |_: &_| Ok(Moderation::default());
        moderation.expect_load().returning(nothing);
        moderation.expect_remove().returning(|_| Ok(()));
        let account = MemoryBudget::new(1 << 20).shared_account();
        let operator = Operator {
            projects: Arc::new(projects),
            pull_requests: Arc::new(pull_requests),
            guests: Arc::new(guests),
            moderations: Arc::new(Moderations::new(Arc::new(moderation), account)),
            events: None,
        };
        RunningServer {
            operator,
            addresses: vec![([127, 0, 0, 1], 3_005).into()],
            probes: Arc::new(Probes::default()),
        }
    }

    /// A folder whose path is longer than a socket's address may be.
    fn place() -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().expect("a temporary folder");
        let base = place.path().join("n".repeat(200));
        std::fs::create_dir_all(base.join(".twicecast")).expect("makes");
        (place, base)
    }

    async fn asked(base: &Path, request: Request) -> Response {
        let base = base.to_owned();
        let asking = tokio::task::spawn_blocking(move || ask(&base, &request));
        asking.await.expect("ends").expect("an answer")
    }

    #[tokio::test]
    async fn what_an_operator_asks_is_done_and_answered_below_any_path() {
        let (_place, base) = place();
        let mut projects = MockProjectStore::new();
        projects.expect_adopt_user().returning(|_| Ok(()));
        let absent = |_: &_| Ok(ProjectState::Absent);
        projects.expect_state().returning(absent);
        let gone = |_: &_, _| Err(StoreError::NotFound);
        projects.expect_remove().returning(gone);
        let listener = listen(&base).expect("listens");
        let serving = tokio::spawn(serve(listener, server(projects)));
        let (user, project) = ("ana".to_owned(), "C/C++".to_owned());
        let adopt = Request::Adopt {
            user: user.clone(),
            project: None,
        };
        assert_eq!(asked(&base, adopt).await, Response::Done);
        let of = Request::Holdings {
            user: user.clone(),
            project: project.clone(),
        };
        let nothing = Response::Refused(StoreError::NotFound.to_string());
        assert_eq!(asked(&base, of).await, nothing);
        let remove = Request::Remove { user, project };
        assert_eq!(asked(&base, remove).await, nothing);
        let nobody = Request::Adopt {
            user: "..".to_owned(),
            project: None,
        };
        assert!(matches!(asked(&base, nobody).await, Response::Refused(_)));
        serving.abort();
    }

    #[tokio::test]
    async fn the_socket_is_private_made_anew_and_outlives_nonsense() {
        let (_place, base) = place();
        drop(listen(&base).expect("listens"));
        let listener = listen(&base).expect("listens again");
        let socket = std::fs::metadata(base.join(".twicecast/control"));
        let mode = socket.expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut projects = MockProjectStore::new();
        projects.expect_adopt_user().returning(|_| Ok(()));
        let serving = tokio::spawn(serve(listener, server(projects)));
        let long = "x".repeat(100_000);
        for nonsense in ["", "\n", "{}\n", "[1]\n", "{\"command\":\"stop\"}\n", &long] {
            let place = Place::open(&base).expect("opens");
            let stream = UnixStream::connect(place.address()).await;
            let (mut incoming, mut outgoing) = stream.expect("connects").into_split();
            // The server may close the socket in the middle of a line that is too long.
            let _ = outgoing.write_all(nonsense.as_bytes()).await;
            drop(outgoing);
            let mut answer = String::new();
            let read = incoming.read_to_string(&mut answer).await;
            assert!(read.is_err() || answer.contains("refused"), "{answer}");
        }
        let user = "ana".to_owned();
        let adopt = Request::Adopt {
            user,
            project: None,
        };
        assert_eq!(asked(&base, adopt).await, Response::Done);
        serving.abort();
    }

    #[tokio::test]
    async fn a_doctor_learns_how_the_server_runs_and_in_which_process() {
        let (_place, base) = place();
        let listener = listen(&base).expect("listens");
        let serving = tokio::spawn(serve(listener, server(MockProjectStore::new())));
        let number = "7".to_owned();
        let expect = Request::Expect { number };
        assert_eq!(asked(&base, expect).await, Response::Done);
        assert_eq!(
            asked(&base, Request::Seen).await,
            Response::Seen(Vec::new())
        );
        let asked = ask_soon(&base, &Request::State).await;
        let (response, process) = asked.expect("an answer");
        let state = Response::State {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            addresses: vec![([127, 0, 0, 1], 3_005).into()],
        };
        assert_eq!(response, state);
        assert_eq!(process, i32::try_from(std::process::id()).ok());
        serving.abort();
    }
}
