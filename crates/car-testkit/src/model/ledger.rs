//! What the server knows: the open turns, what was asked, what was wrong, what was reported.

use std::collections::{HashMap, HashSet, VecDeque};

use axum::http::HeaderMap;

use super::answer::Answer;
use super::request::Request;
use super::script::{Script, Step};
use super::usage::{ThreadUsage, Usage};

pub(super) struct Ledger {
    script: Box<dyn Script>,
    turns: HashMap<String, OpenTurn>,
    /// The id of every tool call the server ever made.
    issued: HashSet<String>,
    n_answers: u64,
    pub(super) requests: Vec<Request>,
    pub(super) violations: Vec<String>,
    pub(super) usage: Vec<ThreadUsage>,
}

/// A turn that has begun, or gone on with a further text of the person.
struct OpenTurn {
    user_text: String,
    steps: VecDeque<Step>,
    /// The tool call that the next request must answer.
    unanswered: Option<String>,
}

impl Ledger {
    pub(super) fn new(script: Box<dyn Script>) -> Self {
        Self {
            script,
            turns: HashMap::new(),
            issued: HashSet::new(),
            n_answers: 0,
            requests: Vec::new(),
            violations: Vec::new(),
            usage: Vec::new(),
        }
    }

    /// Takes in one request and decides its answer.
    ///
    /// On failure the faults have been noted and are returned for the client.
    pub(super) fn receive(
        &mut self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(String, Answer), Vec<String>> {
        let answer = Request::read(headers, body).and_then(|request| {
            let thread_id = request.thread_id.clone();
            self.requests.push(request.clone());
            self.answer(&request).map(|answer| (thread_id, answer))
        });
        if let Err(faults) = &answer {
            let noted = faults.iter().map(|fault| format!("POST /v1/responses: {fault}"));
            self.violations.extend(noted);
        }
        answer
    }

    pub(super) fn note_usage(&mut self, thread_id: &str, usage: Usage) {
        match self.usage.iter_mut().find(|known| known.thread_id == thread_id) {
            Some(known) => known.usage += usage,
            None => self.usage.push(ThreadUsage { thread_id: thread_id.to_owned(), usage }),
        }
    }

    fn answer(&mut self, request: &Request) -> Result<Answer, Vec<String>> {
        let answered = request.answered_calls();
        let strangers: Vec<String> = answered
            .iter()
            .filter(|call_id| !self.issued.contains(*call_id))
            .map(|call_id| format!("the tool call {call_id:?} was never made"))
            .collect();
        if !strangers.is_empty() {
            return Err(strangers);
        }

        let known = self.turns.get(&request.turn_id);
        if known.is_none_or(|turn| turn.user_text != request.user_text) {
            let unanswered = known.and_then(|turn| turn.unanswered.clone());
            let turn = self.script.turn(request).map_err(|reason| vec![reason])?;
            let user_text = request.user_text.clone();
            let open = OpenTurn { user_text, steps: turn.steps.into(), unanswered };
            self.turns.insert(request.turn_id.clone(), open);
        }
        let turn = self.turns.get_mut(&request.turn_id).expect("the turn was opened above");
        if let Some(call_id) = turn.unanswered.take()
            && !answered.contains(&call_id)
        {
            return Err(vec![format!("the tool call {call_id:?} was not answered")]);
        }

        self.n_answers += 1;
        let Some(answer) = Answer::next(&mut turn.steps, self.n_answers) else {
            return Err(vec![format!("no reply is left in the turn of {:?}", request.user_text)]);
        };
        if let Answer::Streamed { call_id: Some(call_id), .. } = &answer {
            self.issued.insert(call_id.clone());
            turn.unanswered = Some(call_id.clone());
        }
        Ok(answer)
    }
}
