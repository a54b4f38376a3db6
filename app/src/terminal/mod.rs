//! A terminal in the browser: what is said to the server, what keys send, and xterm.js, which draws.
//!
//! [`client`], [`keys`], [`fit`] and [`text`] know no browser. [`TerminalHandle`] is what components see; on the server it does
//! nothing. xterm.js is loaded when the first terminal opens, and lives behind `xterm`, the only place that knows its names.

pub(crate) mod client;
mod fit;
mod handle;
pub(crate) mod keys;
#[cfg(feature = "hydrate")]
mod live;
#[cfg(feature = "hydrate")]
mod look;
#[cfg(feature = "hydrate")]
mod socket;
mod text;
#[cfg(feature = "hydrate")]
mod xterm;

pub(crate) use handle::{Found, TerminalHandle};
pub(crate) use text::as_written;
