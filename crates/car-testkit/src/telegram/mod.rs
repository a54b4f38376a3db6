//! Telegram's Bot API on loopback, with the people on the other side of it.
//!
//! The fake keeps chats, topics and messages as Telegram does: message numbers grow per supergroup and for all other chats
//! together, a bot can edit only its own messages, an edit that changes nothing is an error, lengths count in UTF-16 after
//! the entities are parsed. Requests it does not understand are violations. Tests say what people do ([`FakeTelegram::say`],
//! [`FakeTelegram::press`]) and wait for what the bot does ([`FakeTelegram::until`]).

mod html;
mod methods;
mod people;
mod updates;
mod world;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

pub use people::{Person, Photo};
pub use world::{Chat, Fault, Message, Place, World};

/// How long [`FakeTelegram::until`] waits before it gives up on the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bot's token. It has the shape of a real one.
pub const TOKEN: &str = "1234567890:AAtestTESTtestTESTtestTESTtestTEST_-x";
/// The bot's user id.
pub const BOT_ID: i64 = 1_234_567_890;
/// The bot's user name.
pub const BOT_NAME: &str = "car_test_bot";

pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) changed: watch::Sender<()>,
}

impl Shared {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("the fake Bot API panicked")
    }

    /// Changes the world and wakes whoever waits for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world());
        self.changed.send_replace(());
        result
    }
}

/// The Bot API; it stops when dropped.
pub struct FakeTelegram {
    address: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for FakeTelegram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeTelegram").field("address", &self.address).finish_non_exhaustive()
    }
}

impl FakeTelegram {
    /// Starts it with no chats. Blocks until it listens.
    ///
    /// # Panics
    ///
    /// When no loopback port can be bound.
    #[must_use]
    pub fn start() -> Self {
        let shared = Arc::new(Shared { world: Mutex::default(), changed: watch::Sender::new(()) });
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let (bound, address) = std::sync::mpsc::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime for the Bot API");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
                bound.send(listener.local_addr().expect("an address")).expect("somebody waits");
                let router = Router::new().fallback(methods::receive).with_state(served);
                tokio::select! {
                    ended = axum::serve(listener, router) => ended.expect("served until stopped"),
                    _ = stopped => {}
                }
            });
        });
        let address = format!("http://{}", address.recv().expect("the Bot API starts"));
        Self { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address.
    #[must_use]
    pub fn api_url(&self) -> &str {
        &self.address
    }

    /// Looks at the world.
    pub fn look<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.shared.world())
    }

    /// Changes the world behind the bot's back.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.shared.change(change)
    }

    /// Waits until `found` finds something.
    ///
    /// # Panics
    ///
    /// When that takes longer than 90 seconds; the message shows every chat.
    #[track_caller]
    pub fn until<'a, T, F: Fn(&World) -> Option<T>>(
        &'a self,
        what: &str,
        found: F,
    ) -> impl Future<Output = T> + use<'a, T, F> {
        let (caller, what) = (std::panic::Location::caller(), what.to_owned());
        let mut changes = self.shared.changed.subscribe();
        async move {
            let waiting = async {
                loop {
                    changes.borrow_and_update();
                    if let Some(found) = found(&self.shared.world()) {
                        return found;
                    }
                    changes.changed().await.expect("the Bot API runs");
                }
            };
            match tokio::time::timeout(PATIENCE, waiting).await {
                Ok(found) => found,
                Err(_) => panic!("{caller}: no {what}; the chats:\n{}", self.transcript()),
            }
        }
    }

    /// Everything that is in the chats, for people.
    #[must_use]
    pub fn transcript(&self) -> String {
        self.shared.world().transcript()
    }

    /// Asserts that nothing was asked wrongly so far.
    ///
    /// # Panics
    ///
    /// When something was; the message lists it.
    #[track_caller]
    pub fn assert_clean(&self) {
        let violations = self.shared.world().violations.clone();
        assert!(violations.is_empty(), "asked wrongly:\n{}", violations.join("\n"));
    }
}

impl Drop for FakeTelegram {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}
