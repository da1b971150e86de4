//! A server of this machine, for tests: they say what is answered on its connections.

use crate::wire::connector::ConnectorOptions;
use crate::wire::endpoint::Endpoint;
use crate::wire::tls::TlsOptions;
use tokio::net::{TcpListener, TcpStream};

pub struct Loopback(TcpListener);

impl Loopback {
    /// On a free port.
    pub async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::parse(&self.0.local_addr().unwrap().to_string()).unwrap()
    }

    /// The next connection.
    pub async fn accept(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }
}

/// What is needed to connect to it.
pub fn connector_options() -> ConnectorOptions {
    ConnectorOptions {
        tls: TlsOptions::default().build().unwrap(),
        proxy_authorization: None,
        local_address: None,
    }
}
