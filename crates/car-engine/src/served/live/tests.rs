//! What is remembered of the stream, and for whom.

use car_domain::Timestamp;
use car_domain::run::{JournalEntry, RunEvent};
use car_domain::view::{Activity, RepoRow, StateView};

use super::*;

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
