//! Searching what runs said and did, and the documents.

use car_domain::search::SearchHit;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Most hits in runs, and most in documents.
#[cfg(feature = "ssr")]
const MAX_HITS: u32 = 100;

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct SearchAsk {
    /// Words, `"a phrase"`, `begin*`.
    pub text: String,
    /// Only the repository of this id; empty for all.
    pub repo: String,
    /// Only events of this type, or `document`; empty for everything.
    pub kind: String,
    /// Only the last so many days; 0 for all times.
    pub days: u32,
}

/// Finds what is asked for; nothing for no words.
#[server(endpoint = "search", prefix = "/rpc", input = GetUrl)]
pub(crate) async fn search(ask: SearchAsk) -> Result<Vec<SearchHit>, AppError> {
    on_server::search(ask).await.map_err(super::read::failed_read)
}

#[cfg(feature = "ssr")]
mod on_server {
    use car_domain::Timestamp;
    use car_domain::search::{SearchHit, SearchTerms};
    use car_engine::EngineError;
    use car_engine::search::SearchQuery;

    use super::super::read::served;
    use super::{MAX_HITS, SearchAsk};

    const DAY_MS: i64 = 24 * 3_600_000;

    pub(super) async fn search(ask: SearchAsk) -> Result<Vec<SearchHit>, EngineError> {
        if SearchTerms::parse(&ask.text).is_none() {
            return Ok(Vec::new());
        }
        let since = (ask.days > 0).then(|| {
            let now = car_engine::now().as_millis();
            Timestamp::from_millis(now.saturating_sub(i64::from(ask.days) * DAY_MS))
        });
        let query = SearchQuery {
            text: ask.text,
            run: None,
            kind: Some(ask.kind).filter(|kind| !kind.is_empty()),
            since,
            limit: MAX_HITS,
        };
        let only = Some(ask.repo).filter(|repo| !repo.is_empty());
        served().search(only.as_deref(), &query).await
    }
}
