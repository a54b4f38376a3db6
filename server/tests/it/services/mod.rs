//! What reaches services outside, whatever happens on the way.

mod notifications;
