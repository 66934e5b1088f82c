//! The store on disk: one file of 4 KB put and opened, with and without syncs.

use std::path::Path;

use bytes::Bytes;
use criterion::Criterion;
use file_ws_server::adapters::outbound::filesystem::{self, Durability};
use file_ws_server::application::ports::StoreResources;
use file_ws_server::application::{FileContent, FileKey};
use file_ws_server::domain::{FilePath, ProjectQuota};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::hub::project;

const QUOTA: ProjectQuota = ProjectQuota::UNLIMITED;

pub fn benches(criterion: &mut Criterion) {
    // On the disk of the temporary folder, and in memory.
    let disk = tempfile::tempdir().expect("a folder");
    for (name, durability) in [("fsync", Durability::Fsync), ("rename", Durability::Rename)] {
        store(
            criterion,
            &format!("store, {name}"),
            disk.path(),
            durability,
        );
    }
    let memory = TempDir::new_in("/dev/shm").expect("a folder");
    store(
        criterion,
        "store, in memory",
        memory.path(),
        Durability::Rename,
    );
}

fn store(criterion: &mut Criterion, name: &str, folder: &Path, durability: Durability) {
    let runtime = Runtime::new().expect("a runtime");
    let base = TempDir::new_in(folder).expect("a folder");
    let stores = filesystem::open_stores(base.path(), durability, StoreResources::default());
    let stores = stores.expect("opens");
    let (store, project) = (stores.projects, project());
    runtime
        .block_on(store.register(&project))
        .expect("registers");
    let file = FileKey {
        project: project.clone(),
        path: FilePath::parse("/src/main.rs").expect("a name"),
    };
    let content = Bytes::from(vec![b'x'; 4_000]);
    let put = async || {
        let content = FileContent::Memory(content.clone());
        store
            .put_file(
                &file,
                Instant::now(),
                content,
                None,
                QUOTA,
                Box::new(|_| {}),
            )
            .await
            .expect("stored");
    };
    let mut group = criterion.benchmark_group(name);
    group.bench_function("put 4 KB", |bencher| bencher.to_async(&runtime).iter(&put));
    group.bench_function("open 4 KB", |bencher| {
        bencher
            .to_async(&runtime)
            .iter(|| store.open_file(&file.project, &file.path));
    });
    group.finish();
}
