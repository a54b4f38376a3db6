//! One task for each terminal that runs: it hears the host, keeps what that said last, and tells the live stream and those who
//! want to be notified. The host speaks when something changes; nothing is asked again and again.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use car_host::protocol::HostFrame;
use car_host::{Exit, Session};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::notifications::{Notice, announce_or_warn};
use crate::served::{Served, blocking};
use crate::terminals::{self, Heard, heard_first};
use crate::{Repo, now};

/// Changes within this time are told together: a spinner in a title turns ten times a second.
const COALESCE: Duration = Duration::from_millis(300);

/// What is known of the terminals that are watched.
#[derive(Debug, Default)]
pub(in crate::served) struct Watching {
    heard: Mutex<HashMap<String, Heard>>,
    watched: Mutex<HashSet<String>>,
}

impl Watching {
    /// What the host of terminal `id` said last.
    pub(in crate::served) fn heard(&self, id: &str) -> Option<Heard> {
        lock(&self.heard).get(id).cloned()
    }
}

/// What holds plain data is as good as any after a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to watch the terminals of repository `id` that run and are not watched.
pub(in crate::served) async fn attend(
    served: &Arc<Served>,
    id: &str,
    root: PathBuf,
    tracker: &TaskTracker,
    cancel: &CancellationToken,
) {
    let at = root.clone();
    let listed = blocking(move || Ok(car_host::Sessions::of(&at).list()?)).await;
    let sessions = listed.unwrap_or_else(|error| {
        tracing::warn!(repo = id, %error, "terminals are not watched");
        Vec::new()
    });
    for session in sessions.into_iter().filter(Session::is_running) {
        if !lock(&served.watching.watched).insert(session.record.id.clone()) {
            continue;
        }
        let (served, id, root, cancel) =
            (served.clone(), id.to_owned(), root.clone(), cancel.clone());
        tracker.spawn(async move {
            let terminal = session.record.id.clone();
            let watch = Watch { served: &served, repo: &id, root, session };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = watch.hear_out() => {}
            }
            lock(&served.watching.heard).remove(&terminal);
            lock(&served.watching.watched).remove(&terminal);
            served.tell_terminals_of(&id).await;
        });
    }
}

struct Watch<'a> {
    served: &'a Arc<Served>,
    /// Id of the repository.
    repo: &'a str,
    root: PathBuf,
    session: Session,
}

impl Watch<'_> {
    /// Until the terminal's program has ended or its host is gone.
    async fn hear_out(&self) {
        let Ok(mut attachment) = self.session.connect().await else { return };
        let Some(mut heard) = heard_first(&mut attachment).await else { return };
        self.keep(&heard);
        let mut members = self.served.members.changes();
        let mut tell_at = Some(Instant::now());
        let mut idle_at = self.idle_at(&heard).await;
        loop {
            tokio::select! {
                frame = attachment.next() => match frame {
                    Ok(Some(HostFrame::Exit(exit))) => return self.finished(exit).await,
                    Ok(Some(frame)) => if heard.note(&frame) {
                        self.keep(&heard);
                        tell_at = tell_at.or_else(|| Some(Instant::now() + COALESCE));
                        if matches!(frame, HostFrame::Activity(_)) {
                            idle_at = self.idle_at(&heard).await;
                        }
                    },
                    Ok(None) | Err(_) => return,
                },
                () = members.next() => {
                    tell_at = tell_at.or_else(|| Some(Instant::now() + COALESCE));
                }
                () = until(tell_at), if tell_at.is_some() => {
                    tell_at = None;
                    self.served.tell_terminals_of(self.repo).await;
                }
                () = until(idle_at), if idle_at.is_some() => {
                    idle_at = None;
                    self.idle(&heard).await;
                }
            }
        }
    }

    fn keep(&self, heard: &Heard) {
        lock(&self.served.watching.heard).insert(self.session.record.id.clone(), heard.clone());
    }

    /// When its silence is to be told; never while it works, after somebody typed, or of a shell, which is silent for days.
    async fn idle_at(&self, heard: &Heard) -> Option<Instant> {
        let quiet_since = heard.quiet_since().filter(|_| self.is_told())?;
        let seconds = self.repo().await?.config().notifications.tui_idle_seconds?;
        let patience = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero())?;
        Some(Instant::now() + patience.saturating_sub(now().since(quiet_since)))
    }

    async fn idle(&self, heard: &Heard) {
        let Some(since) = heard.quiet_since() else { return };
        let id = &self.session.record.id;
        let seconds = now().since(since).as_secs();
        let notice = Notice::tui_idle(Some(id), seconds, &self.root);
        // The same silence is told once, also by a server that starts in the middle of it.
        self.announce(notice, format!("{id}-{}", since.as_millis())).await;
    }

    async fn finished(&self, exit: Exit) {
        if self.is_told() {
            let id = &self.session.record.id;
            let code = terminals::exit(exit).code;
            let notice = Notice::tui_session_finished(Some(id), code, &self.root);
            self.announce(notice, id.clone()).await;
        }
    }

    fn is_told(&self) -> bool {
        self.session.record.kind != "shell"
    }

    async fn announce(&self, notice: Notice, key: String) {
        let Some(repo) = self.repo().await else { return };
        let notice = Notice { key: Some(key), ..notice };
        let told = blocking(move || {
            announce_or_warn(&repo, &notice);
            Ok(())
        });
        if let Err(error) = told.await {
            tracing::warn!(%error, "nobody is notified of a terminal");
        }
    }

    /// The repository with its configuration as it is now; one that cannot be read notifies nobody.
    async fn repo(&self) -> Option<Repo> {
        let root = self.root.clone();
        blocking(move || Repo::open(&root)).await.ok()
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
