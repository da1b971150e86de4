//! What a reply to a watch says. It is read here and nowhere else: what is taken for a change has all that JavaScript
//! looks at, in the types that etcd gives it.

use crate::transport::Broken;
use crate::v2::reply::{Reply, code_number};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The part of a reply's body that a watch needs.
#[derive(Debug, Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    node: Option<&'a RawValue>,
    #[serde(rename = "errorCode", borrow)]
    error_code: Option<&'a RawValue>,
    /// The store's index, in errors.
    index: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Node {
    key: Option<String>,
    #[serde(rename = "modifiedIndex")]
    modified_index: Option<u64>,
}

/// What an object says. A list of the same values in order is none, though serde would take it for one.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(json).ok()
}

impl Said<'_> {
    /// The change that it tells of, if it does.
    fn change(&self) -> Option<Change> {
        self.action.filter(|action| action.get().starts_with('"'))?;
        let Node { key, modified_index } = object(self.node?.get().as_bytes())?;
        Some(Change { index: modified_index?, key: key.unwrap_or_default() })
    }
}

/// A change with the reply that brought it.
#[derive(Debug)]
pub struct Found {
    pub change: Change,
    pub reply: Reply,
    /// Whether the reply is whole: it is not if it was too large.
    pub is_whole: bool,
}

/// One change of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub index: u64,
    key: String,
}

/// Reads a reply to a watch; `is_etcds` when its headers say where the store is, as each etcd's do.
///
/// # Errors
/// With the reason why it is no change.
pub fn read(reply: Reply, is_etcds: bool) -> Result<Found, Broken> {
    let is_success = (200..300).contains(&reply.status);
    if reply.body.is_empty() && is_success {
        return Err(if is_etcds { Broken::Ended(reply) } else { Broken::Unexpected(reply) });
    }
    let Some(said) = object::<Said>(&reply.body) else { return Err(Broken::Unexpected(reply)) };
    let change = match (said.error_code.map(code_number), said.index, said.change()) {
        (Some(Some(401.0)), Some(index), _) => return Err(Broken::Outdated(index, reply)),
        (Some(Some(110.0)), ..) => return Err(Broken::Forbidden(reply)),
        (Some(_), ..) => return Err(Broken::Refused(reply)),
        (None, _, Some(change)) => change,
        (None, ..) => return Err(Broken::Unexpected(reply)),
    };
    Ok(Found { change, reply, is_whole: true })
}

impl Change {
    /// Whether a live watch of `watched` would see this change. The history also returns what the server does not
    /// send live: hidden keys below the watched one, and the removal of `/a/b` to a watch of `/a/bcd` (semantics.md
    /// 3.3). Leaving these out makes no difference between what came live and what was made up for.
    #[must_use]
    pub fn concerns(&self, watched: &str) -> bool {
        let key = self.key.trim_end_matches('/');
        let watched = watched.trim_end_matches('/');
        if let Some(below) = key.strip_prefix(watched) {
            return !(below.starts_with('/') && below.contains("/_"));
        }
        // Anything else the server has its reasons for, such as a proxy that changes keys.
        watched.strip_prefix(key).is_none_or(|below| below.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn change(key: &str) -> Change {
        Change { index: 1, key: key.into() }
    }

    fn said(status: u16, body: &str) -> Result<Found, Broken> {
        read(Reply { status, body: body.into(), ..Reply::default() }, true)
    }

    #[test]
    fn replies_are_told_apart() {
        let set = r#"{"action":"set","node":{"key":"/a","value":"1","modifiedIndex":7,"createdIndex":7}}"#;
        assert_eq!(said(200, set).unwrap().change, Change { index: 7, ..change("/a") });
        let outdated = r#"{"errorCode":401,"message":"","cause":"[91/86]","index":1090}"#;
        assert!(matches!(said(400, outdated), Err(Broken::Outdated(1090, _))));
        assert!(matches!(said(401, r#"{"errorCode":110,"index":0}"#), Err(Broken::Forbidden(_))));
        for refusal in [r#"{"errorCode":100,"index":1}"#, r#"{"errorCode":"x"}"#, r#"{"errorCode":401}"#] {
            assert!(matches!(said(404, refusal), Err(Broken::Refused(_))), "{refusal}");
        }
        for odd in [
            "",
            "{}",
            "<html>",
            "[1]",
            r#"{"node":{}}"#,
            r#"{"errorCode":null}"#,
            r#"{"node":{"key":"/a","modifiedIndex":7}}"#,
            r#"{"action":5,"node":{"key":"/a","modifiedIndex":7}}"#,
            r#"{"action":"set","node":["/a",7]}"#,
            r#"{"action":"set","node":{"key":5,"modifiedIndex":7}}"#,
            r#"{"action":"set","node":{"key":"/a","modifiedIndex":"7"}}"#,
            r#"["set",{"key":"/a","modifiedIndex":7},null,null]"#,
            r#"["set",null,401,7]"#,
        ] {
            assert!(matches!(said(404, odd), Err(Broken::Unexpected(_))), "{odd}");
        }
    }

    #[test]
    fn an_empty_success_is_an_end_if_it_is_etcds() {
        assert!(matches!(said(200, ""), Err(Broken::Ended(_))));
        let foreign = read(Reply { status: 200, ..Reply::default() }, false);
        assert!(matches!(foreign, Err(Broken::Unexpected(_))));
    }

    #[test]
    fn a_watch_sees_its_tree_and_the_removal_of_what_holds_it() {
        assert!(change("/a").concerns("/a"));
        assert!(change("/a/b").concerns("/a"));
        assert!(change("/a/b").concerns("/"));
        assert!(change("/a").concerns("/a/b"));
    }

    #[test]
    fn the_removal_of_a_directory_whose_name_only_begins_alike_is_left_out() {
        assert!(!change("/w/d").concerns("/w/dfoo"));
    }

    #[test]
    fn hidden_keys_are_seen_only_by_who_watches_them() {
        assert!(!change("/_b").concerns("/"));
        assert!(!change("/a/_b").concerns("/a"));
        assert!(!change("/a/_b/c").concerns("/a"));
        assert!(change("/a/_b/c").concerns("/a/_b"));
    }

    #[test]
    fn what_has_another_name_than_the_one_asked_for_is_the_servers_business() {
        assert!(change("/prefix/a").concerns("/a"));
        assert!(change("/other").concerns("/a"));
    }

    /// Values that a server may put anywhere.
    fn odd() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "set|expire|error|/k|401|\\PC{0,3}".prop_map(Value::from),
            Just(json!([])),
            Just(json!(["/k", 7])),
            Just(json!({})),
            Just(json!({"key": "/k", "modifiedIndex": 7})),
        ]
    }

    /// Objects with some of the fields of etcd's answers.
    fn answer() -> impl Strategy<Value = Value> {
        let maybe = |value: BoxedStrategy<Value>| prop::option::of(value);
        let node = (maybe(odd().boxed()), maybe(odd().boxed()))
            .prop_map(|(key, index)| object_of([("key", key), ("modifiedIndex", index)]));
        let node = prop_oneof![4 => node, 1 => odd()].boxed();
        let code = maybe(prop_oneof![Just(json!(401)), Just(json!(110)), odd()].boxed());
        (maybe(odd().boxed()), maybe(node), code, maybe(odd().boxed())).prop_map(
            |(action, node, code, index)| {
                object_of([("action", action), ("node", node), ("errorCode", code), ("index", index)])
            },
        )
    }

    fn object_of<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    proptest! {
        #[test]
        fn what_is_taken_for_a_change_has_all_that_javascript_looks_at(answer in answer(), status in 200_u16..600) {
            if let Ok(found) = said(status, &answer.to_string()) {
                prop_assert!(answer["action"].is_string() && answer["node"].is_object());
                prop_assert_eq!(answer["node"]["modifiedIndex"].as_u64(), Some(found.change.index));
                prop_assert_eq!(answer["node"]["key"].as_str().unwrap_or_default(), found.change.key);
                prop_assert!(answer["errorCode"].is_null());
            }
        }

        #[test]
        fn only_an_error_of_etcds_moves_a_watch(answer in answer()) {
            if let Err(Broken::Outdated(index, _)) = said(400, &answer.to_string()) {
                prop_assert_eq!((answer["errorCode"].as_f64(), answer["index"].as_u64()), (Some(401.0), Some(index)));
            }
        }

        #[test]
        fn any_bytes_can_be_looked_at(body: Vec<u8>, status: u16, is_etcds: bool) {
            let _ = read(Reply { status, body, ..Reply::default() }, is_etcds);
        }

        #[test]
        fn who_watches_a_key_sees_what_happens_to_it_and_to_all_that_holds_it(
            names in prop::collection::vec("[a-z_]{1,3}", 1..5),
            depth in 0_usize..5,
        ) {
            let path = |names: &[String]| names.iter().map(|name| format!("/{name}")).collect::<String>();
            let above = &names[..depth.min(names.len())];
            prop_assert!(change(&path(above)).concerns(&path(&names)));
        }
    }
}
