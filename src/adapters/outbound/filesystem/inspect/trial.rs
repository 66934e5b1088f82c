//! A trial: does with a small file what the server does with each file that it receives.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::adapters::outbound::filesystem::projects::versions::FileState;
use crate::adapters::outbound::filesystem::sandbox::folder::{Folder, Kind, PRIVATE_FILE};
use crate::adapters::outbound::filesystem::sandbox::temporary::stamp;
use crate::application::inspection::Trial;
use crate::domain::Version;

/// How many rounds are timed; the median counts.
const ROUNDS: usize = 3;

/// About the size of a source file.
const BYTES: usize = 4_096;

/// A time that a file system with coarser times does not keep.
const PROBED: u64 = 1_600_000_000_123_456_789;

/// Writes, syncs, renames and removes a small file: in `staging`, which clients cannot name and
/// which every start sweeps, or in the base folder if there is no `staging`.
pub(super) fn run(base: &Folder, state: Option<&Folder>) -> Result<Trial, String> {
    let staging = state.map(|state| state.folder("staging"));
    let place = match staging {
        Some(Ok(staging)) => staging,
        Some(Err(error)) if error != Errno::NOENT => return Err(error.to_string()),
        _ => base.clone(),
    };
    let name = format!(".doctor-{}-a\u{e9}", std::process::id());
    let trial = Place { place, name }.try_out();
    trial.map_err(|error| error.to_string())
}

struct Place {
    place: Folder,
    name: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        for name in [self.name.clone(), self.renamed()] {
            // Only one of them is there.
            let _ = self.place.remove_file(&name);
        }
    }
}

impl Place {
    fn renamed(&self) -> String {
        format!("{}-renamed", self.name)
    }

    fn try_out(&self) -> io::Result<Trial> {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            times.push(self.round()?);
        }
        times.sort_unstable();
        let file = self.place.create(&self.name, PRIVATE_FILE)?;
        Ok(Trial {
            took: times[ROUNDS / 2],
            keeps_times: keeps_times(&file)?,
            folds_names: self.folds_names()?,
        })
    }

    fn round(&self) -> io::Result<Duration> {
        let began = Instant::now();
        let mut file = self.place.create(&self.name, PRIVATE_FILE)?;
        file.write_all(&[b'x'; BYTES])?;
        file.sync_all()?;
        self.place
            .rename(&self.name, &self.place, &self.renamed())?;
        self.place.sync()?;
        let took = began.elapsed();
        self.place.remove_file(&self.renamed())?;
        Ok(took)
    }

    /// Whether the file is found under a name that only looks like its own.
    fn folds_names(&self) -> io::Result<bool> {
        let mut others = [
            self.name.replace('a', "A"),
            self.name.replace('\u{e9}', "e\u{301}"),
        ]
        .into_iter();
        others.try_fold(false, |folds, other| {
            Ok(folds || matches!(self.place.kind(&other)?, Some(Kind::File(_))))
        })
    }
}

fn keeps_times(file: &File) -> io::Result<bool> {
    stamp(file, Version::new(PROBED))?;
    Ok(FileState::from(&file.metadata()?).nanos == Some(PROBED))
}
