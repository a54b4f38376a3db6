//! What is remembered of the stream, and for whom.

use car_domain::Timestamp;
use car_domain::run::{JournalEntry, RunEvent};
use car_domain::view::{Activity, RepoRow, StateView};

use super::*;
use crate::served::Served;

fn journal(repo: &str, bytes: usize) -> LiveEvent {
    let event = RunEvent::Message { text: "x".repeat(bytes) };
    let entries = vec![JournalEntry { seq: 1, at: Timestamp::from_millis(0), event }];
    LiveEvent::Journal { repo: repo.into(), run: 1, entries }
}

fn row(id: &str, todo_open: usize) -> LiveEvent {
    let state = StateView {
        activity: Activity::Idle,
        since: None,
        detail: None,
        until: None,
        stop_requested: false,
        runner_pid: None,
    };
    let row = RepoRow {
        id: id.into(),
        name: id.into(),
        branch: None,
        state,
        todo_done: 0,
        todo_open,
        next_item: None,
        last_run: None,
        worktree_of: None,
        tokens: Default::default(),
        pull_request: None,
    };
    LiveEvent::Row { row: Box::new(row) }
}

fn after(live: &Live, topics: &str, from: u64) -> Option<Vec<u64>> {
    let topics = Topics::parse(topics).expect("topics");
    let found = live.after(&topics, from, 1000);
    found.map(|(items, _)| items.iter().map(|item| item.number).collect())
}

#[test]
fn one_that_comes_back_gets_exactly_what_it_missed_of_its_topics() {
    let live = Live::default();
    for repo in ["a", "b", "a", "b"] {
        live.publish(&journal(repo, 1));
    }
    assert_eq!(after(&live, "repo:a", 2), Some(vec![3]));
    assert_eq!(after(&live, "repo:a,repo:b", 2), Some(vec![2, 3, 4]));
    assert_eq!(after(&live, "run:b/1", 1), Some(vec![2, 4]));
    assert_eq!(after(&live, "run:b/2", 1), Some(vec![]));
    assert_eq!(after(&live, "repo:a", 5), Some(vec![]));
    assert_eq!(after(&live, "repo:a", 6), None, "no number of ours");
}

#[test]
fn of_what_is_told_anew_only_the_last_word_is_kept_and_never_forgotten() {
    let live = Live::default();
    (1..=2000).for_each(|n| live.publish(&row("a", n)));
    live.publish(&row("b", 1));
    (0..9).for_each(|_| live.publish(&journal("b", 1 << 20)));
    assert_eq!(after(&live, "hub", 1), Some(vec![2000, 2001]));
}

#[test]
fn a_busy_repository_makes_only_its_own_followers_begin_anew() {
    let live = Live::default();
    live.publish(&journal("quiet", 1));
    (0..9).for_each(|_| live.publish(&journal("busy", 1 << 20)));
    assert_eq!(after(&live, "repo:busy", 2), None);
    assert_eq!(after(&live, "repo:busy", 9), Some(vec![9, 10]));
    assert_eq!(after(&live, "hub", 2), Some(vec![]));
    assert_eq!(after(&live, "repo:quiet", 2), Some(vec![]));
    assert_eq!(after(&live, "repo:quiet", 1), None, "its event was the oldest");
}

#[test]
fn what_is_gone_is_told_and_not_part_of_the_present() {
    let live = Live::default();
    live.publish(&row("a", 1));
    live.publish(&row("b", 1));
    live.publish(&LiveEvent::Gone { repo: "a".into() });
    assert_eq!(after(&live, "hub", 1), Some(vec![2, 3]));
    let present = live.present(&Topics::parse("hub").expect("topics"));
    let numbers: Vec<_> = present.items.iter().map(|item| item.number).collect();
    assert_eq!((numbers, present.from), (vec![2], 4));
}

/// A client that was told the present state of a repository.
async fn ready_client() -> (tempfile::TempDir, std::sync::Arc<Served>, LiveFeed) {
    let dir = tempfile::tempdir().expect("temp dir");
    let root = dir.path().join("r");
    std::fs::create_dir_all(root.join(".codex-autorunner/runs")).expect("dir");
    let config = root.join(".codex-autorunner/config.yml");
    std::fs::write(config, "version: 2\nmode: repo\n").expect("write");
    std::fs::write(root.join(".codex-autorunner/runs/run-1.jsonl"), "").expect("write");
    let served = Served::open(&root, Vec::new()).expect("valid");
    let topics = Topics::parse("repo:r,run:r/1").expect("topics");
    let mut feed = served.follow(topics, Some(4), None).await.expect("a client");
    until_ready(&mut feed).await;
    (dir, served, feed)
}

async fn until_ready(feed: &mut LiveFeed) {
    while !matches!(feed.next().await.expect("told"), Told::Ready { .. }) {}
}

#[tokio::test]
async fn a_slow_client_holds_nothing_back_and_is_told_to_begin_anew() {
    let (_dir, served, mut feed) = ready_client().await;
    (0..20).for_each(|_| served.live.publish(&journal("r", 1 << 20)));
    assert!(served.live.memory().bytes() <= 8 << 20);
    assert_eq!(feed.next().await.expect("told"), Told::Resync);
    until_ready(&mut feed).await;
    served.live.publish(&LiveEvent::Gone { repo: "r".into() });
    let told = feed.next().await.expect("told");
    assert!(matches!(told, Told::Event { name: "gone", .. }), "{told:?}");
}

#[tokio::test]
async fn entries_a_client_has_from_elsewhere_are_not_told_again() {
    let (_dir, served, mut feed) = ready_client().await;
    let entry = |seq| JournalEntry {
        seq,
        at: Timestamp::from_millis(0),
        event: RunEvent::Message { text: "x".into() },
    };
    for seqs in [1..=3, 4..=6, 7..=7] {
        let entries = seqs.map(entry).collect();
        served.live.publish(&LiveEvent::Journal { repo: "r".into(), run: 1, entries });
    }
    for expected in [vec![5, 6], vec![7]] {
        let Told::Event { json, .. } = feed.next().await.expect("told") else { panic!("an event") };
        let event: LiveEvent = serde_json::from_str(&json).expect("JSON");
        let LiveEvent::Journal { entries, .. } = event else { panic!("a journal") };
        assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), expected);
    }
}
