//! Hosts as processes of their own, with real PTYs.

#![expect(clippy::expect_used, reason = "tests fail loudly")]

mod ending;
mod load;
mod screen;
mod stream;
mod support;
