//! The server under attack, and its projects.

use std::fs;
use std::path::{Path, PathBuf};

use crate::connection::stream;
use crate::support::Server;

/// The environment variable that names another program to attack.
const SERVER: &str = "SERVER_UNDER_TEST";

/// A folder with projects, in which one server after another is started.
pub struct Arena {
    folder: tempfile::TempDir,
    program: PathBuf,
}

/// The files of each of the projects of the user `big`.
fn files(project: &str) -> Vec<String> {
    let (one, two) = ("x".repeat(195), "y".repeat(200));
    match project {
        "own" => (0..100).map(|number| format!("f{number}")).collect(),
        "many" => (0..100_000).map(|number| format!("f{number}")).collect(),
        "long" => (0..100_000)
            .map(|number| format!("{two}/{two}/{two}/{two}/{number:05}{one}"))
            .collect(),
        "list" => (0..10_000).map(|number| format!("f{number}")).collect(),
        "deep" => (0..3_000)
            .map(|number| format!("{}f{number}", "d/".repeat(63)))
            .collect(),
        _ => Vec::new(),
    }
}

const PROJECTS: [&str; 6] = ["own", "many", "long", "list", "deep", "sparse"];
/// The length of each file of `big/own`, and of the one of `big/sparse`.
const LENGTH: usize = 65 * 1_024;
const SPARSE: u64 = 8 << 30;

impl Arena {
    /// Creates all projects.
    pub async fn new() -> Self {
        let program = std::env::var_os(SERVER).map_or_else(
            || PathBuf::from(env!("CARGO_BIN_EXE_file-ws-server")),
            |path| fs::canonicalize(path).expect("the program to attack"),
        );
        let folder = tempfile::tempdir().expect("a folder");
        let arena = Self { folder, program };
        let server = arena.start(None);
        let mut client = server.connect().await;
        for project in PROJECTS {
            // Authenticating registers the project.
            client.send(stream("big", project)).await;
            client.until("authentication").await;
        }
        drop((client, server));
        for project in PROJECTS {
            arena.lay(project);
        }
        arena
    }

    fn lay(&self, project: &str) {
        let folder = self.project("big", project);
        let length = if project == "own" { LENGTH } else { 1 };
        let content = vec![b'x'; length];
        let mut made = PathBuf::new();
        for name in files(project) {
            let path = folder.join(name);
            let parent = path.parent().expect("a folder");
            if parent != made {
                fs::create_dir_all(parent).expect("made");
                parent.clone_into(&mut made);
            }
            fs::write(path, &content).expect("written");
        }
        match project {
            "own" => fs::write(folder.join("small"), "x").expect("written"),
            "sparse" => {
                fs::create_dir_all(&folder).expect("made");
                let file = fs::File::create(folder.join("sparse")).expect("made");
                file.set_len(SPARSE).expect("set");
            }
            _ => {}
        }
    }

    /// The folder of a project.
    pub fn project(&self, user: &str, project: &str) -> PathBuf {
        self.folder.path().join("base").join(user).join(project)
    }

    /// Starts a server on one core, with this limit of open files if there is one.
    pub fn start(&self, descriptors: Option<u32>) -> Server {
        let limit = descriptors.map_or_else(|| "$(ulimit -n)".to_owned(), |it| it.to_string());
        let script = format!(r#"cd "$1" && ulimit -n {limit} && shift && exec "$@""#);
        let folder = text(self.folder.path());
        let program = text(&self.program);
        let line = ["/bin/sh", "-c", &script, "sh", &folder];
        let line = line
            .into_iter()
            .chain(["/usr/bin/taskset", "-c", "0", &program]);
        // The pair chats more than people do.
        let line = line.chain(["--chat-messages-per-second", "0"]);
        let log = tempfile::tempdir().expect("a folder");
        Server::of_line(log, line.map(str::to_owned).collect())
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of letters").to_owned()
}

/// Resets the server's memory peak.
pub fn forget_peak(server: &Server) {
    let path = format!("/proc/{}/clear_refs", server.pid());
    fs::write(path, "5").expect("the peak is forgotten");
}

/// The system resources that a server has taken.
#[derive(Clone, Copy)]
pub struct Taken {
    pub files: usize,
    /// Resident memory, in bytes.
    pub memory: u64,
}

impl Taken {
    pub fn by(server: &Server) -> Self {
        Self {
            files: server.open_files(),
            memory: server.memory(),
        }
    }

    /// Whether the server has given everything back, except a tenth of the memory and `may_stay`
    /// bytes.
    pub fn is_back_to(self, before: Self, may_stay: u64) -> bool {
        self.files <= before.files && self.memory <= before.memory * 11 / 10 + may_stay
    }
}
