use super::*;
use crate::application::test_world::{World, demo, disk_full, path};

#[tokio::test]
async fn an_update_is_opened_in_its_newest_version_or_gone_or_unreadable() {
    let mut world = World::new();
    let gone = |_: &ProjectId, _: &FilePath| Err(StoreError::NotFound);
    let fails = |_: &ProjectId, _: &FilePath| Err(disk_full());
    world.projects.expect_open_file().once().returning(gone);
    world.projects.expect_open_file().once().returning(fails);
    let scene = world.build();
    let (project, file) = (demo(), path("/a"));
    let opened = open_updated(&scene.app, &project, &file).await;
    assert!(matches!(opened, Ok(None)));
    let opened = open_updated(&scene.app, &project, &file).await;
    assert!(matches!(opened, Err(StoreError::Failed(_))));
    let opened = open_updated(&scene.app, &project, &file).await;
    assert!(matches!(opened, Ok(Some(_))));
}
