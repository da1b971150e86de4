use super::*;
use bytes::Bytes;

const NOW: Timestamp = Timestamp(0);

/// A key with a value, as it was written by a revision.
fn kv(key: &str, value: &str, revision: i64) -> KeyValue {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    KeyValue {
        key: bytes(key),
        value: bytes(value),
        create_revision: revision,
        mod_revision: revision,
        ..KeyValue::default()
    }
}

fn put(key: &str, value: &str, before: Option<KeyValue>) -> messages::Event {
    messages::Event { r#type: EventType::Put.into(), kv: Some(kv(key, value, 9)), prev_kv: before }
}

fn deleted(before: KeyValue) -> messages::Event {
    let key = KeyValue { key: before.key.clone(), mod_revision: 9, ..KeyValue::default() };
    messages::Event { r#type: EventType::Delete.into(), kv: Some(key), prev_kv: Some(before) }
}

fn leased(kv: KeyValue) -> KeyValue {
    KeyValue { lease: 7, ..kv }
}

/// What is told, in short: action, key, value or `dir`, indexes, and what was before.
fn told(events: &[messages::Event]) -> Vec<String> {
    let node = |node: &Node| {
        let what = node.value.as_deref().unwrap_or(if node.dir { "dir" } else { "-" });
        format!("{} {what} {}/{}", node.key, node.modified_index, node.created_index)
    };
    let event = |event: &Event| {
        let before = event.prev_node.as_ref().map(|prev| format!(" was {}", node(prev))).unwrap_or_default();
        format!("{} {}{before}", event.action.name(), node(&event.node))
    };
    Revision::new(&Layout::default(), events, NOW).events().iter().map(event).collect()
}

#[test]
fn a_file_that_is_put_is_set_unless_its_side_key_says_more() {
    assert_eq!(told(&[put("/a", "1", None)]), ["set /a 1 9/9"]);
    assert_eq!(told(&[put("/a", "1", Some(kv("/a", "0", 4)))]), ["set /a 1 9/9 was /a 0 4/4"]);
    let created = [put("/a", "1", None), put("/a//", r#"{"a":"create"}"#, None)];
    assert_eq!(told(&created), ["create /a 1 9/9"]);
    let swapped = [
        put("/a", "1", Some(kv("/a", "0", 4))),
        put("/a//", r#"{"a":"compareAndSwap","c":2}"#, Some(kv("/a//", r#"{"c":2}"#, 4))),
    ];
    assert_eq!(told(&swapped), ["compareAndSwap /a 1 9/2 was /a 0 4/2"]);
}

#[test]
fn a_side_key_of_another_revision_says_nothing_of_what_was() {
    let set = [put("/a", "1", Some(kv("/a", "0", 5))), deleted(kv("/a//", r#"{"c":2}"#, 4))];
    assert_eq!(told(&set), ["set /a 1 9/9 was /a 0 5/5"]);
}

#[test]
fn who_only_renews_a_ttl_is_not_told() {
    let refreshed = [put("/a", "1", Some(kv("/a", "1", 4))), put("/a//", r#"{"a":"refresh","c":4}"#, None)];
    assert!(told(&refreshed).is_empty());
    assert!(told(&[put("/q//", r#"{"a":"post"}"#, None)]).is_empty());
    assert!(told(&[deleted(kv("/a//", r#"{"a":"delete"}"#, 4))]).is_empty());
}

#[test]
fn directories_on_the_way_are_not_told() {
    assert_eq!(
        told(&[put("/a/", "", None), put("/a/b/", "", None), put("/a/b/c", "1", None)]),
        ["set /a/b/c 1 9/9"]
    );
    // Who watches the directory alone does not see what is in it.
    assert!(told(&[put("/a/", r#"{"a":"implied"}"#, None)]).is_empty());
    let directory = [put("/a/", "", None), put("/a/b/", r#"{"a":"create"}"#, None)];
    assert_eq!(told(&directory), ["create /a/b dir 9/9"]);
}

#[test]
fn a_directory_can_take_the_place_of_a_file() {
    assert_eq!(told(&[put("/a/", "", None), deleted(kv("/a", "1", 4))]), ["set /a dir 9/9 was /a 1 4/4"]);
}

#[test]
fn another_ttl_of_a_directory_moves_what_is_in_it_without_a_word() {
    let moved = [
        put("/a/", r#"{"a":"update"}"#, Some(kv("/a/", "", 4))),
        put("/a/b", "1", Some(kv("/a/b", "1", 5))),
        put("/a/b//", r#"{"a":"refresh","c":5,"m":5}"#, None),
        put("/a/c/", r#"{"a":"refresh"}"#, Some(kv("/a/c/", "", 6))),
    ];
    assert_eq!(told(&moved), ["update /a dir 9/9 was /a dir 4/4"]);
}

#[test]
fn what_ends_by_itself_is_told_from_what_is_removed() {
    assert_eq!(told(&[deleted(kv("/a", "1", 4))]), ["delete /a - 9/4 was /a 1 4/4"]);
    assert_eq!(told(&[deleted(leased(kv("/a", "1", 4)))]), ["expire /a - 9/4 was /a 1 4/4"]);
    let removed = [deleted(leased(kv("/a", "1", 4))), put("/a//", r#"{"a":"delete","c":4}"#, None)];
    assert_eq!(told(&removed), ["delete /a - 9/4 was /a 1 4/4"]);
    let compared = [deleted(kv("/a", "1", 4)), put("/a//", r#"{"a":"compareAndDelete","c":4}"#, None)];
    assert_eq!(told(&compared), ["compareAndDelete /a - 9/4 was /a 1 4/4"]);
}

#[test]
fn of_a_directory_that_ends_the_topmost_is_told_alone() {
    let tree = ["/a/", "/a/b", "/a/c/", "/a/c/d"].map(|key| deleted(kv(key, "", 4)));
    assert_eq!(told(&tree), ["delete /a dir 9/4 was /a dir 4/4"]);
    let unmarked = [deleted(kv("/a/b", "", 4)), put("/a//", r#"{"a":"delete","c":3,"d":true}"#, None)];
    assert_eq!(told(&unmarked), ["delete /a dir 9/3 was /a dir 3/3"]);
}

#[test]
fn each_key_that_another_client_changes_in_one_transaction_is_told_in_order() {
    let events =
        [put("/b", "2", None), put("/a", "1", None), deleted(kv("/c", "3", 4)), put("/d/", "", None)];
    assert_eq!(
        told(&events),
        ["set /a 1 9/9", "set /b 2 9/9", "delete /c - 9/4 was /c 3 4/4", "set /d dir 9/9"]
    );
}

#[test]
fn a_removal_may_be_one_above_unless_it_says_what_it_is() {
    let layout = Layout::default();
    let plain = [deleted(kv("/a/b", "1", 4))];
    assert!(Revision::new(&layout, &plain, NOW).may_be_removed_above("/a/b"));
    assert!(!Revision::new(&layout, &plain, NOW).may_be_removed_above("/a/c"));
    let said = [deleted(kv("/a/b", "1", 4)), put("/a/b//", r#"{"a":"delete"}"#, None)];
    assert!(!Revision::new(&layout, &said, NOW).may_be_removed_above("/a/b"));
}
