//! Calls, and connections that end.

use super::server::{Server, answer, answer_raw, hasty, headers, patient, request, serve, status};
use crate::transport::v3::carrier::{CallOptions, Carrier as _, Refusal};
use crate::transport::v3::messages::{
    LeaseGrantRequest, LeaseGrantResponse, RangeRequest, RangeResponse, StatusRequest,
};
use crate::v2::failure::{Cause, Failed, Kind};
use futures_util::future::join_all;
use h2::Reason;
use http::HeaderValue;
use tokio::join;

pub fn failed<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Failed {
    match result {
        Err(Refusal::Failed(failed)) => failed,
        other => panic!("{other:?}"),
    }
}

pub fn code_of(failed: &Failed) -> &str {
    match &failed.cause {
        Cause::Error(error) => error.code.as_deref().unwrap_or_default(),
        Cause::Reply(reply) => panic!("{reply:?}"),
    }
}

pub fn message_of(failed: &Failed) -> &str {
    match &failed.cause {
        Cause::Error(error) => &error.message,
        Cause::Reply(reply) => panic!("{reply:?}"),
    }
}

const GRANT: LeaseGrantRequest = LeaseGrantRequest { ttl: 5, id: 7 };

#[tokio::test]
async fn many_calls_share_one_connection_that_they_open_together() {
    let server = Server::start().await;
    let client = server.client();
    let asking = join_all((0..50).map(|id| {
        let client = &client;
        async move { client.call(0, &LeaseGrantRequest { ttl: 1, id }, None, patient()).await.unwrap() }
    }));
    let serving = async {
        let mut connection = server.http2().await;
        for _ in 0..50 {
            let (_, mut respond) = request(&mut connection).await;
            answer(&mut respond, &LeaseGrantResponse { ttl: 9, ..LeaseGrantResponse::default() });
        }
        tokio::select! {
            () = serve(connection) => {}
            _ = server.accept() => panic!("a second connection"),
        }
    };
    tokio::select! {
        answers = asking => assert!(answers.iter().all(|answer| answer.ttl == 9)),
        () = serving => panic!("the connection has ended"),
    }
}

#[tokio::test]
async fn a_call_says_who_asks_and_whether_there_must_be_a_leader() {
    let server = Server::start().await;
    let client = server.client_with(|options| {
        options.headers.insert("x-own", HeaderValue::from_static("1"));
        options.headers.insert("host", HeaderValue::from_static("etcd.example"));
    });
    let token = HeaderValue::from_static("t.1");
    let asking = async {
        let options = CallOptions { needs_leader: true, ..patient() };
        client.call(0, &RangeRequest::default(), Some(&token), options).await.unwrap();
    };
    let serving = async {
        let mut connection = server.http2().await;
        let (asked, mut respond) = request(&mut connection).await;
        answer(&mut respond, &RangeResponse::default());
        tokio::spawn(serve(connection));
        asked
    };
    let ((), asked) = join!(asking, serving);
    assert_eq!(asked.uri().to_string(), "http://etcd.example/etcdserverpb.KV/Range");
    let sent =
        ["te", "content-type", "authorization", "hasleader", "x-own"].map(|name| &asked.headers()[name]);
    assert_eq!(sent, ["trailers", "application/grpc", "t.1", "true", "1"]);
}

#[tokio::test]
async fn a_status_in_the_headers_or_behind_a_message_is_a_refusal() {
    let server = Server::start().await;
    let client = server.client();
    let asking = async {
        for text in ["first 100%", "second"] {
            let refused = client.call(0, &GRANT, None, patient()).await.unwrap_err();
            let Refusal::Status(status) = refused else { panic!("{refused:?}") };
            assert_eq!((status.code, status.message.as_str()), (5, text));
        }
    };
    let serving = async {
        let mut connection = server.http2().await;
        let (_, mut respond) = request(&mut connection).await;
        let mut alone = headers();
        alone.headers_mut().extend(status("5"));
        alone.headers_mut().insert("grpc-message", "first 100%25".parse().unwrap());
        respond.send_response(alone, true).unwrap();
        let (_, mut respond) = request(&mut connection).await;
        let mut trailers = status("5");
        trailers.insert("grpc-message", "second".parse().unwrap());
        answer_raw(&mut respond, &[&[0, 0, 0, 0, 0]], Some(trailers));
        serve(connection).await;
    };
    tokio::select! { () = asking => {}, () = serving => panic!("the connection has ended") }
}

#[tokio::test]
async fn a_write_that_the_server_did_not_take_goes_out_again() {
    let server = Server::start().await;
    let client = server.client();
    let asking = async {
        client.call(0, &StatusRequest {}, None, patient()).await.unwrap();
        client.call(0, &GRANT, None, patient()).await.unwrap();
    };
    let serving = async {
        let mut connection = server.http2().await;
        let (_, mut respond) = request(&mut connection).await;
        answer(&mut respond, &RangeResponse::default());
        let (_, mut respond) = request(&mut connection).await;
        respond.send_reset(Reason::REFUSED_STREAM);
        let (_, mut respond) = request(&mut connection).await;
        answer(&mut respond, &LeaseGrantResponse::default());
        serve(connection).await;
    };
    tokio::select! { () = asking => {}, () = serving => panic!("the connection has ended") }
}

#[tokio::test]
async fn a_connection_that_the_server_wants_to_end_is_replaced_before_the_next_call() {
    let server = Server::start().await;
    let client = server.client();
    let asking = async {
        client.call(0, &GRANT, None, patient()).await.unwrap();
        client.call(0, &GRANT, None, patient()).await.unwrap();
    };
    let serving = async {
        for _ in 0..2 {
            let mut connection = server.http2().await;
            let (_, mut respond) = request(&mut connection).await;
            answer(&mut respond, &LeaseGrantResponse::default());
            connection.graceful_shutdown();
            serve(connection).await;
        }
    };
    join!(asking, serving);
}

#[tokio::test]
async fn a_write_that_has_left_on_a_connection_that_is_cut_is_not_sent_again_and_a_read_is() {
    let server = Server::start().await;
    let client = server.client();
    let asking = async {
        client.call(0, &StatusRequest {}, None, patient()).await.unwrap();
        let cut = failed(client.call(0, &GRANT, None, patient()).await);
        assert_eq!((cut.kind, cut.sent), (Kind::Reset, true));
        client.call(0, &StatusRequest {}, None, patient()).await.unwrap();
        client.call(0, &StatusRequest {}, None, patient()).await.unwrap();
    };
    let serving = async {
        for last_is_answered in [false, false, true] {
            let mut connection = server.http2().await;
            let (_, mut respond) = request(&mut connection).await;
            answer(&mut respond, &RangeResponse::default());
            if last_is_answered {
                return serve(connection).await;
            }
            // Cut when the next request has come.
            request(&mut connection).await;
        }
    };
    tokio::select! { () = asking => {}, () = serving => panic!("the last connection has ended") }
}

#[tokio::test]
async fn who_does_not_answer_in_time_is_told_from_who_does_not_connect() {
    let server = Server::start().await;
    let client = server.client();
    let (silent, _connection) = join!(client.call(0, &GRANT, None, hasty()), server.http2());
    let silent = failed(silent);
    assert_eq!((code_of(&silent), silent.sent), ("ESOCKETTIMEDOUT", true));
}

#[tokio::test]
async fn a_refused_connection_names_its_address() {
    let server = Server::start().await;
    let client = server.client();
    drop(server);
    let refused = failed(client.call(0, &GRANT, None, patient()).await);
    assert_eq!((refused.kind, refused.sent), (Kind::Refused, false));
    assert!(message_of(&refused).starts_with("connect ECONNREFUSED 127.0.0.1:"), "{refused:?}");
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_for_their_turn() {
    let server = Server::start().await;
    let client = server.client_with(|options| options.max_sockets = 1);
    let asking = async {
        let (first, second) =
            join!(client.call(0, &GRANT, None, patient()), client.call(0, &GRANT, None, patient()));
        assert!(first.is_ok() && second.is_ok());
    };
    let serving = async {
        let mut connection = server.http2().await;
        let (_, mut first) = request(&mut connection).await;
        tokio::select! {
            _ = request(&mut connection) => panic!("two at once"),
            () = tokio::task::yield_now() => answer(&mut first, &LeaseGrantResponse::default()),
        }
        let (_, mut second) = request(&mut connection).await;
        answer(&mut second, &LeaseGrantResponse::default());
        serve(connection).await;
    };
    tokio::select! { () = asking => {}, () = serving => panic!("the connection has ended") }
}
