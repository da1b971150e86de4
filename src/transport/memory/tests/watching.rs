//! Who is told what.

use super::*;

#[test]
fn a_poll_is_told_the_next_change_and_no_more() {
    let store = &mut TestStore::default();
    let (taken, poll) = watch(store, "/a").unwrap();
    assert_eq!(taken.index, 3);
    put(store, "/b", "1");
    put(store, "/a", "1");
    put(store, "/a", "2");
    assert_eq!(told(&poll), ["set /a"]);
    assert!(poll.recv().is_err(), "its subscriber is dropped");
}

#[test]
fn a_poll_for_a_past_index_is_told_the_first_change_since_then() {
    let store = &mut TestStore::default();
    for value in ["1", "2", "3"] {
        put(store, "/a", value);
    }
    let (taken, poll) = watch(store, "/a?waitIndex=5").unwrap();
    assert_eq!((taken.index, taken.id), (6, None));
    assert_eq!(poll.try_iter().map(|event| event.index()).collect::<Vec<_>>(), [5]);
}

#[test]
fn an_index_to_come_is_waited_for() {
    let store = &mut TestStore::default();
    let poll = watching(store, "/a?waitIndex=6");
    for value in ["1", "2", "3"] {
        put(store, "/a", value);
    }
    assert_eq!(poll.try_iter().map(|event| event.index()).collect::<Vec<_>>(), [6]);
}

#[test]
fn a_stream_goes_on_from_the_past_into_the_present() {
    let store = &mut TestStore::default();
    for value in ["1", "2", "3"] {
        put(store, "/a", value);
    }
    let (taken, stream) = watch(store, "/a?stream=true&waitIndex=5").unwrap();
    put(store, "/a", "4");
    body(store, "DELETE /a");
    assert_eq!(stream.try_iter().map(|event| event.index()).collect::<Vec<_>>(), [5, 6, 7, 8]);
    store.unwatch(&taken.id.unwrap());
    put(store, "/a", "5");
    assert!(stream.recv().is_err(), "its subscriber is dropped");
}

#[test]
fn a_directory_is_heard_of_below_by_those_who_ask_for_that_and_above_by_what_was_there() {
    let store = &mut TestStore::default();
    put(store, "/d/e/f", "1");
    put(store, "/d/_h", "1");
    let watches =
        ["/?recursive=true&", "/?", "/d?", "/d/e/f?", "/d/_h?recursive=true&", "/d/missing?", "/de?"]
            .map(|target| watching(store, &format!("{target}stream=true")));
    put(store, "/d/e/g", "1");
    put(store, "/d/_h", "2");
    body(store, "DELETE /d?recursive=true");
    let heard = watches.map(|watch| told(&watch).join(", "));
    assert_eq!(
        heard,
        ["set /d/e/g, delete /d", "", "delete /d", "delete /d", "set /d/_h, delete /d", "", ""]
    );
}

#[test]
fn history_tells_streams_what_they_would_have_been_told_and_polls_what_etcd_tells_them() {
    let store = &mut TestStore::default();
    put(store, "/d/e", "1");
    put(store, "/d/_h", "1");
    body(store, "DELETE /d?recursive=true");
    for (target, stream, poll) in [
        ("/d/e", vec!["set /d/e", "delete /d"], "set /d/e"),
        ("/d/missing", vec![], "delete /d"),
        ("/de", vec![], "delete /d"),
        ("/d/_h", vec!["set /d/_h", "delete /d"], "set /d/_h"),
    ] {
        assert_eq!(told(&watching(store, &format!("{target}?stream=true&waitIndex=1"))), stream, "{target}");
        assert_eq!(told(&watching(store, &format!("{target}?waitIndex=1"))), [poll], "{target}");
    }
    assert_eq!(told(&watching(store, "/d?recursive=true&waitIndex=5")), ["set /d/_h"]);
    assert_eq!(told(&watching(store, "/d?recursive=true&stream=true&waitIndex=5")), ["delete /d"]);
}

#[test]
fn nobody_is_told_of_a_refresh() {
    let store = &mut TestStore::default();
    put(store, "/a", "1");
    let stream = watching(store, "/a?stream=true");
    body(store, "PUT /a?refresh=true&ttl=5");
    put(store, "/a", "2");
    assert_eq!(told(&stream), ["set /a"]);
    let since = watching(store, "/a?waitIndex=5");
    assert_eq!(since.try_iter().map(|event| event.index()).collect::<Vec<_>>(), [6]);
}

#[test]
fn a_thousand_events_are_kept_and_who_asks_for_more_is_told_so() {
    let store = &mut TestStore::default();
    for _ in 0..1000 {
        put(store, "/a", "1");
    }
    assert_eq!(told(&watching(store, "/a?waitIndex=4")).len(), 1);
    let error = watch(store, "/a?waitIndex=3").unwrap_err();
    assert_eq!((error.code.number(), error.index), (401, 1003));
    assert_eq!(error.cause, "the requested history has been cleared [4/3]");
    put(store, "/b", "1");
    assert!(watch(store, "/a?waitIndex=4&stream=true").is_err());
}

#[test]
fn compaction_forgets_the_past_and_keeps_the_present() {
    let store = &mut TestStore::default();
    put(store, "/a", "0");
    put(store, "/a", "1");
    let stream = watching(store, "/a?stream=true");
    store.compact();
    let error = watch(store, "/a?waitIndex=4").unwrap_err();
    assert_eq!((error.index, error.cause.as_str()), (5, "the requested history has been cleared [5/4]"));
    assert_eq!(told(&watching(store, "/a?waitIndex=5")).len(), 1);
    let next = watching(store, "/a?waitIndex=6");
    put(store, "/a", "2");
    assert_eq!((told(&stream), told(&next)), (vec!["set /a".to_owned()], vec!["set /a".to_owned()]));
}

#[test]
fn a_reset_ends_watches_and_begins_anew() {
    let store = &mut TestStore::default();
    put(store, "/a", "1");
    let stream = watching(store, "/?recursive=true&stream=true");
    store.reset();
    assert!(stream.recv().is_err(), "its subscriber is dropped");
    put(store, "/a", "1");
    assert_eq!(store.index(), 4);
}
