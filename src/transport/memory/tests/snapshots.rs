//! Contents as JSON.

use super::*;
use serde_json::json;

fn dump(store: &TestStore) -> Value {
    serde_json::from_slice(&store.dump(NOW).unwrap()).unwrap()
}

#[test]
fn contents_come_out_as_they_went_in() {
    let store = &mut TestStore::default();
    let contents = json!({
        "/a": "1",
        "/b": { "value": "2", "ttl": 60.5 },
        "/d/": { "ttl": 5.0 },
        "/d/_h": "hidden",
        "/empty/": {},
    });
    store.load(&contents.to_string(), NOW).unwrap();
    assert_eq!(dump(store), contents);
    assert_eq!(body(store, "GET /d/_h")["node"]["value"], "hidden");
    assert_eq!(store.next_expiration(), Some(NOW.after(5)));
}

#[test]
fn loading_replaces_what_there_was_and_those_who_watch_are_told() {
    let store = &mut TestStore::default();
    put(store, "/a/b", "1");
    put(store, "/c", "1");
    let all = watching(store, "/?recursive=true&stream=true");
    store.load(r#"{"c": "2", "/x/y": "3"}"#, NOW).unwrap();
    assert_eq!(told(&all), ["delete /a", "delete /c", "set /c", "set /x/y"]);
    assert_eq!(dump(store), json!({ "/c": "2", "/x/y": "3" }));
}

#[test]
fn what_cannot_be_loaded_is_named_and_changes_nothing() {
    let store = &mut TestStore::default();
    put(store, "/a", "1");
    for (contents, problem) in [
        (
            "[]",
            "Cannot load: expected an object of paths and values: invalid type: sequence, expected a map at line 1 column 0",
        ),
        (r#"{"/b": 5}"#, r#"Cannot load "/b": expected a text or {"value": "…", "ttl": 5}, got 5"#),
        (
            r#"{"/b": {"ttl": 5}}"#,
            r#"Cannot load "/b": expected a text as value; a directory ends with a slash"#,
        ),
        (r#"{"/b/": "1"}"#, r#"Cannot load "/b/": expected {} or {"ttl": 5}, got "1""#),
        (
            r#"{"/b/": {"value": "1"}}"#,
            r#"Cannot load "/b/": a directory, which ends with a slash, has no value"#,
        ),
        (r#"{"/b": {"value": "1", "ttl": -1}}"#, r#"Cannot load "/b": expected seconds as ttl, got -1"#),
        (r#"{"/b": "1", "b": "2"}"#, r#"Cannot load "b": the same path is given twice"#),
        (
            r#"{"/b": "1", "/b/c/d": "2"}"#,
            r#"Cannot load "/b/c/d": "/b" has a value, so nothing can be in it"#,
        ),
        (r#"{"/": {}}"#, r#"Cannot load "/": the root is there already"#),
    ] {
        assert_eq!(store.load(contents, NOW).unwrap_err().to_string(), problem);
        assert_eq!(dump(store), json!({ "/a": "1" }), "{contents}");
    }
}
