//! The members of a cluster as one client sees them: which of them failed just now.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long a member that failed is asked last, before one request tries it first.
const REST: Duration = Duration::from_secs(10);

/// Shared by all requests of a client, whatever their connections. Each takes what it sees and goes on: a mark that
/// comes late costs one attempt.
#[derive(Debug)]
pub struct Members {
    /// Until when each is asked last, in milliseconds after `start`; 0 for a member that did not fail.
    resting: Vec<AtomicU64>,
    start: Instant,
}

impl Members {
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { resting: (0..count).map(|_| AtomicU64::new(0)).collect(), start: Instant::now() }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.resting.len()
    }

    /// The order in which a request tries the members: random, so that clients spread over them, but those that failed
    /// come last. When one of these has rested, this request tries it first, and it rests again until it has answered.
    #[must_use]
    pub fn route(&self) -> Vec<usize> {
        self.route_at(self.start.elapsed())
    }

    /// Takes down how an attempt at a member ended.
    pub fn record_outcome(&self, member: usize, answered: bool) {
        let Some(mark) = self.resting.get(member) else { return };
        if !answered {
            self.failed_at(member, self.start.elapsed());
        } else if mark.load(Relaxed) != 0 {
            mark.store(0, Relaxed);
        }
    }

    fn route_at(&self, now: Duration) -> Vec<usize> {
        let mut route: Vec<usize> = (0..self.count()).collect();
        fastrand::shuffle(&mut route);
        if self.resting.iter().all(|mark| mark.load(Relaxed) == 0) {
            return route;
        }
        let rested = route.iter().copied().find(|&member| self.has_rested(member, now));
        // Each mark is read once: they change meanwhile, and an order that changes is none.
        route.sort_by_cached_key(|&member| match self.resting[member].load(Relaxed) {
            _ if Some(member) == rested => 0,
            0 => 1,
            _ => 2,
        });
        route
    }

    /// Whether a member that failed may be tried again: says so to one request, and lets the member rest again.
    fn has_rested(&self, member: usize, now: Duration) -> bool {
        let mark = self.resting[member].load(Relaxed);
        let next = milliseconds(now + REST);
        mark != 0
            && mark <= milliseconds(now)
            && self.resting[member].compare_exchange(mark, next, Relaxed, Relaxed).is_ok()
    }

    fn failed_at(&self, member: usize, now: Duration) {
        self.resting[member].store(milliseconds(now + REST), Relaxed);
        // When all have failed, as in an election or without a network, none of them is worse than another.
        if self.resting.iter().all(|mark| mark.load(Relaxed) > milliseconds(now)) {
            self.resting.iter().for_each(|mark| mark.store(0, Relaxed));
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::panic::AssertUnwindSafe;
    use std::sync::atomic::AtomicBool;

    const NOW: Duration = Duration::from_secs(5);
    const RUNS: usize = 200;

    /// The orders that show up within so many runs that each possible one does.
    fn orders(members: &Members, now: Duration) -> HashSet<Vec<usize>> {
        (0..RUNS).map(|_| members.route_at(now)).collect()
    }

    #[test]
    fn a_route_holds_every_member_once_in_any_order() {
        assert_eq!(orders(&Members::new(3), NOW).len(), 6);
        assert!(Members::new(0).route().is_empty());
        assert_eq!(Members::new(1).route(), [0]);
    }

    #[test]
    fn a_member_that_failed_comes_last_until_it_answers() {
        let members = Members::new(3);
        members.failed_at(1, NOW);
        let just_before = NOW + REST - Duration::from_millis(1);
        assert_eq!(orders(&members, just_before), HashSet::from([vec![0, 2, 1], vec![2, 0, 1]]));
        members.record_outcome(1, true);
        assert_eq!(orders(&members, NOW).len(), 6);
    }

    #[test]
    fn two_of_three_that_failed_are_in_any_order_behind_the_third() {
        let members = Members::new(3);
        members.failed_at(0, NOW);
        members.failed_at(2, NOW);
        assert_eq!(orders(&members, NOW), HashSet::from([vec![1, 0, 2], vec![1, 2, 0]]));
    }

    #[test]
    fn one_request_tries_a_member_that_has_rested_first() {
        let members = Members::new(3);
        members.failed_at(1, NOW);
        let later = NOW + REST;
        assert_eq!(members.route_at(later)[0], 1);
        assert!(orders(&members, later).iter().all(|route| route[2] == 1));
        assert_eq!(members.route_at(later + REST)[0], 1);
    }

    #[test]
    fn of_two_that_have_rested_each_request_tries_one() {
        let members = Members::new(3);
        members.failed_at(0, NOW);
        members.failed_at(1, NOW);
        let later = NOW + REST;
        let firsts: HashSet<usize> = (0..2).map(|_| members.route_at(later)[0]).collect();
        assert_eq!(firsts, HashSet::from([0, 1]));
        assert_eq!(members.route_at(later)[0], 2);
    }

    #[test]
    fn a_route_is_whole_while_members_fail_and_answer() {
        const COUNT: usize = 64;
        let members = Members::new(COUNT);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    for member in 0..COUNT {
                        members.record_outcome(member, fastrand::bool());
                    }
                }
            });
            let routes = (0..20_000).map(|_| members.route());
            let mut is_whole = routes.map(|route| HashSet::<usize>::from_iter(route).len() == COUNT);
            let is_whole = std::panic::catch_unwind(AssertUnwindSafe(|| is_whole.all(|one| one)));
            is_over.store(true, Relaxed);
            assert!(is_whole.unwrap());
        });
    }

    #[test]
    fn when_all_have_failed_none_is_worse_than_another() {
        let members = Members::new(3);
        for member in 0..3 {
            members.failed_at(member, NOW);
        }
        assert_eq!(orders(&members, NOW).len(), 6);
    }
}
