//! What an etcd answers beside its keys (semantics.md 3.4).

use crate::transport::memory::reply::{self, JSON, TEXT};
use crate::v2::reply::Reply;
use crate::v2::request::Verb;

/// The etcd whose answers these are.
const VERSION: &str = r#"{"etcdserver":"3.4.45","etcdcluster":"3.4.0"}"#;

/// The answer of a path that names no key. `host` is what clients name the store by.
pub fn answer(verb: &Verb, path: &str, host: &str, store_stats: impl FnOnce() -> Vec<u8>) -> Reply {
    let Some(methods) = methods(path) else { return reply::refusal(404, "404 page not found\n") };
    if methods.split(',').all(|method| method != verb.as_str()) {
        return reply::method_not_allowed(methods);
    }
    match path {
        "/version" => reply::plain(200, JSON, VERSION),
        "/health" => reply::plain(200, TEXT, r#"{"health":"true"}"#),
        "/v2/machines" => reply::plain(200, TEXT, host),
        "/v2/members" => reply::of_members(format!("{{\"members\":[{}]}}\n", member(host))),
        "/v2/members/leader" => reply::of_members(format!("{}\n", member(host))),
        "/v2/stats/store" => reply::plain(200, JSON, store_stats()),
        "/v2/stats/leader" => reply::plain(200, JSON, r#"{"leader":"8e9e05c52164694d","followers":{}}"#),
        _ => reply::plain(200, JSON, self_stats()),
    }
}

/// What a path may be asked by, if there is anything. The members of a store never change.
fn methods(path: &str) -> Option<&'static str> {
    match path {
        "/v2/machines" => Some("GET,HEAD"),
        "/version" | "/health" | "/v2/members" | "/v2/members/leader" => Some("GET"),
        "/v2/stats/store" | "/v2/stats/leader" | "/v2/stats/self" => Some("GET"),
        _ => None,
    }
}

/// The only member, which clients reach and no other member.
fn member(host: &str) -> String {
    let urls = serde_json::json!([host]);
    format!(r#"{{"id":"8e9e05c52164694d","name":"memory","peerURLs":[],"clientURLs":{urls}}}"#)
}

/// Of a member that leads and has nobody to talk to.
fn self_stats() -> String {
    let leader = r#"{"leader":"8e9e05c52164694d","uptime":"0s","startTime":"1970-01-01T00:00:00Z"}"#;
    format!(
        r#"{{"name":"memory","id":"8e9e05c52164694d","state":"StateLeader","startTime":"1970-01-01T00:00:00Z","leaderInfo":{leader},"recvAppendRequestCnt":0,"sendAppendRequestCnt":0}}"#
    )
}
