//! What every adapter of the stores must do, written once against the ports and run on each.

pub(in crate::adapters::outbound) mod chat_rooms;
mod drafts;
mod files;
mod guests;
mod moderation;
pub(in crate::adapters::outbound) mod nats_server;
mod overlap;
mod projects;
mod pull_requests;
mod quota;
mod staging;
mod turns;
mod two_nodes;
mod walks;
pub(in crate::adapters::outbound) mod world;

macro_rules! contract {
    ($($suite:ident: $($case:ident),+ $(,)?;)+) => {
        contract!(@adapter memory, std::future::ready(super::world::World::in_memory()), $($suite: $($case),+;)+);
        contract!(@adapter filesystem_synced, std::future::ready(super::world::World::on_disk(
            crate::adapters::outbound::filesystem::Durability::Fsync)), $($suite: $($case),+;)+);
        contract!(@adapter filesystem_renamed, std::future::ready(super::world::World::on_disk(
            crate::adapters::outbound::filesystem::Durability::Rename)), $($suite: $($case),+;)+);
        contract!(@adapter nats, super::world::World::on_nats(), $($suite: $($case),+;)+);
        contract!(@adapter nats_two_nodes, super::world::World::on_two_nodes(),
            $($suite: $($case),+;)+);
    };
    (@adapter $adapter:ident, $world:expr, $($suite:ident: $($case:ident),+;)+) => {
        mod $adapter {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    super::$suite::$case($world.await).await;
                }
            )+)+
        }
    };
}

contract! {
    projects:
        a_project_is_absent_until_it_is_registered,
        registering_twice_keeps_what_is_there,
        all_projects_are_named,
        what_is_not_there_cannot_be_adopted,
        projects_of_similar_names_are_different_ones,
        a_removed_project_is_gone_and_each_of_its_files_is_told_of,
        a_removal_comes_after_all_changes_that_were_told_of,
        a_rescan_tells_of_nothing_that_the_store_has_done_itself,
        a_user_who_has_a_project_is_one_already,
        a_project_that_is_not_registered_has_no_files;
    files:
        content_comes_back_byte_for_byte,
        a_name_is_kept_byte_for_byte,
        an_open_file_stays_as_it_was_opened,
        files_are_opened_together_as_they_are_alone,
        a_large_file_is_read_in_stretches,
        more_than_the_file_has_cannot_be_read,
        versions_grow_and_are_found_again,
        a_deleted_file_is_gone,
        a_file_stays_as_executable_as_it_was_unless_a_put_says_otherwise,
        a_folder_in_the_files_place_is_in_the_way,
        a_file_where_a_folder_is_needed_is_in_the_way,
        emptied_folders_vanish,
        a_delete_takes_no_sibling_along,
        a_folder_is_no_file,
        the_deepest_name_is_kept;
    quota:
        usage_is_counted_along,
        a_quota_holds_at_its_limit_and_not_one_past_it,
        folders_and_names_have_their_quotas,
        a_refused_write_changes_nothing,
        a_quota_is_looked_at_before_what_is_in_the_way,
        writes_at_once_do_not_pass_the_quota_together;
    walks:
        files_come_in_byte_order_of_their_full_names,
        sub_folders_are_left_out_unless_asked_for,
        a_walk_goes_on_where_it_stopped,
        a_walk_needs_a_folder,
        an_empty_project_has_nothing_to_walk,
        a_walk_during_changes_ends_and_meets_nothing_twice,
        a_walk_takes_up_few_names_at_a_time,
        the_revision_changes_with_every_change_and_only_then;
    turns:
        changes_of_one_file_are_told_of_in_their_order,
        a_change_that_is_refused_is_not_told_of,
        a_change_that_has_been_made_is_told_of_though_nobody_waits,
        a_delete_that_is_not_wanted_any_more_deletes_nothing,
        what_is_known_of_a_file_is_what_is_opened,
        a_hash_is_remembered_until_the_file_changes;
    staging:
        a_whole_log_becomes_the_file,
        what_may_not_be_moved_can_be_used_again,
        pieces_come_in_the_order_given,
        a_piece_outside_the_upload_is_a_failure,
        an_upload_can_be_read,
        another_stores_upload_becomes_the_file,
        discarding_is_never_an_error,
        staged_content_counts_against_the_quota;
    overlap:
        puts_of_different_files_at_once_all_arrive,
        puts_into_a_folder_that_deletes_keep_emptying_all_arrive,
        readers_of_a_file_under_change_see_whole_versions,
        who_asks_for_files_after_a_change_gets_nothing_older,
        a_change_that_nobody_waits_for_does_not_come_last;
    drafts:
        a_draft_becomes_a_pull_request,
        the_last_content_put_into_a_draft_counts,
        a_file_taken_out_is_not_in_it,
        a_draft_may_propose_deletions_alone,
        what_files_were_made_from_is_kept,
        a_file_that_was_never_written_cannot_be_finished,
        a_discarded_draft_is_gone,
        a_draft_takes_staged_content,
        names_in_a_draft_are_never_in_the_way;
    pull_requests:
        they_are_dated_and_listed_in_the_order_in_which_they_were_finished,
        an_author_may_have_so_many_open_and_no_more,
        each_is_told_of_in_its_turn,
        who_comes_and_goes_is_told_of_each_once,
        they_are_listed_by_owner,
        each_belongs_to_its_project,
        what_is_unknown_is_not_found,
        a_deleted_one_is_gone,
        of_deletes_at_once_one_succeeds_and_tells,
        only_an_open_one_is_told_of,
        their_authors_are_known_by_project;
    guests:
        a_name_is_taken_until_its_time_is_over,
        each_project_has_its_own_guests,
        from_where_a_name_was_taken_is_known_as_long_as_it_is_theirs,
        of_guests_who_want_one_name_at_once_one_gets_it,
        whether_anything_is_kept_of_a_projects_guests_is_known,
        names_of_a_removed_project_are_free,
        the_key_is_made_once;
    moderation:
        where_nothing_has_been_decided_nothing_is_kept,
        what_is_kept_comes_back_and_replaces_what_was_kept,
        each_project_has_its_own_moderation,
        the_moderation_of_a_removed_project_is_gone,
        of_two_that_are_kept_at_once_one_is_there_whole;
}

/// The chat rooms, which the stores on a disk do not have.
macro_rules! contract_of_rooms {
    ($($case:ident),+ $(,)?) => {
        contract!(@adapter rooms_in_memory,
            std::future::ready(super::chat_rooms::World::in_memory()), chat_rooms: $($case),+;);
        contract!(@adapter rooms_on_nats, super::chat_rooms::World::on_nats(),
            chat_rooms: $($case),+;);
        contract!(@adapter rooms_on_two_nats_nodes, super::chat_rooms::World::on_two_nodes(),
            chat_rooms: $($case),+;);
    };
}

contract_of_rooms! {
    what_is_said_is_told_in_one_order_and_remembered,
    who_says_something_does_not_hear_it,
    what_is_said_at_once_is_told_in_one_order,
    what_a_user_says_counts_everywhere,
    slow_mode_counts_everywhere_also_for_guests_of_one_address,
    a_message_that_is_deleted_is_gone_everywhere,
    an_announcement_makes_a_room_if_there_may_be_one_more,
    what_has_begun_is_said_though_nobody_waits_and_holds_the_floor_till_then,
}
