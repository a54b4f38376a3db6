//! What Codex asks, as people see it, and their decisions, as Codex reads them.

use car_agent::app_server::protocol::{Ask, RequestId, ReviewDecision, UserInputQuestion};
use car_domain::Timestamp;
use car_domain::conversation::{
    AgentRequest, Decision, ProposedChange, Question, QuestionOption, RequestSubject,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// A request that waits, with what is needed to answer it.
#[derive(Clone, Debug)]
pub(super) struct OpenRequest {
    pub(super) request: AgentRequest,
    pub(super) codex_id: RequestId,
    ask: Ask,
}

impl OpenRequest {
    /// What `ask` is about; `None` when it is nothing for a person. `instance` is the server: its ids begin at 0 again with
    /// each start. `changes` are those of the step the request belongs to.
    pub(super) fn new(
        instance: &str,
        codex_id: RequestId,
        ask: Ask,
        changes: Vec<ProposedChange>,
    ) -> Option<Self> {
        let (thread_id, turn_id, item_id) = place(&ask)?;
        let id = own_id(&[instance, thread_id, turn_id, item_id], &codex_id);
        let (subject, offered) = subject(&ask, changes)?;
        let request = AgentRequest {
            id,
            thread_id: thread_id.to_owned(),
            turn_id: turn_id.to_owned(),
            item_id: item_id.to_owned(),
            asked_at: asked_at(&ask),
            reason: reason(&ask),
            subject,
            offered,
        };
        Some(Self { request, codex_id, ask })
    }

    /// The answer on the wire; `None` when the decision does not fit the request.
    pub(super) fn wire(&self, decision: &Decision) -> Option<Value> {
        match (&self.ask, decision) {
            (Ask::Command(_) | Ask::Files(_), decision) => {
                Some(json!({"decision": review_decision(decision)?}))
            }
            (Ask::Permissions(asked), Decision::Accept) => {
                Some(granted(&asked.permissions, "turn"))
            }
            (Ask::Permissions(asked), Decision::AcceptForSession) => {
                Some(granted(&asked.permissions, "session"))
            }
            (Ask::Permissions(_), Decision::Decline) => Some(granted(&Value::Null, "turn")),
            (Ask::Questions(_), Decision::Answers(answers)) => {
                let answers: Map<String, Value> = answers
                    .iter()
                    .map(|(id, answers)| (id.clone(), json!({"answers": answers})))
                    .collect();
                Some(json!({"answers": answers}))
            }
            (Ask::Elicitation(_), Decision::Decline | Decision::Cancel) => {
                Some(json!({"action": decision.word(), "content": null, "_meta": null}))
            }
            _ => None,
        }
    }

    /// The decision as it may be written down: without answers that are secret.
    pub(super) fn recordable(&self, decision: &Decision) -> Decision {
        let (Decision::Answers(answers), RequestSubject::Questions { questions }) =
            (decision, &self.request.subject)
        else {
            return decision.clone();
        };
        let is_secret = |id: &String| questions.iter().any(|q| q.id == *id && q.is_secret);
        let kept = answers.iter().map(|(id, answer)| {
            let answer = if is_secret(id) { vec!["(secret)".to_owned()] } else { answer.clone() };
            (id.clone(), answer)
        });
        Decision::Answers(kept.collect())
    }
}

fn place(ask: &Ask) -> Option<(&str, &str, &str)> {
    Some(match ask {
        Ask::Command(ask) => (&ask.thread_id, &ask.turn_id, &ask.item_id),
        Ask::Files(ask) => (&ask.thread_id, &ask.turn_id, &ask.item_id),
        Ask::Permissions(ask) => (&ask.thread_id, &ask.turn_id, &ask.item_id),
        Ask::Questions(ask) => (&ask.thread_id, &ask.turn_id, &ask.item_id),
        Ask::Elicitation(ask) => (&ask.thread_id, ask.turn_id.as_deref().unwrap_or_default(), ""),
        Ask::Other { .. } => return None,
    })
}

fn subject(ask: &Ask, changes: Vec<ProposedChange>) -> Option<(RequestSubject, Vec<Decision>)> {
    use Decision::{Accept, AcceptForSession, Cancel, Decline};
    let usual = || vec![Accept, AcceptForSession, Decline, Cancel];
    Some(match ask {
        Ask::Command(ask) => {
            let offered = match &ask.available_decisions {
                Some(offered) => offered.iter().filter_map(decision).collect(),
                None => usual(),
            };
            let command = ask.command.clone().unwrap_or_default();
            (RequestSubject::Command { command, cwd: ask.cwd.clone() }, offered)
        }
        Ask::Files(_) => (RequestSubject::Files { changes }, usual()),
        Ask::Permissions(ask) => {
            let permissions = ask.permissions.clone();
            (RequestSubject::Permissions { permissions }, vec![Accept, AcceptForSession, Decline])
        }
        Ask::Questions(ask) => {
            let questions = ask.questions.iter().map(question).collect();
            (RequestSubject::Questions { questions }, vec![Decision::Answers(Default::default())])
        }
        // A form needs more than a decision; CAR can only say no.
        Ask::Elicitation(ask) => {
            let (server, message) = (ask.server_name.clone(), ask.message.clone());
            (RequestSubject::Tool { server, message }, vec![Decline, Cancel])
        }
        Ask::Other { .. } => return None,
    })
}

fn reason(ask: &Ask) -> Option<String> {
    match ask {
        Ask::Command(ask) => ask.reason.clone(),
        Ask::Files(ask) => ask.reason.clone(),
        Ask::Permissions(ask) => ask.reason.clone(),
        Ask::Questions(_) | Ask::Elicitation(_) | Ask::Other { .. } => None,
    }
}

fn asked_at(ask: &Ask) -> Timestamp {
    let millis = match ask {
        Ask::Command(ask) => ask.started_at_ms,
        Ask::Files(ask) => ask.started_at_ms,
        Ask::Permissions(ask) => ask.started_at_ms,
        Ask::Questions(_) | Ask::Elicitation(_) | Ask::Other { .. } => 0,
    };
    if millis == 0 { crate::now() } else { Timestamp::from_millis(millis) }
}

fn question(question: &UserInputQuestion) -> Question {
    let options = question.options.iter().flatten().map(|option| QuestionOption {
        label: option.label.clone(),
        description: option.description.clone(),
    });
    Question {
        id: question.id.clone(),
        header: question.header.clone(),
        text: question.question.clone(),
        options: options.collect(),
        allows_other: question.is_other,
        is_secret: question.is_secret,
    }
}

fn decision(offered: &ReviewDecision) -> Option<Decision> {
    Some(match offered {
        ReviewDecision::Accept => Decision::Accept,
        ReviewDecision::AcceptForSession => Decision::AcceptForSession,
        ReviewDecision::AcceptWithExecpolicyAmendment { execpolicy_amendment } => {
            Decision::AcceptAlways(execpolicy_amendment.clone())
        }
        ReviewDecision::ApplyNetworkPolicyAmendment { network_policy_amendment } => {
            Decision::ApplyNetworkRule(network_policy_amendment.clone())
        }
        ReviewDecision::Decline => Decision::Decline,
        ReviewDecision::Cancel => Decision::Cancel,
        ReviewDecision::Unknown(_) => return None,
    })
}

fn review_decision(decision: &Decision) -> Option<ReviewDecision> {
    Some(match decision {
        Decision::Accept => ReviewDecision::Accept,
        Decision::AcceptForSession => ReviewDecision::AcceptForSession,
        Decision::AcceptAlways(words) => {
            ReviewDecision::AcceptWithExecpolicyAmendment { execpolicy_amendment: words.clone() }
        }
        Decision::ApplyNetworkRule(rule) => {
            ReviewDecision::ApplyNetworkPolicyAmendment { network_policy_amendment: rule.clone() }
        }
        Decision::Decline => ReviewDecision::Decline,
        Decision::Cancel => ReviewDecision::Cancel,
        Decision::Answers(_) => return None,
    })
}

/// Exactly what was asked for, without its empty members; nothing when `asked` is none.
fn granted(asked: &Value, scope: &str) -> Value {
    let asked = asked.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let permissions: Map<String, Value> =
        asked.map(|(name, value)| (name.clone(), value.clone())).collect();
    json!({"permissions": permissions, "scope": scope})
}

/// An id that every process computes alike, so that all doors speak of the same request.
fn own_id(place: &[&str], codex_id: &RequestId) -> String {
    let mut hash = Sha256::new();
    for part in place {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(serde_json::to_vec(codex_id).unwrap_or_default());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn ask(method: &str, more: &Value) -> Ask {
        let mut params = json!({"threadId": "t", "turnId": "u", "itemId": "i", "startedAtMs": 5});
        params.as_object_mut().expect("map").extend(more.as_object().expect("map").clone());
        let ask = Ask::read(method.to_owned(), params);
        assert!(!matches!(ask, Ask::Other { .. }), "{ask:?}");
        ask
    }

    fn command(instance: &str, id: i64) -> OpenRequest {
        let offered = json!(["accept", {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["ls"]}}, "cancel", "newer"]);
        let more = json!({"command": "ls", "cwd": "/", "availableDecisions": offered});
        let ask = ask("item/commandExecution/requestApproval", &more);
        OpenRequest::new(instance, RequestId::Number(id), ask, Vec::new()).expect("for a person")
    }

    #[test]
    fn the_same_request_has_the_same_id_everywhere_and_another_one_after_a_restart() {
        assert_eq!(command("server-1", 0).request.id, command("server-1", 0).request.id);
        assert_ne!(command("server-1", 0).request.id, command("server-1", 1).request.id);
        assert_ne!(command("server-1", 0).request.id, command("server-2", 0).request.id);
    }

    #[test]
    fn only_known_decisions_are_offered_and_sent_as_codex_spelled_them() {
        let open = command("s", 0);
        let always = Decision::AcceptAlways(vec!["ls".into()]);
        assert_eq!(open.request.offered, [Decision::Accept, always.clone(), Decision::Cancel]);
        let expected = json!({"decision": {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["ls"]}}});
        assert_eq!(open.wire(&always), Some(expected));
        assert_eq!(open.wire(&Decision::Accept), Some(json!({"decision": "accept"})));
    }

    #[test]
    fn more_rights_are_granted_exactly_as_asked() {
        let asked =
            json!({"permissions": {"network": null, "fileSystem": {"write": ["/x"]}}, "cwd": "/"});
        let ask = ask("item/permissions/requestApproval", &asked);
        let open =
            OpenRequest::new("s", RequestId::Number(0), ask, Vec::new()).expect("for a person");
        let granted = open.wire(&Decision::AcceptForSession).expect("fits");
        assert_eq!(
            granted,
            json!({"permissions": {"fileSystem": {"write": ["/x"]}}, "scope": "session"})
        );
        let declined = open.wire(&Decision::Decline).expect("fits");
        assert_eq!(declined, json!({"permissions": {}, "scope": "turn"}));
        assert_eq!(open.wire(&Decision::Cancel), None);
    }

    #[test]
    fn a_secret_answer_is_sent_and_not_written_down() {
        let questions =
            json!({"questions": [{"id": "q", "question": "Password?", "isSecret": true}]});
        let ask = ask("item/tool/requestUserInput", &questions);
        let open =
            OpenRequest::new("s", RequestId::Number(0), ask, Vec::new()).expect("for a person");
        let decision = Decision::Answers(BTreeMap::from([("q".into(), vec!["hunter2".into()])]));
        assert_eq!(open.wire(&decision), Some(json!({"answers": {"q": {"answers": ["hunter2"]}}})));
        assert!(!format!("{:?}", open.recordable(&decision)).contains("hunter2"));
    }
}
