//! Reading and writing.

use super::*;
use crate::transport::memory::store::FIRST_INDEX;
use serde_json::json;

#[test]
fn a_store_begins_empty_where_an_etcd_with_one_member_begins() {
    let store = &mut TestStore::default();
    let answer = ask(store, "GET /", "").unwrap();
    assert_eq!((answer.status, answer.index), (200, FIRST_INDEX));
    assert_eq!(answer.body, b"{\"action\":\"get\",\"node\":{\"dir\":true}}\n");
}

#[test]
fn set_makes_and_replaces() {
    let store = &mut TestStore::default();
    let first = ask(store, "PUT /a/b", "1").unwrap();
    assert_eq!((first.status, first.index), (201, 4));
    let second = ask(store, "PUT /a/b", "2").unwrap();
    assert_eq!((second.status, second.index), (200, 5));
    assert_eq!(
        serde_json::from_slice::<Value>(&second.body).unwrap(),
        json!({
            "action": "set",
            "node": { "key": "/a/b", "value": "2", "modifiedIndex": 5, "createdIndex": 5 },
            "prevNode": { "key": "/a/b", "value": "1", "modifiedIndex": 4, "createdIndex": 4 },
        })
    );
    assert_eq!(body(store, "GET /a")["node"]["createdIndex"], 4);
}

#[test]
fn a_directory_replaces_a_file_but_nothing_replaces_a_directory() {
    let store = &mut TestStore::default();
    put(store, "/a", "1");
    let answer = ask(store, "PUT /a?dir=true", "").unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(body(store, "GET /a")["node"]["dir"], true);
    assert_eq!(refusal(store, "PUT /a?dir=true", ""), "102 /a");
    assert_eq!(refusal(store, "PUT /a", "1"), "102 /a");
}

#[test]
fn create_and_update_ask_for_opposite_things() {
    let store = &mut TestStore::default();
    assert_eq!(refusal(store, "PUT /a?prevExist=true", "1"), "100 /a");
    assert_eq!(ask(store, "PUT /a?prevExist=false", "1").unwrap().status, 201);
    assert_eq!(refusal(store, "PUT /a?prevExist=false", "2"), "105 /a");
    let updated = body(store, "PUT /a?prevExist=true");
    assert_eq!(updated["node"], json!({ "key": "/a", "value": "", "modifiedIndex": 5, "createdIndex": 4 }));
}

#[test]
fn an_update_of_a_directory_changes_its_end_and_not_its_index() {
    let store = &mut TestStore::default();
    put(store, "/d/a", "1");
    assert_eq!(refusal(store, "PUT /d?prevExist=true", "1"), "102 /d");
    let updated = body(store, "PUT /d?prevExist=true&ttl=5");
    assert_eq!((&updated["node"]["modifiedIndex"], &updated["node"]["ttl"]), (&json!(5), &json!(5)));
    let found = body(store, "GET /d");
    assert_eq!((&found["node"]["modifiedIndex"], &found["node"]["ttl"]), (&json!(4), &json!(5)));
}

#[test]
fn a_comparison_says_what_differs() {
    let store = &mut TestStore::default();
    put(store, "/a", "1");
    assert_eq!(refusal(store, "PUT /a?prevValue=x", "2"), "101 [x != 1]");
    assert_eq!(refusal(store, "PUT /a?prevIndex=9", "2"), "101 [9 != 4]");
    assert_eq!(refusal(store, "DELETE /a?prevIndex=9&prevValue=x", ""), "101 [x != 1] [9 != 4]");
    let swapped = body(store, "PUT /a?prevValue=1&prevIndex=4");
    assert_eq!((&swapped["action"], &swapped["node"]["createdIndex"]), (&json!("compareAndSwap"), &json!(4)));
    assert_eq!(body(store, "DELETE /a?prevIndex=5")["action"], "compareAndDelete");
    assert_eq!(refusal(store, "GET /a", ""), "100 /a");
}

#[test]
fn names_in_order_are_the_index_that_they_make() {
    let store = &mut TestStore::default();
    let made = body(store, "POST /q");
    assert_eq!(
        (&made["action"], &made["node"]["key"]),
        (&json!("create"), &json!("/q/00000000000000000004"))
    );
    put(store, "/q/00000000000000000006", "taken");
    assert_eq!(refusal(store, "POST /q", ""), "105 /q/00000000000000000006");
    put(store, "/f", "1");
    assert_eq!(refusal(store, "POST /f", ""), "104 /f");
}

#[test]
fn what_is_removed_must_be_what_was_meant() {
    let store = &mut TestStore::default();
    put(store, "/d/_hidden", "1");
    assert_eq!(refusal(store, "DELETE /d", ""), "102 /d");
    assert_eq!(refusal(store, "DELETE /d?dir=true", ""), "108 /d");
    assert_eq!(refusal(store, "DELETE /d/x", ""), "100 /d/x");
    assert_eq!(
        body(store, "DELETE /d?recursive=true&noValueOnSuccess=true"),
        json!({
            "action": "delete",
            "node": { "key": "/d", "dir": true, "modifiedIndex": 5, "createdIndex": 4 },
            "prevNode": { "key": "/d", "dir": true, "modifiedIndex": 4, "createdIndex": 4 },
        })
    );
    put(store, "/a", "1");
    assert_eq!(body(store, "DELETE /a?dir=true")["node"]["key"], "/a");
}

#[test]
fn the_root_is_read_only() {
    let store = &mut TestStore::default();
    for request in [
        "PUT /",
        "PUT /?prevExist=false",
        "PUT /?prevExist=true",
        "PUT /?prevIndex=1",
        "DELETE /?recursive=true",
    ] {
        assert_eq!(refusal(store, request, ""), "107 /", "{request}");
    }
    assert_eq!(refusal(store, "DELETE /?prevIndex=1", ""), "102 ");
}

#[test]
fn a_file_on_the_way_goes_before_a_key_that_is_missing() {
    let store = &mut TestStore::default();
    put(store, "/f", "1");
    for request in
        ["GET /f/a/b", "PUT /f/a/b", "PUT /f/a/b?prevExist=false", "DELETE /f/a", "PUT /f/a?prevIndex=1"]
    {
        assert_eq!(refusal(store, request, ""), "104 /f", "{request}");
    }
    assert_eq!(refusal(store, "GET /x/a/b", ""), "100 /x");
}

#[test]
fn a_refused_write_leaves_no_directory_behind() {
    let store = &mut TestStore::default();
    put(store, "/f", "1");
    refusal(store, "PUT /f/a", "1");
    refusal(store, "PUT /new/a?prevExist=true", "1");
    refusal(store, "PUT /new/a?refresh=true&ttl=5", "");
    assert_eq!(body(store, "GET /?recursive=true")["node"]["nodes"].as_array().unwrap().len(), 1);
}

#[test]
fn listings_are_sorted_and_leave_hidden_names_out() {
    let store = &mut TestStore::default();
    for key in ["/d/b/x", "/d/b-c", "/d/_h/x", "/d/a"] {
        put(store, key, "");
    }
    let keys = |listed: &Value| {
        let nodes = listed["nodes"].as_array().cloned().unwrap_or_default();
        nodes.iter().map(|node| node["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let flat = body(store, "GET /d")["node"].take();
    assert_eq!(keys(&flat), ["/d/a", "/d/b", "/d/b-c"]);
    assert_eq!(flat["nodes"][1].get("nodes"), None);
    let deep = body(store, "GET /d?recursive=true")["node"].take();
    assert_eq!(keys(&deep["nodes"][1]), ["/d/b/x"]);
    assert_eq!(keys(&body(store, "GET /d/_h")["node"]), ["/d/_h/x"]);
}

#[test]
fn a_ttl_counts_down_and_ends_with_the_next_value_that_has_none() {
    let store = &mut TestStore::default();
    let set = body(store, "PUT /a?ttl=10");
    assert_eq!(
        (&set["node"]["ttl"], &set["node"]["expiration"]),
        (&json!(10), &json!("2026-09-21T14:13:30Z"))
    );
    let later = ask_at(store, "GET /a", "", Timestamp(NOW.0 + 8_500_000_000)).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&later.body).unwrap()["node"]["ttl"], 2);
    put(store, "/a", "1");
    assert_eq!(store.next_expiration(), None);
    assert_eq!(body(store, "PUT /a?ttl=0")["node"].get("ttl"), None);
    assert_eq!(store.next_expiration(), Some(NOW));
}

#[test]
fn a_refresh_keeps_the_value_and_renews_the_ttl() {
    let store = &mut TestStore::default();
    assert_eq!(refusal(store, "PUT /a?refresh=true&ttl=5", ""), "100 /a");
    put(store, "/a", "1");
    for request in [
        "PUT /a?refresh=true&ttl=5",
        "PUT /a?refresh=true&ttl=5&prevExist=true",
        "PUT /a?refresh=true&ttl=5&prevValue=1",
    ] {
        let refreshed = body(store, request)["node"].take();
        assert_eq!((&refreshed["value"], &refreshed["ttl"]), (&json!("1"), &json!(5)), "{request}");
    }
    assert_eq!(store.index(), 7);
}

#[test]
fn a_node_ends_with_its_time_and_a_directory_with_all_in_it() {
    let store = &mut TestStore::default();
    put(store, "/d/a", "1");
    body(store, "PUT /d/b?ttl=3");
    body(store, "PUT /d?prevExist=true&ttl=2");
    body(store, "PUT /e?ttl=1");
    let all = watching(store, "/?recursive=true&stream=true");
    assert_eq!(store.expire(Timestamp(NOW.0 + 999_999_999), usize::MAX), 0);
    assert_eq!(store.expire(NOW.after(60), 1), 1);
    assert_eq!(told(&all), ["expire /e"]);
    assert_eq!(store.expire(NOW.after(60), usize::MAX), 1);
    let events = all.try_iter().collect::<Vec<_>>();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert!(event.node.dir && event.removes_directory());
    assert_eq!(event.prev_node.as_ref().unwrap().expiry.unwrap().ttl, 0);
    assert_eq!(refusal(store, "GET /d/b", ""), "100 /d");
    assert_eq!(store.next_expiration(), None);
}

#[test]
fn the_counts_are_those_of_etcd() {
    let store = &mut TestStore::default();
    put(store, "/a", "1");
    refusal(store, "PUT /a/b?prevExist=false", "");
    refusal(store, "PUT /?prevExist=true", "");
    refusal(store, "DELETE /a?prevIndex=9", "");
    refusal(store, "GET /x", "");
    let _open = watching(store, "/a");
    let stats = serde_json::from_slice::<Value>(&store.stats().unwrap()).unwrap();
    let counted = stats.as_object().unwrap().iter().filter(|(_, count)| **count != json!(0));
    assert_eq!(
        counted.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>(),
        [
            "compareAndDeleteSuccess 1",
            "createFail 1",
            "getsFail 1",
            "setsFail 1",
            "setsSuccess 1",
            "updateSuccess 1",
            "watchers 1"
        ]
    );
}
