//! What v2 tells beside its keys, as far as v3 knows it.

use crate::transport::v3::carrier::Carrier;
use crate::transport::v3::messages::{
    Member, MemberListRequest, MemberListResponse, StatusRequest, StatusResponse,
};
use crate::transport::v3::store::{Access, Stop};
use crate::v2::answer::{self, JSON, TEXT};
use crate::v2::reply::Reply;
use crate::v2::request::Verb;
use serde_json::{Map, Value, json};

/// Whether a path is one of v2's API, which the server itself does not know.
#[must_use]
pub fn is_of_v2(path: &str) -> bool {
    path == "/v2" || path.starts_with("/v2/")
}

/// What a path of v2's API that is none of the keys may be asked by, if there is anything.
fn methods(path: &str) -> Option<&'static str> {
    match path {
        "/v2/machines" => Some("GET,HEAD"),
        "/v2/members" | "/v2/members/leader" | "/v2/stats/leader" | "/v2/stats/self" => Some("GET"),
        _ => None,
    }
}

/// # Errors
/// When the member does not answer.
pub async fn answer<C: Carrier>(access: &Access<'_, C>, verb: &Verb, path: &str) -> Result<Reply, Stop> {
    let Some(methods) = methods(path) else { return Ok(unknown(path)) };
    if methods.split(',').all(|method| method != verb.as_str()) {
        return Ok(answer::method_not_allowed(methods));
    }
    let list = access.call(&MemberListRequest::default()).await?;
    if path == "/v2/machines" {
        return Ok(answer::plain(200, TEXT, machines(&list)));
    }
    if path == "/v2/members" {
        let members: Vec<Value> = list.members.iter().map(member).collect();
        return Ok(of_members(&list, &json!({ "members": members })));
    }
    let status = access.call(&StatusRequest::default()).await?;
    Ok(match path {
        "/v2/members/leader" => match list.members.iter().find(|member| member.id == status.leader) {
            Some(leader) => of_members(&list, &member(leader)),
            None => answer::plain(503, JSON, json!({ "message": "During election" }).to_string()),
        },
        "/v2/stats/leader" => leader_stats(&list, &status),
        _ => answer::plain(200, JSON, self_stats(&list, &status).to_string()),
    })
}

/// A path that v2 has and v3 has nothing for, or that neither has.
fn unknown(path: &str) -> Reply {
    if path != "/v2/stats/store" && !path.starts_with("/v2/auth") && !path.starts_with("/v2/admin") {
        return answer::refusal(404, "404 page not found\n");
    }
    let message = format!("etcd's v3 API has nothing for {path}");
    answer::plain(
        404,
        JSON,
        json!({ "errorCode": 100, "message": message, "cause": path, "index": 0 }).to_string(),
    )
}

fn of_members(list: &MemberListResponse, body: &Value) -> Reply {
    let cluster = list.header.as_ref().map_or(0, |header| header.cluster_id);
    answer::of_members(cluster, format!("{body}\n"))
}

fn hex(id: u64) -> String {
    format!("{id:x}")
}

fn member(member: &Member) -> Value {
    json!({
        "id": hex(member.id),
        "name": member.name,
        "peerURLs": member.peer_urls,
        "clientURLs": member.client_urls,
    })
}

fn machines(list: &MemberListResponse) -> String {
    let urls: Vec<&str> =
        list.members.iter().flat_map(|member| &member.client_urls).map(String::as_str).collect();
    urls.join(", ")
}

/// Of a member that does not lead, v2 says so. How quick its followers are v3 does not tell.
fn leader_stats(list: &MemberListResponse, status: &StatusResponse) -> Reply {
    let asked = status.header.as_ref().map_or(0, |header| header.member_id);
    if asked != status.leader {
        return answer::plain(403, JSON, json!({ "message": "not current leader" }).to_string());
    }
    let followers = list.members.iter().filter(|member| member.id != asked);
    let followers: Map<String, Value> = followers.map(|member| (hex(member.id), json!({}))).collect();
    answer::plain(200, JSON, json!({ "leader": hex(asked), "followers": followers }).to_string())
}

fn self_stats(list: &MemberListResponse, status: &StatusResponse) -> Value {
    let asked = status.header.as_ref().map_or(0, |header| header.member_id);
    let name = list.members.iter().find(|member| member.id == asked).map(|member| member.name.as_str());
    let state = if asked == status.leader { "StateLeader" } else { "StateFollower" };
    json!({
        "name": name.unwrap_or_default(),
        "id": hex(asked),
        "state": state,
        "leaderInfo": { "leader": hex(status.leader) },
    })
}
