//! The user interface of CAR: pages, components and server functions, the same code on server and client.
//!
//! The server renders every page completely; the browser then takes over what it got. For that, the first render of the
//! client must equal the server's, so nothing here reads a clock, a window or a cookie while rendering: such things arrive
//! in effects, through `platform`, `live` and `terminal`, the only modules that know the browser. Only `api` knows the engine.
#![recursion_limit = "256"]
#![expect(unreachable_pub, reason = "Leptos' macros write `pub` for whatever visibility we give")]

#[cfg(all(feature = "ssr", feature = "hydrate"))]
compile_error!("`ssr` and `hydrate` are two sides of one page; build the crate with one of them");

pub mod api;
mod base;
mod build;
mod clock;
mod components;
mod editing;
mod fleet;
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers listen"))]
mod live;
mod markup;
mod pages;
mod platform;
mod routes;
mod shell;
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers have terminals"))]
mod terminal;
mod timeline;

pub use base::BasePath;
pub use build::Build;
#[cfg(feature = "hydrate")]
pub use platform::announce_panic;
pub use routes::App;
pub use shell::shell;
