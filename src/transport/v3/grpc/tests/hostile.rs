//! Servers that do harm, or are something else.

use super::calls::{code_of, failed, message_of};
use super::server::{Server, answer_raw, headers, patient, request, serve, status};
use crate::transport::v3::carrier::{Carrier as _, Refusal};
use crate::transport::v3::grpc::Grpc;
use crate::transport::v3::messages::{LeaseGrantRequest, WatchCreateRequest};
use crate::v2::failure::{Cause, Failed, Kind};
use bytes::Bytes;
use h2::Reason;
use http::{HeaderMap, Response};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::join;

const GRANT: LeaseGrantRequest = LeaseGrantRequest { ttl: 5, id: 7 };
/// An empty frame of settings, with which any server of HTTP/2 begins.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

async fn asked(client: &Grpc) -> Failed {
    failed(client.call(0, &GRANT, None, patient()).await)
}

/// What a call comes to whose connection says this, whatever is asked.
async fn told(bytes: &[u8]) -> Failed {
    let server = Server::start().await;
    let client = server.client();
    let serving = async {
        let mut stream = server.accept().await;
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        // Until the client leaves.
        while stream.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {}
    };
    join!(asked(&client), serving).0
}

/// What a call comes to that is answered by pieces of a body and by trailers.
async fn answered(pieces: &[&[u8]], trailers: Option<HeaderMap>) -> Failed {
    let server = Server::start().await;
    let client = server.client();
    let serving = async {
        let mut connection = server.http2().await;
        let (_, mut respond) = request(&mut connection).await;
        answer_raw(&mut respond, pieces, trailers);
        serve(connection).await;
    };
    tokio::select! { failed = asked(&client) => failed, () = serving => panic!("the connection has ended") }
}

#[tokio::test]
async fn a_server_that_speaks_no_http2_is_named_with_the_way_out() {
    for greeting in
        ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{46}"]
    {
        let failed = told(greeting.as_bytes()).await;
        assert_eq!((code_of(&failed), failed.sent, failed.kind), ("ERR_HTTP2_ERROR", false, Kind::Other));
        let message = message_of(&failed);
        assert!(message.contains("does not speak HTTP/2") && message.contains("v3-json"), "{message}");
    }
}

#[tokio::test]
async fn garbage_instead_of_frames_is_an_error() {
    let garbage: Vec<u8> = SETTINGS.iter().copied().chain([255; 100]).collect();
    assert_eq!(code_of(&told(&garbage).await), "ERR_HTTP2_ERROR");
}

#[tokio::test]
async fn headers_without_an_end_are_an_error() {
    // HEADERS of stream 1, and then CONTINUATION after CONTINUATION.
    let mut flood = [SETTINGS, &[0, 0, 0, 1, 0, 0, 0, 0, 1]].concat();
    for _ in 0..10_000 {
        flood.extend([0, 0, 4, 9, 0, 0, 0, 0, 1, 0x40, 1, b'a', 0]);
    }
    assert_eq!(code_of(&told(&flood).await), "ERR_HTTP2_ERROR");
}

#[tokio::test]
async fn headers_that_are_too_large_are_an_error() {
    let server = Server::start().await;
    let client = server.client();
    let serving = async {
        let mut connection = server.http2().await;
        let (_, mut respond) = request(&mut connection).await;
        let mut large = headers();
        large.headers_mut().insert("x-large", "x".repeat(100_000).parse().unwrap());
        // The client has said that it takes no such thing.
        let _ = respond.send_response(large, true);
        serve(connection).await;
    };
    let failed = tokio::select! {
        failed = asked(&client) => failed,
        () = async { serving.await; std::future::pending().await } => unreachable!(),
    };
    assert_eq!(code_of(&failed), "ERR_HTTP2_ERROR");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_is_read() {
    let failed = answered(&[&[0, 0x7f, 0, 0, 0]], Some(status("0"))).await;
    assert_eq!(code_of(&failed), "ERR_RESPONSE_TOO_LARGE");
}

#[tokio::test]
async fn a_reply_that_is_no_message_is_an_error() {
    let empty: &[u8] = &[0, 0, 0, 0, 0];
    for (pieces, trailers, reason) in [
        (vec![empty], Some(HeaderMap::new()), "no status at the end"),
        (vec![empty, empty], Some(status("0")), "two messages"),
        (vec![empty, &empty[..3]], Some(status("0")), "half a message"),
        (vec![], Some(status("0")), "no message"),
        (vec![&[0, 0, 0, 0, 1, 0xff]], Some(status("0")), "not gRPC"),
        (vec![&[1, 0, 0, 0, 0]], Some(status("0")), "packed"),
    ] {
        let failed = answered(&pieces, trailers).await;
        assert_eq!(code_of(&failed), "ERR_INVALID_RESPONSE");
        assert!(message_of(&failed).contains(reason), "{}", message_of(&failed));
        assert!(message_of(&failed).contains("v3-json"));
    }
    assert_eq!(answered(&[empty], None).await.kind, Kind::Reset);
}

#[tokio::test]
async fn a_reply_without_an_end_is_refused_at_its_second_message() {
    let server = Server::start().await;
    let client = server.client();
    let serving = async {
        let mut connection = server.http2().await;
        let (_, mut respond) = request(&mut connection).await;
        let mut body = respond.send_response(headers(), false).unwrap();
        tokio::spawn(serve(connection));
        while body.send_data(Bytes::from_static(&[0; 5000]), false).is_ok() {
            tokio::task::yield_now().await;
        }
        std::future::pending().await
    };
    let failed = tokio::select! { failed = asked(&client) => failed, () = serving => unreachable!() };
    assert_eq!(code_of(&failed), "ERR_INVALID_RESPONSE");
}

#[tokio::test]
async fn a_stream_that_is_reset_says_why() {
    let server = Server::start().await;
    let client = server.client();
    let serving = async {
        let mut connection = server.http2().await;
        for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL] {
            let (_, mut respond) = request(&mut connection).await;
            respond.send_reset(reason);
        }
        serve(connection).await;
    };
    let asking = async { (asked(&client).await, asked(&client).await) };
    let (internal, cancelled) =
        tokio::select! { both = asking => both, () = serving => panic!("the connection has ended") };
    assert_eq!((code_of(&internal), internal.sent), ("ERR_HTTP2_STREAM_ERROR", true));
    assert_eq!((code_of(&cancelled), cancelled.kind), ("ECONNRESET", Kind::Reset));
}

#[tokio::test]
async fn a_proxy_that_answers_for_a_server_that_is_gone_is_told_from_one_that_knows_no_grpc() {
    let server = Server::start().await;
    let client = server.client();
    let serving = async {
        let mut connection = server.http2().await;
        for status in [502, 404, 200] {
            let (_, mut respond) = request(&mut connection).await;
            let response =
                Response::builder().status(status).header("content-type", "text/html").body(()).unwrap();
            let mut body = respond.send_response(response, false).unwrap();
            body.send_data(Bytes::from_static(b"<p>"), true).unwrap();
        }
        serve(connection).await;
    };
    let asking = async { (asked(&client).await, asked(&client).await, asked(&client).await) };
    let (gone, not_found, page) =
        tokio::select! { all = asking => all, () = serving => panic!("the connection has ended") };
    assert!(matches!(gone.cause, Cause::Reply(reply) if reply.status == 502 && reply.body == b"<p>"));
    for (failed, status) in [(not_found, "404"), (page, "200")] {
        assert!(message_of(&failed).contains(status) && message_of(&failed).contains("v3-json"));
    }
}

#[tokio::test]
async fn a_watch_on_something_else_fails_as_a_call_does() {
    let server = Server::start().await;
    let client = server.client();
    let serving = async {
        let mut stream = server.accept().await;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        while stream.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {}
    };
    let watching = client.watch(0, WatchCreateRequest::default(), None, patient(), Duration::from_secs(60));
    let (refused, ()) = join!(watching, serving);
    let Err(Refusal::Failed(failed)) = refused else { panic!("a watch") };
    assert_eq!(code_of(&failed), "ERR_HTTP2_ERROR");
}
