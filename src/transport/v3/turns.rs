//! Turns of those who put something into the same directory in order: within a client they need not race.

use crate::v2::path::Path;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

type Waiting = HashMap<Path, Arc<tokio::sync::Mutex<()>>>;

#[derive(Debug, Default)]
pub struct Turns(Mutex<Waiting>);

impl Turns {
    /// Waits for a turn, which lasts until it is dropped.
    pub async fn take(&self, directory: &Path) -> OwnedMutexGuard<()> {
        let turn = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(waiting.entry(directory.clone()).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn one_directory_has_one_turn_at_a_time_and_is_forgotten() {
        let turns = Turns::default();
        let [one, other] = ["/a", "/b"].map(Path::clean);
        let first = turns.take(&one).now_or_never().expect("it is free");
        assert!(turns.take(&one).now_or_never().is_none());
        assert!(turns.take(&other).now_or_never().is_some());
        drop(first);
        assert!(turns.take(&one).now_or_never().is_some());
        assert!(turns.take(&other).now_or_never().is_some());
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
