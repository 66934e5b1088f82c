use super::world::{World, assert_says, demo, memory};
use crate::application::ports::StoreError;
use crate::domain::{ProjectQuota, QuotaError};

const QUOTA: ProjectQuota = ProjectQuota {
    max_files: 3,
    max_bytes: 10,
    ..ProjectQuota::UNLIMITED
};

async fn usage(world: &World) -> (u64, u64) {
    let usage = world.projects.usage(&demo()).await.expect("is counted");
    (usage.files, usage.bytes)
}

pub(super) async fn usage_is_counted_along(world: World) {
    let world = world.with_demo().await;
    assert_eq!(usage(&world).await, (0, 0));
    world.put("a", b"12345").await.expect("is written");
    world.put("d/b", b"").await.expect("is written");
    assert_eq!(usage(&world).await, (2, 5));
    world.put("a", b"123").await.expect("is written");
    assert_eq!(usage(&world).await, (2, 3));
    world.delete("a").await.expect("is deleted");
    assert_eq!(usage(&world).await, (1, 0));
    assert_says!(world.delete("a").await, StoreError::NotFound);
    assert_eq!(usage(&world).await, (1, 0));
}

pub(super) async fn a_quota_holds_at_its_limit_and_not_one_past_it(world: World) {
    use QuotaError::{Bytes, Files};
    let world = world.with_demo().await;
    let put = async |name: &str, length| {
        let written = world.put_as(name, memory(&vec![0; length]), QUOTA).await;
        written.map(drop)
    };
    assert_says!(put("a", 11).await, StoreError::OverQuota(Bytes(10)));
    put("a", 10).await.expect("just fits");
    assert_says!(put("b", 1).await, StoreError::OverQuota(Bytes(10)));
    put("b", 0).await.expect("takes no bytes");
    put("c", 0).await.expect("just fits");
    assert_says!(put("d/e", 0).await, StoreError::OverQuota(Files(3)));
    assert_eq!(world.tree().await, ["/a", "/b", "/c"], "no folder is left");
    put("a", 4).await.expect("a replacement is no new file");
    world.delete("b").await.expect("is deleted");
    put("d/e", 6).await.expect("there is room again");
    assert_eq!(usage(&world).await, (3, 10));
}

pub(super) async fn a_refused_write_changes_nothing(world: World) {
    let world = world.with_demo().await;
    world.put("d/a", b"old").await.expect("is written");
    let version = world.open("d/a").await.expect("is there").version;
    let put = world.put_as("d/a", memory(&[0; 11]), QUOTA).await;
    assert_says!(put, StoreError::OverQuota(_));
    assert_says!(world.put("d", b"x").await, StoreError::PathConflict);
    assert_eq!(&world.read("d/a").await.expect("is there")[..], b"old");
    assert_eq!(world.open("d/a").await.expect("is there").version, version);
    assert_eq!(usage(&world).await, (1, 3));
}

pub(super) async fn a_quota_is_looked_at_before_what_is_in_the_way(world: World) {
    let world = world.with_demo().await;
    world.put("d/a", b"123456").await.expect("is written");
    for (name, bytes) in [("d", 5), ("d/a/b", 5)] {
        let put = world.put_as(name, memory(&vec![0; bytes]), QUOTA).await;
        assert_says!(put, StoreError::OverQuota(QuotaError::Bytes(10)), "{name}");
        let put = world.put_as(name, memory(b"1234"), QUOTA).await;
        assert_says!(put, StoreError::PathConflict, "{name}");
    }
    assert_eq!(usage(&world).await, (1, 6));
}

pub(super) async fn writes_at_once_do_not_pass_the_quota_together(world: World) {
    let world = world.with_demo().await;
    let tasks = (0..8).map(|n| {
        let world = world.clone();
        let put = async move { world.put_as(&format!("f{n}"), memory(&[0; 4]), QUOTA).await };
        tokio::spawn(put)
    });
    let mut written = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.expect("ends") {
            Ok(_) => written += 1,
            Err(error) => assert_says!(Err::<(), _>(error), StoreError::OverQuota(_)),
        }
    }
    assert_eq!(written, 2);
    assert_eq!(usage(&world).await, (2, 8));
}

pub(super) async fn folders_and_names_have_their_quotas(world: World) {
    use QuotaError::{Folders, NameBytes};
    let world = world.with_demo().await;
    let put = async |name: &str, quota| world.put_as(name, memory(b""), quota).await.map(drop);
    let few_folders = ProjectQuota {
        max_folders: 2,
        ..ProjectQuota::UNLIMITED
    };
    put("a/b/x", few_folders).await.expect("just fits");
    put("a/b/y", few_folders).await.expect("makes no folder");
    let refused = put("c/x", few_folders).await;
    assert_says!(refused, StoreError::OverQuota(Folders(2)));
    assert_eq!(world.usage().await.expect("is counted").folders, 2);
    let deep = vec!["d"; 64].join("/");
    let refused = put(&deep, few_folders).await;
    assert_says!(refused, StoreError::OverQuota(Folders(2)));

    let short_names = ProjectQuota {
        max_name_bytes: 15,
        ..ProjectQuota::UNLIMITED
    };
    let refused = put("123", short_names).await;
    assert_says!(refused, StoreError::OverQuota(NameBytes(15)));
    put("12", short_names).await.expect("just fits");
    assert_eq!(world.tree().await, ["/12", "/a/b/x", "/a/b/y"]);
    world.delete("a/b/x").await.expect("is deleted");
    world.delete("a/b/y").await.expect("is deleted");
    assert_eq!(world.usage().await.expect("is counted").folders, 0);
}
