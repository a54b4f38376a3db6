//! Tokens of each repository.

use car_domain::format;
use leptos::prelude::*;

use crate::api::RepoTokens;
use crate::base::at;
use crate::routes::repo_path;

/// The table, the most first.
#[component]
pub(super) fn ByRepo(
    /// Who used something.
    repos: Vec<RepoTokens>,
    /// Whether each has a page of its own.
    is_hub: bool,
) -> impl IntoView {
    let row = move |RepoTokens { name, is_here, usage }: RepoTokens| {
        let parts = usage.parts;
        let cached = format::percent(parts.cached_input, parts.cached_input + parts.uncached_input);
        let name = match is_here && is_hub {
            true => view! { <a href=at(&repo_path(&name, None))>{name.clone()}</a> }.into_any(),
            false => name.into_any(),
        };
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td class="r">{format::tokens(usage.totals.total_tokens)}</td>
                <td class="r desk">{format::tokens(parts.uncached_input)}</td>
                <td class="r desk">{format::tokens(parts.cached_input)}</td>
                <td class="r">{cached} "%"</td>
                <td class="r desk">{format::tokens(parts.output)}</td>
                <td class="r desk">{format::tokens(parts.reasoning)}</td>
                <td class="r">{usage.events}</td>
            </tr>
        }
    };
    view! {
        <table class="table">
            <thead>
                <tr>
                    <th scope="col">"Repository"</th>
                    <th scope="col" class="r">"Tokens"</th>
                    <th scope="col" class="r desk">"Input"</th>
                    <th scope="col" class="r desk">"Cached input"</th>
                    <th scope="col" class="r">"Cached"</th>
                    <th scope="col" class="r desk">"Answers"</th>
                    <th scope="col" class="r desk">"Reasoning"</th>
                    <th scope="col" class="r">"Calls"</th>
                </tr>
            </thead>
            <tbody>{repos.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}
