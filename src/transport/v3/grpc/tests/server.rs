//! A server of HTTP/2 that does what a test says.

use crate::transport::v3::carrier::{CallOptions, CarrierOptions};
use crate::transport::v3::grpc::Grpc;
use crate::transport::v3::grpc::frame::{self, Deframer};
use crate::transport::v3::messages::{WatchRequest, WatchRequestUnion};
use crate::wire::loopback::{Loopback, connector_options};
use crate::wire::proxy::Proxies;
use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

pub struct Server {
    listener: Loopback,
}

pub type Incoming = (Request<RecvStream>, SendResponse<Bytes>);

impl Server {
    pub async fn start() -> Self {
        Self { listener: Loopback::start().await }
    }

    pub fn client(&self) -> Grpc {
        self.client_with(|_| {})
    }

    pub fn client_with(&self, change: impl FnOnce(&mut CarrierOptions)) -> Grpc {
        let mut options = CarrierOptions {
            endpoints: vec![self.listener.endpoint()],
            headers: HeaderMap::new(),
            gzip: false,
            max_response_size: 1 << 20,
            max_redirects: 0,
            max_sockets: 100,
            keep_alive: true,
            connector: connector_options(),
            proxies: Proxies::default(),
        };
        change(&mut options);
        Grpc::new(Arc::new(options))
    }

    pub async fn accept(&self) -> TcpStream {
        self.listener.accept().await
    }

    pub async fn http2(&self) -> Connection<TcpStream, Bytes> {
        h2::server::handshake(self.accept().await).await.unwrap()
    }
}

/// The next request of a connection.
pub async fn request(connection: &mut Connection<TcpStream, Bytes>) -> Incoming {
    connection.accept().await.unwrap().unwrap()
}

/// Serves a connection until it ends.
pub async fn serve(mut connection: Connection<TcpStream, Bytes>) {
    while connection.accept().await.is_some() {}
}

pub fn headers() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).unwrap()
}

pub fn status(code: &str) -> HeaderMap {
    [("grpc-status".parse().unwrap(), code.parse().unwrap())].into_iter().collect()
}

/// Answers a call as etcd does.
pub fn answer(respond: &mut SendResponse<Bytes>, message: &impl Message) {
    let mut body = respond.send_response(headers(), false).unwrap();
    body.send_data(frame::encode(message), false).unwrap();
    body.send_trailers(status("0")).unwrap();
}

/// Answers a call by pieces of a body, and then by trailers or by the stream's end.
pub fn answer_raw(respond: &mut SendResponse<Bytes>, pieces: &[&[u8]], trailers: Option<HeaderMap>) {
    let mut body = respond.send_response(headers(), false).unwrap();
    for (index, piece) in pieces.iter().enumerate() {
        let is_end = trailers.is_none() && index + 1 == pieces.len();
        body.send_data(Bytes::copy_from_slice(piece), is_end).unwrap();
    }
    if let Some(trailers) = trailers {
        body.send_trailers(trailers).unwrap();
    }
}

/// A stream of watches, from the side of the server.
pub struct WatchStream {
    requests: RecvStream,
    deframer: Deframer,
    pub replies: SendStream<Bytes>,
}

impl WatchStream {
    pub fn open((request, mut respond): Incoming) -> Self {
        let replies = respond.send_response(headers(), false).unwrap();
        Self { requests: request.into_body(), deframer: Deframer::new(1 << 20, false), replies }
    }

    /// What the client asks for next; `None` when it has left.
    pub async fn asked(&mut self) -> Option<WatchRequestUnion> {
        loop {
            if let Some(request) = self.deframer.next::<WatchRequest>().unwrap() {
                return request.request_union;
            }
            let data = self.requests.data().await?.ok()?;
            self.requests.flow_control().release_capacity(data.len()).unwrap();
            self.deframer.push(data);
        }
    }

    /// What it asks for next, questions about progress aside.
    pub async fn asked_for_watch(&mut self) -> Option<WatchRequestUnion> {
        loop {
            match self.asked().await {
                Some(WatchRequestUnion::ProgressRequest(_)) => {}
                asked => return asked,
            }
        }
    }

    pub fn say(&mut self, message: &impl Message) {
        self.replies.send_data(frame::encode(message), false).unwrap();
    }
}

/// With time enough for a machine that is busy.
pub fn patient() -> CallOptions {
    CallOptions { timeout: Some(Duration::from_secs(30)), ..CallOptions::default() }
}

pub fn hasty() -> CallOptions {
    CallOptions { timeout: Some(Duration::from_millis(50)), ..CallOptions::default() }
}
