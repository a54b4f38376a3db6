//! When a stream has to end.

use std::sync::Arc;

use car_engine::access::Access;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Interval;

use super::super::super::WebState;
use super::super::super::auth::{Caller, Gate};
use super::BEAT;

/// The end of a stream: the server ends, or the browser that listens is logged out.
pub(in crate::web::api) struct Over {
    ended: BoxFuture<'static, ()>,
    beat: Interval,
    /// Who listens, when it can be logged out.
    device: Option<(Arc<Access>, String)>,
    /// Whether it still is, while that is being asked.
    asking: Option<BoxFuture<'static, bool>>,
}

/// What comes besides what is streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web::api) enum Sign {
    /// It is time to say that the stream is there.
    Beat,
    /// The stream is over.
    End,
}

impl Over {
    /// The end of a stream for `caller`.
    pub(in crate::web::api) fn new(state: &WebState, caller: Caller) -> Self {
        let cancel = state.cancel.clone();
        let mut beat = tokio::time::interval(BEAT);
        beat.reset();
        let (Gate::Closed(access), Caller::Device(device)) = (&state.gate, caller) else {
            return Self {
                ended: cancel.cancelled_owned().boxed(),
                beat,
                device: None,
                asking: None,
            };
        };
        let mut revocations = access.revocations();
        let id = device.id.clone();
        let ended = async move {
            loop {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    revoked = revocations.recv() => match revoked {
                        Ok(revoked) if revoked != id => {}
                        // Whoever missed something looks anew: the browser comes back by itself when it may.
                        Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
                    },
                }
            }
        };
        Self { ended: ended.boxed(), beat, device: Some((access.clone(), device.id)), asking: None }
    }

    /// The next sign. Dropping the call loses nothing.
    pub(in crate::web::api) async fn sign(&mut self) -> Sign {
        loop {
            if let Some(asking) = &mut self.asking {
                let is_logged_in = tokio::select! {
                    biased;
                    () = &mut self.ended => return Sign::End,
                    is_logged_in = asking => is_logged_in,
                };
                self.asking = None;
                return if is_logged_in { Sign::Beat } else { Sign::End };
            }
            tokio::select! {
                biased;
                () = &mut self.ended => return Sign::End,
                _ = self.beat.tick() => {}
            }
            // Another process, such as `car devices`, can log a browser out without this one hearing it.
            let Some((access, id)) = self.device.clone() else { return Sign::Beat };
            self.asking = Some(async move { is_logged_in(&access, &id).await }.boxed());
        }
    }
}

/// Whether the device is still there. Trouble with the database ends no stream.
async fn is_logged_in(access: &Access, id: &str) -> bool {
    match access.is_logged_in(id).await {
        Ok(is_logged_in) => is_logged_in,
        Err(error) => {
            tracing::warn!(%error, "it is not known whether a browser is still logged in");
            true
        }
    }
}
