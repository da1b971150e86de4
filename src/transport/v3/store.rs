//! The keys of an etcd as one client uses them on one runtime: what it has seen of the store, and what is done for one
//! request at one member.

use crate::transport::v3::carrier::{Call, CallOptions, Carrier};
use crate::transport::v3::layout::Layout;
use crate::transport::v3::lifetime::{Life, Source, source};
use crate::transport::v3::look::{Above, Enclosing, Forbidden, Found, Here};
use crate::transport::v3::messages::{LeaseGrantRequest, LeaseRevokeRequest, RangeRequest, TxnRequest};
use crate::transport::v3::note;
use crate::transport::v3::seen::Seen;
use crate::transport::v3::session::{Session, SessionError};
use crate::transport::v3::status::Status;
use crate::transport::v3::transaction::{Outcome, Transaction, range};
use crate::transport::v3::turns::Turns;
use crate::v2::error::{Code, Error};
use crate::v2::failure::Failed;
use crate::v2::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The keys, and what is known of them.
pub struct Store<C> {
    pub session: Session<C>,
    pub layout: Layout,
    pub seen: Seen,
    pub turns: Turns,
    forbidden: Mutex<Arc<Forbidden>>,
}

/// Why a request was not carried out.
#[derive(Debug)]
pub enum Stop {
    /// v2's model refuses it.
    Error(Error),
    /// The member failed.
    Failed(Failed),
    /// There is no right to it.
    Denied(Status),
    /// etcd refuses it.
    Refused(Status),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<SessionError> for Stop {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Failed(failed) => Self::Failed(failed),
            SessionError::Denied(status) => Self::Denied(status),
            SessionError::Refused(status) => Self::Refused(status),
        }
    }
}

impl<C: Carrier> Store<C> {
    #[must_use]
    pub fn new(session: Session<C>, layout: Layout) -> Self {
        let forbidden = Mutex::default();
        Self { session, layout, seen: Seen::default(), turns: Turns::default(), forbidden }
    }

    fn forbidden(&self) -> Arc<Forbidden> {
        Arc::clone(&self.forbidden.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remember(&self, forbidden: &Arc<Forbidden>) {
        let mut known = self.forbidden.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < forbidden.len() {
            *known = Arc::clone(forbidden);
        }
    }
}

/// What one request does at one member.
pub struct Access<'a, C> {
    pub store: &'a Arc<Store<C>>,
    pub member: usize,
    pub options: CallOptions,
}

impl<C: Carrier> Access<'_, C> {
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.store.layout
    }

    /// # Errors
    /// When there is no answer.
    pub async fn call<Q: Call>(&self, request: &Q) -> Result<Q::Answer, Stop> {
        let answer = self.store.session.call(self.member, request, self.options).await;
        answer.map_err(|error| match error {
            // What only asks leaves nothing open, even if it is a part of a write.
            SessionError::Failed(failed) if request.is_read() => {
                Stop::Failed(Failed { sent: false, ..failed })
            }
            error => error.into(),
        })
    }

    /// # Errors
    /// When there is no answer.
    pub async fn transact(&self, transaction: Transaction) -> Result<Outcome, Stop> {
        let answer = self.call(&TxnRequest::from(transaction)).await?;
        let outcome = Outcome::from(answer);
        self.store.seen.note(&outcome.header);
        Ok(outcome)
    }

    /// The same of a transaction that asks for directories above a path. Of those that there is no right to, the shallowest
    /// are left out until the rest is allowed: with the rights to a directory alone its own keys are as good as any.
    ///
    /// # Errors
    /// When there is no answer, or no right to what is left.
    pub async fn transact_below(
        &self,
        path: &Path,
        make: impl Fn(&Forbidden) -> Transaction + Send + Sync,
    ) -> Result<(Arc<Forbidden>, Outcome), Stop> {
        let mut forbidden = self.store.forbidden();
        loop {
            let denied = match self.transact(make(&forbidden)).await {
                Ok(outcome) => {
                    self.store.remember(&forbidden);
                    return Ok((forbidden, outcome));
                }
                Err(Stop::Denied(status)) if status.code == Status::PERMISSION_DENIED => status,
                Err(stop) => return Err(stop),
            };
            let keys = Above::keys(self.layout(), path);
            match keys.into_iter().find(|key| !forbidden.contains(key)) {
                Some(key) => Arc::make_mut(&mut forbidden).insert(key),
                None => return Err(Stop::Denied(denied)),
            };
        }
    }

    /// Whether it is known that there is no right to the marker of a directory.
    #[must_use]
    pub fn is_forbidden(&self, directory: &str) -> bool {
        self.store.forbidden().contains(&self.layout().marker(directory))
    }

    /// What is at a path, or why nothing is.
    ///
    /// # Errors
    /// 100 and 104, and when there is no answer.
    pub async fn look(&self, path: &Path) -> Result<Here, Stop> {
        let mut outcome = self.transact(Transaction::reading(Here::reads(self.layout(), path, None))).await?;
        let here = Here::read(self.layout(), path, false, &mut outcome);
        if here.is_there() { Ok(here) } else { self.survey_existing(path).await.map(|found| found.here) }
    }

    /// What is at a path, and on the way to it.
    ///
    /// # Errors
    /// 104, and when there is no answer.
    pub async fn survey(&self, path: &Path) -> Result<Found, Stop> {
        let layout = self.layout();
        let reads = |forbidden: &Forbidden| {
            let here = Here::reads(layout, path, None).into_iter();
            Transaction::reading(here.chain(Above::reads(layout, path, forbidden)))
        };
        let (forbidden, mut outcome) = self.transact_below(path, reads).await?;
        let here = Here::read(layout, path, false, &mut outcome);
        let above = Above::read(layout, path, &forbidden, &mut outcome);
        above.check()?;
        Ok(Found { here, above })
    }

    /// The same where nothing at the path is an error, too.
    ///
    /// # Errors
    /// 100 and 104, and when there is no answer.
    pub async fn survey_existing(&self, path: &Path) -> Result<Found, Stop> {
        let found = self.survey(path).await?;
        if found.here.is_there() { Ok(found) } else { Err(self.missing(path, &found.above).await) }
    }

    /// Which name on the way to a path is not there: directories without a marker are if something lies below them.
    pub async fn missing(&self, path: &Path, above: &Above) -> Stop {
        let layout = self.layout();
        let evidence = above.evidence(layout);
        if evidence.is_empty() {
            return above.missing(path, None).into();
        }
        match self.transact(Transaction::reading(evidence)).await {
            Ok(mut found) => above.missing(path, above.absent(layout, &mut found)).into(),
            Err(stop) => stop,
        }
    }

    /// A lease for a TTL, if it takes one.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn live(&self, ttl: Option<u64>, enclosing: Option<&Enclosing>) -> Result<Life, Stop> {
        match source(ttl, enclosing, note::now()) {
            Source::Shared(life) => Ok(life),
            Source::Granted(seconds, life) => {
                let granted = self.call(&LeaseGrantRequest { ttl: seconds, id: 0 }).await;
                // A lease that nobody uses is no change.
                let lease = granted.map_err(unchanged)?.id;
                Ok(Life { lease, is_own: true, ..life })
            }
        }
    }

    /// Ends a lease that has no use any more. Nobody waits for it, and what remains of it ends by itself.
    pub fn revoke_later(&self, lease: i64) {
        self.later(LeaseRevokeRequest { id: lease });
    }

    /// Does what nobody waits for.
    pub fn tidy_later(&self, transaction: Transaction) {
        self.later(TxnRequest::from(transaction));
    }

    fn later<Q: Call>(&self, request: Q) {
        let (store, member, options) = (Arc::clone(self.store), self.member, self.options);
        tokio::spawn(async move {
            // What stays undone is in nobody's way.
            let _ = store.session.call(member, &request, options).await;
        });
    }

    /// Where the store is, as its cluster knows: no member that lags can say so. Told by a read of a path that there is a
    /// right to, as a transaction of nothing asks the member alone (semantics.md 3.6).
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn revision(&self, path: &Path) -> Result<u64, Stop> {
        let layout = self.layout();
        let key = if path.is_root() { layout.marker(path.as_str()) } else { layout.file(path.as_str()) };
        let counted = RangeRequest { count_only: true, ..range(key) };
        Ok(self.transact(Transaction::reading(vec![counted])).await?.revision())
    }

    /// An error about the root, which has no keys to ask for.
    pub async fn error_at_root(&self, code: Code, cause: &str) -> Stop {
        match self.transact(Transaction::default()).await {
            Ok(nothing) => Error::new(code, cause, nothing.revision()).into(),
            Err(stop) => stop,
        }
    }
}

/// A failure that leaves nothing open.
fn unchanged(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(failed) => Stop::Failed(Failed { sent: false, ..failed }),
        stop => stop,
    }
}
