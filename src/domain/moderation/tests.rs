use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::entries::MOST_ADDRESSES;
use super::log::LOGGED;
use super::*;
use crate::domain::{MOST_SECONDS, SLOWEST};

fn user(name: &str) -> UserName {
    UserName::parse(name).expect("a user's name")
}

fn action(seconds: u64, deed: Deed) -> Action {
    Action {
        date: Timestamp::from_secs(seconds),
        by: user("ana"),
        deed,
    }
}

fn plenty() -> Bound {
    Bound::new(100, true)
}

fn done(moderation: &mut Moderation, seconds: u64, deed: Deed) -> bool {
    let action = action(seconds, deed);
    moderation
        .carry_out(action, [], plenty())
        .expect("has room")
}

fn of(name: &str, address: Option<u128>, moderation: &Moderation, seconds: u64) -> Standing {
    let user = user(name);
    let address = address.map(ClientAddress);
    let person = Person {
        user: &user,
        address,
    };
    moderation.standing(person, Timestamp::from_secs(seconds))
}

fn banned(name: &str, address: Option<u128>, moderation: &Moderation, seconds: u64) -> bool {
    of(name, address, moderation, seconds).banned.is_some()
}

#[test]
fn a_mute_lasts_until_its_second_and_a_second_one_replaces_it() {
    let mut moderation = Moderation::default();
    assert!(done(&mut moderation, 1_000, Deed::Mute(user("bob"), 60)));
    let muted = |moderation: &Moderation, at| of("bob", None, moderation, at).muted;
    let until = Some(Timestamp::from_secs(1_060));
    assert_eq!(muted(&moderation, 1_059), until);
    assert_eq!(muted(&moderation, 1_060), None);
    assert_eq!(of("pat", None, &moderation, 1_000), Standing::default());
    done(&mut moderation, 1_001, Deed::Mute(user("bob"), 1));
    assert_eq!(muted(&moderation, 1_002), None);
    done(&mut moderation, 1_002, Deed::Mute(user("bob"), 9));
    assert!(done(&mut moderation, 1_003, Deed::Unmute(user("bob"))));
    assert_eq!(muted(&moderation, 1_003), None);
}

#[test]
fn an_end_is_a_whole_second_and_not_too_early() {
    let mut moderation = Moderation::default();
    let mute = Action {
        date: Timestamp::from_millis(1_000_001),
        ..action(0, Deed::Mute(user("bob"), 1))
    };
    moderation.carry_out(mute, [], plenty()).expect("has room");
    let until = of("bob", None, &moderation, 1_001).muted;
    assert_eq!(until, Some(Timestamp::from_secs(1_002)));
}

#[test]
fn a_ban_without_an_end_lasts_until_it_is_lifted() {
    let mut moderation = Moderation::default();
    done(&mut moderation, 1_000, Deed::Ban(user("bob"), Some(60)));
    assert!(banned("bob", None, &moderation, 1_059));
    assert!(!banned("bob", None, &moderation, 1_060));
    done(&mut moderation, 1_000, Deed::Ban(user("bob"), None));
    let forever = of("bob", None, &moderation, u64::MAX).banned;
    assert_eq!(forever, Some(Banned { until: None }));
    assert!(done(&mut moderation, 2_000, Deed::Unban(user("bob"))));
    assert!(!banned("bob", None, &moderation, 2_000));
}

#[test]
fn a_ban_of_addresses_concerns_guests_from_there_and_nobody_else() {
    let mut moderation = Moderation::default();
    let ban = action(1_000, Deed::Ban(user("~bob"), Some(60)));
    let addresses = [7, 8].map(ClientAddress);
    moderation
        .carry_out(ban, addresses, plenty())
        .expect("has room");
    for (name, address, is_banned) in [
        ("~bob", None, true),
        ("~bob", Some(9), true),
        ("~eve", Some(7), true),
        ("~eve", Some(8), true),
        ("~eve", Some(9), false),
        ("~eve", None, false),
        ("eve", Some(7), false),
    ] {
        let found = banned(name, address, &moderation, 1_059);
        assert_eq!(found, is_banned, "{name} {address:?}");
        assert!(!banned(name, address, &moderation, 1_060), "it is over");
    }
    let at = |seconds| {
        let now = Timestamp::from_secs(seconds);
        moderation.of_guests_from(ClientAddress(7), now).banned
    };
    let until = Some(Timestamp::from_secs(1_060));
    assert_eq!(at(1_059), Some(Banned { until }));
    assert_eq!(at(1_060), None);
}

#[test]
fn a_mute_of_addresses_concerns_guests_from_there_until_it_is_over_or_lifted() {
    let mut moderation = Moderation::default();
    for (name, seconds, address) in [("~bob", 60, 7), ("~eve", 30, 7), ("~Bob", 60, 8)] {
        let mute = action(1_000, Deed::Mute(user(name), seconds));
        let address = [ClientAddress(address)];
        moderation
            .carry_out(mute, address, plenty())
            .expect("has room");
    }
    let muted = |moderation: &Moderation, name, address, at| {
        let standing = of(name, Some(address), moderation, at);
        assert_eq!(standing.banned, None);
        standing.muted.map(|until| until.as_millis() / 1_000)
    };
    for (name, address, until) in [
        ("~pat", 7, Some(1_060)),
        ("~pat", 8, Some(1_060)),
        ("~eve", 7, Some(1_060)),
        ("~eve", 9, Some(1_030)),
        ("~pat", 9, None),
        ("pat", 7, None),
    ] {
        let found = muted(&moderation, name, address, 1_000);
        assert_eq!(found, until, "{name} {address}");
    }
    assert_eq!(muted(&moderation, "~pat", 7, 1_060), None, "it is over");
    done(&mut moderation, 1_001, Deed::Unmute(user("~BOB")));
    assert_eq!(muted(&moderation, "~pat", 7, 1_001), Some(1_030));
    assert_eq!(muted(&moderation, "~pat", 8, 1_001), None);
}

#[test]
fn guests_are_muted_and_banned_in_any_case_of_their_name_and_users_in_their_own() {
    let mut moderation = Moderation::default();
    for name in ["~Eve", "Eve"] {
        done(&mut moderation, 1_000, Deed::Ban(user(name), None));
    }
    for (name, is_banned) in [
        ("~eve", true),
        ("~EVE", true),
        ("Eve", true),
        ("eve", false),
    ] {
        assert_eq!(banned(name, None, &moderation, 1_000), is_banned, "{name}");
    }
    assert!(done(&mut moderation, 1_000, Deed::Unban(user("~eVe"))));
    assert!(!banned("~Eve", None, &moderation, 1_000));
}

#[test]
fn a_ban_takes_over_the_addresses_of_a_mute_of_the_same_guest_and_the_reverse() {
    let mut moderation = Moderation::default();
    let carry_out = |moderation: &mut Moderation, deed, addresses: &[u128]| {
        let addresses = addresses.iter().copied().map(ClientAddress);
        let made = moderation.carry_out(action(1_000, deed), addresses, plenty());
        assert_eq!(made, Ok(true));
    };
    carry_out(&mut moderation, Deed::Mute(user("~eve"), 60), &[7]);
    carry_out(&mut moderation, Deed::Mute(user("~bob"), 60), &[9]);
    carry_out(&mut moderation, Deed::Ban(user("~Eve"), None), &[8]);
    for (address, is_banned) in [(7, true), (8, true), (9, false)] {
        let found = banned("~new", Some(address), &moderation, 1_000);
        assert_eq!(found, is_banned, "{address}");
    }
    carry_out(&mut moderation, Deed::Unmute(user("~eve")), &[]);
    assert!(banned("~new", Some(7), &moderation, 1_000), "still");
    carry_out(&mut moderation, Deed::Mute(user("~eve"), 60), &[]);
    carry_out(&mut moderation, Deed::Unban(user("~eve")), &[]);
    for (address, is_muted) in [(7, true), (8, true), (6, false)] {
        let found = of("~new", Some(address), &moderation, 1_000);
        assert_eq!(found.muted.is_some(), is_muted, "{address}");
    }
}

#[test]
fn a_ban_that_replaces_another_keeps_its_addresses_and_lifting_it_frees_them() {
    let mut moderation = Moderation::default();
    for (seconds, address) in [(Some(60), 7), (None, 8)] {
        let ban = action(1_000, Deed::Ban(user("~bob"), seconds));
        let address = [ClientAddress(address)];
        moderation
            .carry_out(ban, address, plenty())
            .expect("has room");
    }
    for address in [7, 8] {
        assert!(banned("~eve", Some(address), &moderation, 9_000));
    }
    done(&mut moderation, 9_000, Deed::Unban(user("~bob")));
    for address in [7, 8] {
        assert!(!banned("~eve", Some(address), &moderation, 9_000));
    }
}

#[test]
fn of_two_bans_the_one_that_ends_later_counts() {
    let mut moderation = Moderation::default();
    let until = |seconds| Banned {
        until: Some(Timestamp::from_secs(seconds)),
    };
    for (name, seconds) in [("~bob", Some(60)), ("~eve", Some(30))] {
        let ban = action(1_000, Deed::Ban(user(name), seconds));
        let address = [ClientAddress(7)];
        moderation
            .carry_out(ban, address, plenty())
            .expect("has room");
    }
    let of_eve = |moderation: &Moderation| of("~eve", Some(7), moderation, 1_000).banned;
    assert_eq!(of_eve(&moderation), Some(until(1_060)));
    let ban = action(1_000, Deed::Ban(user("~pat"), None));
    moderation
        .carry_out(ban, [ClientAddress(7)], plenty())
        .expect("has room");
    assert_eq!(of_eve(&moderation), Some(Banned { until: None }));
}

#[test]
fn lifting_what_is_not_there_and_what_is_so_already_is_not_remembered() {
    let mut moderation = Moderation::default();
    for deed in [
        Deed::Unmute(user("bob")),
        Deed::Unban(user("bob")),
        Deed::Slow(0),
    ] {
        assert!(!done(&mut moderation, 1_000, deed));
    }
    assert_eq!(moderation, Moderation::default());
    assert!(done(&mut moderation, 1_000, Deed::Slow(5)));
    assert!(!done(&mut moderation, 1_000, Deed::Slow(5)));
    assert_eq!(moderation.slow(), Duration::from_secs(5));
    done(&mut moderation, 1_000, Deed::Mute(user("bob"), 1));
    assert!(
        !done(&mut moderation, 1_001, Deed::Unmute(user("bob"))),
        "it is over"
    );
    assert_eq!(moderation.log().len(), 2);
}

#[test]
fn so_many_people_are_muted_or_banned_and_not_one_more() {
    let mut moderation = Moderation::default();
    let mut act =
        |seconds, deed| moderation.carry_out(action(seconds, deed), [], Bound::new(2, true));
    act(1_000, Deed::Mute(user("bob"), 60)).expect("has room");
    act(1_000, Deed::Ban(user("bob"), None)).expect("is the same person");
    act(1_000, Deed::Mute(user("eve"), 60)).expect("has room");
    let full = Err(TooManyModerated);
    assert_eq!(act(1_000, Deed::Ban(user("pat"), None)), full);
    assert_eq!(act(1_059, Deed::Mute(user("pat"), 1)), full);
    act(1_059, Deed::Mute(user("eve"), 1)).expect("replaces another");
    act(1_060, Deed::Mute(user("pat"), 1)).expect("eve's is over");
    assert_eq!(
        moderation.log().len(),
        5,
        "what was refused is not remembered"
    );
}

#[test]
fn what_is_kept_is_what_is_restored() {
    let mut moderation = Moderation::default();
    done(&mut moderation, 1_000, Deed::Mute(user("bob"), 60));
    let ban = action(1_000, Deed::Ban(user("~eve"), None));
    moderation
        .carry_out(ban, [ClientAddress(7)], plenty())
        .expect("has room");
    done(&mut moderation, 1_000, Deed::Slow(5));
    done(&mut moderation, 1_000, Deed::Delete(3, Some(user("bob"))));
    let restored = Moderation::restore(
        moderation.muted().clone(),
        moderation.banned().clone(),
        moderation.slow_seconds(),
        moderation.log().cloned().collect(),
    );
    assert_eq!(restored, Ok(moderation));
}

fn by(name: &str, deed: Deed) -> Action {
    Action {
        by: user(name),
        ..action(1_000, deed)
    }
}

#[test]
fn the_streamer_can_mute_however_many_other_moderators_do() {
    let mut moderation = Moderation::default();
    for (most, others) in [(1, 0), (2, 1), (3, 2), (4, 3), (8, 6), (1_000, 750)] {
        assert_eq!(Bound::new(most, true).get(), most);
        assert_eq!(Bound::new(most, false).get(), others);
    }
    let mut act = |deed, is_streamer| {
        let bound = Bound::new(4, is_streamer);
        moderation.carry_out(action(1_000, deed), [], bound)
    };
    for name in ["a", "b", "c"] {
        act(Deed::Mute(user(name), 60), false).expect("has room");
    }
    let full = Err(TooManyModerated);
    assert_eq!(act(Deed::Ban(user("d"), None), false), full);
    act(Deed::Ban(user("d"), None), true).expect("is the streamer's");
    assert_eq!(act(Deed::Mute(user("e"), 60), true), full);
    act(Deed::Ban(user("d"), Some(9)), false).expect("they are among them already");
}

#[test]
fn a_message_that_is_deleted_again_is_remembered_once() {
    let mut moderation = Moderation::default();
    let gone = |id| Deed::Delete(id, None);
    assert!(done(
        &mut moderation,
        1_000,
        Deed::Delete(7, Some(user("bob")))
    ));
    assert!(!done(&mut moderation, 1_000, gone(7)));
    assert!(done(&mut moderation, 1_000, gone(8)), "never before");
    assert!(!done(&mut moderation, 1_000, gone(8)));
    assert_eq!(moderation.log().len(), 2);
    // The room was forgotten, and its numbers begin again.
    assert!(done(
        &mut moderation,
        1_000,
        Deed::Delete(7, Some(user("eve")))
    ));
}

#[test]
fn nobody_pushes_what_others_have_done_out_of_the_log() {
    let mut moderation = Moderation::default();
    let mut act = |name, deed| moderation.carry_out(by(name, deed), [], plenty());
    for name in ["ana", "mod", "pat"] {
        act(name, Deed::Announce).expect("may");
    }
    for seconds in 1..=2 * u32::try_from(LOGGED).expect("is small") {
        act("eve", Deed::Slow(seconds)).expect("may");
    }
    let log: Vec<_> = moderation.log().collect();
    assert_eq!(log.len(), LOGGED);
    let first: Vec<_> = log[..3].iter().map(|action| action.by.as_str()).collect();
    assert_eq!(first, ["ana", "mod", "pat"]);
    let latest: Vec<_> = log[3..]
        .iter()
        .map(|action| action.deed.seconds())
        .collect();
    assert!(latest.is_sorted(), "in order");
    assert_eq!(latest.last(), Some(&Some(400)));
    assert_eq!(latest.first(), Some(&Some(204)), "the latest of theirs");
}

#[test]
fn a_date_that_nobody_could_show_is_not_restored() {
    let last = 253_402_300_799_999;
    for (date, expected) in [(last, true), (last + 1, false), (u64::MAX, false)] {
        let date = Timestamp::from_millis(date);
        let (by, until) = (user("ana"), None);
        let ban = Ban {
            until,
            by: by.clone(),
            date,
            addresses: BTreeSet::new(),
        };
        let banned = [(user("eve"), ban)].into();
        let restored = Moderation::restore(BTreeMap::new(), banned, 0, VecDeque::new());
        assert_eq!(restored.is_ok(), expected, "{date:?}");
        let deed = Deed::Announce;
        let log = [Action { date, by, deed }].into();
        let restored = Moderation::restore(BTreeMap::new(), BTreeMap::new(), 0, log);
        assert_eq!(restored.is_ok(), expected, "{date:?}");
    }
}

#[test]
fn what_no_moderator_could_have_decided_is_not_restored() {
    let at = Timestamp::from_secs;
    let mute_from = |until, addresses: u128| Mute {
        until: at(until),
        by: user("ana"),
        date: at(1_000),
        addresses: (0..addresses).map(ClientAddress).collect(),
    };
    let mute = |until| mute_from(until, 0);
    let ban = |until: Option<u64>, addresses: u128| Ban {
        until: until.map(at),
        by: user("ana"),
        date: at(1_000),
        addresses: (0..addresses).map(ClientAddress).collect(),
    };
    let restored = |mute, ban, slow, log: &[Deed]| {
        let log = log.iter().map(|deed| action(1_000, deed.clone()));
        let banned = [(user("eve"), ban)].into();
        let restored =
            Moderation::restore([(user("bob"), mute)].into(), banned, slow, log.collect());
        restored.map(drop)
    };
    let (mute_end, slow_end) = (1_000 + u64::from(MOST_SECONDS), SLOWEST);
    let last = Deed::Mute(user("bob"), MOST_SECONDS);
    let full = vec![last.clone(); LOGGED];
    let longest = (mute_from(mute_end, 64), ban(Some(mute_end), 64));
    let whole = restored(longest.0, longest.1, slow_end, &full);
    assert_eq!(whole, Ok(()));
    assert_eq!(restored(mute(1_001), ban(None, 0), 0, &[]), Ok(()));
    let one_more = [full.as_slice(), &[last]].concat();
    for (found, expected) in [
        (
            restored(mute(mute_end + 1), ban(None, 0), 0, &[]),
            ImpossibleModeration::End,
        ),
        (
            restored(mute(u64::MAX), ban(None, 0), 0, &[]),
            ImpossibleModeration::End,
        ),
        (
            restored(mute(1), ban(Some(mute_end + 1), 0), 0, &[]),
            ImpossibleModeration::End,
        ),
        (
            restored(mute(1), ban(None, 65), 0, &[]),
            ImpossibleModeration::Addresses,
        ),
        (
            restored(mute_from(1, 65), ban(None, 0), 0, &[]),
            ImpossibleModeration::Addresses,
        ),
        (
            restored(mute(1), ban(None, 0), slow_end + 1, &[]),
            ImpossibleModeration::Slow,
        ),
        (
            restored(mute(1), ban(None, 0), u32::MAX, &[]),
            ImpossibleModeration::Slow,
        ),
        (
            restored(mute(1), ban(None, 0), 0, &one_more),
            ImpossibleModeration::Log,
        ),
    ] {
        assert_eq!(found, Err(expected));
    }
    for deed in [
        Deed::Mute(user("bob"), 0),
        Deed::Mute(user("bob"), MOST_SECONDS + 1),
        Deed::Ban(user("bob"), Some(0)),
        Deed::Ban(user("bob"), Some(MOST_SECONDS + 1)),
        Deed::Slow(slow_end + 1),
    ] {
        let found = restored(mute(1), ban(None, 0), 0, std::slice::from_ref(&deed));
        assert_eq!(found, Err(ImpossibleModeration::Log), "{deed:?}");
    }
    let people = |count| {
        let muted = (0..count).map(|number| (user(&number.to_string()), mute(1)));
        Moderation::restore(muted.collect(), BTreeMap::new(), 0, VecDeque::new()).map(drop)
    };
    assert_eq!(people(MOST_MODERATED), Ok(()));
    assert_eq!(
        people(MOST_MODERATED + 1),
        Err(ImpossibleModeration::People)
    );
}

#[test]
fn what_changes_no_mute_or_ban_leaves_the_addresses_as_they_are() {
    let mut moderation = Moderation::default();
    for (deed, address) in [
        (Deed::Mute(user("~bob"), 60), 7),
        (Deed::Ban(user("~pat"), None), 8),
    ] {
        let made = moderation.carry_out(action(1_000, deed), [ClientAddress(address)], plenty());
        made.expect("has room");
    }
    let before = Arc::clone(&moderation.by_address);
    for deed in [
        Deed::Unmute(user("eve")),
        Deed::Unban(user("eve")),
        Deed::Slow(9),
        Deed::Delete(3, None),
        Deed::Announce,
    ] {
        done(&mut moderation, 1_000, deed);
        assert!(Arc::ptr_eq(&before, &moderation.by_address));
    }
    done(&mut moderation, 1_060, Deed::Announce);
    assert_eq!(moderation.by_address.len(), 1, "the mute is over");
    assert!(banned("~eve", Some(8), &moderation, 1_060));
    done(&mut moderation, 1_060, Deed::Unban(user("~pat")));
    assert!(!banned("~eve", Some(8), &moderation, 1_060));
}

fn deed() -> impl Strategy<Value = Deed> {
    let name = prop_oneof!["[a-f]", "~[a-f]"].prop_map(|name| user(&name));
    let seconds = 1..50_u32;
    prop_oneof![
        (name.clone(), seconds.clone()).prop_map(|(name, seconds)| Deed::Mute(name, seconds)),
        name.clone().prop_map(Deed::Unmute),
        (name.clone(), proptest::option::of(seconds))
            .prop_map(|(name, seconds)| Deed::Ban(name, seconds)),
        name.prop_map(Deed::Unban),
        (0..3_u32).prop_map(Deed::Slow),
        (1..9_u64).prop_map(|id| Deed::Delete(id, None)),
        (1..9_u64).prop_map(|id| Deed::Delete(id, Some(user("bob")))),
        Just(Deed::Announce),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_stays_within_its_bounds_and_concerns_whom_it_names(
        deeds in proptest::collection::vec((0..20_u64, deed(), 0..200_u128), 0..300),
    ) {
        const MOST: usize = 5;
        let mut moderation = Moderation::default();
        let mut seconds = 1_000;
        for (later, deed, address) in deeds {
            seconds += later;
            let now = Timestamp::from_secs(seconds);
            let before = moderation.clone();
            let addresses = (address..address + 40).map(ClientAddress);
            let (action, bound) = (action(seconds, deed.clone()), Bound::new(MOST, true));
            let made = moderation.carry_out(action, addresses, bound);
            let people: BTreeSet<_> = moderation.names().collect();
            prop_assert!(people.len() <= MOST);
            prop_assert!(moderation.log().len() <= LOGGED);
            for ban in moderation.banned().values() {
                prop_assert!(ban.addresses.len() <= MOST_ADDRESSES);
            }
            for mute in moderation.muted().values() {
                prop_assert!(mute.addresses.len() <= MOST_ADDRESSES);
            }
            for standing in moderation.by_address.values() {
                prop_assert_eq!(*standing, standing.at(now), "what is over is forgotten");
            }
            match made {
                Ok(true) => prop_assert_eq!(&moderation.log().last().expect("one").deed, &deed),
                Ok(false) | Err(_) => prop_assert!(moderation.log().eq(before.log())),
            }
            let standing = deed.user().map(|user| {
                let address = None;
                moderation.standing(Person { user, address }, now)
            });
            match (&deed, made, standing) {
                (Deed::Mute(..), Ok(_), Some(standing)) => prop_assert!(standing.muted.is_some()),
                (Deed::Unmute(_), _, Some(standing)) => prop_assert!(standing.muted.is_none()),
                (Deed::Ban(..), Ok(_), Some(standing)) => prop_assert!(standing.banned.is_some()),
                (Deed::Unban(_), _, Some(standing)) => prop_assert!(standing.banned.is_none()),
                _ => {}
            }
        }
        prop_assert!(of("zoe", None, &moderation, seconds) == Standing::default());
        prop_assert_eq!(moderation.memory_bytes() == 0, moderation == Moderation {
            slow_seconds: moderation.slow_seconds, ..Moderation::default()
        });
    }
}
