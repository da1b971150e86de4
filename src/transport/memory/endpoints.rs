//! What an etcd answers beside its keys (semantics.md 3.4).

use crate::transport::memory::reply::plain;
use crate::v2::reply::Reply;
use crate::v2::request::Verb;
use percent_encoding::percent_decode_str;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const KEYS: &str = "/v2/keys";
/// The etcd whose answers these are.
const VERSION: &str = r#"{"etcdserver":"3.4.45","etcdcluster":"3.4.0"}"#;

/// The decoded key that a path names, if it is one of keys.
#[must_use]
pub fn key(path: &str) -> Option<String> {
    let key = path.strip_prefix(KEYS).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
    Some(percent_decode_str(key).decode_utf8_lossy().into_owned())
}

/// The answer of any other path. `host` is what clients name the store by.
pub fn answer(verb: &Verb, path: &str, host: &str, store_stats: impl FnOnce() -> Vec<u8>) -> Reply {
    if !is_known(path) {
        return plain(404, TEXT, "404 page not found\n");
    }
    if !verb.is_read() {
        return plain(405, TEXT, "Method Not Allowed\n");
    }
    match path {
        "/version" => plain(200, JSON, VERSION),
        "/health" => plain(200, TEXT, r#"{"health":"true"}"#),
        "/v2/machines" => plain(200, TEXT, host),
        "/v2/members" => plain(200, JSON, format!("{{\"members\":[{}]}}\n", member(host))),
        "/v2/members/leader" => plain(200, JSON, format!("{}\n", member(host))),
        "/v2/stats/store" => plain(200, JSON, store_stats()),
        "/v2/stats/leader" => plain(200, JSON, r#"{"leader":"8e9e05c52164694d","followers":{}}"#),
        _ => plain(200, JSON, self_stats()),
    }
}

fn is_known(path: &str) -> bool {
    let known = ["/version", "/health", "/v2/machines", "/v2/members", "/v2/members/leader"];
    known.contains(&path) || ["/v2/stats/store", "/v2/stats/leader", "/v2/stats/self"].contains(&path)
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
