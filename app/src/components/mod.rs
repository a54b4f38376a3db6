//! Parts of pages. They get data as signals and do not fetch; each knows its markup, the style sheet knows its look.

mod connection;
mod diff;
mod frame;
mod icon;
mod palette;
mod post_form;
mod problem;
mod runs;
mod section;
mod state;
mod steps;
mod text;
mod theme;
mod time;
mod toast;
mod todo;

pub(crate) use connection::{ConnectionBanner, ConnectionIndicator, OpenBanner};
pub(crate) use diff::{Diff, count_lines};
#[cfg(all(test, feature = "ssr"))]
pub(crate) use frame::SideList;
pub(crate) use frame::{BottomBar, BottomLink, MainBar, MainPage, Side};
pub(crate) use icon::{Glyph, Icon};
pub(crate) use palette::{Palette, PaletteButton, PaletteState, Shortcuts};
pub(crate) use post_form::{FailedPost, PostForm};
pub(crate) use problem::Region;
pub(crate) use runs::{RunTime, RunsTable};
pub(crate) use section::{Fact, Pair, Section};
pub(crate) use state::{OutcomeBadge, StateBadge, StateShape};
pub(crate) use steps::{StepCell, Steps, Timeline};
pub(crate) use text::InlineText;
pub(crate) use theme::ThemeToggle;
pub(crate) use time::{TimeOfDay, When};
pub(crate) use toast::{ToastRegion, Toasts};
pub(crate) use todo::TodoView;
