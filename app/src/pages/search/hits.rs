//! What was found: each place with the words around it, and the way there.

use car_domain::docs::DocKind;
use car_domain::format;
use car_domain::search::{SearchHit, SearchPlace};
use leptos::prelude::*;

use crate::api::SearchAsk;
use crate::base::at;
use crate::components::{Glyph, Icon, When};
use crate::pages::Tab;
use crate::routes::docs_path;

/// Everything that was found, or what to do when it is nothing.
#[component]
pub(super) fn Hits(
    /// What was found.
    found: Vec<SearchHit>,
    /// What was asked.
    ask: SearchAsk,
    /// Id of the only repository.
    only_repo: Option<String>,
    /// Whether there are several repositories.
    is_hub: bool,
) -> impl IntoView {
    if ask.text.is_empty() {
        return view! {
            <div class="empty">
                <Icon glyph=Glyph::Search/>
                <p class="empty__title">"Search runs and documents"</p>
                <p>"All words must occur. Quotes keep words together, a star stands for the rest of a word."</p>
            </div>
        }
        .into_any();
    }
    if found.is_empty() {
        let is_narrow = !(ask.kind.is_empty() && ask.repo.is_empty() && ask.days == 0);
        let hint = match is_narrow {
            true => "Try fewer words, the beginning of a word and a star, or search everything.",
            false => "Try fewer words, or the beginning of a word and a star.",
        };
        return view! {
            <div class="empty" role="status">
                <Icon glyph=Glyph::Search/>
                <p class="empty__title">"Nothing holds all of “" {ask.text} "”"</p>
                <p>{hint}</p>
            </div>
        }
        .into_any();
    }
    let count = format::count(found.len() as u64, "place", "places");
    let hits = found.into_iter().map(move |hit| {
        let (glyph, what, href) = place(&hit, only_repo.as_deref());
        let repo = is_hub.then(|| view! { <span class="muted">{hit.repo.clone()}</span> });
        view! {
            <li class="hit">
                <a class="hit__link" href=at(&href)>
                    <Icon glyph/>
                    <span class="hit__what">{what}</span>
                </a>
                <span class="row small muted">
                    {repo}
                    {hit.at.map(|at| view! { <When at/> })}
                </span>
                <p class="hit__words">{marked(&hit.snippet, &hit.marks)}</p>
            </li>
        }
    });
    view! {
        <p class="muted small num" role="status">{count}</p>
        <ol class="hits">{hits.collect_view()}</ol>
    }
    .into_any()
}

/// Its sign, its words, and its address without base path.
fn place(hit: &SearchHit, only_repo: Option<&str>) -> (Glyph, String, String) {
    match &hit.place {
        SearchPlace::Event { run, seq, kind } => (
            Glyph::Runs,
            format!("Run {run}, {}", words(kind)),
            format!("{}/{run}?from={seq}", Tab::Runs.path(&hit.repo, only_repo)),
        ),
        SearchPlace::Document { document, line, .. } => match DocKind::parse(document) {
            Some(kind) => (
                Glyph::Docs,
                format!("{}, line {line}", kind.title()),
                docs_path(&hit.repo, only_repo, kind),
            ),
            None => (
                Glyph::Docs,
                format!("{document}, line {line}"),
                Tab::Docs.path(&hit.repo, only_repo),
            ),
        },
    }
}

/// What an event of this type is.
fn words(kind: &str) -> String {
    match kind {
        "message" => "message".to_owned(),
        "command.started" | "command.finished" => "command".to_owned(),
        "files.changed" => "changed files".to_owned(),
        "run.started" => "beginning".to_owned(),
        "run.finished" => "end".to_owned(),
        other => other.replace('.', " "),
    }
}

/// The text with what was searched for marked. The marks are places of characters.
fn marked(text: &str, marks: &[(usize, usize)]) -> AnyView {
    let byte = |place: usize| text.char_indices().nth(place).map_or(text.len(), |(byte, _)| byte);
    let mut parts = Vec::new();
    let mut done = 0;
    for (from, to) in marks {
        let (from, to) = (byte(*from).max(done), byte(*to));
        if from >= to {
            continue;
        }
        if from > done {
            parts.push(text[done..from].to_owned().into_any());
        }
        parts.push(view! { <mark>{text[from..to].to_owned()}</mark> }.into_any());
        done = to;
    }
    if done < text.len() {
        parts.push(text[done..].to_owned().into_any());
    }
    parts.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_places_of_characters_and_may_overlap() {
        let html = marked("Größe der Flut", &[(0, 5), (3, 5), (10, 14)]).to_html();
        let text = html.replace("<!>", "");
        assert_eq!(text, "<mark>Größe</mark> der <mark>Flut</mark>");
    }

    #[test]
    fn each_place_has_an_address() {
        let hit = |place| SearchHit {
            repo: "a".to_owned(),
            place,
            at: None,
            snippet: String::new(),
            marks: Vec::new(),
        };
        let kind = "command.finished".to_owned();
        let (_, words, href) = place(&hit(SearchPlace::Event { run: 3, seq: 17, kind }), None);
        assert_eq!((words.as_str(), href.as_str()), ("Run 3, command", "/repos/a/runs/3?from=17"));
        let document = SearchPlace::Document {
            kind: "document".to_owned(),
            document: "todo".to_owned(),
            line: 4,
        };
        assert_eq!(place(&hit(document), Some("a")).2, "/docs/todo");
    }
}
