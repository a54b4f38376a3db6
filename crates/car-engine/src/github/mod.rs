//! GitHub through the `gh` program: status, issues, context files, pull requests.
//!
//! `gh` is asked in bounded time and memory, never prompts, and is not asked at all when `github.enabled` is false. What
//! GitHub users wrote is untrusted: it reaches files and prompts only as marked text that cannot leave its place.

mod api;
mod context;
mod gh;
mod issue;
mod link;
mod reference;
mod status;
mod sync;
mod threads;
mod untrusted;

pub use context::context_file;
pub use issue::{LinkedIssue, issue_for_spec, link_issue, spec_from_issue, spec_message};
pub use link::LinkState;
pub use reference::{GithubUrl, Reference, find_links, parse_issue};
pub use status::Github;
pub use sync::{
    SyncContext, SyncRequest, cancel_sync, confirmed_preview, last_sync, start_sync, sync,
    sync_ended, sync_preview,
};
pub(crate) use untrusted::fenced;
