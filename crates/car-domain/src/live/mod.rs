//! The event stream as server and clients see it: what can be followed ([`Topic`]) and what is told ([`LiveEvent`]).

mod event;
mod topic;

pub use event::LiveEvent;
pub use topic::{Topic, TopicError, Topics};
