//! Conversations with an agent as every door shows them: how a turn ended, and what the agent asks a person.
//!
//! Ids of requests are CAR's own. A decision may be given only when it was offered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::run::Usage;

/// How a turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnStatus {
    /// The agent finished.
    Completed,
    /// Somebody ended it: a person, the stall watchdog, or the end of the agent's server.
    Interrupted,
    /// It failed; [`TurnOutcome::error`] says why.
    Failed,
}

impl TurnStatus {
    /// The word screens show.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Interrupted => "Interrupted",
            Self::Failed => "Failed",
        }
    }
}

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnOutcome {
    /// How it ended.
    pub status: TurnStatus,
    /// The agent's last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_message: Option<String>,
    /// Tokens of this turn.
    pub usage: Usage,
    /// Tokens of the whole thread so far.
    pub thread_usage: Usage,
    /// Why it failed or was ended, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A conversation in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadInfo {
    /// Codex's id.
    pub id: String,
    /// The name somebody gave it, else how it began.
    pub title: String,
    /// Directory the agent works in.
    pub cwd: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When something last happened in it.
    pub updated_at: Timestamp,
    /// What it is doing.
    pub activity: ThreadActivity,
    /// The program that began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// What a conversation is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadActivity {
    /// Nothing.
    Idle,
    /// A turn runs.
    Running,
    /// A turn waits for a person.
    Waiting,
}

/// A turn that is over, or runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnInfo {
    /// Codex's id.
    pub id: String,
    /// How it ended; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TurnStatus>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// What the agent was told.
    pub prompt: String,
    /// Its last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a person may decide about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Allow it this once.
    Accept,
    /// Allow it, and the same again in this session.
    AcceptForSession,
    /// Allow it, and every command that begins with these words, for ever and in all sessions.
    AcceptAlways(Vec<String>),
    /// Allow or deny this network host for ever, as the agent proposed it.
    ApplyNetworkRule(Value),
    /// Refuse it; the agent goes on without.
    Decline,
    /// Refuse it and end the turn.
    Cancel,
    /// The answers to questions, by the question's id.
    Answers(BTreeMap<String, Vec<String>>),
}

impl Decision {
    /// The word a person types or a button carries: `accept`, `session`, `always`, `network`, `decline`, `cancel`, `answer`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::AcceptForSession => "session",
            Self::AcceptAlways(_) => "always",
            Self::ApplyNetworkRule(_) => "network",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
            Self::Answers(_) => "answer",
        }
    }
}

/// One file an agent wants to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedChange {
    /// Path as the agent gave it.
    pub path: String,
    /// `add`, `update` or `delete`.
    pub kind: String,
    /// Unified diff, or the whole text of a new file.
    pub diff: String,
}

/// A question of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id within the request.
    pub id: String,
    /// A word or two above it.
    pub header: String,
    /// The question.
    pub text: String,
    /// What can be chosen; empty when any text is an answer.
    pub options: Vec<QuestionOption>,
    /// Whether a text of one's own is an answer, too.
    pub allows_other: bool,
    /// Whether the answer must not be shown or logged.
    pub is_secret: bool,
}

impl Question {
    fn allows(&self, answers: &[String]) -> bool {
        let is_choice = |answer: &String| self.options.iter().any(|option| option.label == *answer);
        !answers.is_empty()
            && (self.allows_other || self.options.is_empty() || answers.iter().all(is_choice))
    }
}

/// One answer to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionOption {
    /// The answer itself.
    pub label: String,
    /// What it means.
    pub description: String,
}

/// What an agent asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RequestSubject {
    /// To run a command.
    Command {
        /// Command line.
        command: String,
        /// Where it would run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
    },
    /// To change files.
    Files {
        /// What would change, as far as the agent said.
        changes: Vec<ProposedChange>,
    },
    /// For rights beyond the sandbox.
    Permissions {
        /// As the agent put it.
        permissions: Value,
    },
    /// For an answer.
    Questions {
        /// One or more.
        questions: Vec<Question>,
    },
    /// On behalf of a tool server.
    Tool {
        /// The server's name.
        server: String,
        /// What it says.
        message: String,
    },
}

/// Something an agent waits for until a person decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRequest {
    /// CAR's own id, a UUID: the same in every process and after a reconnect.
    pub id: String,
    /// The conversation.
    pub thread_id: String,
    /// The turn that waits.
    pub turn_id: String,
    /// The step it belongs to.
    pub item_id: String,
    /// When the agent asked.
    pub asked_at: Timestamp,
    /// Why, in the agent's words. Untrusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What for.
    #[serde(flatten)]
    pub subject: RequestSubject,
    /// What may be decided. For questions it is [`Decision::Answers`] with the answers left empty.
    pub offered: Vec<Decision>,
}

impl AgentRequest {
    /// The offered decision that is called `word`.
    pub fn offer(&self, word: &str) -> Option<&Decision> {
        self.offered.iter().find(|decision| decision.word() == word)
    }

    /// Whether `decision` may be given: it is one of those offered, or answers every question and nothing else.
    pub fn allows(&self, decision: &Decision) -> bool {
        let (Decision::Answers(answers), RequestSubject::Questions { questions }) =
            (decision, &self.subject)
        else {
            return self.offered.contains(decision);
        };
        answers.len() == questions.len()
            && questions.iter().all(|question| {
                answers.get(&question.id).is_some_and(|answer| question.allows(answer))
            })
    }

    /// What it is about in one line, for lists, logs and search.
    pub fn headline(&self) -> String {
        match &self.subject {
            RequestSubject::Command { command, .. } => command.clone(),
            RequestSubject::Files { changes } if changes.is_empty() => "change files".to_owned(),
            RequestSubject::Files { changes } => {
                changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>().join(", ")
            }
            RequestSubject::Permissions { permissions } => format!("more rights: {permissions}"),
            RequestSubject::Questions { questions } => questions
                .iter()
                .map(|question| question.text.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            RequestSubject::Tool { server, message } => format!("{server}: {message}"),
        }
    }
}

/// Who decided what about a request, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The request's id.
    pub request_id: String,
    /// What was decided.
    pub decision: Decision,
    /// Who, for people: `telegram:anna`, `cli`.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(subject: RequestSubject, offered: Vec<Decision>) -> AgentRequest {
        AgentRequest {
            id: "id".into(),
            thread_id: "thread".into(),
            turn_id: "turn".into(),
            item_id: "item".into(),
            asked_at: Timestamp::from_millis(0),
            reason: None,
            subject,
            offered,
        }
    }

    fn answers(pairs: &[(&str, &str)]) -> Decision {
        let answer = |&(id, text): &(&str, &str)| (id.to_owned(), vec![text.to_owned()]);
        Decision::Answers(pairs.iter().map(answer).collect())
    }

    #[test]
    fn only_what_was_offered_may_be_decided() {
        let subject = RequestSubject::Command { command: "ls".into(), cwd: None };
        let always = Decision::AcceptAlways(vec!["ls".into()]);
        let request = request(subject, vec![Decision::Accept, always.clone()]);
        assert!(request.allows(&Decision::Accept));
        assert!(!request.allows(&Decision::Decline));
        assert!(!request.allows(&Decision::AcceptAlways(vec!["rm".into()])));
        assert_eq!(request.offer("always"), Some(&always));
        assert_eq!(request.offer("decline"), None);
    }

    #[test]
    fn questions_are_answered_all_or_not_at_all() {
        let option = QuestionOption { label: "Yes".into(), description: String::new() };
        let question = |id: &str, allows_other| Question {
            id: id.to_owned(),
            header: String::new(),
            text: "Really?".into(),
            options: vec![option.clone()],
            allows_other,
            is_secret: false,
        };
        let questions = vec![question("a", true), question("b", false)];
        let request = request(
            RequestSubject::Questions { questions },
            vec![Decision::Answers(BTreeMap::new())],
        );
        assert!(request.allows(&answers(&[("a", "Perhaps"), ("b", "Yes")])));
        assert!(!request.allows(&answers(&[("a", "Yes"), ("b", "Perhaps")])));
        assert!(!request.allows(&answers(&[("a", "Yes")])));
        assert!(!request.allows(&Decision::Accept));
    }

    #[test]
    fn a_request_reads_back_as_it_was_written() {
        let subject = RequestSubject::Files { changes: Vec::new() };
        let request = request(subject, vec![Decision::AcceptForSession, Decision::Cancel]);
        let json = serde_json::to_value(&request).expect("writable");
        assert_eq!(json["kind"], "files");
        assert_eq!(serde_json::from_value::<AgentRequest>(json).expect("readable"), request);
    }
}
