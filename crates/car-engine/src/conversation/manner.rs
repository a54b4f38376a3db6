//! Whether the agent plans or works. Codex keeps that in the thread, like every policy, but wants a whole set of settings with
//! it; so it is sent only where it has to change.

use car_agent::app_server::protocol::{CollaborationMode, CollaborationSettings, ThreadOpened};

use super::TurnRequest;

/// Mode in which the agent may ask questions of its own.
const PLAN: &str = "plan";
/// The usual mode.
const DEFAULT: &str = "default";

/// How a thread works now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    model: String,
    effort: Option<String>,
    pub(super) plans: bool,
}

impl Manner {
    /// As Codex tells it when a thread is opened.
    pub(super) fn of(opened: &ThreadOpened) -> Self {
        let mode = opened.collaboration_mode.as_ref().map(|mode| mode.mode.as_str());
        let (model, effort) = (opened.model.clone(), opened.reasoning_effort.clone());
        Self { model, effort, plans: mode == Some(PLAN) }
    }

    /// What to send with a turn, if anything.
    pub(super) fn mode_for(&self, request: &TurnRequest) -> Option<CollaborationMode> {
        if !request.may_ask_questions && !self.plans {
            return None;
        }
        let mode = if request.may_ask_questions { PLAN } else { DEFAULT }.to_owned();
        let settings = CollaborationSettings {
            model: request.model.clone().unwrap_or_else(|| self.model.clone()),
            reasoning_effort: request.effort.clone().or_else(|| self.effort.clone()),
            developer_instructions: None,
        };
        Some(CollaborationMode { mode, settings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_sent_only_where_it_changes_or_allows_questions() {
        let (mut manner, mut request) = (Manner::default(), TurnRequest::new("/", "x"));
        assert_eq!(manner.mode_for(&request), None);
        manner.plans = true;
        assert_eq!(manner.mode_for(&request).map(|mode| mode.mode).as_deref(), Some(DEFAULT));
        request.may_ask_questions = true;
        assert_eq!(manner.mode_for(&request).map(|mode| mode.mode).as_deref(), Some(PLAN));
    }
}
