//! What reaches services outside, whatever happens on the way.

mod housekeeping;
mod notifications;
mod streams;
mod supervision;
mod telegram;
