//! What each layer adds to a round trip, one request after the other, without Node:
//!
//! `cargo run --release --no-default-features --example layers -- HOST:PORT`
//!
//! asks any HTTP server for `/v2/keys/bench/key` and prints the median times in microseconds.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use node_etcd_native::client::members::Members;
use node_etcd_native::client::{Client, ResendPolicy, RetryWaits};
use node_etcd_native::runtime;
use node_etcd_native::transport::http::redirect::{Follow, RedirectPolicy};
use node_etcd_native::transport::http::{Http, HttpOptions};
use node_etcd_native::v2::key::Key;
use node_etcd_native::v2::request::{Request, Target, Verb};
use node_etcd_native::wire::connector::ConnectorOptions;
use node_etcd_native::wire::endpoint::Endpoint;
use node_etcd_native::wire::proxy::Proxies;
use node_etcd_native::wire::tls::TlsOptions;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const KEY: &str = "bench/key";
const WARM_UP: Duration = Duration::from_secs(1);
const TIME: Duration = Duration::from_secs(2);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Prints what `once` takes.
fn measure(what: &str, mut once: impl FnMut() -> Result<()>) -> Result<()> {
    let mut times = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < WARM_UP + TIME {
        let start = Instant::now();
        once()?;
        if begin.elapsed() > WARM_UP {
            times.push(start.elapsed());
        }
    }
    times.sort();
    println!("{:>6.1}  {what}", times[times.len() / 2].as_secs_f64() * 1e6);
    Ok(())
}

fn socket(host: &str) -> Result<()> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    let message = format!("GET /v2/keys/{KEY} HTTP/1.1\r\naccept: application/json\r\nhost: {host}\r\n\r\n");
    let mut reply = [0; 4096];
    measure("a blocking socket", || {
        stream.write_all(message.as_bytes())?;
        // Replies of this size come in one piece.
        if stream.read(&mut reply)? == 0 {
            return Err("the server hung up".into());
        }
        Ok(())
    })
}

fn bare_hyper(host: &str, runtime: &Runtime) -> Result<()> {
    let mut sender = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok::<_, Box<dyn Error>>(sender)
    })?;
    measure("hyper's connection, on this thread", || {
        runtime.block_on(async {
            sender.ready().await?;
            let message = http::Request::get(format!("/v2/keys/{KEY}")).header("host", host);
            let reply = sender.send_request(message.body(Full::default())?).await?;
            reply.into_body().collect().await?;
            Ok(())
        })
    })
}

fn client(host: &str) -> Result<Client<Http>> {
    let options = HttpOptions {
        endpoints: vec![Endpoint::parse(host)?],
        headers: http::HeaderMap::new(),
        authorization: None,
        gzip: false,
        max_response_size: usize::MAX,
        max_sockets: 1,
        keep_alive: true,
        redirects: RedirectPolicy { follow: Follow::None, max: 0, tls: false },
        connector: ConnectorOptions {
            tls: TlsOptions::default().build()?,
            proxy_authorization: None,
            local_address: None,
        },
        proxies: Proxies::default(),
    };
    let policy = ResendPolicy { waits: RetryWaits::ELECTION, resend_writes: true };
    Ok(Client::new(Arc::new(Members::new(1)), policy, Http::new(Arc::new(options))))
}

fn request() -> Result<Request> {
    let target = Target::Key(Key::parse(KEY)?);
    let parameters = String::new();
    Ok(Request { verb: Verb::Get, target, parameters, value: None, waits: false, once: false, timeout: None })
}

fn core_here(host: &str, runtime: &Runtime) -> Result<()> {
    let (client, request) = (client(host)?, request()?);
    measure("this package's core, on this thread: a Sync method without JavaScript", || {
        runtime.block_on(async {
            runtime::catch_up().await;
            client.execute(&request, &[0], 0, |_| {}).await;
        });
        Ok(())
    })
}

fn core_in_background(host: &str) -> Result<()> {
    let (client, request) = (Arc::new(client(host)?), Arc::new(request()?));
    let (sender, receiver) = mpsc::channel();
    measure("the core, on the background thread: an asynchronous method without JavaScript", || {
        let (client, request, sender) = (Arc::clone(&client), Arc::clone(&request), sender.clone());
        runtime::background()?.spawn(move || async move {
            let outcome = client.execute(&request, &[0], 0, |_| {}).await;
            // Whoever waits for it is there.
            let _ = sender.send(outcome);
        });
        receiver.recv()?;
        Ok(())
    })
}

fn threads() -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    measure("to the background thread and back, without a request", || {
        let sender = sender.clone();
        runtime::background()?.spawn(move || async move {
            let _ = sender.send(());
        });
        receiver.recv()?;
        Ok(())
    })
}

fn main() -> Result<()> {
    let host = std::env::args().nth(1).ok_or("expected HOST:PORT of an HTTP server")?;
    let runtime = runtime::blocking()?;
    socket(&host)?;
    bare_hyper(&host, &runtime)?;
    core_here(&host, &runtime)?;
    core_in_background(&host)?;
    threads()
}
