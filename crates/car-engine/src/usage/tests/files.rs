//! Files that grow, shrink, move and vanish; readers that are interrupted.

use std::fs::OpenOptions;
use std::io::Write;

use super::*;

const FILE: &str = "sessions/2025/12/01/rollout-2025-12-01T09-00-00-t1.jsonl";

fn call(n: u64) -> String {
    count(AT, Some([n * 10, 0, 0, 0]), Some([10, 0, 0, 0]))
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).open(path).expect("open");
    file.write_all(text.as_bytes()).expect("appended");
}

#[tokio::test]
async fn a_line_that_is_being_written_counts_when_it_is_whole() {
    let home = Home::new();
    let (whole, torn) = (meta("t1", &home.work()) + &call(1), call(2));
    home.write(FILE, &(whole + &torn[..torn.len() / 2]));
    assert_eq!(home.total().await, 10);
    assert_eq!(home.total().await, 10);
    append(&home.file(FILE), &torn[torn.len() / 2..torn.len() - 1]);
    assert_eq!(home.total().await, 10);
    append(&home.file(FILE), "\n");
    assert_eq!(home.total().await, 20);
}

#[tokio::test]
async fn a_resumed_thread_goes_on_in_its_old_file() {
    let home = Home::new();
    home.write(FILE, &(meta("t1", &home.work()) + &turn("small", &home.work()) + &call(1)));
    assert_eq!(home.total().await, 10);
    append(&home.file(FILE), &(meta("t1", &home.work()) + &turn("large", &home.work()) + &call(2)));
    let usage = home.usage();
    refresh(&usage).await;
    let models = usage.by_model(&home.repos(), UsageRange::default()).await.expect("models");
    let told: Vec<_> = models.iter().map(|m| (m.key.as_str(), m.totals.total_tokens)).collect();
    assert_eq!(told, [("large", 10), ("small", 10)]);
}

#[tokio::test]
async fn an_archived_thread_counts_once_wherever_it_is() {
    let home = Home::new();
    home.write(FILE, &(meta("t1", &home.work()) + &call(1)));
    assert_eq!(home.total().await, 10);
    let archived = "archived_sessions/rollout-2025-12-01T09-00-00-t1.jsonl";
    home.write(archived, &fs::read_to_string(home.file(FILE)).expect("read"));
    assert_eq!(home.total().await, 10, "while both are there");
    append(&home.file(archived), &call(2));
    assert_eq!(home.total().await, 20, "the longer one counts");
    fs::remove_file(home.file(FILE)).expect("removed");
    assert_eq!(home.total().await, 20);
    fs::remove_file(home.file(archived)).expect("removed");
    assert_eq!(home.total().await, 0, "the index says what the files say");
}

#[tokio::test]
async fn a_file_that_shrank_or_was_replaced_is_read_anew() {
    let home = Home::new();
    let meta_line = meta("t1", &home.work());
    home.write(FILE, &(meta_line.clone() + &call(1) + &call(2)));
    assert_eq!(home.total().await, 20);
    home.write(FILE, &(meta_line + &call(1)));
    assert_eq!(home.total().await, 10);
    let other = meta("t9", &home.work()) + &call(1) + &call(2) + &call(3);
    home.write(FILE, &other);
    assert_eq!(home.total().await, 30);
    home.write(FILE, "");
    assert_eq!(home.total().await, 0);
}

#[tokio::test]
async fn an_interrupted_reading_keeps_what_it_has_and_goes_on() {
    let home = Home::new();
    for n in 0..1000 {
        let thread = format!("t{n}");
        home.write(&format!("sessions/{n:04}.jsonl"), &(meta(&thread, &home.work()) + &call(1)));
    }
    let usage = home.usage();
    let (progress, mut seen) = watch::channel(UsageProgress::default());
    let cancel = CancellationToken::new();
    let stop = async {
        // Only some batches wait for the database, so the reader cannot be done before this is seen.
        seen.wait_for(|progress| progress.files_done > 100).await.expect("it reads");
        cancel.cancel();
    };
    let (done, ()) = tokio::join!(usage.refresh(true, &progress, &cancel), stop);
    assert_eq!(done.expect("no error"), Refreshed::Cancelled);
    refresh(&usage).await;
    let all = usage.of_repo(&home.work(), UsageRange::default()).await.expect("summary");
    assert_eq!((all.events, all.totals.total_tokens), (1000, 10_000));
    assert_eq!(progress.borrow().files, 1000);
}

#[tokio::test]
async fn one_process_reads_and_others_are_told() {
    let home = Home::new();
    home.write(FILE, &(meta("t1", &home.work()) + &call(1)));
    let (first, second) = (home.usage(), home.usage());
    fs::create_dir_all(home.dir.path().join("cache")).expect("dir");
    let held = super::super::refresh::lock(&first.path().with_extension("lock"), false)
        .await
        .expect("lock")
        .expect("free");
    let (progress, _) = watch::channel(UsageProgress::default());
    let busy = second.refresh(false, &progress, &CancellationToken::new()).await;
    assert_eq!(busy.expect("no error"), Refreshed::Busy);
    let nothing = second.of_repo(&home.work(), UsageRange::default()).await.expect("summary");
    assert_eq!(nothing.events, 0);
    drop(held);
    refresh(&second).await;
    refresh(&first).await;
    let all = first.of_repo(&home.work(), UsageRange::default()).await.expect("summary");
    assert_eq!(all.events, 1);
}

#[tokio::test]
async fn the_index_can_be_deleted_and_a_damaged_one_says_so() {
    let home = Home::new();
    home.write(FILE, &(meta("t1", &home.work()) + &call(1)));
    assert_eq!(home.total().await, 10);
    fs::remove_dir_all(home.dir.path().join("cache")).expect("removed");
    assert_eq!(home.total().await, 10);
    let usage = home.usage();
    fs::write(usage.path(), "my notes ".repeat(1000)).expect("written");
    let (progress, _) = watch::channel(UsageProgress::default());
    let error =
        usage.refresh(true, &progress, &CancellationToken::new()).await.expect_err("damaged");
    assert!(error.hint().expect("a hint").contains("made anew from the session files"), "{error}");
}

#[tokio::test]
async fn a_home_without_sessions_used_nothing() {
    assert_eq!(Home::new().summary().await, UsageSummary::default());
}
