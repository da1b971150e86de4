//! The gateway's carrier against servers that follow a script.

use super::*;
use crate::transport::v3::carrier::{Told, Watched as _};
use crate::transport::v3::messages::{LeaseGrantRequest, StatusRequest, WatchCreateRequest};
use crate::transport::v3::status::Status;
use crate::v2::failure::{Cause, Failed, Kind};
use crate::wire::loopback::{Loopback, connector_options};
use crate::wire::proxy::Proxies;
use http::{HeaderMap, HeaderValue};
use std::future::pending;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::join;
use tokio::net::TcpStream;
use tokio::time::sleep;

const GRANT: LeaseGrantRequest = LeaseGrantRequest { ttl: 5, id: 7 };

fn client_of(server: &Loopback) -> Json {
    Json::new(Arc::new(CarrierOptions {
        endpoints: vec![server.endpoint()],
        headers: HeaderMap::new(),
        gzip: true,
        max_response_size: 10_000,
        max_redirects: 2,
        max_sockets: 100,
        keep_alive: true,
        connector: connector_options(),
        proxies: Proxies::default(),
    }))
}

/// Reads a request whose body is short: its head, and its body.
async fn read(stream: &mut TcpStream) -> (String, String) {
    let mut text = Vec::new();
    loop {
        let found = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = found.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return (head.to_lowercase(), body.to_owned());
            }
        }
        assert!(stream.read_buf(&mut text).await.unwrap() > 0, "the connection ended within {found}");
    }
}

fn reply(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn patient() -> CallOptions {
    CallOptions { timeout: Some(Duration::from_secs(30)), ..CallOptions::default() }
}

/// What a call comes to that is answered so.
async fn answered(text: &str) -> Refusal {
    let server = Loopback::start().await;
    let client = client_of(&server);
    let serving = async {
        let mut stream = server.accept().await;
        read(&mut stream).await;
        stream.write_all(text.as_bytes()).await.unwrap();
        pending().await
    };
    tokio::select! {
        result = client.call(0, &GRANT, None, patient()) => result.unwrap_err(),
        () = serving => unreachable!(),
    }
}

fn failed(refusal: Refusal) -> Failed {
    match refusal {
        Refusal::Failed(failed) => failed,
        other @ Refusal::Status(_) => panic!("{other:?}"),
    }
}

fn error_of(refusal: Refusal) -> (String, String) {
    match failed(refusal).cause {
        Cause::Error(error) => (error.code.map(Into::into).unwrap_or_default(), error.message),
        Cause::Reply(reply) => panic!("{reply:?}"),
    }
}

#[tokio::test]
async fn a_call_says_who_asks_and_whether_there_must_be_a_leader() {
    let server = Loopback::start().await;
    let client = client_of(&server);
    let token = HeaderValue::from_static("t.1");
    let options = CallOptions { needs_leader: true, ..patient() };
    let serving = async {
        let mut stream = server.accept().await;
        let asked = read(&mut stream).await;
        stream.write_all(reply("200 OK", r#"{"ID":"7","TTL":"9"}"#).as_bytes()).await.unwrap();
        asked
    };
    let (answer, (head, body)) = join!(client.call(0, &GRANT, Some(&token), options), serving);
    assert_eq!(answer.unwrap().ttl, 9);
    assert_eq!(body, r#"{"TTL":"5","ID":"7"}"#);
    assert!(head.starts_with("post /v3/lease/grant http/1.1\r\n"), "{head}");
    for line in ["authorization: t.1", "grpc-metadata-hasleader: true", "content-type: application/json"] {
        assert!(head.contains(line), "{head}");
    }
}

#[tokio::test]
async fn errors_have_grpcs_numbers() {
    for body in [
        r#"{"error":"etcdserver: x","code":5,"message":"etcdserver: x"}"#,
        r#"{"code":5,"message":"etcdserver: x","details":[]}"#,
        r#"{"error":{"grpc_code":5,"http_code":404,"message":"etcdserver: x"}}"#,
    ] {
        let Refusal::Status(status) = answered(&reply("404 Not Found", body)).await else { panic!("{body}") };
        assert_eq!(status, Status { code: 5, message: "etcdserver: x".into() });
    }
}

#[tokio::test]
async fn a_certificate_with_a_name_is_sent_to_grpc() {
    let text =
        "CommonName of client sending a request against gateway will be ignored and not used as expected";
    let Refusal::Status(status) = answered(&reply("400 Bad Request", text)).await else {
        panic!("no status")
    };
    assert_eq!(status.code, Status::PERMISSION_DENIED);
    assert!(status.message.contains("api 'v3'"), "{}", status.message);
}

#[tokio::test]
async fn who_is_no_etcd_is_named_and_a_proxy_without_a_server_is_told_apart() {
    for text in [reply("404 Not Found", "404 page not found"), reply("200 OK", "<p>"), reply("301 Moved", "")]
    {
        let (code, message) = error_of(answered(&text).await);
        assert_eq!(code, "ERR_INVALID_RESPONSE");
        assert!(message.contains("JSON gateway at http://127.0.0.1:"), "{message}");
    }
    let gone = failed(answered(&reply("502 Bad Gateway", "<p>")).await);
    assert!(matches!(gone.cause, Cause::Reply(reply) if reply.status == 502 && reply.body == b"<p>"));
}

#[tokio::test]
async fn redirects_lead_to_the_hosts_of_the_client_alone() {
    let elsewhere = "HTTP/1.1 307 x\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n";
    let (_, message) = error_of(answered(elsewhere).await);
    assert!(message.contains("the hosts of the client alone"), "{message}");
    let server = Loopback::start().await;
    let client = client_of(&server);
    let serving = async {
        let mut stream = server.accept().await;
        for _ in 0..2 {
            read(&mut stream).await;
            let own = "HTTP/1.1 307 x\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(own.as_bytes()).await.unwrap();
        }
        let (head, body) = read(&mut stream).await;
        stream.write_all(reply("200 OK", r#"{"TTL":"9"}"#).as_bytes()).await.unwrap();
        (head, body)
    };
    let (answer, (head, body)) = join!(client.call(0, &GRANT, None, patient()), serving);
    assert_eq!((answer.unwrap().ttl, body.is_empty()), (9, false));
    assert!(head.starts_with("post /other "), "{head}");
}

#[tokio::test]
async fn a_reply_that_is_too_large_or_cut_short_is_an_error() {
    let (code, _) = error_of(answered(&reply("200 OK", &" ".repeat(20_000))).await);
    assert_eq!(code, "ERR_RESPONSE_TOO_LARGE");
    let (code, _) = error_of(answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").await);
    assert_eq!(code, "HPE_INVALID_CHUNK_SIZE");
    let (code, _) = error_of(answered("NONSENSE\r\n\r\n").await);
    assert_eq!(code, "HPE_INVALID_CONSTANT");
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_told_from_who_refuses_a_connection() {
    let server = Loopback::start().await;
    let client = client_of(&server);
    let hasty = CallOptions { timeout: Some(Duration::from_millis(50)), ..CallOptions::default() };
    let silent = failed(client.call(0, &GRANT, None, hasty).await.unwrap_err());
    assert!(silent.sent);
    assert_eq!(error_of(silent.into()).0, "ESOCKETTIMEDOUT");
    drop(server);
    let other = Loopback::start().await;
    let client = client_of(&other);
    drop(other);
    let refused = failed(client.call(0, &GRANT, None, patient()).await.unwrap_err());
    assert_eq!((refused.kind, refused.sent), (Kind::Refused, false));
    assert!(error_of(refused.into()).1.starts_with("connect ECONNREFUSED 127.0.0.1:"));
}

#[tokio::test]
async fn a_read_that_meets_a_connection_just_closed_goes_out_again_and_a_write_does_not() {
    let server = Loopback::start().await;
    let client = client_of(&server);
    let serving = async {
        for _ in 0..2 {
            let mut stream = server.accept().await;
            read(&mut stream).await;
            stream.write_all(reply("200 OK", "{}").as_bytes()).await.unwrap();
            read(&mut stream).await;
        }
        let mut stream = server.accept().await;
        read(&mut stream).await;
        stream.write_all(reply("200 OK", "{}").as_bytes()).await.unwrap();
    };
    let asking = async {
        client.call(0, &StatusRequest {}, None, patient()).await.unwrap();
        client.call(0, &StatusRequest {}, None, patient()).await.unwrap();
        let cut = failed(client.call(0, &GRANT, None, patient()).await.unwrap_err());
        assert_eq!((cut.kind, cut.sent), (Kind::Reset, true));
        client.call(0, &StatusRequest {}, None, patient()).await.unwrap();
    };
    join!(asking, serving);
}

/// A member's replies to one watch.
struct Replies<'a>(&'a Loopback);

impl Replies<'_> {
    /// Begins one at this revision; gives its connection, what it was asked for, and how long it is to last.
    async fn begin(&self, revision: u64) -> (TcpStream, String, Duration) {
        let mut stream = self.0.accept().await;
        let (head, asked) = read(&mut stream).await;
        let lifetime = head.split("grpc-timeout: ").nth(1).and_then(|rest| rest.split('m').next()).unwrap();
        let created =
            format!(r#"{{"result":{{"header":{{"revision":"{revision}"}},"created":true}}}}"#) + "\n";
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
        stream.write_all(format!("{head}{created}").as_bytes()).await.unwrap();
        (stream, asked, Duration::from_millis(lifetime.parse().unwrap()))
    }

    /// One that tells nothing, up to its end.
    async fn silent(&self, revision: u64) -> String {
        let (mut stream, asked, lifetime) = self.begin(revision).await;
        sleep(lifetime).await;
        end(&mut stream).await;
        asked
    }
}

async fn end(stream: &mut TcpStream) {
    let text = r#"{"error":{"code":4,"message":"context deadline exceeded"}}"#;
    stream.write_all(format!("{text}\n").as_bytes()).await.unwrap();
}

async fn change(stream: &mut TcpStream, revision: u64) {
    let kv = format!(r#"{{"kv":{{"mod_revision":"{revision}"}}}}"#);
    let text = format!(r#"{{"result":{{"header":{{"revision":"{revision}"}},"events":[{kv}]}}}}"#);
    stream.write_all(format!("{text}\n").as_bytes()).await.unwrap();
}

async fn watch_of(client: &Json) -> JsonWatched {
    let create = WatchCreateRequest { key: "a".into(), ..WatchCreateRequest::default() };
    client.watch(0, create, None, patient(), Duration::from_millis(400)).await.unwrap()
}

fn revision_of(told: &Told) -> i64 {
    match told {
        Told::Progress { revision } | Told::Events { revision, .. } | Told::Compacted { revision, .. } => {
            *revision
        }
    }
}

#[tokio::test]
async fn a_watch_is_a_reply_that_the_server_ends_and_that_is_replaced_from_where_it_is() {
    let server = Loopback::start().await;
    let client = client_of(&server);
    let serving = async {
        let replies = Replies(&server);
        let asked = replies.silent(4).await;
        assert!(asked.starts_with(r#"{"create_request":{"key":"YQ==""#), "{asked}");
        assert!(replies.silent(6).await.contains(r#""start_revision":"5""#));
        // Two that were silent up to their end: what was before the first of them is told.
        let (mut third, asked, _) = replies.begin(8).await;
        assert!(asked.contains(r#""start_revision":"5""#), "{asked}");
        change(&mut third, 9).await;
        pending().await
    };
    let watching = async {
        let mut watched = watch_of(&client).await;
        assert_eq!(watched.registered(), 4);
        assert_eq!(watched.next().await.unwrap(), Told::Progress { revision: 4 });
        watched.next().await.unwrap()
    };
    let told = tokio::select! { told = watching => told, () = serving => unreachable!() };
    assert!(matches!(told, Told::Events { revision: 9, events } if events.len() == 1));
}

#[tokio::test]
async fn replies_that_never_end_are_replaced_and_prove_nothing() {
    let server = Loopback::start().await;
    let client = client_of(&server);
    let serving = async {
        let replies = Replies(&server);
        let _stalled = [replies.begin(4).await, replies.begin(5).await, replies.begin(6).await];
        let (mut fourth, asked, _) = replies.begin(7).await;
        assert!(asked.contains(r#""start_revision":"5""#), "{asked}");
        change(&mut fourth, 7).await;
        pending().await
    };
    let watching = async { watch_of(&client).await.next().await.unwrap() };
    let told = tokio::select! { told = watching => told, () = serving => unreachable!() };
    assert!(matches!(told, Told::Events { revision: 7, .. }), "{told:?}");
}

#[tokio::test]
async fn replies_that_told_something_prove_nothing_of_what_they_did_not() {
    let server = Loopback::start().await;
    let client = client_of(&server);
    let serving = async {
        let replies = Replies(&server);
        replies.silent(4).await;
        let (mut second, _, lifetime) = replies.begin(9).await;
        change(&mut second, 5).await;
        sleep(lifetime).await;
        end(&mut second).await;
        assert!(replies.silent(9).await.contains(r#""start_revision":"6""#));
        assert!(replies.silent(9).await.contains(r#""start_revision":"6""#));
        let _last = replies.begin(9).await;
        pending().await
    };
    let watching = async {
        let mut watched = watch_of(&client).await;
        let mut told = Vec::new();
        for _ in 0..2 {
            told.push(watched.next().await.unwrap());
        }
        told
    };
    let told = tokio::select! { told = watching => told, () = serving => unreachable!() };
    assert_eq!(told.iter().map(revision_of).collect::<Vec<_>>(), [5, 9]);
}

#[tokio::test]
async fn a_server_that_ends_a_reply_before_its_time_has_failed() {
    let server = Loopback::start().await;
    let client = client_of(&server);
    let serving = async {
        let (mut stream, ..) = Replies(&server).begin(4).await;
        end(&mut stream).await;
        pending().await
    };
    let watching = async { watch_of(&client).await.next().await.unwrap_err() };
    let refusal = tokio::select! { refusal = watching => refusal, () = serving => unreachable!() };
    assert!(matches!(refusal, Refusal::Status(status) if status.code == Status::DEADLINE_EXCEEDED));
}
