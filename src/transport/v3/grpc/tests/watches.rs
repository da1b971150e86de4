//! Watches that share a stream.

use super::calls::failed;
use super::server::{Server, WatchStream, patient, request, serve};
use crate::transport::v3::carrier::{Carrier as _, Refusal, Told, Watched as _};
use crate::transport::v3::grpc::{Grpc, GrpcWatched};
use crate::transport::v3::messages::{
    Event, KeyValue, ResponseHeader, WatchCreateRequest, WatchRequestUnion, WatchResponse,
};
use crate::v2::failure::Kind;
use bytes::Bytes;
use std::time::Duration;
use tokio::join;
use tokio::time::{advance, pause};

const LIVENESS: Duration = Duration::from_secs(60);

async fn watch(client: &Grpc, key: &'static str) -> Result<GrpcWatched, Refusal> {
    let create = WatchCreateRequest { key: key.into(), ..WatchCreateRequest::default() };
    client.watch(0, create, None, patient(), LIVENESS).await
}

fn at(revision: i64) -> Option<ResponseHeader> {
    Some(ResponseHeader { revision, ..ResponseHeader::default() })
}

fn created(watch_id: i64, revision: i64) -> WatchResponse {
    WatchResponse { watch_id, created: true, header: at(revision), ..WatchResponse::default() }
}

fn change(watch_id: i64, revision: i64, value: Bytes) -> WatchResponse {
    let kv = KeyValue { mod_revision: revision, value, ..KeyValue::default() };
    let events = vec![Event { kv: Some(kv), ..Event::default() }];
    WatchResponse { watch_id, events, header: at(revision), ..WatchResponse::default() }
}

fn revisions(told: Told) -> Vec<i64> {
    match told {
        Told::Events { events, .. } => {
            events.into_iter().filter_map(|event| event.kv).map(|kv| kv.mod_revision).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// The watch that is asked for next.
async fn asked(stream: &mut WatchStream) -> WatchCreateRequest {
    match stream.asked_for_watch().await {
        Some(WatchRequestUnion::CreateRequest(create)) => create,
        other => panic!("{other:?}"),
    }
}

/// A client's first watch, and its stream.
async fn first(server: &Server, client: &Grpc, key: &'static str) -> (GrpcWatched, WatchStream) {
    let serving = async {
        let mut connection = server.http2().await;
        let mut stream = WatchStream::open(request(&mut connection).await);
        tokio::spawn(serve(connection));
        let create = asked(&mut stream).await;
        stream.say(&created(create.watch_id, 1));
        stream
    };
    let (watched, stream) = join!(watch(client, key), serving);
    (watched.unwrap(), stream)
}

/// One more watch on the same stream.
async fn another(client: &Grpc, stream: &mut WatchStream, key: &'static str) -> (GrpcWatched, i64) {
    let serving = async {
        let id = asked(stream).await.watch_id;
        stream.say(&created(id, 1));
        id
    };
    let (watched, id) = join!(watch(client, key), serving);
    (watched.unwrap(), id)
}

#[tokio::test]
async fn each_watch_hears_what_concerns_it() {
    let server = Server::start().await;
    let client = server.client();
    let (mut a, mut stream) = first(&server, &client, "a").await;
    let (mut b, id) = another(&client, &mut stream, "b").await;
    stream.say(&change(id, 5, Bytes::new()));
    stream.say(&change(1, 6, Bytes::new()));
    assert_eq!(revisions(a.next().await.unwrap()), [6]);
    assert_eq!(revisions(b.next().await.unwrap()), [5]);
}

#[tokio::test]
async fn a_watch_that_is_dropped_is_cancelled_and_the_last_one_closes_the_stream() {
    let server = Server::start().await;
    let client = server.client();
    let (a, mut stream) = first(&server, &client, "a").await;
    let (b, id) = another(&client, &mut stream, "b").await;
    drop(b);
    let asked = stream.asked_for_watch().await;
    assert!(matches!(asked, Some(WatchRequestUnion::CancelRequest(cancel)) if cancel.watch_id == id));
    drop(a);
    while stream.asked().await.is_some() {}
}

#[tokio::test]
async fn a_slow_reader_holds_up_nobody_and_loses_nothing() {
    const SIZE: usize = 512 * 1024;
    let server = Server::start().await;
    let client = server.client();
    let (mut slow, mut stream) = first(&server, &client, "slow").await;
    let (mut quick, id) = another(&client, &mut stream, "quick").await;
    for revision in 2..22 {
        stream.say(&change(1, revision, Bytes::from(vec![0; SIZE])));
        stream.say(&change(id, revision, Bytes::new()));
        assert_eq!(revisions(quick.next().await.unwrap()), [revision]);
    }
    let asked_to_cancel = stream.asked_for_watch().await;
    assert!(
        matches!(asked_to_cancel, Some(WatchRequestUnion::CancelRequest(cancel)) if cancel.watch_id == 1)
    );
    let serving = async {
        let again = asked(&mut stream).await;
        stream.say(&created(again.watch_id, 21));
        for revision in again.start_revision..22 {
            stream.say(&change(again.watch_id, revision, Bytes::new()));
        }
        stream
    };
    let reading = async {
        let mut found = Vec::new();
        while found.len() < 20 {
            found.extend(revisions(slow.next().await.unwrap()));
        }
        found
    };
    let (found, _stream) = join!(reading, serving);
    assert_eq!(found, (2..22).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refusal_without_a_number_is_that_of_the_watch_asked_for_first() {
    let server = Server::start().await;
    let client = server.client();
    let (_a, mut stream) = first(&server, &client, "a").await;
    let serving = async {
        asked(&mut stream).await;
        let reason = "etcdserver: permission denied".to_owned();
        stream.say(&WatchResponse { canceled: true, cancel_reason: reason, ..created(-1, 0) });
    };
    let (refused, ()) = join!(watch(&client, "b"), serving);
    assert!(matches!(refused, Err(Refusal::Status(status)) if status.code == 7));
}

#[tokio::test]
async fn a_compaction_ends_a_watch_with_where_the_store_is() {
    let server = Server::start().await;
    let client = server.client();
    let (mut a, mut stream) = first(&server, &client, "a").await;
    stream.say(&WatchResponse {
        watch_id: 1,
        canceled: true,
        compact_revision: 9,
        ..WatchResponse::default()
    });
    assert_eq!(a.next().await.unwrap(), Told::Compacted { compact_revision: 9, revision: 1 });
}

#[tokio::test]
async fn progress_counts_when_the_server_has_said_so_twice() {
    let server = Server::start().await;
    let client = server.client();
    let (mut a, mut stream) = first(&server, &client, "a").await;
    for revision in [5, 8] {
        stream.say(&WatchResponse { watch_id: -1, header: at(revision), ..WatchResponse::default() });
    }
    assert_eq!(a.next().await.unwrap(), Told::Progress { revision: 5 });
}

#[tokio::test]
async fn watches_leave_a_server_that_wants_to_be_left() {
    let server = Server::start().await;
    let client = server.client();
    let opening = watch(&client, "a");
    let serving = async {
        let mut connection = server.http2().await;
        let mut stream = WatchStream::open(request(&mut connection).await);
        connection.graceful_shutdown();
        tokio::spawn(serve(connection));
        let create = asked(&mut stream).await;
        stream.say(&created(create.watch_id, 1));
        stream
    };
    let (watched, _stream) = join!(opening, serving);
    let left = match watched {
        Ok(mut watched) => failed(watched.next().await),
        Err(refusal) => failed::<()>(Err(refusal)),
    };
    assert_eq!(left.kind, Kind::Reset);
}

#[tokio::test]
async fn a_stream_on_which_nothing_is_heard_is_probed_and_then_given_up() {
    let server = Server::start().await;
    let client = server.client();
    let (mut a, mut stream) = first(&server, &client, "a").await;
    pause();
    let reading = async { failed(a.next().await) };
    let serving = async {
        let mut probed = false;
        for _ in 0..600 {
            advance(Duration::from_millis(500)).await;
            tokio::select! {
                biased;
                asked = stream.asked() => match asked {
                    Some(WatchRequestUnion::CreateRequest(_)) => probed = true,
                    Some(_) => {}
                    None => break,
                },
                () = tokio::task::yield_now() => {}
            }
        }
        probed
    };
    let (silent, probed) = join!(reading, serving);
    assert!(probed);
    assert_eq!(super::calls::code_of(&silent), "ESOCKETTIMEDOUT");
}
