//! Conversations with Codex over `codex app-server`.
//!
//! The app-server is a process of its own that outlives ours: turns go on and approvals stay open while nobody is connected.
//! Every process of CAR (server, command line, bot, runner) connects to the same one, so that a conversation can be followed
//! from several doors, and a request answered at one closes at the others.
//!
//! ```no_run
//! # async fn example() -> Result<(), car_engine::EngineError> {
//! use car_engine::conversation::{CodexSetup, Conversations, TurnEvent, TurnRequest};
//!
//! let conversations = Conversations::new(CodexSetup::new("codex"));
//! let mut turn = conversations.turn(TurnRequest::new("/project", "What does this do?")).await?;
//! while let Some(event) = turn.next().await {
//!     match event {
//!         TurnEvent::MessageDelta { text, .. } => { /* show it */ }
//!         TurnEvent::Finished(outcome) => { /* outcome.status, outcome.final_message, outcome.usage */ }
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```

mod answering;
mod asking;
mod board;
mod conversations;
mod follower;
mod history;
mod idle;
mod link;
mod manner;
mod policy;
mod progress;
mod queue;
mod reading;
mod records;
mod services;
mod setup;
mod trouble;
mod turn;
mod watchdog;

pub(crate) use idle::end_idle_servers;

pub use answering::{Reply, RequestNews, RequestWatch};
pub use conversations::Conversations;
pub use policy::{ApprovalPolicy, ReviewTarget, SandboxPolicy};
pub use services::{
    CodexFeature, CodexModel, CommandOutput, FoundTurn, PlanWindow, SkillInfo, ToolServer,
};
pub use setup::CodexSetup;
pub use turn::{Turn, TurnControl, TurnEvent, TurnRequest};

use crate::{EngineError, ErrorKind};

/// The server went away in the middle.
fn lost() -> EngineError {
    EngineError::new(ErrorKind::Agent, "the connection to Codex was lost before the turn ended")
        .with_hint("ask again: what Codex had done is kept in the conversation")
}
