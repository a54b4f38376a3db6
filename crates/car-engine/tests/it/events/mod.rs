//! The event stream of a hub: whatever happens to its files and to the connection, what a client knows in the end is what is
//! true, and it was told everything once.

mod client;
mod hub;

use std::time::Duration;

use car_domain::docs::DocKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use client::Client;
use hub::TestHub;

/// Nothing happens for so long only when nothing more will.
const PATIENCE: Duration = Duration::from_secs(20);

/// What happens.
#[derive(Clone, Debug)]
enum Op {
    /// A repository comes, as a whole or step by step.
    Add { repo: usize, at_once: bool },
    /// A repository goes.
    Remove { repo: usize, at_once: bool },
    /// A run begins.
    Run { repo: usize },
    /// A run says something.
    Say { repo: usize, entries: u64, torn: bool },
    /// A document is written in place, by replacing its file, or by CAR.
    Write { repo: usize, kind: usize, text: u8, how: u8 },
    /// The client hears something, if there is something.
    Hear { events: usize },
    /// The client hears until everything it follows is true.
    Settle,
    /// The connection is lost; the client comes back, or another one begins.
    Cut { comes_back: bool },
}

fn op() -> impl Strategy<Value = Op> {
    let repo = 0..3_usize;
    prop_oneof![
        2 => (repo.clone(), any::<bool>()).prop_map(|(repo, at_once)| Op::Add { repo, at_once }),
        1 => (repo.clone(), any::<bool>()).prop_map(|(repo, at_once)| Op::Remove { repo, at_once }),
        2 => repo.clone().prop_map(|repo| Op::Run { repo }),
        6 => (repo.clone(), 1..60_u64, any::<bool>())
            .prop_map(|(repo, entries, torn)| Op::Say { repo, entries, torn }),
        4 => (repo, 0..6_usize, 0..4_u8, 0..3_u8)
            .prop_map(|(repo, kind, text, how)| Op::Write { repo, kind, text, how }),
        5 => (0..12_usize).prop_map(|events| Op::Hear { events }),
        3 => Just(Op::Settle),
        3 => any::<bool>().prop_map(|comes_back| Op::Cut { comes_back }),
    ]
}

#[test]
fn a_client_knows_in_the_end_what_is_true_and_hears_everything_once() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let cases = std::env::var("CAR_EVENT_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let config =
        Config { cases, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let ops = prop::collection::vec(op(), 1..40);
    let mut runner = TestRunner::new(config);
    let result = runner.run(&ops, |ops| runtime.block_on(play(ops)).map_err(TestCaseError::fail));
    result.expect("told once and truly");
}

#[tokio::test]
async fn a_repository_that_goes_before_it_is_watched_is_told_to_be_gone() {
    let mut hub = TestHub::unwatched();
    hub.add(0, true);
    let mut client = Client::connect(&hub.served, None).await.expect("a client");
    settle(&mut client, &hub).await.expect("told");
    assert!(client.rows.contains_key("a"));
    hub.remove(0, true);
    hub.watch();
    settle(&mut client, &hub).await.expect("told");
}

#[tokio::test]
async fn a_repository_that_took_the_place_of_another_one_is_told_from_its_beginning() {
    let mut hub = TestHub::open();
    hub.add(0, true);
    hub.say(0, 3, false);
    let mut client = Client::connect(&hub.served, None).await.expect("a client");
    settle(&mut client, &hub).await.expect("told");
    hub.remove(0, true);
    hub.add(0, true);
    settle(&mut client, &hub).await.expect("told");
    hub.say(0, 9, false);
    settle(&mut client, &hub).await.expect("told");
}

async fn play(ops: Vec<Op>) -> Result<(), String> {
    let mut hub = TestHub::open();
    hub.add(0, true);
    let mut client = Client::connect(&hub.served, None).await?;
    for op in ops {
        match op {
            Op::Add { repo, at_once } => hub.add(repo, at_once),
            Op::Remove { repo, at_once } => hub.remove(repo, at_once),
            Op::Run { repo } => hub.begin_run(repo),
            Op::Say { repo, entries, torn } => hub.say(repo, entries, torn),
            Op::Write { repo, kind, text, how } => {
                hub.write(repo, DocKind::ALL[kind], &format!("- [ ] {text}\n"), how);
            }
            Op::Hear { events } => client.hear_at_most(events).await?,
            Op::Settle => settle(&mut client, &hub).await?,
            Op::Cut { comes_back } => {
                let old = comes_back.then_some(client);
                client = Client::connect(&hub.served, old).await?;
            }
        }
    }
    // The list of repositories first: only what is known can be followed.
    let ids = hub.ids();
    while client.rows.keys().ne(&ids) {
        let heard = tokio::time::timeout(PATIENCE, client.hear()).await;
        heard.map_err(|_| format!("it knows {:?} instead of {ids:?}", client.rows.keys()))??;
    }
    let mut client = Client::connect(&hub.served, Some(client)).await?;
    settle(&mut client, &hub).await?;
    let all = ids.iter().all(|id| client.follows(id));
    if all { Ok(()) } else { Err("a repository is not followed".to_owned()) }
}

/// Hears until what the client knows is true.
async fn settle(client: &mut Client, hub: &TestHub) -> Result<(), String> {
    while let Some(difference) = client.difference(&hub.truth().await) {
        match tokio::time::timeout(PATIENCE, client.hear()).await {
            Ok(heard) => heard?,
            Err(_) => return Err(format!("it was never told: {difference}")),
        }
    }
    Ok(())
}
