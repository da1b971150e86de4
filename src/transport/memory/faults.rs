//! Failures and delays to order, for tests of programs.

use crate::v2::failure::{Failed, Kind, NodeError};
use crate::v2::reply::Reply;
use std::time::Duration;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody accepts the connection.
    Refused,
    /// No reply within the time limit; whether the request was carried out nobody knows. It was not.
    Timeout,
    /// A status of 503.
    Unavailable,
    /// The cluster has no leader.
    Election,
    /// It was carried out, but the reply got lost.
    Lost,
}

impl Fault {
    /// The failure as a real one would come.
    #[must_use]
    pub fn failed(self) -> Failed {
        let coded = NodeError::with_code;
        match self {
            Self::Refused => {
                let error = coded("connect ECONNREFUSED memory:", "ECONNREFUSED");
                NodeError { syscall: Some("connect"), ..error }.failed(Kind::Refused, false)
            }
            Self::Timeout => {
                let error = coded("ESOCKETTIMEDOUT", "ESOCKETTIMEDOUT");
                NodeError { connect: Some(false), ..error }.failed(Kind::Other, true)
            }
            Self::Lost => coded("socket hang up", "ECONNRESET").failed(Kind::Reset, true),
            Self::Unavailable => status(503, "Service Unavailable\n"),
            Self::Election => {
                status(500, "{\"errorCode\":301,\"message\":\"During Leader Election\",\"index\":0}\n")
            }
        }
    }
}

fn status(status: u16, body: &str) -> Failed {
    Failed::unavailable(Reply { status, body: body.into(), ..Reply::default() })
}

/// What is to happen to the next requests that fit.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Requests with this method; without one with any.
    pub verb: Option<String>,
    /// Requests for this key, decoded, or this path; without one for any.
    pub name: Option<String>,
    /// To how many of them it still happens.
    pub times: u32,
    pub effect: Effect,
}

#[derive(Debug, Clone, Copy)]
pub enum Effect {
    Fail(Fault),
    Delay(Duration),
}

/// The rules, the first that fits first.
#[derive(Debug, Default)]
pub struct Faults(Vec<Rule>);

impl Faults {
    pub fn add(&mut self, rule: Rule) {
        if rule.times > 0 {
            self.0.push(rule);
        }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What happens to a request: the first delay and the first failure that fit, which count it.
    pub fn take(&mut self, verb: &str, name: &str) -> (Option<Duration>, Option<Fault>) {
        let (mut delay, mut fault) = (None, None);
        for rule in &mut self.0 {
            let fits =
                |wanted: &Option<String>, found| wanted.as_deref().is_none_or(|wanted| wanted == found);
            if !fits(&rule.verb, verb) || !fits(&rule.name, name) {
                continue;
            }
            match rule.effect {
                Effect::Delay(time) if delay.is_none() => delay = Some(time),
                Effect::Fail(kind) if fault.is_none() => fault = Some(kind),
                _ => continue,
            }
            rule.times -= 1;
        }
        self.0.retain(|rule| rule.times > 0);
        (delay, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verb: Option<&str>, name: Option<&str>, times: u32, effect: Effect) -> Rule {
        Rule { verb: verb.map(Into::into), name: name.map(Into::into), times, effect }
    }

    #[test]
    fn a_rule_strikes_the_requests_that_fit_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add(rule(Some("PUT"), Some("/a"), 2, Effect::Fail(Fault::Refused)));
        faults.add(rule(None, None, 0, Effect::Fail(Fault::Lost)));
        assert_eq!(faults.take("GET", "/a").1, None);
        assert_eq!(faults.take("PUT", "/b").1, None);
        assert_eq!(faults.take("PUT", "/a").1, Some(Fault::Refused));
        assert_eq!(faults.take("PUT", "/a").1, Some(Fault::Refused));
        assert!(faults.is_empty());
    }

    #[test]
    fn a_delay_and_a_failure_meet_and_of_two_failures_the_first_counts() {
        let mut faults = Faults::default();
        faults.add(rule(None, None, 1, Effect::Delay(Duration::from_millis(5))));
        faults.add(rule(None, None, 1, Effect::Fail(Fault::Timeout)));
        faults.add(rule(None, None, 1, Effect::Fail(Fault::Lost)));
        assert_eq!(faults.take("GET", "/"), (Some(Duration::from_millis(5)), Some(Fault::Timeout)));
        assert_eq!(faults.take("GET", "/"), (None, Some(Fault::Lost)));
    }
}
