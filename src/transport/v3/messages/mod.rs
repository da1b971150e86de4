//! The messages of etcd's v3 API that v2's model needs, with the names of etcd's `rpc.proto` and `kv.proto`. They are
//! written by hand: a compiler of protocol buffers would be one more tool to build with.

mod cluster;
mod json;
mod kv;
mod lease;
mod txn;
mod watch;

pub use cluster::{
    AuthenticateRequest, AuthenticateResponse, Member, MemberListRequest, MemberListResponse, StatusRequest,
    StatusResponse,
};
pub use kv::{
    DeleteRangeRequest, DeleteRangeResponse, KeyValue, PutRequest, PutResponse, RangeRequest, RangeResponse,
    ResponseHeader,
};
pub use lease::{LeaseGrantRequest, LeaseGrantResponse, LeaseRevokeRequest, LeaseRevokeResponse};
pub use txn::{
    Compare, CompareResult, CompareTarget, Request, RequestOp, Response, ResponseOp, TargetUnion, TxnRequest,
    TxnResponse,
};
pub use watch::{
    Event, EventType, WatchCancelRequest, WatchCreateRequest, WatchProgressRequest, WatchRequest,
    WatchRequestUnion, WatchResponse,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_written_in_json_as_the_gateway_reads_it() {
        let txn = TxnRequest {
            compare: vec![Compare {
                result: CompareResult::Less.into(),
                target: CompareTarget::Mod.into(),
                key: "a".into(),
                target_union: Some(TargetUnion::ModRevision(5)),
                ..Compare::default()
            }],
            success: vec![
                PutRequest {
                    key: "a".into(),
                    value: "\u{e4}".into(),
                    lease: i64::MAX,
                    ..PutRequest::default()
                }
                .into(),
            ],
            failure: vec![
                RangeRequest { key: "a".into(), serializable: true, ..RangeRequest::default() }.into(),
            ],
        };
        let json = serde_json::to_string(&txn).unwrap();
        assert_eq!(
            json,
            concat!(
                r#"{"compare":[{"result":2,"target":2,"key":"YQ==","mod_revision":"5"}],"#,
                r#""success":[{"request_put":{"key":"YQ==","value":"w6Q=","lease":"9223372036854775807"}}],"#,
                r#""failure":[{"request_range":{"key":"YQ==","serializable":true}}]}"#
            )
        );
    }

    #[test]
    fn an_answer_is_read_from_json_whatever_is_left_out_or_added() {
        let json = r#"{"header":{"revision":"7","x":1},"succeeded":true,"responses":[{"response_range":{"kvs":[{"key":"YQ==","lease":3}],"count":"1"}},{"response_put":{}}]}"#;
        let answer: TxnResponse = serde_json::from_str(json).unwrap();
        assert_eq!(answer.header.unwrap().revision, 7);
        let Some(Response::ResponseRange(range)) = &answer.responses[0].response else { panic!("no range") };
        assert_eq!((range.count, range.kvs[0].lease, &range.kvs[0].key[..]), (1, 3, &b"a"[..]));
        for broken in [r#"{"count":"x"}"#, r#"{"count":[]}"#, r#"{"kvs":[{"key":"%"}]}"#, "[1]"] {
            assert!(serde_json::from_str::<RangeResponse>(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn names_are_those_of_the_gateway() {
        let grant = LeaseGrantRequest { ttl: 5, id: 0 };
        assert_eq!(serde_json::to_string(&grant).unwrap(), r#"{"TTL":"5"}"#);
        let member: Member =
            serde_json::from_str(r#"{"ID":"9","clientURLs":["http://a"],"isLearner":true}"#).unwrap();
        assert_eq!((member.id, member.client_urls.len(), member.is_learner), (9, 1, true));
        let status: StatusResponse = serde_json::from_str(r#"{"dbSize":"9","raftIndex":"2"}"#).unwrap();
        assert_eq!((status.db_size, status.raft_index), (9, 2));
    }
}
