//! How long a watch over HTTP waits, and for what.

use crate::v2::request::Watch;
use std::time::Duration;

/// How many polls in a row must find their event in the history, with later ones behind it, before a stream is opened.
pub const POLLS_BEHIND: u32 = 2;
/// So many are enough at most, after streams that brought nothing.
pub const MAX_POLLS_BEHIND: u32 = 1024;
/// So many events polls may find before a stream is open that was asked for at the same time.
pub const POLLS_BESIDE: u32 = 8;
/// The headers of a poll may come so late before the server is asked whether it is there.
const HELD: Duration = Duration::from_millis(500);
/// A stream that is silent for so long is checked by a poll.
pub const SILENCE: Duration = Duration::from_millis(5);
/// How much later than a poll the stream may bring the same event.
pub const STREAM_LAG: Duration = Duration::from_millis(10);
/// So many bytes of a stream may be put aside while its gap is closed; then it is not read.
pub const ASIDE: usize = 16 * 1024 * 1024;
/// Without an event for so long, polls are enough.
pub const CALM: Duration = Duration::from_secs(1);
/// A poll of which nothing has come for so long, but its headers, has found nothing in the history: an event in it would
/// have come right behind them.
const SETTLED: Duration = Duration::from_secs(5);

/// How long a poll may take to connect, and a question to the headers of its answer.
pub fn opening(watch: &Watch) -> Duration {
    let limit = watch.liveness / 4;
    watch.timeout.map_or(limit, |timeout| timeout.min(limit))
}

/// After how long an open poll has found nothing in the history.
pub fn settling(watch: &Watch) -> Duration {
    SETTLED.min(watch.liveness / 4)
}

/// How long a poll that has settled stays open before a new one replaces it: the history moves on with events of other
/// keys, and a connection can die without a word. Random, so that many watches do not renew at once.
pub fn renewal(watch: &Watch) -> Duration {
    watch.liveness.mul_f64(0.125 + 0.125 * fastrand::f64())
}

/// How late the headers of a poll may come before the server is asked whether it is there.
pub fn holding(watch: &Watch) -> Duration {
    HELD.min(watch.liveness / 8)
}
