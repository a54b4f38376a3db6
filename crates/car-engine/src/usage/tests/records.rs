//! Which records count, and for what.

use serde_json::json;

use super::*;

async fn of(records: &[String]) -> UsageSummary {
    let home = Home::new();
    let text = meta("t1", &home.work()) + &records.concat();
    home.write("sessions/2025/12/01/rollout-a.jsonl", &text);
    home.summary().await
}

#[tokio::test]
async fn a_call_told_by_both_kinds_of_records_counts_once() {
    let summary = of(&[
        record(AT, "t1", [100, 10, 5, 1], [100, 10, 5, 1]),
        count(AT, Some([100, 10, 5, 1]), Some([100, 10, 5, 1])),
        record(AT, "t1", [100, 10, 5, 1], [200, 20, 10, 2]),
        count(AT, Some([200, 20, 10, 2]), Some([100, 10, 5, 1])),
    ])
    .await;
    assert_eq!((summary.events, summary.totals.total_tokens), (2, 210));
    let parts = summary.parts;
    assert_eq!(
        (parts.uncached_input, parts.cached_input, parts.output, parts.reasoning),
        (180, 20, 8, 2)
    );
}

#[tokio::test]
async fn a_count_that_comes_late_or_never_changes_nothing() {
    let summary = of(&[
        record(AT, "t1", [100, 0, 0, 0], [100, 0, 0, 0]),
        record(AT, "t1", [50, 0, 0, 0], [150, 0, 0, 0]),
        count(AT, Some([100, 0, 0, 0]), Some([100, 0, 0, 0])),
        count(AT, Some([150, 0, 0, 0]), Some([50, 0, 0, 0])),
        record(AT, "t1", [1, 0, 0, 0], [151, 0, 0, 0]),
    ])
    .await;
    assert_eq!((summary.events, summary.totals.total_tokens), (3, 151));
}

#[tokio::test]
async fn totals_that_are_told_again_count_once() {
    let told = count(AT, Some([100, 0, 10, 0]), Some([100, 0, 10, 0]));
    let summary = of(&[told.clone(), told.clone(), told]).await;
    assert_eq!((summary.events, summary.totals.total_tokens), (1, 110));
}

#[tokio::test]
async fn old_records_count_by_their_last_usage_or_by_the_difference_of_totals() {
    let summary = of(&[
        count(AT, Some([10, 0, 5, 0]), None),
        count(AT, Some([30, 10, 9, 1]), None),
        count(AT, None, Some([1, 0, 1, 0])),
        count(AT, Some([41, 10, 20, 1]), None),
        count(AT, Some([7, 0, 0, 0]), None), // began anew
    ])
    .await;
    assert_eq!((summary.events, summary.totals.total_tokens), (5, 61 + 7));
}

#[tokio::test]
async fn rate_limits_alone_are_an_event_without_tokens() {
    let limits = |used: u64| {
        json!({
            "primary": {"used_percent": used, "window_minutes": 300, "resets_in_seconds": 90},
            "secondary": null,
        })
    };
    let summary = of(&[
        line(
            AT,
            "event_msg",
            &json!({"type": "token_count", "info": null, "rate_limits": limits(1)}),
        ),
        line(
            "2025-12-01T10:05:00Z",
            "event_msg",
            &json!({"type": "token_count", "info": null, "rate_limits": limits(2)}),
        ),
        line(AT, "event_msg", &json!({"type": "token_count", "info": null, "rate_limits": null})),
    ])
    .await;
    assert_eq!((summary.events, summary.totals.total_tokens), (2, 0));
    assert_eq!(summary.latest_rate_limits, Some(limits(2)));
    let resets = summary.rate_limit_windows[0].resets_at.map(|at| at.to_string());
    assert_eq!(resets.as_deref(), Some("2025-12-01T10:06:30Z"));
}

#[tokio::test]
async fn what_a_fork_copied_counts_where_it_came_from() {
    let home = Home::new();
    let work = home.work();
    let history = record(AT, "t1", [100, 0, 0, 0], [100, 0, 0, 0])
        + &count(AT, Some([100, 0, 0, 0]), Some([100, 0, 0, 0]));
    home.write("sessions/a.jsonl", &(meta("t1", &work) + &history));
    let own = record(AT, "t2", [1, 0, 0, 0], [101, 0, 0, 0])
        + &count(AT, Some([101, 0, 0, 0]), Some([1, 0, 0, 0]));
    home.write(
        "sessions/b.jsonl",
        &(meta("t2", &work) + &meta("t1", Path::new("/elsewhere")) + &history + &own),
    );
    assert_eq!(home.total().await, 101);
}

#[tokio::test]
async fn records_that_cannot_be_read_are_skipped_and_counted() {
    let home = Home::new();
    let good = count(AT, Some([100, 0, 10, 0]), Some([100, 0, 10, 0]));
    let broken = count("tomorrow", Some([1, 0, 1, 0]), Some([1, 0, 1, 0]));
    let text = meta("t1", &home.work())
        + "{ half a li\n\n[]\n"
        + &broken
        + &good[..60]
        + "\n"
        + &good
        + "[\"token_count\"]\n\"token_count\" \u{1b}\n";
    home.write("sessions/a.jsonl", &text);
    let usage = home.usage();
    refresh(&usage).await;
    let summary = usage.of_repo(&home.work(), UsageRange::default()).await.expect("summary");
    assert_eq!((summary.events, summary.totals.total_tokens), (1, 110));
    // The broken time, and the line that says `token_count` and is no JSON.
    assert_eq!(usage.n_bad_records().await.expect("count"), 2);
}
