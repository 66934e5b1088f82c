//! A thousand operations on a shared folder, while the server, the share and the mirror are killed
//! and the network is cut. In the end a viewer has exactly what is shared, including executable
//! bits.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::real::{RealServer, Share, Wire, eventually};
use crate::support::{Files, Live, Unheard, tree};

/// xorshift64*: random numbers, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Lines of the rule file, each with a function that says which files it is about.
type Rule = (&'static str, fn(&str) -> Option<bool>);
const RULES: [Rule; 5] = [
    ("*.log", |name| {
        name.rsplit_once(".log")
            .is_some_and(|(_, rest)| rest.is_empty())
            .then_some(true)
    }),
    ("d1/", |name| {
        name.split('/')
            .rev()
            .skip(1)
            .any(|folder| folder == "d1")
            .then_some(true)
    }),
    ("/d2/d3/", |name| {
        name.starts_with("/d2/d3/").then_some(true)
    }),
    ("f5.txt", |name| {
        name.split('/')
            .any(|segment| segment == "f5.txt")
            .then_some(true)
    }),
    ("!/d0/f5.txt", |name| {
        (name == "/d0/f5.txt").then_some(false)
    }),
];

/// The files of a folder that these rules share: all but those whose last matching rule excludes
/// them.
fn shared(dir: &Path, rules: &BTreeSet<usize>) -> (Files, BTreeSet<String>) {
    let (mut files, mut executables) = whole(dir);
    let is_shared = |name: &str| {
        let mut verdicts = rules.iter().rev().filter_map(|rule| RULES[*rule].1(name));
        verdicts.next() != Some(true)
    };
    files.retain(|name, _| is_shared(name));
    executables.retain(|name| is_shared(name));
    (files, executables)
}

/// The files of a folder, and which of them are executable.
fn whole(dir: &Path) -> (Files, BTreeSet<String>) {
    let files = tree(dir);
    let is_executable = |name: &&String| {
        let found = fs::metadata(dir.join(&name[1..]));
        found.is_ok_and(|found| found.permissions().mode() & 0o100 != 0)
    };
    let executables = files.keys().filter(is_executable).cloned().collect();
    (files, executables)
}

const FOLDERS: [&str; 5] = ["d0", "d1", "d2", "d3", "x"];
const FILES: [&str; 8] = [
    "f0.txt", "f1.rs", "f2.log", "f3.rs", "f4.md", "f5.txt", "x", "f6.bin",
];

struct Tree<'a> {
    dir: &'a Path,
    random: Random,
    rules: BTreeSet<usize>,
}

impl Tree<'_> {
    fn folder(&mut self) -> PathBuf {
        let depth = self.random.below(3);
        (0..depth).fold(self.dir.to_path_buf(), |path, _| {
            path.join(self.random.one(&FOLDERS))
        })
    }

    fn file(&mut self) -> PathBuf {
        self.folder().join(self.random.one(&FILES))
    }

    fn content(&mut self) -> Vec<u8> {
        let length = match self.random.below(20) {
            0 => 600_000,
            1..5 => 0,
            _ => self.random.below(5_000),
        };
        let byte = u8::try_from(self.random.below(256)).unwrap();
        vec![byte; length]
    }

    /// Performs a random operation. Many are impossible at the moment, which does not matter.
    fn operate(&mut self) {
        let (from, to) = (self.file(), self.file());
        let content = self.content();
        let _ = match self.random.below(18) {
            0..4 => {
                fs::create_dir_all(from.parent().unwrap()).and_then(|()| fs::write(&from, content))
            }
            4 => OpenOptions::new()
                .append(true)
                .open(&from)
                .and_then(|mut file| file.write_all(b"more")),
            5 | 6 => {
                let name = format!("{}.tmp~", from.file_name().unwrap().to_str().unwrap());
                let temporary = from.with_file_name(name);
                fs::write(&temporary, content).and_then(|()| {
                    fs::rename(&temporary, &from).or_else(|_| fs::remove_file(&temporary))
                })
            }
            7 if from.is_file() => fs::rename(&from, &to),
            7 => Ok(()),
            8 => fs::rename(self.folder(), self.folder()),
            9 => fs::remove_file(&from),
            10 => fs::remove_dir_all(self.folder().join("x")),
            11 => fs::File::open(&from)
                .and_then(|file| file.set_modified(std::time::SystemTime::now())),
            12 => std::os::unix::fs::symlink(&to, &from),
            13 => fs::create_dir_all(self.folder().join("x")),
            14 => fs::copy(&from, &to).map(|_| ()),
            15 | 16 => {
                let mode = if self.random.below(2) == 0 {
                    0o755
                } else {
                    0o644
                };
                fs::symlink_metadata(&from)
                    .ok()
                    .filter(fs::Metadata::is_file)
                    .map_or(Ok(()), |_| {
                        fs::set_permissions(&from, fs::Permissions::from_mode(mode))
                    })
            }
            _ => self.change_rules(),
        };
    }

    fn change_rules(&mut self) -> std::io::Result<()> {
        self.rules = (0..RULES.len())
            .filter(|_| self.random.below(2) == 0)
            .collect();
        let lines = self
            .rules
            .iter()
            .map(|rule| format!("{}\n", RULES[*rule].0));
        fs::write(self.dir.join(".gitignore"), lines.collect::<String>())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_thousand_operations_kills_and_cuts_a_viewer_has_exactly_what_is_shared() {
    let number = |name, default| std::env::var(name).map_or(default, |n| n.parse().unwrap());
    let (seed, seeds) = (
        number("TORTURE_SEED", 0x7061_7274_7921),
        number("TORTURE_SEEDS", 1),
    );
    for seed in seed..seed + seeds {
        torture(seed).await;
    }
}

async fn torture(seed: u64) {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut server = RealServer::start().await;
    let wire = Wire::to(&server).await;
    // After a restart the share may have to delete more than it would without a question.
    let begin_share = || Share::start(&wire.url(), dir.path(), &["--yes"]);
    let url = server.url();
    let begin_mirror = || Live::of(&url, copy.path(), &[]);
    let mut begun = begin_share();
    begun.until("synced").await;
    let mut share = Some(begun.unheard());
    let mut begun = begin_mirror();
    begun.until("mirroring").await;
    let mut mirror = Some(begun.unheard());

    println!("TORTURE_SEED={seed}");
    let mut tree = Tree {
        dir: dir.path(),
        random: Random(seed),
        rules: BTreeSet::new(),
    };
    for operation in 0..1_000 {
        if operation == 700 {
            // Everything after this must be noticed from events: nothing restarts and looks at
            // everything.
            let synced = || whole(copy.path()) == shared(dir.path(), &tree.rules);
            eventually("all is there in between", synced).await;
        }
        match operation {
            360 | 720 => kill(&mut share).await,
            400 | 730 => share = Some(begin_share().unheard()),
            410 | 725 | 760 => kill(&mut mirror).await,
            440 | 745 | 765 => mirror = Some(begin_mirror().unheard()),
            200 | 600 => server.kill().await,
            300 | 620 => server.start_again().await,
            450 | 640 | 680 => wire.cut(),
            520 | 641 | 682 => wire.mend(),
            _ => {}
        }
        tree.operate();
        if operation % 5 == 0 {
            // People and programs work in bursts, too.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let wanted = shared(dir.path(), &tree.rules);
    assert!(wanted.0.len() > 5, "there is something to compare");
    eventually("the viewer has what is shared", || {
        whole(copy.path()) == wanted
    })
    .await;
    // And it stays the same.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let ((files, executables), (wanted, wanted_executables)) = (whole(copy.path()), wanted);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        wanted.keys().collect::<Vec<_>>()
    );
    assert_eq!(executables, wanted_executables);
    share.expect("it runs").stop().await;
    mirror.expect("it runs").stop().await;
}

async fn kill(running: &mut Option<Unheard>) {
    running.take().expect("it runs").kill().await;
}
