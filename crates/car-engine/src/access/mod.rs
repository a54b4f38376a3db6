//! Who may use the server of a root.
//!
//! Scripts know the root's secret. Browsers have a session of their own, got for a pairing code that works once, or for the
//! secret. The secret lies in a file only its owner can read, or in a variable; of everything else only hashes are kept.
//! What is valid is always let in: refusals are slowed down, so nobody can lock the owner out by guessing.

mod code;
mod secret;
mod throttle;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use car_domain::access::{AuditEntry, Device};
use car_store::{Access as Store, Hash};
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, broadcast};

use crate::config::{CAR_DIR, Config, RootEnv};
use crate::{EngineError, ErrorKind, now};
use secret::Secret;
use throttle::Throttle;

pub use code::{CODE_LIFETIME, PairingCode};

/// A session nobody uses for so long is over.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
/// How exactly the last use of a device is noted.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// Streams that can wait to hear that their device was removed; each holds one place.
const REVOCATIONS: usize = 64;

/// Where a request comes from, for the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: Option<String>,
    /// What its browser says about itself.
    pub user_agent: String,
}

/// A new session; its secret is told once.
#[derive(Clone)]
pub struct NewSession {
    /// The device.
    pub device: Device,
    /// The secret of the session, for the browser's cookie.
    pub token: String,
}

/// The access to a root's server.
pub struct Access {
    secret: Secret,
    path: std::path::PathBuf,
    store: OnceCell<Store>,
    throttle: Throttle,
    revoked: broadcast::Sender<String>,
}

impl Access {
    /// Reads the secret of `root`, or makes one.
    ///
    /// # Errors
    /// When a variable is configured for it and not set, or the file cannot be read or made.
    pub fn open(root: &Path, config: &Config, env: &RootEnv) -> Result<Self, EngineError> {
        Ok(Self {
            secret: Secret::of_root(root, &config.server.auth_token_env, env)?,
            path: root.join(CAR_DIR).join("car.db"),
            store: OnceCell::new(),
            throttle: Throttle::default(),
            revoked: broadcast::channel(REVOCATIONS).0,
        })
    }

    /// A name for this root's cookie. Browsers share cookies between the ports of a machine, so two servers need two names.
    ///
    /// Over TLS it has a prefix that makes browsers refuse one which was planted over an unencrypted connection or, at the root
    /// of a host, by a neighbour domain.
    pub fn cookie_name(&self, base_path: &str, is_secure: bool) -> String {
        let prefix = match (is_secure, base_path) {
            (false, _) => "",
            (true, "") => "__Host-",
            (true, _) => "__Secure-",
        };
        let hash = hash(&self.path.to_string_lossy());
        let digits: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{prefix}car_session_{digits}")
    }

    /// The secret, for a command that talks to the server.
    pub fn token(&self) -> &str {
        self.secret.text()
    }

    /// Whether `token` is the secret. Takes the same time whatever is wrong with it.
    pub fn is_token(&self, token: &str) -> bool {
        self.secret.is(token)
    }

    /// How long `peer` has to wait before it is told again that it was wrong; also counts the attempt.
    pub fn refuse(&self, peer: &Peer) -> Option<Duration> {
        self.throttle.refuse(peer.address.as_deref().unwrap_or_default())
    }

    /// The device of a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn device_of(&self, token: &str, peer: &Peer) -> Result<Option<Device>, EngineError> {
        let store = self.store().await?;
        let Some(device) = store.device_of(&hash(token)).await? else { return Ok(None) };
        let unused = now().since(device.last_used_at);
        if unused > SESSION_LIFETIME {
            store.remove_device(&device.id).await?;
            return Ok(None);
        }
        if unused >= TOUCH_EVERY {
            store.touch(&device.id, now(), peer.address.as_deref()).await?;
        }
        Ok(Some(device))
    }

    /// Makes a code that lets one browser in, once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn new_code(&self) -> Result<PairingCode, EngineError> {
        let code = PairingCode::random()?;
        let until = now().as_millis() + i64::try_from(CODE_LIFETIME.as_millis()).unwrap_or(0);
        let until = car_domain::Timestamp::from_millis(until);
        self.store().await?.add_code(&hash(code.plain()), until, now()).await?;
        Ok(code)
    }

    /// Logs a browser in for a pairing code. After many wrong ones all codes are void.
    ///
    /// # Errors
    /// When the code is wrong, used or too old, or the database fails.
    pub async fn login_with_code(
        &self,
        code: &str,
        peer: &Peer,
    ) -> Result<NewSession, EngineError> {
        if self.take_code(code).await? {
            return self.new_session(peer, "code").await;
        }
        self.refused(peer, "code").await?;
        Err(EngineError::new(
            ErrorKind::NotFound,
            "This code is wrong, was used already, or is too old.",
        )
        .with_hint("run `car pair` on the server for a new one, and use it within five minutes"))
    }

    /// Logs a browser in for the secret.
    ///
    /// # Errors
    /// When it is wrong, or the database fails.
    pub async fn login_with_token(
        &self,
        token: &str,
        peer: &Peer,
    ) -> Result<NewSession, EngineError> {
        if self.is_token(token) {
            return self.new_session(peer, "token").await;
        }
        self.refused(peer, "token").await?;
        Err(EngineError::new(ErrorKind::NotFound, "This is not the server's token.")
            .with_hint(self.secret.whereabouts()))
    }

    /// Whether whoever uses the session `who` shows the secret or a valid code, as it is asked for before dangerous things.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirms(
        &self,
        who: &str,
        token: Option<&str>,
        code: Option<&str>,
        peer: &Peer,
    ) -> Result<bool, EngineError> {
        let is_right = match (token, code) {
            (Some(token), _) => self.is_token(token),
            (None, Some(code)) => self.take_code(code).await?,
            (None, None) => false,
        };
        let action = if is_right { "confirmed" } else { "confirmation refused" };
        self.record(who, peer, action, if token.is_some() { "token" } else { "code" }).await?;
        Ok(is_right)
    }

    /// Uses a code up. After many wrong ones all codes are void.
    async fn take_code(&self, code: &str) -> Result<bool, EngineError> {
        let store = self.store().await?;
        let known = match PairingCode::parse(code) {
            Some(code) => store.take_code(&hash(code.plain()), now()).await?,
            None => false,
        };
        if !known && self.throttle.wrong_code() {
            store.clear_codes().await?;
        }
        Ok(known)
    }

    async fn new_session(&self, peer: &Peer, how: &str) -> Result<NewSession, EngineError> {
        let token = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let device = Device {
            id: uuid::Uuid::now_v7().simple().to_string(),
            name: car_domain::access::device_name(&peer.user_agent),
            created_at: now(),
            last_used_at: now(),
            address: peer.address.clone(),
        };
        self.store().await?.add_device(&device, &hash(&token)).await?;
        self.record(&device.name, peer, "login", how).await?;
        Ok(NewSession { device, token })
    }

    async fn refused(&self, peer: &Peer, how: &str) -> Result<(), EngineError> {
        self.record("nobody", peer, "login refused", how).await
    }

    /// All devices that are logged in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn devices(&self) -> Result<Vec<Device>, EngineError> {
        Ok(self.store().await?.devices().await?)
    }

    /// Logs a device out; what it has open ends.
    ///
    /// # Errors
    /// When there is no such device, or the database fails.
    pub async fn revoke(&self, id: &str, who: &str, peer: &Peer) -> Result<(), EngineError> {
        if !self.store().await?.remove_device(id).await? {
            return Err(EngineError::not_found(format!("There is no device `{id}`."))
                .with_hint("`car devices` lists them"));
        }
        // Nobody listening is no error.
        let _ = self.revoked.send(id.to_owned());
        self.record(who, peer, "revoke", id).await
    }

    /// Whether the device `id` is still logged in, also when another process logged it out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_logged_in(&self, id: &str) -> Result<bool, EngineError> {
        Ok(self.devices().await?.iter().any(|device| device.id == id))
    }

    /// Hears the ids of devices that are logged out.
    pub fn revocations(&self) -> broadcast::Receiver<String> {
        self.revoked.subscribe()
    }

    /// Adds a line to the record of who did what.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(
        &self,
        who: &str,
        peer: &Peer,
        action: &str,
        detail: &str,
    ) -> Result<(), EngineError> {
        let entry = AuditEntry {
            at: now(),
            who: who.to_owned(),
            address: peer.address.clone(),
            action: action.to_owned(),
            detail: detail.to_owned(),
        };
        Ok(self.store().await?.record(&entry).await?)
    }

    /// The newest lines of that record, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, EngineError> {
        Ok(self.store().await?.audit(limit).await?)
    }

    async fn store(&self) -> Result<&Store, EngineError> {
        Ok(self.store.get_or_try_init(|| Store::open(&self.path)).await?)
    }
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

fn random<const N: usize>() -> Result<[u8; N], EngineError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        EngineError::new(ErrorKind::Other, "the system gives no random numbers").with_source(error)
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> (tempfile::TempDir, Access) {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::create_dir_all(dir.path().join(CAR_DIR)).expect("dir");
        let access = Access::open(dir.path(), &Config::default(), &RootEnv::default());
        (dir, access.expect("a secret"))
    }

    #[tokio::test]
    async fn a_code_lets_one_browser_in_until_it_is_logged_out() {
        let (_dir, access) = access();
        let peer = Peer { address: Some("10.0.0.9".into()), user_agent: "Firefox/1 Linux".into() };
        let code = access.new_code().await.expect("a code");
        let typed = code.to_string().to_lowercase().replace('-', " ");
        let session = access.login_with_code(&typed, &peer).await.expect("let in");
        assert_eq!(session.device.name, "Firefox on Linux");
        assert!(access.login_with_code(&typed, &peer).await.is_err(), "a code works once");
        let device = access.device_of(&session.token, &peer).await.expect("asked");
        assert_eq!(device, Some(session.device.clone()));
        let mut revocations = access.revocations();
        access.revoke(&session.device.id, "token", &peer).await.expect("logged out");
        assert_eq!(revocations.recv().await.as_deref(), Ok(session.device.id.as_str()));
        assert_eq!(access.device_of(&session.token, &peer).await.expect("asked"), None);
        let did: Vec<_> =
            access.audit(9).await.expect("kept").into_iter().map(|entry| entry.action).collect();
        assert_eq!(did, ["revoke", "login refused", "login"]);
    }

    #[tokio::test]
    async fn guessing_voids_the_codes_and_never_keeps_the_token_out() {
        let (_dir, access) = access();
        let peer = Peer::default();
        let code = access.new_code().await.expect("a code");
        for _ in 0..throttle::MAX_WRONG_CODES {
            assert!(access.login_with_code("AAAA-AAAA", &peer).await.is_err());
        }
        assert!(access.login_with_code(code.plain(), &peer).await.is_err(), "void by now");
        let token = access.token().to_owned();
        access.login_with_token(&token, &peer).await.expect("the owner gets in");
        let error = access.login_with_token("wrong", &peer).await.map(drop).expect_err("wrong");
        assert!(error.hint().is_some_and(|hint| hint.contains("server-token")));
    }
}
