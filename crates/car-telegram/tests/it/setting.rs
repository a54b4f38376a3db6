//! A repository, a Codex with a model of ours, a Bot API of ours, and the bot between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use car_engine::InitMode;
use car_telegram::BotOptions;
use car_testkit::codex::{self, CodexHome};
use car_testkit::model::{FakeModel, Script};
use car_testkit::repo::TempRepo;
use car_testkit::telegram::{FakeTelegram, Message, Person, Place, TOKEN, World};
use car_testkit::whisper::FakeWhisper;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The owner.
pub(crate) const ANNA: Person = Person { id: 7, name: "Anna" };
/// Somebody else.
pub(crate) const BEN: Person = Person { id: 8, name: "Ben" };
/// How long the bot may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A bot in a runtime of its own, which can be ended with everything in it.
struct Bot {
    runtime: Runtime,
    cancel: CancellationToken,
    running: JoinHandle<()>,
}

pub(crate) struct Setting {
    pub(crate) telegram: FakeTelegram,
    pub(crate) model: FakeModel,
    pub(crate) repo: TempRepo,
    /// Anna's chat with the bot.
    pub(crate) place: Place,
    home: CodexHome,
    servers: TempDir,
    /// Home directory of the bot.
    own_home: TempDir,
    bot: Option<Bot>,
    /// How long the parts of a message may be apart.
    pub(crate) gather: Duration,
}

impl Setting {
    /// Everything is there, and the bot runs.
    pub(crate) async fn new(script: impl Script) -> Self {
        let mut setting = Self::idle(script).await;
        setting.configure("");
        setting.start().await;
        setting
    }

    /// Everything is there, but the bot does not run.
    pub(crate) async fn idle(script: impl Script) -> Self {
        let telegram = FakeTelegram::start();
        let place = telegram.change(|world| world.add_private(ANNA.id));
        let model = FakeModel::start(script).await;
        let home = CodexHome::new(model.base_url());
        let servers = TempDir::with_prefix("car-run-").expect("a temporary directory");
        let own_home = TempDir::with_prefix("car-home-").expect("a temporary directory");
        let repo = TempRepo::new();
        car_engine::init(repo.path(), InitMode::Repo, false, false).await.expect("initialised");
        let setting = Self {
            telegram,
            model,
            repo,
            place,
            home,
            servers,
            own_home,
            bot: None,
            gather: Duration::from_millis(30),
        };
        setting.configure("");
        setting
    }

    /// Writes the configuration: Anna in her chat, and `more` below `telegram_bot`.
    pub(crate) fn configure(&self, more: &str) {
        self.configure_all(
            &format!(
                "  allowed_chat_ids: [7, -1001000000000, -50]\n  allowed_user_ids: [7]\n{more}"
            ),
            "",
        );
    }

    /// Writes the configuration: `bot` below `telegram_bot`, `rest` at the top.
    pub(crate) fn configure_all(&self, bot: &str, rest: &str) {
        let url = self.telegram.api_url();
        let text = format!(
            "version: 2\nmode: repo\ncodex:\n  binary: {}\ntelegram_bot:\n  enabled: true\n  api_url: {url}\n{bot}\n{rest}\n",
            codex::binary().display()
        );
        self.repo.write(".codex-autorunner/config.yml", &text);
        let env = format!(
            "CAR_TELEGRAM_BOT_TOKEN={TOKEN}\nCODEX_HOME={}\nNO_PROXY=127.0.0.1\nHOME={}\n",
            self.home.path().display(),
            self.own_home.path().display()
        );
        self.repo.write(".codex-autorunner/.env", &env);
    }

    /// Makes a hub of it, with these repositories.
    pub(crate) async fn make_hub(&self, names: &[&str]) {
        let config = self.repo.read(".codex-autorunner/config.yml");
        car_engine::init(self.root(), InitMode::Hub, false, true).await.expect("a hub");
        let config = config.replace("mode: repo", "mode: hub\nhub: {repos_root: .}");
        self.repo.write(".codex-autorunner/config.yml", &config);
        let env = self.repo.read(".codex-autorunner/.env");
        for name in names {
            let repo = self.root().join(name);
            self.repo.git(&["init", "--quiet", name]);
            car_engine::init(&repo, InitMode::Repo, false, false).await.expect("a repository");
            let binary = codex::binary();
            let own = format!("version: 2\nmode: repo\ncodex:\n  binary: {}\n", binary.display());
            self.repo.write(&format!("{name}/.codex-autorunner/config.yml"), &own);
            self.repo.write(&format!("{name}/.codex-autorunner/.env"), &env);
        }
    }

    /// Voice notes are written down by this service.
    pub(crate) fn configure_voice(&self, whisper: &FakeWhisper) {
        let url = whisper.base_url();
        let voice = format!(
            "voice:\n  enabled: true\n  provider: openai_whisper\n  providers:\n    openai_whisper:\n      base_url: {url}\n"
        );
        self.configure_all("  allowed_chat_ids: [7]\n  allowed_user_ids: [7]\n", &voice);
        self.add_env(&format!("OPENAI_API_KEY={}\n", FakeWhisper::KEY));
    }

    pub(crate) fn root(&self) -> &Path {
        self.repo.path()
    }

    pub(crate) fn options(&self) -> BotOptions {
        BotOptions {
            server_dir: Some(self.servers.path().to_path_buf()),
            gather: self.gather,
            is_free: true,
            ..BotOptions::new(self.root(), vec!["/bin/false".into()])
        }
    }

    /// Starts the bot.
    pub(crate) async fn start(&mut self) {
        let cancel = CancellationToken::new();
        let running = car_telegram::run(self.options(), cancel.clone());
        // A bot that cannot run is seen in the output of the test that waits for it.
        let running = async { running.await.expect("the bot runs") };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime for the bot");
        let running = runtime.spawn(running);
        self.bot = Some(Bot { runtime, cancel, running });
    }

    /// Ends the bot as a signal would.
    pub(crate) async fn stop(&mut self) {
        let Bot { runtime, cancel, running } = self.bot.take().expect("the bot runs");
        cancel.cancel();
        let ended = tokio::time::timeout(PATIENCE, running).await.expect("the bot ends");
        ended.expect("no panic");
        runtime.shutdown_background();
    }

    /// Ends the bot nearly as `kill -9` would: nothing is finished, nothing said. The fault run kills a process.
    pub(crate) async fn kill(&mut self) {
        let Bot { runtime, running, .. } = self.bot.take().expect("the bot runs");
        runtime.shutdown_background();
        let _ = running.await;
    }

    /// Anna says something.
    pub(crate) fn say(&self, text: &str) -> i64 {
        self.telegram.say(self.place, ANNA, text)
    }

    /// Waits until the bot says this in Anna's chat.
    #[track_caller]
    pub(crate) fn heard(&self, words: &str) -> impl Future<Output = Message> + use<'_> {
        self.heard_in(self.place, words)
    }

    /// Waits until the bot says this in a place.
    #[track_caller]
    pub(crate) fn heard_in(
        &self,
        place: Place,
        words: &str,
    ) -> impl Future<Output = Message> + use<'_> {
        let words = words.to_owned();
        let what = format!("{words:?}");
        self.until(&what, move |world| world.said(place, &words))
    }

    #[track_caller]
    pub(crate) fn until<'a, T, F: Fn(&World) -> Option<T>>(
        &'a self,
        what: &str,
        found: F,
    ) -> impl Future<Output = T> + use<'a, T, F> {
        self.telegram.until(what, found)
    }

    /// The texts of the bot in Anna's chat, without cards.
    pub(crate) fn answers(&self) -> Vec<String> {
        self.telegram.look(|world| {
            world.of_bot(self.place).into_iter().map(|message| message.text.clone()).collect()
        })
    }

    /// Pids of the Codex servers.
    fn server_pids(&self) -> Vec<i32> {
        let entries = fs::read_dir(self.servers.path()).expect("a directory").flatten();
        let pid = |dir: PathBuf| {
            let text = fs::read(dir.join("server.json")).ok()?;
            let server: serde_json::Value = serde_json::from_slice(&text).ok()?;
            i32::try_from(server["pid"].as_i64()?).ok()
        };
        entries.filter_map(|entry| pid(entry.path())).collect()
    }

    /// Ends Codex's server as `kill -9` would.
    pub(crate) fn kill_codex(&self) {
        for pid in self.server_pids() {
            let pid = nix::unistd::Pid::from_raw(pid);
            let _ = nix::sys::signal::killpg(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// Nothing was asked wrongly, of Telegram and of the model.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        self.telegram.assert_clean();
        self.model.assert_clean();
    }
}

impl Drop for Setting {
    /// The server would outlive the test, as it is meant to.
    fn drop(&mut self) {
        if let Some(bot) = self.bot.take() {
            bot.runtime.shutdown_background();
        }
        self.kill_codex();
    }
}

impl Setting {
    /// Waits until so many messages were given up.
    pub(crate) async fn until_given_up(&self, n: i64) {
        let root = self.root();
        let look = async {
            loop {
                let health = car_telegram::health(root, Duration::from_secs(5)).await;
                if health.expect("well").given_up >= n {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("messages are given up");
    }

    /// The last update came a week ago.
    pub(crate) async fn forget_when_updates_came(&self) {
        let path = self.root().join(".codex-autorunner/telegram.db");
        let store = car_store::BotStore::open(&path).await.expect("the database");
        let a_week_ago = car_engine::now().as_millis() - 7 * 24 * 3_600_000;
        store.set_value("offset_at", &a_week_ago.to_string()).await.expect("written");
        store.close().await;
    }

    /// A message of Anna that waits for somebody to say what becomes of it.
    pub(crate) async fn add_held_turn(&self, text: &str, client_id: &str) {
        let path = self.root().join(".codex-autorunner/telegram.db");
        let store = car_store::BotStore::open(&path).await.expect("the database");
        let place = car_store::Place { chat: self.place.chat, topic: self.place.topic };
        let work = serde_json::json!({ "prompt": { "text": text, "media": [], "quote": null } });
        let turn = car_store::NewTurn {
            place,
            user_id: ANNA.id,
            user_name: ANNA.name.to_owned(),
            reply_to: None,
            work: work.to_string(),
            is_held: true,
            client_id: client_id.to_owned(),
        };
        store.add_turn(&turn, &[], &[], car_engine::now()).await.expect("added");
        store.close().await;
    }

    /// What another program of CAR has.
    pub(crate) fn door(&self) -> car_engine::conversation::Conversations {
        let env = self.home.env().into_iter().map(|(name, value)| (name.into(), value)).collect();
        car_engine::conversation::Conversations::new(car_engine::conversation::CodexSetup {
            env,
            server_dir: Some(self.servers.path().to_path_buf()),
            ..car_engine::conversation::CodexSetup::new(codex::binary().display().to_string())
        })
    }
}

impl Setting {
    /// Adds to the root's environment.
    pub(crate) fn add_env(&self, more: &str) {
        let env = self.repo.read(".codex-autorunner/.env");
        self.repo.write(".codex-autorunner/.env", &format!("{env}{more}"));
    }
}
