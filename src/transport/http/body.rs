//! The body of a reply over HTTP.

use crate::transport::http::decoding::Decoder;
use crate::transport::http::exchange::Body;
use crate::v2::failure::{Failed, Kind};
use crate::v2::values;
use crate::wire::bounded::bounded;
use crate::wire::fault::{self, Fault, Stage};
use crate::wire::pool::Lease;
use crate::wire::way::Way;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

#[derive(Debug)]
pub struct HttpBody {
    pub incoming: Incoming,
    pub lease: Option<Lease>,
    pub decoder: Option<Decoder>,
    pub way: Arc<Way>,
    /// How long the next bytes may take.
    pub idle: Option<Duration>,
    /// The largest body that is taken.
    pub limit: usize,
    /// Who refuses a request unread, as proxies do, makes the connection's end a reset (RFC 9112 9.6).
    pub may_end_in_reset: bool,
    /// To be under way. Free again when the body has been read.
    pub permit: Option<OwnedSemaphorePermit>,
}

impl HttpBody {
    fn failed(&self, fault: &Fault) -> Failed {
        fault.failed(&self.way)
    }

    /// The next bytes as received; trailers are nobody's business.
    async fn received(&mut self) -> Result<Option<Bytes>, Failed> {
        while let Some(frame) = self.incoming.frame().await {
            let frame = match frame.map_err(|error| self.failed(&Fault::Http(error, Stage::Body))) {
                Err(failed) if self.may_end_in_reset && failed.kind == Kind::Reset => return Ok(None),
                frame => frame?,
            };
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    fn decoded(
        &mut self,
        work: impl FnOnce(&mut Decoder) -> io::Result<Bytes>,
    ) -> Result<Option<Bytes>, Failed> {
        let Some(decoder) = &mut self.decoder else { return Ok(None) };
        work(decoder).map(Some).map_err(|error| self.failed(&Fault::Decode(error)))
    }
}

impl Body for HttpBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Failed> {
        loop {
            let limit = self.idle;
            let received = bounded(self.received(), limit).await.ok_or_else(fault::idle_timeout)??;
            let is_end = received.is_none();
            let bytes = match received {
                Some(bytes) => self.decoded(|decoder| decoder.decode(&bytes))?.unwrap_or(bytes),
                None => {
                    if let Some(lease) = self.lease.take() {
                        lease.give_back();
                    }
                    self.decoded(Decoder::finish)?.unwrap_or_default()
                }
            };
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
            if is_end {
                return Ok(None);
            }
        }
    }

    fn check(&self, json: &[u8]) -> Result<(), Failed> {
        let limit = values::limit(self.limit);
        if values::exceed(json, limit) { Err(fault::too_many_values(limit)) } else { Ok(()) }
    }
}
