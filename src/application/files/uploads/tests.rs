use crate::application::command::Command;
use crate::application::files::test_upload_runs::{
    POSTED, WAITS, command_of, lowest, posts, run, stored, told, waits,
};
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::expiry::expire_uploads;
use crate::application::test_world::{
    ANA, EXPIRY, START, World, creation, delete, demo, is_bad, is_unauthorized, part, path, post,
    streaming,
};
use crate::domain::{FilePath, WriteTarget};

#[tokio::test]
async fn a_whole_post_is_stored_as_it_came() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    told(
        &scene,
        &mut session,
        vec![(post("/a", "whole"), POSTED), (post("/b", ""), POSTED)],
    )
    .await;
    assert_eq!(
        stored(&scene),
        ["put ana/demo /a \"whole\"", "put ana/demo /b \"\""]
    );
}

#[tokio::test]
async fn a_whole_post_leaves_an_upload_of_the_same_name_alone() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let steps = "
        file  part  of  content  answer
        /a    1     2   one      waits
        /a    -     -   whole    posted
        /a    2     2   two      posted
    ";
    run(&scene, &mut session, steps).await;
    assert_eq!(
        stored(&scene).last().expect("stored"),
        "put ana/demo /a \"onetwo\""
    );
}

#[tokio::test]
async fn parts_in_any_order_make_the_content_in_theirs() {
    let scene = World::new().build();
    let orders = [
        [1, 2, 3],
        [1, 3, 2],
        [2, 1, 3],
        [2, 3, 1],
        [3, 1, 2],
        [3, 2, 1],
    ];
    let mut session = scene.streamer().await;
    for order in orders {
        let steps = order.iter().enumerate().map(|(at, number)| {
            let content = ["one", "two", "end"][*number as usize - 1];
            let expected = if at == 2 { POSTED } else { WAITS };
            (part("/a", content, *number, 3), expected)
        });
        told(&scene, &mut session, steps.collect()).await;
        assert_eq!(
            stored(&scene),
            ["put ana/demo /a \"onetwoend\""],
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn the_rules_of_parts() {
    // In order: file, part, of how many, content; and what /a holds then.
    let cases: [(&str, &str, &str); 7] = [
        (
            "files interleave",
            "/a 1 2 123, /b 1 2 x, /a 2 2 456",
            "123456",
        ),
        ("one part is whole", "/a 1 1 only", "only"),
        (
            "maxPart alone is the lowest missing",
            "/a 2 3 two, /a lowest 3 one, /a lowest 3 end",
            "onetwoend",
        ),
        (
            "a part again replaces it",
            "/a 2 3 no!, /a 2 3 two, /a 3 3 end, /a 1 3 one",
            "onetwoend",
        ),
        (
            "part 1 again starts anew",
            "/a 1 3 old, /a 2 3 old, /a 1 2 new, /a 2 2 end",
            "newend",
        ),
        (
            "part 1 that had not come does not",
            "/a 2 2 end, /a 1 2 one",
            "oneend",
        ),
        ("an empty part is a part", "/a 1 2 one, /a 2 2 -", "one"),
    ];
    for (rule, parts, content) in cases {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        let parts: Vec<_> = parts.split(", ").collect();
        for (at, part) in parts.iter().enumerate() {
            let command = command_of(&part.split(' ').collect::<Vec<_>>());
            if at + 1 < parts.len() {
                waits(&scene, &mut session, command).await;
            } else {
                posts(&scene, &mut session, command).await;
            }
        }
        assert_eq!(
            stored(&scene),
            [format!("put ana/demo /a {content:?}")],
            "{rule}"
        );
    }
}

#[tokio::test]
async fn a_part_that_contradicts_is_400_and_the_upload_stays() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let first = part("/a", "one", 1, 3);
    waits(&scene, &mut session, first).await;
    let contradictions = [
        part("/a", "two", 4, 3),
        part("/a", "two", 0, 3),
        part("/a", "two", 2, 4),
        lowest("/a", "two", 2),
        part("/a", "two", 5, 4),
        part("/a", "new", 1, 0),
    ];
    for command in contradictions {
        let shown = format!("{command:?}");
        let answer = scene.ask(&mut session, command).await;
        assert!(is_bad(&answer), "{shown}: {answer:?}");
    }
    let steps = vec![
        (part("/a", "two", 2, 3), WAITS),
        (part("/a", "end", 3, 3), POSTED),
    ];
    told(&scene, &mut session, steps).await;
    assert_eq!(stored(&scene), ["put ana/demo /a \"onetwoend\""]);
    let alone = scene.ask(&mut session, part("/b", "x", 3, 2)).await;
    assert!(is_bad(&alone), "a first part is no exception");
    assert!(
        session
            .uploads
            .names_into(&WriteTarget::Project(demo()))
            .is_empty()
    );
}

#[tokio::test]
async fn a_file_may_be_as_long_as_the_limit_and_no_longer() {
    let scene = World::limited(|limits| limits.max_file_bytes = 9).build();
    let mut session = scene.streamer().await;
    let steps = "
        file  part  of  content     answer
        /a    -     -   123456789   posted
        /a    -     -   123456789+  maxFileBytes=9
        /a    1     2   123456      waits
        /a    2     2   789         posted
        /a    1     2   123456      waits
        /a    2     2   789+        maxFileBytes=9
    ";
    run(&scene, &mut session, steps).await;
    // That ended the upload: the next part starts another. Replaced bytes do not count.
    let steps = "
        file  part  of  content     answer
        /a    2     2   789         waits
        /a    1     2   123456      posted
        /a    2     3   123456      waits
        /a    2     3   123         waits
        /a    1     3   123456      waits
        /a    3     3   -           posted
    ";
    run(&scene, &mut session, steps).await;
}

#[tokio::test]
async fn parts_on_their_way_behind_a_refused_one_begin_no_other_upload() {
    let scene = World::limited(|limits| {
        limits.max_file_bytes = 9;
        limits.max_open_uploads = 1;
    })
    .build();
    let mut session = scene.streamer().await;
    // Nothing is left of the upload that ended: there is room for another.
    let steps = "
        file  part  of  content     answer
        /a    1     5   123456      waits
        /a    2     5   123456      maxFileBytes=9
        /a    3     5   123456      waits
        /b    1     2   1           waits
        /a    4     5   123456      waits
        /a    5     5   123456      maxFileBytes=9
        /b    2     2   2           posted
        /a    1     2   1           waits
        /a    2     2   2           posted
        /a    1     1   1234567890  maxFileBytes=9
    ";
    run(&scene, &mut session, steps).await;
    let beyond = scene.ask(&mut session, part("/a", "", 2, 1)).await;
    assert!(is_bad(&beyond), "no part follows the last: {beyond:?}");
}

#[tokio::test]
async fn uploads_may_be_as_many_as_the_limit_and_no_more() {
    let scene = World::limited(|limits| limits.max_open_uploads = 2).build();
    let mut session = scene.streamer().await;
    let steps = "
        file  part  of  content  answer
        /a    1     3   123      waits
        /b    1     3   123      waits
        /c    1     3   123      maxOpenUploads=2
        /a    2     3   456      waits
        /c    1     1   123      posted
        /a    3     3   789      posted
        /c    1     3   123      waits
    ";
    run(&scene, &mut session, steps).await;
}

#[tokio::test]
async fn uploads_may_hold_as_many_bytes_as_the_limit_and_no_more() {
    let scene = World::limited(|limits| limits.max_open_upload_bytes = 9).build();
    let mut session = scene.streamer().await;
    // One byte too many ends its upload; a restart adds none; a completing part does not wait.
    let steps = "
        file  part  of  content  answer
        /a    1     3   123      waits
        /b    1     3   123456   waits
        /a    3     3   4        maxOpenUploadBytes=9
        /a    1     3   123      waits
        /a    1     3   123      waits
        /c    2     2   1        maxOpenUploadBytes=9
        /c    1     1   123456   posted
    ";
    run(&scene, &mut session, steps).await;
}

#[tokio::test]
async fn what_ends_with_a_deletion_leaves_room_for_others() {
    let scene = World::limited(|limits| {
        limits.max_open_upload_bytes = 9;
        limits.max_open_uploads = 1;
    })
    .build();
    let mut session = scene.streamer().await;
    waits(&scene, &mut session, part("/a", "123456789", 1, 3)).await;
    let deleted = scene.ask(&mut session, delete("/a")).await;
    assert_eq!(deleted, Ok(vec![Reply::FileDeleted]));
    waits(&scene, &mut session, part("/b", "123456789", 1, 3)).await;
}

#[tokio::test]
async fn an_upload_of_another_name_or_connection_is_another() {
    let scene = World::new().build();
    let mut one = scene.streamer().await;
    let mut two = scene.connect(3, ANA, streaming("ana/demo")).await;
    waits(&scene, &mut one, part("/a", "one", 1, 2)).await;
    waits(&scene, &mut two, part("/a", "end", 2, 2)).await;
    waits(&scene, &mut one, part("/b", "end", 2, 2)).await;
    assert!(stored(&scene).is_empty());
}

#[tokio::test]
async fn an_upload_that_does_not_grow_expires() {
    let scene = World::new().build();
    let mut session = scene
        .connect(1, "ana:ana/demo,exp=9999", streaming("ana/demo"))
        .await;
    told(
        &scene,
        &mut session,
        vec![
            (part("/a", "one", 1, 2), WAITS),
            (part("/b", "one", 1, 3), WAITS),
        ],
    )
    .await;
    scene.at(START + 200);
    waits(&scene, &mut session, part("/b", "two", 2, 3)).await;
    for (second, left) in [
        (299, vec!["/a", "/b"]),
        (300, vec!["/b"]),
        (499, vec!["/b"]),
        (500, vec![]),
    ] {
        scene.at(START + second);
        expire_uploads(&scene.app, &mut session);
        let left: Vec<FilePath> = left.into_iter().map(path).collect();
        let open = session.uploads.names_into(&WriteTarget::Project(demo()));
        assert_eq!(open, left, "after {second} s");
    }
    waits(&scene, &mut session, part("/a", "end", 2, 2)).await;
}

#[tokio::test]
async fn deleting_ends_the_uploads_of_that_name_and_below() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    for name in ["/d", "/d/b", "/d/e/c", "/dx", "/a"] {
        waits(&scene, &mut session, part(name, "one", 1, 2)).await;
    }
    scene
        .ask(&mut session, delete("/d"))
        .await
        .expect("a folder");
    let left = session.uploads.names_into(&WriteTarget::Project(demo()));
    assert_eq!(left, [path("/a"), path("/dx")]);
    let only_under_way = scene.ask(&mut session, delete("/dx")).await;
    assert_eq!(only_under_way, Err(RequestError::UnreadableFile));
    let left = session.uploads.names_into(&WriteTarget::Project(demo()));
    assert_eq!(left, [path("/a")]);
}

#[tokio::test]
async fn an_upload_belongs_to_the_project_or_draft_in_which_it_began() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    waits(&scene, &mut session, part("/a", "for", 1, 2)).await;
    scene
        .ask(&mut session, creation("title"))
        .await
        .expect("their own project");
    waits(&scene, &mut session, part("/a", "draft", 2, 2)).await;
    scene
        .ask(&mut session, creation("again"))
        .await
        .expect("anew");
    waits(&scene, &mut session, part("/a", "anew", 1, 2)).await;
    assert!(stored(&scene).is_empty());
    posts(&scene, &mut session, part("/a", "end", 2, 2)).await;
    assert_eq!(stored(&scene), ["draft put /a \"anewend\""]);
}

#[tokio::test]
async fn a_post_is_checked_for_its_right_before_its_parameters() {
    let shapeless = || Command::PostFile(Err(crate::application::BadParameters::new("no name")));
    let scene = World::new().build();
    let mut viewer = scene.viewer().await;
    assert!(is_unauthorized(&scene.ask(&mut viewer, shapeless()).await));
    let mut streamer = scene.streamer().await;
    assert!(is_bad(&scene.ask(&mut streamer, shapeless()).await));
    scene.at(EXPIRY);
    assert!(is_unauthorized(
        &scene.ask(&mut streamer, shapeless()).await
    ));
}
