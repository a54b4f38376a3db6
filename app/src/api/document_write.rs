//! Documents: what people do with them. All are form posts that work before the browser side has loaded.

use car_domain::docs::DocKind;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::AppError;
use super::document::DocView;

/// Who wrote what comes from a page, as the history names it.
#[cfg(feature = "ssr")]
const AUTHOR: &str = "web";
/// Who wrote a text that is kept and in no document.
#[cfg(feature = "ssr")]
const UNSAVED: &str = "web, not saved";

/// What became of saving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Saved {
    /// It is written.
    Written(Box<DocView>),
    /// Somebody else wrote meanwhile. The text is kept as version `mine`, which began on version `base`.
    Aside {
        /// Version of the text.
        mine: String,
        /// Version it began on.
        base: String,
    },
}

/// What is to become of a text that could not be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Settlement {
    /// It replaces the present one.
    Mine,
    /// Both are brought together.
    Merged,
}

/// Ticks or opens a box. `tick` is the line, `done` or `open`, and the item's text, with a space between.
#[server(name = TickItem, endpoint = "tick_item", prefix = "/rpc")]
pub(crate) async fn tick_item(
    repo: String,
    kind: DocKind,
    version: String,
    tick: String,
) -> Result<DocView, AppError> {
    let (line, done, text) = on_server::parse_tick(&tick)?;
    let tick = move |docs: &car_engine::Docs<'_>| {
        docs.tick(kind, car_engine::Tick { line, text: &text, done, version: &version }, AUTHOR)
    };
    on_server::change(&repo, tick).await.map(super::document::on_server::view)
}

/// Saves a text that began on `version`.
#[server(name = SaveDocument, endpoint = "save_document", prefix = "/rpc")]
pub(crate) async fn save_document(
    repo: String,
    kind: DocKind,
    version: String,
    text: String,
) -> Result<Saved, AppError> {
    on_server::must_be_written_by_people(kind)?;
    let began = version.clone();
    let saved = on_server::change(&repo, move |docs| {
        on_server::save(docs, kind, &began, |present| {
            Ok(on_server::with_newlines_of(&present.text, &text))
        })
    });
    let saved = saved.await?;
    on_server::lead_on(&repo, kind, &saved);
    Ok(saved)
}

/// Decides about a text that could not be saved, looking at version `version` of the document.
#[server(name = SettleConflict, endpoint = "settle_conflict", prefix = "/rpc")]
pub(crate) async fn settle_conflict(
    repo: String,
    kind: DocKind,
    version: String,
    mine: String,
    base: String,
    settlement: Settlement,
) -> Result<Saved, AppError> {
    on_server::must_be_written_by_people(kind)?;
    let settled = on_server::change(&repo, move |docs| {
        let (_, mine) = super::document::on_server::kept(docs, kind, &mine)?;
        on_server::save(docs, kind, &version, |present| match settlement {
            Settlement::Mine => Ok(mine),
            Settlement::Merged => super::document::on_server::merged(docs, present, &base, &mine)
                .ok_or_else(|| {
                    car_engine::EngineError::conflict("both changed the same place by now")
                        .with_hint("choose one of the texts, or bring them together by hand")
                }),
        })
    });
    let settled = settled.await?;
    on_server::lead_on(&repo, kind, &settled);
    Ok(settled)
}

/// Makes an earlier version the present one; the present one is in the history then.
#[server(name = RestoreVersion, endpoint = "restore_version", prefix = "/rpc")]
pub(crate) async fn restore_version(
    repo: String,
    kind: DocKind,
    version: String,
) -> Result<DocView, AppError> {
    let restored = on_server::change(&repo, move |docs| docs.restore(kind, &version)).await?;
    on_server::lead_to(&on_server::page(&repo, kind));
    Ok(super::document::on_server::view(restored))
}

#[cfg(feature = "ssr")]
pub(super) use on_server::lead_to;

#[cfg(feature = "ssr")]
mod on_server {
    use car_domain::docs::{DocKind, Document};
    use car_engine::{DocWrite, Docs, EngineError, ErrorKind, Expected, blocking};
    use leptos::prelude::use_context;
    use leptos::server_fn::http_export as http;

    use super::super::document::on_server::view;
    use super::super::read::served;
    use super::{AUTHOR, AppError, Saved, UNSAVED};
    use crate::routes::{conflict_path, docs_path};

    /// Changes the documents of a repository, off the async workers.
    pub(super) async fn change<T: Send + 'static>(
        repo: &str,
        change: impl FnOnce(&Docs<'_>) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, AppError> {
        let repo = served().repo(repo).await?;
        Ok(blocking(move || change(&repo.docs())).await?)
    }

    pub(super) fn must_be_written_by_people(kind: DocKind) -> Result<(), EngineError> {
        match kind {
            DocKind::Snapshot => {
                Err(EngineError::new(ErrorKind::Invalid, "SNAPSHOT is written by CAR only")
                    .with_hint("make a new one instead"))
            }
            _ => Ok(()),
        }
    }

    /// Writes what `text` makes of the present document, if that is `version`; keeps it aside otherwise.
    pub(super) fn save(
        docs: &Docs<'_>,
        kind: DocKind,
        version: &str,
        text: impl FnOnce(&Document) -> Result<String, EngineError>,
    ) -> Result<Saved, EngineError> {
        let present = docs.read(kind)?;
        let text = text(&present)?;
        if text == present.text {
            return Ok(Saved::Written(Box::new(view(present))));
        }
        match docs.write(kind, &text, Expected::Version(version), AUTHOR)? {
            DocWrite::Stale(_) => {
                let mine = docs.set_aside(kind, &text, UNSAVED)?;
                Ok(Saved::Aside { mine, base: version.to_owned() })
            }
            written @ DocWrite::Written(_) => {
                Ok(Saved::Written(Box::new(view(written.into_result()?))))
            }
        }
    }

    /// Browsers send newlines of forms as CRLF; the document keeps what it has.
    pub(super) fn with_newlines_of(present: &str, text: &str) -> String {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let n_all = present.matches('\n').count();
        if n_all > 0 && present.matches("\r\n").count() == n_all {
            return text.replace('\n', "\r\n");
        }
        text
    }

    /// The line, whether it is done, and the item's text.
    pub(super) fn parse_tick(tick: &str) -> Result<(usize, bool, String), AppError> {
        let mut parts = tick.splitn(3, ' ');
        let mut next = || parts.next().unwrap_or_default();
        let (line, state, text) = (next().parse(), next(), next().to_owned());
        match (line, state) {
            (Ok(line), "done") => Ok((line, true, text)),
            (Ok(line), "open") => Ok((line, false, text)),
            _ => Err(EngineError::new(ErrorKind::Invalid, "this is no box").into()),
        }
    }

    pub(super) fn page(repo: &str, kind: DocKind) -> String {
        docs_path(repo, served().only_repo().as_deref(), kind)
    }

    /// Leads a browser without its own code to what there is to see next.
    pub(super) fn lead_on(repo: &str, kind: DocKind, saved: &Saved) {
        let page = page(repo, kind);
        match saved {
            Saved::Written(_) => lead_to(&page),
            Saved::Aside { mine, base } => lead_to(&conflict_path(&page, mine, base)),
        }
    }

    pub(in crate::api) fn lead_to(path: &str) {
        let parts = use_context::<http::request::Parts>();
        let is_form = parts.is_some_and(|parts| {
            let accepted = parts.headers.get(http::header::ACCEPT);
            accepted.and_then(|types| types.to_str().ok()).is_some_and(|t| t.contains("text/html"))
        });
        if is_form {
            leptos_axum::redirect(path);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn newlines_stay_those_of_the_document() {
            assert_eq!(with_newlines_of("a\nb\n", "a\r\nc\r\n"), "a\nc\n");
            assert_eq!(with_newlines_of("a\r\nb\r\n", "a\nc\n"), "a\r\nc\r\n");
            assert_eq!(with_newlines_of("", "a\r\n"), "a\n");
            assert_eq!(with_newlines_of("a\r\nb\n", "x\r\ny"), "x\ny");
        }

        #[test]
        fn a_tick_names_line_state_and_text() {
            assert_eq!(parse_tick("3 done Fix it now"), Ok((3, true, "Fix it now".into())));
            assert_eq!(parse_tick("0 open "), Ok((0, false, String::new())));
            assert!(parse_tick("x done a").is_err() && parse_tick("3 maybe a").is_err());
            assert!(parse_tick("").is_err());
        }
    }
}
