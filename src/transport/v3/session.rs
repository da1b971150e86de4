//! Calls as somebody: tokens are fetched, shared and renewed, and etcd's statuses become failures.

use crate::transport::v3::carrier::{Call, CallOptions, Carrier, Refusal, Told, Watched};
use crate::transport::v3::identity::{Credentials, Identity, Proof};
use crate::transport::v3::messages::{AuthenticateRequest, WatchCreateRequest};
use crate::transport::v3::status::Status;
use crate::v2::failure::{Failed, Kind, NodeError};
use std::sync::Arc;
use std::time::Duration;

/// How many tokens in a row may be refused: users and roles can change while a request is under way.
const RENEWALS: u32 = 3;

/// Why there is no answer.
#[derive(Debug, Clone)]
pub enum SessionError {
    /// The member failed, or the way there.
    Failed(Failed),
    /// The credentials are missing or do not suffice: v2's error 110.
    Denied(Status),
    /// etcd refuses this very request: whoever is asked, whenever, says the same.
    Refused(Status),
}

impl From<Refusal> for SessionError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed(failed) => Self::Failed(failed),
            Refusal::Status(status) if status.is_denial() => Self::Denied(status),
            Refusal::Status(status) if status.is_refusal() => Self::Refused(status),
            Refusal::Status(status) => Self::Failed(status.failed()),
        }
    }
}

/// The calls of one client on one runtime.
pub struct Session<C> {
    carrier: C,
    /// Who asks each member. Members whom the same one asks share him.
    identities: Vec<Option<Arc<Identity>>>,
}

impl<C: Carrier> Session<C> {
    /// `credentials` has an entry for each member.
    #[must_use]
    pub fn new(carrier: C, credentials: Vec<Option<Credentials>>) -> Self {
        let mut known: Vec<Arc<Identity>> = Vec::new();
        let mut identity = |credentials: Credentials| {
            let same = known.iter().find(|one| one.credentials == credentials).cloned();
            same.unwrap_or_else(|| {
                let new = Arc::new(Identity::new(credentials));
                known.push(Arc::clone(&new));
                new
            })
        };
        let identities = credentials.into_iter().map(|one| one.map(&mut identity)).collect();
        Self { carrier, identities }
    }

    /// One attempt of a call at one member. Dropped, it is given up.
    ///
    /// # Errors
    /// [`SessionError`] when there is no answer.
    pub async fn call<Q: Call>(
        &self,
        member: usize,
        request: &Q,
        options: CallOptions,
    ) -> Result<Q::Answer, SessionError> {
        let mut proof = self.proof(member, None, options).await?;
        let mut renewals = 0;
        loop {
            match self.carrier.call(member, request, proof.token.as_ref(), options).await {
                Err(Refusal::Status(status)) if renewals < RENEWALS && self.may_renew(member, &status) => {
                    // What is refused so did not take place.
                    proof = self.proof(member, Some(&proof), options).await?;
                    renewals += 1;
                }
                result => return Ok(result?),
            }
        }
    }

    /// Registers a watch at one member.
    ///
    /// # Errors
    /// [`SessionError`] when the member does not keep the watch.
    pub async fn watch(
        &self,
        member: usize,
        create: WatchCreateRequest,
        options: CallOptions,
        liveness: Duration,
    ) -> Result<Watching<C::Watched>, SessionError> {
        let mut proof = self.proof(member, None, options).await?;
        let mut renewals = 0;
        loop {
            let token = proof.token.as_ref();
            // Boxed: a watch mostly waits for changes, and there may be thousands that should not carry this meanwhile.
            let registering = Box::pin(self.carrier.watch(member, create.clone(), token, options, liveness));
            match registering.await {
                Err(Refusal::Status(status)) if renewals < RENEWALS && self.may_renew(member, &status) => {
                    proof = self.proof(member, Some(&proof), options).await?;
                    renewals += 1;
                }
                // etcd 3.4 says so of a watch whose token has expired, too.
                Err(Refusal::Status(status))
                    if renewals == 0 && self.has_user(member) && status.is_denial() =>
                {
                    proof = self.proof(member, Some(&proof), options).await?;
                    renewals = RENEWALS;
                }
                result => return Ok(Watching(result?)),
            }
        }
    }

    fn identity(&self, member: usize) -> Option<&Identity> {
        self.identities.get(member)?.as_deref()
    }

    fn has_user(&self, member: usize) -> bool {
        let user = |identity: &Identity| matches!(identity.credentials, Credentials::User { .. });
        self.identity(member).is_some_and(user)
    }

    /// Whether what was refused so may be taken another time.
    fn may_renew(&self, member: usize, status: &Status) -> bool {
        status.is_auth_changed() || (self.has_user(member) && status.asks_for_token())
    }

    /// What proves to a member who asks, and is not what was refused. One of those who wait fetches a token for all.
    async fn proof(
        &self,
        member: usize,
        refused: Option<&Proof>,
        options: CallOptions,
    ) -> Result<Proof, SessionError> {
        let Some(identity) = self.identity(member) else { return Ok(Proof::default()) };
        if let Some(proof) = identity.other_than(refused) {
            return Ok(proof);
        }
        let Credentials::User { name, password } = &identity.credentials else {
            return Ok(identity.current().unwrap_or_default());
        };
        // Boxed, as it is large and rare: the future of a call is moved and stored for every call.
        Box::pin(self.fetched(member, identity, (name, password), refused, options)).await
    }

    async fn fetched(
        &self,
        member: usize,
        identity: &Identity,
        (name, password): (&str, &str),
        refused: Option<&Proof>,
        options: CallOptions,
    ) -> Result<Proof, SessionError> {
        let _fetching = identity.fetching().await;
        if let Some(proof) = identity.other_than(refused) {
            return Ok(proof);
        }
        let request = AuthenticateRequest { name: name.to_owned(), password: password.to_owned() };
        let replaced = match self.carrier.call(member, &request, None, options).await {
            Ok(answer) => identity.replace(Some(&answer.token)),
            Err(Refusal::Status(status)) if status.is_auth_disabled() => identity.replace(None),
            Err(refusal) => return Err(unproven(refusal.into())),
        };
        replaced.map_err(|_| SessionError::Failed(unusable_token()))
    }
}

/// What was to be asked has not left.
fn unproven(error: SessionError) -> SessionError {
    match error {
        SessionError::Failed(failed) => SessionError::Failed(Failed { sent: false, ..failed }),
        error => error,
    }
}

fn unusable_token() -> Failed {
    NodeError::new("The server gave a token that no header can carry").failed(Kind::Other, false)
}

/// A registered watch. Dropped, it is cancelled.
pub struct Watching<W>(W);

impl<W: Watched> Watching<W> {
    /// See [`Watched::registered`].
    pub fn registered(&self) -> i64 {
        self.0.registered()
    }

    /// See [`Watched::next`].
    ///
    /// # Errors
    /// [`SessionError`] when the watch has ended.
    pub async fn next(&mut self) -> Result<Told, SessionError> {
        Ok(self.0.next().await?)
    }
}

#[cfg(test)]
mod tests;
