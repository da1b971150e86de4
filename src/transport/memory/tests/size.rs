//! Deep, wide and many.

use super::*;

#[test]
fn a_deep_tree_is_made_read_ended_and_dropped() {
    let store = &mut TestStore::default();
    let deep = "/a".repeat(10_000);
    for _ in 0..2 {
        put(store, &deep, "at the bottom");
        assert_eq!(ask(store, &format!("GET {deep}"), "").unwrap().status, 200);
        assert!(store.dump(NOW).unwrap().len() > deep.len());
        body(store, "DELETE /a?recursive=true");
    }
    let bottom = watching(store, &format!("{deep}?stream=true"));
    put(store, &deep, "1");
    body(store, "PUT /a?prevExist=true&ttl=1");
    assert_eq!(store.expire(NOW.after(1), usize::MAX), 1);
    assert_eq!(bottom.try_iter().count(), 2);
    put(store, &deep, "dropped with the store");
}

#[test]
fn a_deep_tree_is_listed() {
    let store = &mut TestStore::default();
    put(store, &"/a".repeat(3_000), "at the bottom");
    let listed = ask(store, "GET /?recursive=true", "").unwrap().body;
    let listed = String::from_utf8(listed).unwrap();
    let count = |part: &str| listed.matches(part).count();
    assert_eq!((count("\"nodes\":["), count("\"key\":"), count("]")), (3_000, 3_000, 3_000));
}

#[test]
fn twenty_thousand_keys_end_at_once_and_in_order() {
    let store = &mut TestStore::default();
    for number in 0..20_000 {
        body_less(store, &format!("PUT /e/{}?ttl={}", number, 1 + number % 7));
        body_less(store, &format!("PUT /d/{}/{number}", number % 10));
    }
    let all = watching(store, "/e?recursive=true&stream=true");
    body_less(store, "DELETE /d?recursive=true");
    assert_eq!(store.expire(NOW.after(7), usize::MAX), 20_000);
    let events = all.try_iter().collect::<Vec<_>>();
    assert_eq!(events.len(), 20_000);
    let ends =
        |event: &Arc<Event>| event.prev_node.as_ref().and_then(|node| node.expiry).map(|expiry| expiry.at);
    assert!(events.is_sorted_by_key(ends));
    assert_eq!(body(store, "GET /e")["node"].get("nodes"), None);
}

#[test]
fn ten_thousand_watches_hear_of_their_own_key_once() {
    let store = &mut TestStore::default();
    let watches =
        (0..10_000).map(|number| watching(store, &format!("/w/{number}?stream=true"))).collect::<Vec<_>>();
    for number in 0..10_000 {
        put(store, &format!("/w/{number}"), "1");
    }
    assert!(watches.iter().all(|watch| watch.try_iter().count() == 1));
    body_less(store, "DELETE /w?recursive=true");
    assert!(watches.iter().all(|watch| told(watch) == ["delete /w"]));
}

/// A request of which only the success matters.
fn body_less(store: &mut TestStore, request: &str) {
    assert!(ask(store, request, "").is_ok(), "{request}");
}
