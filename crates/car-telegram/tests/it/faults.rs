//! Many turns in many topics while everything fails: Telegram asks for pauses and loses connections, the bot and Codex are
//! killed. Every message gets exactly one answer, and no approval is applied twice or in another repository.
//!
//! `CAR_FAULT_TURNS=1000 CAR_FAULT_TOPICS=20` runs it in full, with `cargo test`: nextest ends what takes so long. Without them it
//! is a small one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use car_engine::InitMode;
use car_store::BotStore;
use car_telegram::BotOptions;
use car_testkit::codex::{self, CodexHome};
use car_testkit::model::{FakeModel, Request, Turn};
use car_testkit::telegram::{FakeTelegram, Message, Place, TOKEN};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::setting::ANNA;

const ROOT: &str = "CAR_TEST_BOT_ROOT";
const SERVERS: &str = "CAR_TEST_BOT_SERVERS";
const CHAT: i64 = -1_001_000_000_000;
const REPOS: usize = 4;
/// How long one message may wait for its answer, with everything that goes wrong meanwhile.
const PATIENCE: Duration = Duration::from_secs(240);

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// The bot alone in a process, so that it can be killed. It is no test of its own.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the fault run starts it as a process"]
async fn bot_process() {
    let root = std::env::var_os(ROOT).expect("started by the fault run");
    let options = BotOptions {
        server_dir: std::env::var_os(SERVERS).map(PathBuf::from),
        gather: Duration::from_millis(10),
        is_free: true,
        ..BotOptions::new(root, vec!["/bin/false".into()])
    };
    car_telegram::run(options, CancellationToken::new()).await.expect("the bot runs");
}

struct World {
    telegram: FakeTelegram,
    hub: TempDir,
    servers: TempDir,
    /// Keeps Codex's home.
    _home: CodexHome,
}

impl World {
    async fn new(model: &FakeModel, topics: &[i64]) -> Self {
        let telegram = FakeTelegram::start();
        telegram.change(|world| world.add_forum(CHAT, topics));
        let home = CodexHome::new(model.base_url());
        let hub = TempDir::with_prefix("car-hub-").expect("a directory");
        let servers = TempDir::with_prefix("car-run-").expect("a directory");
        car_engine::init(hub.path(), InitMode::Hub, false, false).await.expect("a hub");
        let config = format!(
            "version: 2\nmode: hub\nhub:\n  repos_root: .\ncodex:\n  binary: {}\ntelegram_bot:\n  enabled: true\n  api_url: {}\n  allowed_chat_ids: [{CHAT}]\n  allowed_user_ids: [{}]\n  while_busy: queue\n  concurrency: {{max_parallel_turns: 4}}\n",
            codex::binary().display(),
            telegram.api_url(),
            ANNA.id,
        );
        let env = format!(
            "CAR_TELEGRAM_BOT_TOKEN={TOKEN}\nCODEX_HOME={}\nNO_PROXY=127.0.0.1\nHOME={}\n",
            home.path().display(),
            hub.path().display()
        );
        write(&hub.path().join(".codex-autorunner/config.yml"), &config);
        write(&hub.path().join(".codex-autorunner/.env"), &env);
        for n in 0..REPOS {
            let repo = hub.path().join(format!("repo{n}"));
            fs::create_dir(&repo).expect("a directory");
            car_engine::init(&repo, InitMode::Repo, true, false).await.expect("a repository");
            let config = format!(
                "version: 2\nmode: repo\ncodex:\n  binary: {}\n",
                codex::binary().display()
            );
            write(&repo.join(".codex-autorunner/config.yml"), &config);
            write(&repo.join(".codex-autorunner/.env"), &env);
        }
        Self { telegram, hub, servers, _home: home }
    }

    fn start_bot(&self) -> Child {
        Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "faults::bot_process", "--ignored", "--nocapture"])
            .env(ROOT, self.hub.path())
            .env(SERVERS, self.servers.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the bot starts")
    }

    /// Waits until no message waits to be sent and no turn is open.
    async fn until_quiet(&self) {
        let path = self.hub.path().join(".codex-autorunner/telegram.db");
        let store = BotStore::open(&path).await.expect("the database");
        loop {
            let (waiting, _) = store.outbox_counts().await.expect("counted");
            if waiting == 0 && store.open_turns().await.expect("listed").is_empty() {
                return store.close().await;
            }
            tokio::task::yield_now().await;
        }
    }

    fn kill_codex(&self) {
        for entry in fs::read_dir(self.servers.path()).expect("a directory").flatten() {
            let Ok(text) = fs::read(entry.path().join("server.json")) else { continue };
            let server: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            let pid = server["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            if let Some(pid) = pid {
                let pid = nix::unistd::Pid::from_raw(pid);
                let _ = nix::sys::signal::killpg(pid, nix::sys::signal::Signal::SIGKILL);
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill_codex();
    }
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
}

/// The last word of a text: what the message is called.
fn script(request: &Request) -> Turn {
    let name = request.user_text.split_whitespace().next_back().unwrap_or_default().to_owned();
    if request.user_text.starts_with("allow") {
        let command = format!("echo {name} >> approvals.txt");
        return Turn::new().escalated(command, "To leave a mark").message(format!("Heard {name}."));
    }
    Turn::new().message(format!("Heard {name}."))
}

#[expect(clippy::print_stdout, reason = "figures of the run for whoever runs it in full")]
fn tell(figures: &str) {
    println!("{figures}");
}

/// Whether a message is the end of what was asked.
fn is_answer(message: &Message) -> bool {
    ["Heard ", "⏹ Stopped", "⚠ Codex failed"].iter().any(|begin| message.text.starts_with(begin))
}

/// One person in one topic: says one thing after the other, allows what is asked, waits for each answer.
async fn talk(world: Arc<World>, topic: i64, turns: usize, done: Arc<AtomicUsize>) -> Vec<i64> {
    let place = Place { chat: CHAT, topic };
    let repo = usize::try_from(topic).expect("a number") % REPOS;
    world.telegram.say(place, ANNA, &format!("/bind repo{repo}"));
    let bound = world.telegram.until("a binding", |world| world.said(place, "Bound to"));
    tokio::time::timeout(PATIENCE, bound).await.expect("bound in time");
    let mut ids = Vec::new();
    for n in 0..turns {
        let verb = if n % 3 == 0 { "allow" } else { "say" };
        let id = world.telegram.say(place, ANNA, &format!("{verb} {topic}-{n}"));
        ids.push(id);
        let mut pressed = Vec::new();
        let answered = async {
            loop {
                // Either the answer, or something to allow that was not pressed yet.
                let next = world.telegram.until("an answer", |world| {
                    let all = world.of_bot(place);
                    if all.iter().any(|m| m.reply_to == Some(id) && is_answer(m)) {
                        return Some(None);
                    }
                    let open =
                        |m: &&&Message| m.button("Allow").is_some() && !pressed.contains(&m.id);
                    all.iter().find(open).map(|m| Some((*m).clone()))
                });
                match next.await {
                    None => return,
                    Some(request) => {
                        pressed.push(request.id);
                        let data = request.button("Allow").expect("a button").to_owned();
                        // Twice, as an impatient finger does.
                        world.telegram.press_data(&request, ANNA, &data);
                        world.telegram.press_data(&request, ANNA, &data);
                    }
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, answered).await;
        assert!(in_time.is_ok(), "{verb} {topic}-{n}: no answer\n{}", world.telegram.transcript());
        done.fetch_add(1, Ordering::Relaxed);
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_gets_one_answer_whatever_is_killed_and_lost() {
    let (turns, topics) = (number("CAR_FAULT_TURNS", 40), number("CAR_FAULT_TOPICS", 5));
    let each = turns.div_ceil(topics);
    let topics: Vec<i64> = (0..topics).map(|n| 100 + i64::try_from(n).expect("a number")).collect();
    let model = FakeModel::start(script).await;
    let world = Arc::new(World::new(&model, &topics).await);
    let mut bot = world.start_bot();
    world.telegram.change(|world| world.set_weather(42, [20, 15, 15]));
    let done = Arc::new(AtomicUsize::new(0));
    let talks: Vec<_> = topics
        .iter()
        .map(|topic| tokio::spawn(talk(Arc::clone(&world), *topic, each, Arc::clone(&done))))
        .collect();

    let all = each * topics.len();
    let (mut bot_kills, mut codex_kills) = (0, 0);
    let mut answered = BTreeMap::new();
    let gathered = async {
        let mut gathered = Vec::new();
        for (topic, talk) in topics.iter().zip(talks) {
            gathered.push((*topic, talk.await.expect("every message is answered")));
        }
        gathered
    };
    tokio::pin!(gathered);
    let (step, codex_step) = ((all / 40).max(5), (all / 12).max(7));
    let begun = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let gathered = loop {
        tokio::select! {
            gathered = &mut gathered => break gathered,
            _ = tick.tick() => {
                let n = done.load(Ordering::Relaxed);
                if n / step > bot_kills {
                    bot_kills = n / step;
                    bot.kill().expect("killed");
                    bot.wait().expect("gone");
                    bot = world.start_bot();
                }
                if n / codex_step > codex_kills {
                    codex_kills = n / codex_step;
                    world.kill_codex();
                }
            }
        }
    };
    assert!(bot_kills > 0 && codex_kills > 0, "something was killed");
    world.telegram.change(|world| world.set_weather(1, [0, 0, 0]));
    // Whatever might still come twice has come when nothing is left to be done.
    tokio::time::timeout(PATIENCE, world.until_quiet()).await.expect("everything is sent");
    bot.kill().expect("killed");
    bot.wait().expect("gone");

    let mut failures: BTreeMap<String, usize> = BTreeMap::new();
    for (topic, ids) in gathered {
        let place = Place { chat: CHAT, topic };
        for id in ids {
            let answers: Vec<String> = world.telegram.look(|world| {
                let all = world.of_bot(place).into_iter();
                all.filter(|m| m.reply_to == Some(id) && is_answer(m))
                    .map(|m| m.text.clone())
                    .collect()
            });
            assert_eq!(answers.len(), 1, "message {id} of topic {topic}: {answers:?}");
            *answered.entry(answers[0].chars().next().expect("a text")).or_insert(0) += 1;
            if !answers[0].starts_with("Heard ") {
                let why = answers[0].split("\n\n").next().unwrap_or_default().to_owned();
                *failures.entry(why).or_default() += 1;
            }
        }
    }
    let mut n_approvals = 0;
    for n in 0..REPOS {
        let path = world.hub.path().join(format!("repo{n}/approvals.txt"));
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut marks: Vec<&str> = text.lines().collect();
        for mark in &marks {
            let topic: usize = mark.split('-').next().expect("a topic").parse().expect("a number");
            assert_eq!(topic % REPOS, n, "{mark} was allowed in another repository");
        }
        let n_marks = marks.len();
        n_approvals += n_marks;
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), n_marks, "an approval was applied twice");
    }
    let (faults, took) = (world.telegram.look(|world| world.n_faults), begun.elapsed());
    tell(&format!(
        "{all} turns in {} topics in {took:.0?}: killed the bot {bot_kills} and Codex {codex_kills} times; 429, cut before, cut after: \
         {faults:?}; answers by their beginning: {answered:?}; approvals: {n_approvals}; what went wrong: {failures:#?}",
        topics.len()
    ));
    let heard = answered.get(&'H').copied().unwrap_or(0);
    assert!(heard * 10 >= all * 7, "most turns end well: {answered:?}");
    world.telegram.assert_clean();
}
