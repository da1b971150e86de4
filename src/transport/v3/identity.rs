//! Who asks, and the token that proves it. Neither is ever printed.

use http::HeaderValue;
use http::header::InvalidHeaderValue;
use std::fmt;
use std::sync::{Mutex as Lock, PoisonError};
use tokio::sync::{Mutex, MutexGuard};

/// What a client proves with.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user, for whom tokens are fetched.
    User { name: String, password: String },
    /// A token that the client was given.
    Token(HeaderValue),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

/// What goes along with a call. Without a token where nobody has to prove who he is.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    pub token: Option<HeaderValue>,
    /// Rises with each token.
    generation: u64,
}

/// One who asks, at any number of members.
pub struct Identity {
    pub credentials: Credentials,
    current: Lock<Option<Proof>>,
    fetching: Mutex<()>,
}

impl Identity {
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        let given = match &credentials {
            Credentials::Token(token) => Some(Proof { token: Some(token.clone()), generation: 0 }),
            Credentials::User { .. } => None,
        };
        Self { credentials, current: Lock::new(given), fetching: Mutex::default() }
    }

    /// The newest proof, if there is one.
    #[must_use]
    pub fn current(&self) -> Option<Proof> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest proof, unless it is the one that was refused.
    #[must_use]
    pub fn other_than(&self, refused: Option<&Proof>) -> Option<Proof> {
        let current = self.current()?;
        refused.is_none_or(|refused| refused.generation < current.generation).then_some(current)
    }

    /// Waits for who is fetching a token already.
    pub async fn fetching(&self) -> MutexGuard<'_, ()> {
        self.fetching.lock().await
    }

    /// From now on this token proves it; or none, as nobody asks.
    ///
    /// # Errors
    /// When the token holds a character that no header can carry.
    pub fn replace(&self, token: Option<&str>) -> Result<Proof, InvalidHeaderValue> {
        let mut token = token.map(HeaderValue::from_str).transpose()?;
        if let Some(token) = &mut token {
            token.set_sensitive(true);
        }
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = current.as_ref().map_or(0, |proof| proof.generation) + 1;
        let proof = Proof { token, generation };
        *current = Some(proof.clone());
        Ok(proof)
    }
}
