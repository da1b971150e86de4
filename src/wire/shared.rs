//! One connection to a server, which all requests share.

use crate::v2::failure::Failed;
use crate::wire::connector::Connector;
use crate::wire::fault::Fault;
use crate::wire::http2::Connection;
use crate::wire::resolver::SystemResolver;
use crate::wire::way::Way;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, WeakShared};
use http_body::Body;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

type Opening<B> = WeakShared<BoxFuture<'static, Result<Connection<B>, Failed>>>;

/// Where a connection is kept. Those who need it while it is being opened wait for it together.
pub struct SharedConnection<B> {
    connector: Arc<Connector>,
    /// Whether a connection serves further requests.
    keep_alive: bool,
    slot: Arc<Mutex<Slot<B>>>,
}

struct Slot<B> {
    open: Option<Connection<B>>,
    /// By the key of its way. It is given up when nobody waits for it any more.
    opening: Option<(String, Opening<B>)>,
}

/// A connection for a request.
pub struct Taken<B> {
    pub connection: Connection<B>,
    /// Whether it was open before: then the server may have ended it meanwhile.
    pub is_kept: bool,
}

impl<B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static> SharedConnection<B> {
    #[must_use]
    pub fn new(connector: Arc<Connector>, keep_alive: bool) -> Self {
        Self { connector, keep_alive, slot: Arc::new(Mutex::new(Slot { open: None, opening: None })) }
    }

    /// The connection by this way, which is opened if there is none.
    ///
    /// # Errors
    /// When there is none to be had.
    pub async fn take(&self, way: &Arc<Way>) -> Result<Taken<B>, Failed> {
        if !self.keep_alive {
            let connection = open(Arc::clone(&self.connector), Arc::clone(way)).await?;
            return Ok(Taken { connection, is_kept: false });
        }
        let opening = {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            slot.open.take_if(|open| open.is_closed() || open.way().key != way.key);
            if let Some(open) = &slot.open {
                return Ok(Taken { connection: open.clone(), is_kept: true });
            }
            let opening = slot.opening.as_ref().filter(|(key, _)| *key == way.key);
            match opening.and_then(|(_, opening)| opening.upgrade()) {
                Some(opening) => opening,
                None => {
                    let opening = self.open(Arc::clone(way)).boxed().shared();
                    slot.opening = opening.downgrade().map(|opening| (way.key.clone(), opening));
                    opening
                }
            }
        };
        Ok(Taken { connection: opening.await?, is_kept: false })
    }

    /// Opens a connection and keeps it.
    fn open(&self, way: Arc<Way>) -> impl Future<Output = Result<Connection<B>, Failed>> + Send + 'static {
        let slot = Arc::downgrade(&self.slot);
        let opening = open(Arc::clone(&self.connector), way);
        async move {
            let opened = opening.await;
            if let Some(slot) = slot.upgrade() {
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                slot.open = opened.as_ref().ok().cloned();
                slot.opening = None;
            }
            opened
        }
    }
}

async fn open<B>(connector: Arc<Connector>, way: Arc<Way>) -> Result<Connection<B>, Failed>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let resolver = SystemResolver::default();
    let found = Arc::clone(&resolver.found);
    let opened = async {
        let stream = connector.stream(&way, resolver).await?;
        Connection::handshake(stream, Arc::clone(&way)).await
    };
    opened.await.map_err(|error| Fault::Connect(error, found.get().copied()).failed(&way))
}
