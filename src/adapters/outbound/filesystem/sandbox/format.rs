//! The number of the layout, and how layout 1 becomes layout 2.
//!
//! Layout 2 percent-encodes the names of projects ([`ProjectName::file_name`]), so a project `100%`
//! lies in `100%25`. An upgrade first checks what must be renamed and writes it down in `renames`.
//! Then it writes the new number, so that a server of layout 1 refuses the folder from then on.
//! Only then does it rename anything. Every start carries on with what is written down.

use std::io;
use std::io::{Read as _, Write as _};

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::adapters::outbound::filesystem::sandbox::error::{During, OpenError};
use crate::adapters::outbound::filesystem::sandbox::folder::{Folder, Kind, PRIVATE_FILE};
use crate::domain::{NameError, ProjectName, UserName};

const VERSION: &str = "version";
const RENAMES: &str = "renames";
const CURRENT: &str = "2\n";
const UPGRADING: &str = "change the layout of .twicecast";

/// The layout that a folder has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// 1, or none yet.
    First,
    /// 2; but there may be things left to rename.
    Current,
}

/// The folders whose entries bear names of projects, and the one that holds the state.
pub(crate) struct Places<'a> {
    pub state: &'a Folder,
    pub base: &'a Folder,
    pub markers: &'a Folder,
    pub pulls: &'a Folder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    Base,
    Markers,
    Pulls,
}

/// A project's name in layout 1, and what it becomes in layout 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rename {
    place: Place,
    user: String,
    from: String,
    to: String,
}

/// Called before each change of the disk. An error ends the upgrade there, as a crash would; only
/// tests return one.
type Step<'a> = &'a mut dyn FnMut() -> Result<(), OpenError>;

impl Format {
    /// Reads `.twicecast/version`.
    pub fn read(state: &Folder) -> Result<Self, OpenError> {
        const WHAT: &str = "read .twicecast/version";
        let file = match state.file(VERSION) {
            Err(Errno::NOENT) => return Ok(Self::First),
            file => file.or_refused(WHAT)?,
        };
        let mut found = String::new();
        file.take(64).read_to_string(&mut found).or_refused(WHAT)?;
        match found.trim() {
            "1" => Ok(Self::First),
            "2" => Ok(Self::Current),
            other => Err(OpenError::Format {
                found: other.to_owned(),
            }),
        }
    }

    /// Finds out whether it can become the current layout, and changes nothing.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn rehearse(self, places: &Places<'_>) -> Result<(), OpenError> {
        match self {
            Self::First => places.renames().map(drop),
            Self::Current => Ok(()),
        }
    }

    /// Makes it the current layout.
    pub fn bring_up_to_date(self, places: &Places<'_>) -> Result<(), OpenError> {
        self.bring_up_to_date_in_steps(places, &mut || Ok(()))
    }

    fn bring_up_to_date_in_steps(
        self,
        places: &Places<'_>,
        step: Step<'_>,
    ) -> Result<(), OpenError> {
        let state = places.state;
        if self == Self::First {
            let renames = places.renames()?;
            let json = serde_json::to_vec(&renames).map_err(io::Error::from);
            write(state, RENAMES, &json.or_refused(UPGRADING)?, step)?;
            write(state, VERSION, CURRENT.as_bytes(), step)?;
        }
        let file = match state.file(RENAMES) {
            Err(Errno::NOENT) => return Ok(()),
            file => file.or_refused(UPGRADING)?,
        };
        let renames: Result<Vec<_>, _> = serde_json::from_reader(file).map_err(io::Error::from);
        places.carry_out(&renames.or_refused(UPGRADING)?, step)?;
        step()?;
        state.remove_file(RENAMES).or_refused(UPGRADING)?;
        Ok(state.sync().or_refused(UPGRADING)?)
    }
}

impl Places<'_> {
    fn folder(&self, place: Place) -> (&Folder, &'static str) {
        match place {
            Place::Base => (self.base, ""),
            Place::Markers => (self.markers, ".twicecast/projects/"),
            Place::Pulls => (self.pulls, ".twicecast/pulls/"),
        }
    }

    /// All names that must change, in an order in which each new name is free by then.
    fn renames(&self) -> Result<Vec<Rename>, OpenError> {
        let mut renames = Vec::new();
        for (place, wants_folder) in [(Place::Markers, false), (Place::Pulls, true)] {
            let users = self
                .folder(place)
                .0
                .folders(|name| UserName::parse(name).ok());
            for (user, folder) in users.or_refused(UPGRADING)? {
                for (name, is_folder) in folder.list().or_refused(UPGRADING)? {
                    if is_folder == wants_folder {
                        renames.extend(self.rename(place, &user, &name)?);
                    }
                }
            }
        }
        // A name may become what another is called now. That other one is longer, so it goes first.
        renames.sort_by_key(|rename: &Rename| std::cmp::Reverse(rename.from.len()));
        self.check(&renames)?;
        Ok(renames)
    }

    /// The renames for a name of layout 1, if it must change. A marker's rename comes with that of
    /// the folder that it marks.
    fn rename(&self, place: Place, user: &UserName, from: &str) -> Result<Vec<Rename>, OpenError> {
        // Layout 1 had no names with a backslash.
        if !from.contains('%') || from.contains('\\') {
            return Ok(Vec::new());
        }
        let to = match ProjectName::parse(from) {
            Ok(name) => name.file_name().into_owned(),
            Err(NameError::FileNameTooLong) => from.replace('%', "%25"),
            Err(_) => return Ok(Vec::new()),
        };
        let rename = |place| Rename {
            place,
            user: user.to_string(),
            from: from.to_owned(),
            to: to.clone(),
        };
        let mut renames = vec![rename(place)];
        if place == Place::Markers && self.kind(Place::Base, user.as_str(), from)?.is_some() {
            renames.push(rename(Place::Base));
        }
        Ok(renames)
    }

    /// Refuses what cannot be done, before anything is done.
    fn check(&self, renames: &[Rename]) -> Result<(), OpenError> {
        for rename in renames {
            let Rename {
                place,
                user,
                from,
                to,
            } = rename;
            let refused = |place, why| {
                let above = self.folder(place).1;
                Err(OpenError::Rename {
                    from: format!("{above}{user}/{from}"),
                    to: format!("{above}{user}/{to}"),
                    why,
                })
            };
            if ProjectName::from_file_name(to).is_none() {
                return refused(*place, "which is too long for a file name");
            }
            let places: &[Place] = match place {
                // A folder that bears the new name would be marked as a project.
                Place::Markers => &[Place::Markers, Place::Base],
                Place::Base | Place::Pulls => std::slice::from_ref(place),
            };
            for &place in places {
                let leaves =
                    |other: &Rename| (other.place, &other.user, &other.from) == (place, user, to);
                if self.kind(place, user, to)?.is_some() && !renames.iter().any(leaves) {
                    return refused(place, "which there is already");
                }
            }
        }
        Ok(())
    }

    fn kind(&self, place: Place, user: &str, name: &str) -> Result<Option<Kind>, OpenError> {
        let folder = self.folder(place).0;
        let kind = match folder.kind(user).or_refused(UPGRADING)? {
            Some(Kind::Folder) => folder.folder(user).and_then(|user| user.kind(name)),
            _ => Ok(None),
        };
        Ok(kind.or_refused(UPGRADING)?)
    }

    /// Does what is left to do of an upgrade.
    fn carry_out(&self, renames: &[Rename], step: Step<'_>) -> Result<(), OpenError> {
        // In layout 1 an empty folder for markers said nothing. Now it would say that the user's
        // folder is the server's.
        let users = self.markers.folders(|name| UserName::parse(name).ok());
        for (user, markers) in users.or_refused(UPGRADING)? {
            if markers.is_empty().or_refused(UPGRADING)? {
                step()?;
                let removed = self.markers.remove_folder(user.as_str());
                removed.or_refused(UPGRADING)?;
            }
        }
        for Rename {
            place,
            user,
            from,
            to,
        } in renames
        {
            let done = self.kind(*place, user, to)?.is_some();
            if done || self.kind(*place, user, from)?.is_none() {
                continue;
            }
            step()?;
            let folder = self.folder(*place).0.folder(user);
            let moved = folder.and_then(|folder| {
                folder.rename_new(from, &folder, to)?;
                folder.sync()
            });
            moved.or_refused(UPGRADING)?;
        }
        Ok(self.markers.sync().or_refused(UPGRADING)?)
    }
}

/// Writes a file of the state, whole or not at all. Durable.
fn write(state: &Folder, name: &str, content: &[u8], step: Step<'_>) -> Result<(), OpenError> {
    let new = format!("{name}.new");
    step()?;
    match state.remove_file(&new) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => Err(error).or_refused(UPGRADING)?,
    }
    step()?;
    let mut file = state.create(&new, PRIVATE_FILE).or_refused(UPGRADING)?;
    step()?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.or_refused(UPGRADING)?;
    step()?;
    let named = state.rename(&new, state, name).and_then(|()| state.sync());
    Ok(named.or_refused(UPGRADING)?)
}

#[cfg(test)]
mod tests;
