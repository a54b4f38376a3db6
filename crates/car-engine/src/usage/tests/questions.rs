//! By repository, day, run and over time.

use car_domain::Timestamp;
use car_domain::run::RunSummary;
use car_domain::usage::{UsageBucket, UsageSegment};
use serde_json::Value;

use super::*;

/// Two threads in `work`, one below it, one elsewhere.
fn two_days(home: &Home) -> TokenUsage {
    let work = home.work();
    let first = meta("t1", &work)
        + &turn("large", &work)
        + &count("2025-12-01T10:00:00Z", Some([100, 40, 20, 5]), Some([100, 40, 20, 5]))
        + &count("2025-12-01T12:00:00Z", Some([300, 90, 50, 9]), Some([200, 50, 30, 4]));
    let second = meta("t2", &work.join("src"))
        + &turn("small", &work.join("src"))
        + &count("2025-12-08T10:00:00Z", Some([10, 0, 5, 0]), None);
    let elsewhere = meta("t3", Path::new("/elsewhere"))
        + &count("2025-12-01T10:00:00Z", Some([7, 0, 7, 0]), None);
    for (name, text) in [("a", first), ("b", second), ("c", elsewhere)] {
        home.write(&format!("sessions/{name}.jsonl"), &text);
    }
    home.usage()
}

#[tokio::test]
async fn both_ends_of_a_range_belong_to_it() {
    let home = Home::new();
    let usage = two_days(&home);
    refresh(&usage).await;
    for (since, until, events) in [
        (None, Some("2025-12-01T10:00Z"), 1),
        (Some("2025-12-01T12:00Z"), None, 2),
        (Some("2025-12-01T10:00:01Z"), Some("2025-12-01T11:59"), 0),
    ] {
        let range = UsageRange::parse(since, until).expect("a range");
        let summary = usage.of_repo(&home.work(), range).await.expect("summary");
        assert_eq!(summary.events, events, "{since:?} {until:?}");
    }
}

#[tokio::test]
async fn a_hub_knows_whose_tokens_they_are_also_after_a_repository_is_gone() {
    let home = Home::new();
    let usage = two_days(&home);
    refresh(&usage).await;
    let hub = home.dir.path();
    let repos = |names: &[(&str, PathBuf)]| -> Vec<(String, PathBuf)> {
        names.iter().map(|(id, root)| ((*id).to_owned(), root.clone())).collect()
    };
    let both = repos(&[("work", home.work()), ("src", home.work().join("src"))]);
    let told = usage.of_hub(hub, &both, UsageRange::default()).await.expect("usage");
    let totals = |list: &[(String, UsageSummary)]| -> Vec<(String, u64)> {
        list.iter().map(|(id, summary)| (id.clone(), summary.totals.total_tokens)).collect()
    };
    assert_eq!(totals(&told.repos), [("work".to_owned(), 350), ("src".to_owned(), 15)]);
    assert_eq!((told.unmatched.totals.total_tokens, told.removed), (14, Vec::new()));

    let one = repos(&[("other", home.dir.path().join("other"))]);
    let told = usage.of_hub(hub, &one, UsageRange::default()).await.expect("usage");
    assert_eq!(totals(&told.repos), [("other".to_owned(), 0)]);
    assert_eq!(totals(&told.removed), [("src".to_owned(), 15), ("work".to_owned(), 350)]);
    assert_eq!(told.unmatched.totals.total_tokens, 14);

    let series = usage
        .hub_series(hub, &both, UsageRange::default(), UsageBucket::Week, UsageSegment::Repo)
        .await
        .expect("series");
    assert_eq!(
        serde_json::to_value(&series).expect("JSON"),
        json!({
            "bucket": "week", "segment": "repo", "buckets": ["2025-12-01", "2025-12-08"],
            "series": [
                {"key": "work", "model": "work", "token_type": null, "total": 350, "values": [350, 0]},
                {"key": "src", "model": "src", "token_type": null, "total": 15, "values": [0, 15]},
                {"key": "other", "model": null, "token_type": null, "total": 14, "values": [14, 0]},
            ],
        })
    );
}

#[tokio::test]
async fn a_series_has_no_gaps_and_its_largest_line_comes_first() {
    let home = Home::new();
    let usage = two_days(&home);
    refresh(&usage).await;
    let range = UsageRange::parse(None, Some("2025-12-02")).expect("a range");
    let series = |bucket, segment| usage.repo_series_of(&home, range, bucket, segment);
    let hours = series(UsageBucket::Hour, UsageSegment::None).await;
    assert_eq!(
        hours["buckets"],
        json!(["2025-12-01T10:00Z", "2025-12-01T11:00Z", "2025-12-01T12:00Z"])
    );
    assert_eq!(
        hours["series"],
        json!([{"key": "total", "model": null, "token_type": null, "total": 350, "values": [120, 0, 230]}])
    );
    let lines = |series: &Value| -> Vec<(String, Value)> {
        let lines = series["series"].as_array().expect("lines").iter();
        lines
            .map(|line| (line["key"].as_str().unwrap_or("").to_owned(), line["total"].clone()))
            .collect()
    };
    let types = series(UsageBucket::Day, UsageSegment::TokenType).await;
    let told = [("input", 300), ("cached", 90), ("output", 50), ("reasoning", 9)];
    assert_eq!(lines(&types), told.map(|(key, n)| (key.to_owned(), json!(n))));
    let parts = series(UsageBucket::Day, UsageSegment::ModelPart).await;
    let told = [
        ("large:uncached_input", 210),
        ("large:cached_input", 90),
        ("large:output", 41),
        ("large:reasoning", 9),
    ];
    assert_eq!(lines(&parts), told.map(|(key, n)| (key.to_owned(), json!(n))));
    let none = UsageRange::parse(Some("2030-01-01"), Some("2030-01-03")).expect("a range");
    let none = usage.repo_series(&home.work(), none, UsageBucket::Day, UsageSegment::None).await;
    let none = none.expect("series");
    assert_eq!(none.buckets, ["2030-01-01", "2030-01-02", "2030-01-03"]);
    assert_eq!(none.series, []);
    let long = UsageRange::parse(Some("1990-01-01"), Some("2030-01-03")).expect("a range");
    let long = usage.repo_series(&home.work(), long, UsageBucket::Hour, UsageSegment::None).await;
    assert!(long.expect_err("too long").hint().is_some());
}

impl TokenUsage {
    async fn repo_series_of(
        &self,
        home: &Home,
        range: UsageRange,
        bucket: UsageBucket,
        segment: UsageSegment,
    ) -> Value {
        let series = self.repo_series(&home.work(), range, bucket, segment).await.expect("series");
        serde_json::to_value(series).expect("JSON")
    }
}

#[tokio::test]
async fn a_run_used_what_its_thread_used_while_it_ran() {
    let home = Home::new();
    let usage = two_days(&home);
    refresh(&usage).await;
    let at = |text: &str| Timestamp::parse(text);
    let run = |n, thread: Option<&str>, from, to| RunSummary {
        thread_id: thread.map(str::to_owned),
        started_at: at(from),
        finished_at: at(to),
        ..RunSummary::new(n)
    };
    let runs = [
        run(1, Some("t1"), "2025-12-01T09:59:00Z", "2025-12-01T11:00:00Z"),
        run(2, Some("t1"), "2025-12-01T11:30:00Z", ""),
        run(3, None, "2025-12-01T11:30:00Z", ""),
    ];
    let told = usage.of_runs(&runs).await.expect("usage");
    let told: Vec<_> = told.iter().map(|g| (g.key.as_str(), g.totals.total_tokens)).collect();
    assert_eq!(told, [("1", 120), ("2", 230), ("3", 0)]);
    let days = usage.by_day(&home.repos(), UsageRange::default()).await.expect("days");
    let told: Vec<_> = days.iter().map(|g| (g.key.as_str(), g.totals.total_tokens)).collect();
    assert_eq!(told, [("2025-12-01", 350), ("2025-12-08", 15)]);
}
