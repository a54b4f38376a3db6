//! The same request twice is done once: whoever repeats it with the same key gets the same answer.
//!
//! An answer is kept for a day in the database of the served root, so a restart in between changes nothing. Two requests with
//! one key at the same time are done one after the other, the second from memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use car_domain::Timestamp;
use car_store::{AnswerRow, Answers as Store, Hash};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as Turn, OnceCell, OwnedMutexGuard};

use crate::config::CAR_DIR;
use crate::{EngineError, now};

/// How long an answer is given again.
pub const ANSWER_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// Longest body of an answer that is kept, in bytes.
pub const MAX_KEPT_BODY: usize = 1 << 20;

/// An answer as it is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// Names and values of its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// What is known about a request with a key.
pub enum Known {
    /// Nothing; this request is the one that does it.
    New(Claim),
    /// It was done.
    Done(KeptAnswer),
    /// The key was used for something else.
    Other,
}

/// The right to do what a key stands for. While it lives, everybody else with the key waits.
pub struct Claim {
    key: Hash,
    request: Hash,
    _turn: OwnedMutexGuard<()>,
}

/// The answers of a served root.
pub struct Answers {
    path: PathBuf,
    store: OnceCell<Store>,
    turns: Mutex<HashMap<Hash, Arc<Turn<()>>>>,
}

impl Answers {
    /// Those of the root `root`. Nothing is opened before the first key comes.
    pub fn of(root: &Path) -> Self {
        Self {
            path: root.join(CAR_DIR).join("car.db"),
            store: OnceCell::new(),
            turns: Mutex::default(),
        }
    }

    /// What is known about the key `key` of `caller`, who asks for `request` (everything that makes it what it is).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look(
        &self,
        caller: &str,
        key: &str,
        request: &[&[u8]],
    ) -> Result<Known, EngineError> {
        let (key, request) = (hash(&[caller.as_bytes(), key.as_bytes()]), hash(request));
        let turn = self.turn(key).lock_owned().await;
        let found = self.store().await?.get(&key, oldest()).await?;
        Ok(match found {
            None => Known::New(Claim { key, request, _turn: turn }),
            Some(row) if row.request != request => Known::Other,
            Some(row) => Known::Done(KeptAnswer {
                status: row.status,
                headers: serde_json::from_str(&row.headers).unwrap_or_default(),
                body: row.body,
            }),
        })
    }

    /// Keeps the answer to what was claimed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep(&self, claim: Claim, answer: KeptAnswer) -> Result<(), EngineError> {
        let row = AnswerRow {
            request: claim.request,
            status: answer.status,
            headers: serde_json::to_string(&answer.headers).unwrap_or_default(),
            body: answer.body,
        };
        Ok(self.store().await?.keep(&claim.key, &row, now(), oldest()).await?)
    }

    fn turn(&self, key: Hash) -> Arc<Turn<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Those nobody holds or waits for have done their service.
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(key).or_default().clone()
    }

    async fn store(&self) -> Result<&Store, EngineError> {
        Ok(self.store.get_or_try_init(|| Store::open(&self.path)).await?)
    }
}

fn oldest() -> Timestamp {
    let lifetime = i64::try_from(ANSWER_LIFETIME.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now().as_millis() - lifetime)
}

/// A hash in which the parts cannot run into each other.
fn hash(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> KeptAnswer {
        let headers = vec![("content-type".into(), "application/json".into())];
        KeptAnswer { status: 200, headers, body: b"{}".to_vec() }
    }

    #[tokio::test]
    async fn who_comes_second_with_a_key_waits_and_gets_the_first_ones_answer() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join(CAR_DIR)).expect("made");
        let answers = Arc::new(Answers::of(dir.path()));
        let look = |caller: &'static str, request: &'static [u8]| {
            let answers = answers.clone();
            async move { answers.look(caller, "k", &[request]).await.expect("asked") }
        };
        let Known::New(claim) = look("token", b"start").await else { panic!("the first one") };
        let second = tokio::spawn(look("token", b"start"));
        let Known::New(_) = look("phone", b"start").await else { panic!("another caller's key") };
        assert!(!second.is_finished(), "it waits");
        answers.keep(claim, answer()).await.expect("kept");
        let Known::Done(given) = second.await.expect("no panic") else { panic!("it was done") };
        assert_eq!(given, answer());
        assert!(matches!(look("token", b"stop").await, Known::Other));
    }

    #[tokio::test]
    async fn what_failed_in_the_middle_can_be_tried_again() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join(CAR_DIR)).expect("made");
        let answers = Answers::of(dir.path());
        for _ in 0..2 {
            let known = answers.look("token", "k", &[b"start"]).await.expect("asked");
            assert!(matches!(known, Known::New(_)));
        }
    }
}
