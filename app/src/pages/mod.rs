//! Pages: each reads its data, keeps it in signals and lays out components.

mod docs;
mod home;
mod hub;
mod not_found;
mod repo;
mod search;
mod settings;
#[cfg(all(test, feature = "ssr"))]
mod tests;
mod usage;

pub(crate) use docs::DocsPage;
pub(crate) use home::HomePage;
pub(crate) use not_found::{NotFoundBody, NotFoundPage};
pub(crate) use repo::{
    ChangesPage, RepoPage, RunPage, RunsPage, Tab, Tabs, TerminalPage, bottom_links,
};
pub(crate) use search::SearchPage;
pub(crate) use settings::SettingsPage;
pub(crate) use usage::UsagePage;
