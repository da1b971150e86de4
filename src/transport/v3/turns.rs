//! Turns of those who put something into the same directory in order: within a client they need not race. Each member has
//! turns of its own, as one that is silent must not hold up what others are asked.

use crate::v2::path::Path;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OwnedMutexGuard;

type Waiting = HashMap<(usize, Path), Arc<tokio::sync::Mutex<()>>>;

#[derive(Debug, Default)]
pub struct Turns(Mutex<Waiting>);

impl Turns {
    /// Waits for a turn at a member, which lasts until it is dropped.
    pub async fn take(&self, member: usize, directory: &Path) -> OwnedMutexGuard<()> {
        let turn = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(waiting.entry((member, directory.clone())).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn one_directory_has_one_turn_at_a_time_at_a_member_and_is_forgotten() {
        let turns = Turns::default();
        let [one, other] = ["/a", "/b"].map(Path::clean);
        let first = turns.take(0, &one).now_or_never().expect("it is free");
        assert!(turns.take(0, &one).now_or_never().is_none());
        assert!(turns.take(1, &one).now_or_never().is_some());
        assert!(turns.take(0, &other).now_or_never().is_some());
        drop(first);
        assert!(turns.take(0, &one).now_or_never().is_some());
        assert!(turns.take(0, &other).now_or_never().is_some());
        assert_eq!(turns.0.lock().unwrap().len(), 1);
    }
}
