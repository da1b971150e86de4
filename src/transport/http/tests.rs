//! Requests and their connections, against a server in the same thread: what it has said is in the client's socket before
//! anybody looks.

use super::*;
use crate::transport::http::redirect::{Follow, RedirectPolicy};
use crate::v2::request::{Target, Verb};
use crate::wire::loopback::{Loopback, connector_options};
use crate::wire::proxy::Proxies;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::join;
use tokio::net::TcpStream;

/// Far more than lies in the buffers of sockets.
const LARGE: usize = 32 << 20;

fn client_of(server: &Loopback) -> Http {
    Http::new(Arc::new(HttpOptions {
        endpoints: vec![server.endpoint()],
        headers: HeaderMap::new(),
        authorization: None,
        gzip: false,
        max_response_size: 1 << 20,
        max_sockets: 1,
        keep_alive: true,
        redirects: RedirectPolicy { follow: Follow::All, max: 10, tls: false },
        connector: connector_options(),
        proxies: Proxies::default(),
    }))
}

/// Answers one request of a new connection.
async fn answer_new(server: &Loopback, body: &str) -> TcpStream {
    let mut stream = server.accept().await;
    answer(&mut stream, body).await;
    stream
}

fn reply(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Reads the head of a request, and answers it.
async fn answer(stream: &mut TcpStream, body: &str) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut head).await.unwrap(), 0, "closed by the client");
    }
    stream.write_all(reply(body).as_bytes()).await.unwrap();
}

fn request(verb: Verb, value: Option<String>) -> Request {
    let once = !verb.is_read();
    let target = Target::Path("/k".to_owned());
    Request { verb, target, parameters: String::new(), value, waits: false, once, timeout: None }
}

async fn body_of(http: &Http, request: &Request) -> String {
    String::from_utf8(http.call(0, request).await.unwrap().body).unwrap()
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_not_that_of_the_next_request() {
    for verb in [Verb::Get, Verb::Put] {
        let server = Loopback::start().await;
        let http = client_of(&server);
        let request = request(verb, None);
        let (first, stream) = join!(body_of(&http, &request), answer_new(&server, "asked"));
        assert_eq!(first, "asked");
        // Nothing runs until the next request.
        assert_eq!(stream.try_write(reply("unasked").as_bytes()).unwrap(), reply("unasked").len());
        let second = body_of(&http, &request);
        let second = tokio::select! {
            second = second => second,
            body = async { answer_new(&server, "asked again").await; std::future::pending().await } => body,
        };
        assert_eq!(second, "asked again");
    }
}

#[tokio::test]
async fn a_connection_serves_the_next_request_if_nobody_said_more() {
    let server = Loopback::start().await;
    let http = client_of(&server);
    let get = request(Verb::Get, None);
    let (_, mut stream) = join!(body_of(&http, &get), answer_new(&server, "first"));
    let (second, ()) = join!(body_of(&http, &get), answer(&mut stream, "second"));
    assert_eq!(second, "second");
}

#[tokio::test]
async fn a_connection_whose_request_was_answered_unread_closes() {
    let server = Loopback::start().await;
    let http = client_of(&server);
    let put = request(Verb::Put, Some("x".repeat(LARGE)));
    let (answered, mut stream) = join!(body_of(&http, &put), answer_new(&server, "no"));
    assert_eq!(answered, "no");
    // It ends long before all was sent, though the server would go on to read.
    let mut read = 0;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        read += length;
    }
    assert!(read < LARGE / 2, "{read} bytes");
}

#[tokio::test]
async fn a_request_that_is_given_up_takes_its_connection_along() {
    let server = Loopback::start().await;
    let http = client_of(&server);
    let put = request(Verb::Put, Some("x".repeat(LARGE)));
    let mut call = Box::pin(http.call(0, &put));
    let mut stream = tokio::select! {
        stream = server.accept() => stream,
        _ = &mut call => panic!("answered"),
    };
    let mut started = [0];
    tokio::select! {
        read = stream.read(&mut started) => assert_eq!(read.unwrap(), 1),
        _ = &mut call => panic!("answered"),
    }
    drop(call);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.len() < LARGE / 2, "{} bytes", rest.len());
}
