//! What the contract tests cannot check: what is on the disk, and what others have put there.

mod failures;
mod faults;
mod foreign;
mod guests;
mod links;
mod loaded;
mod moderation;
mod restart;
mod start;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::adapters::outbound::contract_tests::world::{World, memory};
use crate::adapters::outbound::filesystem::Durability;

/// A world on disk with `ana/demo` in it, and the folder it lies in.
async fn on_disk(durability: Durability) -> (World, PathBuf) {
    let world = World::on_disk(durability).with_demo().await;
    let base = base(&world);
    (world, base)
}

fn base(world: &World) -> PathBuf {
    world.place.as_ref().expect("is on disk").path().to_owned()
}

/// Starts again on the same folder.
fn restarted(world: World) -> World {
    let place = Arc::clone(world.place.as_ref().expect("is on disk"));
    drop(world);
    World::at(place, Durability::Fsync)
}

/// The names in a folder of the server's own, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("lists");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(|entry| name(entry.expect("lists"))).collect();
    names.sort_unstable();
    names
}

/// Asserts that nothing is left in staging once everybody is done.
fn assert_nothing_is_left(base: &Path) {
    assert_eq!(names(&base.join(".twicecast/staging")), [""; 0]);
}
