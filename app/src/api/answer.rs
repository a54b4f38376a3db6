//! What agents ask, and what a person decides.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::AppError;

/// An answer to one of the questions of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GivenAnswer {
    /// Id of the question.
    pub id: String,
    /// The answer.
    pub text: String,
}

/// Decides about what an agent of `repo` asks: `decision` is one of the words that were offered, or empty where `answers` are
/// given.
#[server(name = AnswerAsk, endpoint = "answer_request", prefix = "/rpc")]
pub(crate) async fn answer_ask(
    repo: String,
    request: String,
    #[server(default)] decision: String,
    #[server(default)] answers: Vec<GivenAnswer>,
) -> Result<(), AppError> {
    use car_engine::conversation::{CodexSetup, Conversations, Reply};

    let served = super::read::served();
    let reply = if answers.is_empty() {
        Reply::Words(vec![decision])
    } else {
        Reply::Answers(answers.into_iter().map(|given| (given.id, vec![given.text])).collect())
    };
    let by = format!("web:{}", super::access::visitor().name);
    let repo = served.repo(&repo).await?;
    let answered = served.work(move |_| async move {
        let codex = Conversations::new(CodexSetup::of(&repo));
        let answer = codex.reply(&request, &reply, &by, None).await;
        codex.close().await;
        answer
    });
    answered.await?;
    Ok(())
}
