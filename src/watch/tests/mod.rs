//! The watch against a store that is scripted.

mod script;

use crate::v2::failure::Kind;
use proptest::prelude::*;
use script::*;

#[tokio::test(start_paused = true)]
async fn history_comes_first_and_then_what_is_new() {
    let steps = vec![poll("waitIndex=1&", 3, 0, event(2)), poll("waitIndex=3&", 3, 4000, event(7))];
    assert_eq!(run(Some(1), steps).await, ["2", "7"]);
}

#[tokio::test(start_paused = true)]
async fn without_an_index_the_registration_is_the_start_also_over_an_outage() {
    let steps = vec![
        Step { when: "wait=true", does: Does::Reply(200, 5, vec![(100, String::new())], false) },
        poll("waitIndex=6&", 9, 0, event(8)),
    ];
    assert_eq!(run(None, steps).await, ["registered 6", "ended", "8"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_follows_when_polls_are_behind_and_its_gap_is_made_up_for_first() {
    let mut steps = behind();
    steps.push(stream(9, &[(0, 10), (1, 11)]));
    steps.push(poll("waitIndex=3&", 9, 3, event(6)));
    steps.push(poll("waitIndex=7&", 9, 3, event(9)));
    assert_eq!(run(Some(1), steps).await, ["1", "2", "6", "9", "10", "11"]);
}

#[tokio::test(start_paused = true)]
async fn duplicates_on_a_stream_are_dropped() {
    let mut steps = behind();
    steps.push(stream(2, &[(0, 3), (0, 3), (1, 4), (1, 4)]));
    assert_eq!(run(Some(1), steps).await, ["1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_noticed_and_made_up_for() {
    let mut steps = behind();
    steps.push(stream(2, &[(0, 3)]));
    steps.push(poll("waitIndex=4&", 9, 0, event(5)));
    steps.push(poll("waitIndex=6&", 9, 0, event(8)));
    let run = run_on(1, Some(1), 2, steps).await;
    assert_eq!(run.seen, ["1", "2", "3", "5", "8"]);
    let check = run.asked.iter().find(|(_, query)| query.contains("waitIndex=4&")).unwrap();
    assert!(check.0 <= 10, "checked after {} ms", check.0);
}

#[tokio::test(start_paused = true)]
async fn outdated_in_each_state_is_one_resync_and_the_end_of_the_gap() {
    let steps = vec![outdated("waitIndex=1&", 50), poll("waitIndex=50&", 60, 0, event(52))];
    assert_eq!(run(Some(1), steps).await, ["resync", "52"], "in a poll");
    let mut steps = behind();
    steps.push(stream(9, &[(1, 10)]));
    steps.push(outdated("waitIndex=3&", 50));
    steps.push(poll("waitIndex=50&", 60, 0, event(52)));
    assert_eq!(run(Some(1), steps).await, ["1", "2", "resync", "52"], "closing the gap");
    let mut steps = behind();
    steps.push(stream(2, &[(0, 3)]));
    steps.push(outdated("waitIndex=4&", 50));
    steps.push(poll("waitIndex=50&", 60, 0, event(52)));
    assert_eq!(run(Some(1), steps).await, ["1", "2", "3", "resync", "52"], "checking a stream");
}

#[tokio::test(start_paused = true)]
async fn outdated_at_the_very_index_that_the_server_named_does_not_spin() {
    let steps = vec![outdated("wait", 50); 1000];
    let run = run_on(1, Some(1), 10, steps).await;
    assert!(run.asked.len() < 100, "{} requests in 10 s", run.asked.len());
}

#[tokio::test(start_paused = true)]
async fn empty_replies_garbage_and_stale_events_are_told_and_do_not_spin() {
    let steps = vec![poll("waitIndex=5&", 9, 0, String::new()), poll("waitIndex=5&", 9, 0, event(6))];
    assert_eq!(run(Some(5), steps).await, ["ended", "6"]);
    for odd in ["<html>".to_owned(), "{}".to_owned(), event(4)] {
        let steps = vec![poll("waitIndex=5&", 9, 0, odd.clone()); 1000];
        let run = run_on(1, Some(5), 60, steps).await;
        assert!(run.seen.iter().all(|told| told == "unexpected"), "{odd}");
        assert!((2..40).contains(&run.asked.len()), "{} requests", run.asked.len());
    }
}

#[tokio::test(start_paused = true)]
async fn missing_credentials_are_told_and_asked_for_again_after_30_s() {
    let denied = r#"{"errorCode":110,"index":0}"#;
    let steps =
        vec![refusal("wait", 401, denied), refusal("wait", 401, denied), poll("wait", 3, 0, event(4))];
    let run = run_on(1, Some(1), 100, steps).await;
    assert_eq!(run.seen, ["unexpected", "unexpected", "4"]);
    let times: Vec<u64> = run.asked.iter().map(|(at, _)| *at).collect();
    assert_eq!(times[..3], [0, 30_000, 60_000]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_ends_the_watch_at_once() {
    let run = run_on(3, Some(1), 100, vec![fail("wait", Kind::Unsendable)]).await;
    assert_eq!((run.seen, run.asked.len()), (vec!["unsendable".to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn endpoints_take_turns_and_only_a_whole_round_of_failures_is_told() {
    let mut steps = vec![fail("wait", Kind::Reset); 3];
    steps.push(poll("wait", 3, 0, event(4)));
    let run = run_on(2, Some(1), 100, steps).await;
    assert_eq!(run.seen, ["disconnected 2", "4"]);
    let hosts: Vec<&str> = run.asked[..4].iter().map(|(_, asked)| asked.split(' ').next().unwrap()).collect();
    assert!(hosts[0] != hosts[1] && hosts[0] == hosts[2] && hosts[1] == hosts[3], "{hosts:?}");
}

#[tokio::test(start_paused = true)]
async fn pauses_begin_with_none_and_grow_to_30_s_and_to_700_ms_while_connections_are_refused() {
    for (kind, cap) in [(Kind::Reset, 30_000), (Kind::Refused, 700)] {
        let run = run_on(1, Some(1), 600, vec![fail("wait", kind); 2000]).await;
        let waits: Vec<u64> = run.asked.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        assert_eq!(waits[0], 0, "{kind:?}");
        assert!((10..=21).contains(&waits[1]), "{kind:?}: {waits:?}");
        let last = waits[waits.len() - 1];
        // Paused time goes by whole milliseconds, and each pause may be rounded up.
        assert!((cap..=cap + 2).contains(&last), "{kind:?}: {waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn hidden_keys_of_the_history_are_left_out() {
    let steps = vec![
        poll("waitIndex=1&", 3, 0, event_of("set", "/k/_h", 2)),
        poll("waitIndex=3&", 3, 0, event_of("set", "/k/a", 3)),
    ];
    assert_eq!(run(Some(1), steps).await, ["3"]);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_poll_is_renewed_so_that_foreign_events_cost_nothing() {
    let silent = |when, store| Step { when, does: Does::Reply(200, store, vec![], true) };
    let cut = |when, store| poll(when, store, 10_000, String::new());
    let steps = vec![
        silent("waitIndex=1&", 1),
        silent("waitIndex=1&", 900),    // the renewal
        outdated("waitIndex=1&", 1800), // the next one, by which only 901 is in the history
        cut("waitIndex=901&", 1800),
        outdated("waitIndex=1&", 2700), // after the cut
        poll("waitIndex=1801&", 2700, 0, event(2701)),
    ];
    assert_eq!(run(Some(1), steps).await, ["ended", "2701"]);
}

#[tokio::test(start_paused = true)]
async fn an_open_poll_is_kept_when_only_it_reaches_back_far_enough() {
    let steps = vec![
        poll("waitIndex=1&", 1, 60_000, event(5000)),
        outdated("waitIndex=1&", 3000),
        outdated("waitIndex=2&", 3000),
    ];
    assert_eq!(run(Some(1), steps).await, ["5000"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_without_a_word_is_replaced_within_its_liveness() {
    let silent = || Step { when: "waitIndex=1&", does: Does::Reply(200, 1, vec![], true) };
    let hang = || Step { when: "waitIndex=1&", does: Does::Hang };
    let mute = || Step { when: "HEAD", does: Does::Hang };
    let steps = vec![silent(), hang(), mute(), poll("waitIndex=1&", 3, 0, event(2))];
    let run = run_on(1, Some(1), 100, steps).await;
    assert_eq!(run.seen, ["disconnected 1", "2"]);
    assert!(run.asked[3].0 <= 60_000, "asked at {:?}", run.asked);
    let steps = vec![hang(), mute(), poll("waitIndex=1&", 3, 0, event(2))];
    let run = run_on(2, Some(1), 100, steps).await;
    assert_eq!(run.seen, ["2"], "the other host has it");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_come_are_not_quiet() {
    let event = event(2);
    let (first, rest) = event.split_at(10);
    let (second, third) = rest.split_at(10);
    let mut reply = pieces("waitIndex=1&", 9, &[(3000, first), (15_000, second), (27_000, third)]);
    if let Does::Reply(.., silent) = &mut reply.does {
        *silent = false;
    }
    let run = run_on(1, Some(1), 60, vec![reply]).await;
    assert_eq!(run.seen, ["2"]);
    let again = run.asked.iter().filter(|(_, asked)| asked.contains("waitIndex=1&")).count();
    assert_eq!(again, 1, "{:?}", run.asked);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_under_way_is_not_settled_and_its_line_may_die() {
    let event = event(2);
    let steps = vec![
        pieces("waitIndex=1&", 900, &[(0, &event[..10])]),
        outdated("waitIndex=1&", 5000),
        poll("waitIndex=5000&", 5000, 0, self::event(5001)),
    ];
    let run = run_on(1, Some(1), 100, steps).await;
    assert_eq!(run.seen, ["disconnected 1", "resync", "5001"]);
    assert!(run.asked[1].0 <= 16_000, "{:?}", run.asked);
}

#[tokio::test(start_paused = true)]
async fn a_gap_waits_for_an_event_that_is_under_way() {
    let event = event(6);
    let mut steps = behind();
    steps.push(stream(9, &[(0, 10), (4000, 11)]));
    steps.push(pieces("waitIndex=3&", 9, &[(900, &event[..10]), (5000, &event[10..])]));
    if let Does::Reply(.., silent) = &mut steps[3].does {
        *silent = false;
    }
    steps.push(poll("waitIndex=7&", 9, 3, self::event(9)));
    assert_eq!(run_on(1, Some(1), 60, steps).await.seen, ["1", "2", "6", "9", "10", "11"]);
}

/// A proxy that buffers: the headers of a poll come with its event, other requests are answered at once.
fn held(when: &'static str, ms: u64, store: u64, body: String) -> Step {
    Step { when, does: Does::Hold(ms, store, body) }
}

fn at(store: u64) -> Step {
    Step { when: "HEAD", does: Does::Reply(200, store, vec![], false) }
}

#[tokio::test(start_paused = true)]
async fn a_poll_without_headers_is_quiet_while_the_server_answers_something_else() {
    let mut steps = vec![at(5); 20];
    steps.push(held("1 GET wait=true", 100_000, 0, String::new()));
    steps.push(held("waitIndex=6&", 90_000, 9, event(8)));
    let run = run_on(1, None, 300, steps).await;
    assert_eq!(run.seen[..1], ["registered 6"]);
    assert!(run.seen.iter().all(|told| !told.starts_with("disc")), "{:?}", run.seen);
    let polls: Vec<&(u64, String)> = run.asked.iter().filter(|(_, asked)| asked.contains("GET")).collect();
    assert!(polls[0].1.ends_with("GET wait=true") && polls[1].1.contains("waitIndex=6&"), "{polls:?}");
    assert!(polls[1].0 <= 1000, "the poll without an index is replaced at once: {polls:?}");
    assert!(polls.windows(2).skip(1).all(|pair| pair[1].0 - pair[0].0 <= 25_000), "{polls:?}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_to_a_poll_whose_headers_were_held_is_told() {
    let steps = vec![at(5), held("waitIndex=1&", 4000, 9, event(8)), held("waitIndex=9&", 300, 9, event(9))];
    assert_eq!(run_on(1, Some(1), 6, steps).await.seen, ["8", "9"]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_without_headers_of_a_server_that_answers_nothing_has_failed() {
    let mute = || Step { when: "HEAD", does: Does::Hang };
    let refused = || Step { when: "HEAD", does: Does::Reply(502, 0, vec![], false) };
    for answer in [mute(), refused()] {
        let steps = vec![at(6), answer, poll("waitIndex=7&", 9, 0, event(8))];
        let steps = [
            vec![held("waitIndex=7&", 1_000_000, 9, event(8)), held("waitIndex=7&", 1_000_000, 9, event(8))],
            steps,
        ]
        .concat();
        assert_eq!(run_on(1, Some(7), 60, steps).await.seen, ["disconnected 1", "8"]);
    }
}

#[tokio::test(start_paused = true)]
async fn polls_carry_on_alone_while_a_stream_gives_nothing() {
    let stream = Step { when: "stream=true", does: Does::Hold(1_000_000, 9, String::new()) };
    let mut steps = vec![stream; 20];
    for index in 1..=100 {
        steps.push(poll("wait=true", 200, 1, event(index)));
    }
    let run = run_on(1, Some(1), 1, steps).await;
    assert_eq!(run.seen.len(), 100);
    let streams = run.asked.iter().filter(|(_, asked)| asked.contains("stream")).count();
    assert!((1..=6).contains(&streams), "{streams} streams");
}

fn large_event(index: u64) -> String {
    event(index).replace("\"key\"", &format!("\"value\":\"{}\",\"key\"", "x".repeat(20_000)))
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_told_once_and_the_watch_goes_on_behind_it() {
    let steps = vec![poll("waitIndex=1&", 3, 0, large_event(2)), poll("waitIndex=3&", 3, 0, event(3))];
    let run = run_on(1, Some(1), 3, steps).await;
    assert_eq!(run.seen, ["2 is too large", "3"]);
    assert_eq!(run.asked[1].0, 0, "without a pause");
    let mut steps = behind();
    let lines = [event(3), large_event(4)].map(|line| (0, line + "\n"));
    steps.push(Step { when: "stream=true", does: Does::Reply(200, 2, lines.into(), true) });
    steps.push(poll("waitIndex=4&", 4, 0, large_event(4)));
    steps.push(poll("waitIndex=5&", 4, 0, event(5)));
    assert_eq!(run_on(1, Some(1), 3, steps).await.seen, ["1", "2", "3", "4 is too large", "5"]);
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_holds_no_event_ends_with_the_stream() {
    let mut steps = behind();
    steps.push(stream(9, &[]));
    steps.push(poll("waitIndex=3&", 9, 2000, event(10)));
    let run = run_on(1, Some(1), 5, steps).await;
    assert_eq!(run.seen, ["1", "2", "10"]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_open_when_events_become_rare_is_kept_as_a_new_one_may_be_refused() {
    let silent = Step { when: "stream=true", does: Does::Hold(1_000_000, 9, String::new()) };
    for (state, stream, index) in [
        ("opening a stream", silent, 3),
        ("closing the gap", stream(9, &[]), 3),
        ("checking a stream", stream(2, &[(0, 3)]), 4),
    ] {
        let when = if index == 3 { "waitIndex=3&" } else { "waitIndex=4&" };
        let mut steps = behind();
        steps.push(stream);
        steps.push(poll(when, 9, 4000, event(12)));
        steps.push(outdated(when, 2000));
        let seen = run_on(1, Some(1), 10, steps).await.seen;
        assert_eq!(seen.last().map(String::as_str), Some("12"), "{state}: {seen:?}");
        assert!(!seen.contains(&"resync".to_owned()), "{state}: {seen:?}");
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let wait = 0..30_u64;
    prop_oneof![
        4 => (0..40_u64, wait.clone(), 1..40_u64).prop_map(|(store, ms, index)| poll("wait", store, ms, event(index))),
        2 => (0..40_u64, prop::collection::vec((0..30_u64, 1..40_u64), 0..6))
            .prop_map(|(store, lines)| stream(store, &lines)),
        1 => (1..40_u64).prop_map(|index| outdated("wait", index)),
        1 => Just(fail("wait", Kind::Reset)),
        1 => Just(Step { when: "wait", does: Does::Hang }),
        1 => Just(poll("wait", 3, 0, String::new())),
        1 => Just(poll("wait", 3, 0, "<html>".to_owned())),
    ]
}

proptest! {
    #[test]
    fn indexes_only_grow_between_resyncs(steps in prop::collection::vec(any_step(), 0..40), index in prop::option::of(0..5_u64)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let seen = runtime.block_on(run(index, steps));
        let mut last = 0;
        for told in seen {
            if told == "resync" {
                // A server may name any index.
                last = 0;
            } else if let Ok(index) = told.parse::<u64>() {
                prop_assert!(index > last, "{index} after {last}");
                last = index;
            }
        }
    }
}
