//! One run: how it ended, what it said, and step by step what it did. Live while it works.

use std::future::IntoFuture;

use car_domain::format;
use car_domain::run::RunSummary;
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::frame::{RepoContext, RepoFrame, Tab, use_repo_id};
use super::log::RunLog;
use crate::api::{self, ENTRIES_PER_PAGE, RunView};
use crate::base::at;
use crate::components::{
    Glyph, Icon, InlineText, OutcomeBadge, Pair, RunTime, Section, Timeline, When,
};

/// `/repos/:id/runs/:run`.
#[component]
pub(crate) fn RunPage() -> impl IntoView {
    let (id, params, query) = (use_repo_id(), use_params_map(), use_query_map());
    // Number 0 belongs to no run, so an address that names none is answered as such.
    let run = Memo::new(move |_| {
        params.read().get("run").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    });
    let from = Memo::new(move |_| query.read().get("from").and_then(|text| text.parse().ok()));
    view! {
        <For each=move || [(id.get(), run.get(), from.get())] key=Clone::clone let:page>
            <RunRegion id=page.0 run=page.1 from=page.2/>
        </For>
    }
}

#[component]
fn RunRegion(
    /// Id of the repository.
    id: String,
    /// Number of the run.
    run: u64,
    /// Where the part of the journal begins; its end when absent.
    from: Option<u64>,
) -> impl IntoView {
    let of = id.clone();
    let read = Resource::new(move || of.clone(), move |id| api::read_run(id, run, from));
    let more = move || read.into_future();
    view! { <RepoFrame id tab=Tab::Runs more show=page/> }
}

fn page(context: &RepoContext, view: RunView) -> AnyView {
    let RunView { run, newest, part, next, report, api } = view;
    let (number, base) = (run.run, at(&context.path(Tab::Runs)));
    let log = RunLog::new(&part);
    let is_end = next.is_none();
    if is_end {
        context.store.follow(log);
    }
    let store = context.store;
    // The list of newest runs knows how it goes on; a run that is older has ended.
    let run = Memo::new(move |_| {
        let known = |runs: &Vec<RunSummary>| runs.iter().find(|one| one.run == number).cloned();
        store.runs.with(known).unwrap_or_else(|| run.clone())
    });
    let is_live = Memo::new(move |_| is_end && run.with(|run| run.end.is_none()));
    let first = part.entries.first().map_or(1, |entry| entry.seq);
    let around = Around { base: base.clone(), number, newest };
    let address = format!("{base}/{number}");
    let changed = at(&format!("{}?run={number}", context.path(Tab::Changes)));
    view! {
        <main class="page cols" id="main" tabindex="-1">
            <div class="cols__main cols__main--close">
                <Head run around/>
                {report.map(|text| view! { <Report text/> })}
                <section class="sec timeline" aria-labelledby="steps">
                    <Earlier first address=address.clone()/>
                    <Timeline cells=log.cells is_live last_at=log.last_at/>
                    {next.map(|next| view! {
                        <nav class="row" aria-label="More steps">
                            <a class="btn" href=format!("{address}?from={next}")>"Later steps"</a>
                            <a class="btn" href=address.clone()>"The end"</a>
                        </nav>
                    })}
                </section>
            </div>
            <Facts run api changed/>
        </main>
    }
    .into_any()
}

/// Where the runs before and after this one are.
#[derive(Clone, Debug)]
struct Around {
    base: String,
    number: u64,
    newest: u64,
}

/// Which run it is, and how it stands.
#[component]
fn Head(
    /// The run.
    run: Memo<RunSummary>,
    /// Its neighbours.
    around: Around,
) -> impl IntoView {
    let Around { base, number, newest } = around;
    let item = Memo::new(move |_| run.with(|run| run.item.clone()).unwrap_or_default());
    let reason = Memo::new(move |_| {
        run.with(|run| {
            let end = run.end.as_ref().filter(|end| !end.is_success())?;
            end.reason.clone()
        })
    });
    let started = move || run.with(|run| run.started_at);
    let other = |there: bool, to: u64, label: String, glyph| {
        there.then(|| view! {
            <a class="btn btn--icon" href=format!("{base}/{to}") aria-label=label><Icon glyph/></a>
        })
    };
    let older =
        other(number > 1, number - 1, format!("Run {}, before this", number - 1), Glyph::Back);
    let newer = other(
        number < newest,
        number + 1,
        format!("Run {}, after this", number + 1),
        Glyph::Forward,
    );
    view! {
        <div class="run__head">
            <div class="row">
                <h2 class="run__title">"Run " <span class="num">{number}</span></h2>
                <OutcomeBadge run/>
                <span class="muted small num clip">
                    {move || started().map(|at| view! { "started " <When at/> })}
                </span>
                <span class="row push">{older} {newer}</span>
            </div>
            <p class="soft" hidden=move || item.with(String::is_empty)><InlineText text=item/></p>
            {move || reason.get().map(|reason| view! {
                <div class="reason reason--bad" role="alert">
                    <span class="state state--failed">
                        <span class="state__glyph" aria-hidden="true"></span>
                    </span>
                    <p><InlineText text=reason/></p>
                </div>
            })}
        </div>
    }
}

/// What the agent said last. It wrote it, so it only ever becomes text.
#[component]
fn Report(
    /// The message.
    text: String,
) -> impl IntoView {
    let paragraphs: Vec<String> = text.split("\n\n").map(|part| part.trim().to_owned()).collect();
    view! {
        <article class="report" aria-labelledby="report">
            <h3 id="report">"Report"</h3>
            {paragraphs
                .into_iter()
                .filter(|part| !part.is_empty())
                .map(|text| view! { <p class="words"><InlineText text/></p> })
                .collect_view()}
        </article>
    }
}

/// The way to what came before the first step shown.
#[component]
fn Earlier(
    /// Number of the first entry shown.
    first: u64,
    /// Address of the run.
    address: String,
) -> impl IntoView {
    (first > 1).then(|| {
        let from = first.saturating_sub(ENTRIES_PER_PAGE).max(1);
        let beginning = format!("{address}?from=1");
        view! {
            <nav class="row" aria-label="Earlier steps">
                <a class="btn" href=format!("{address}?from={from}")>"Earlier steps"</a>
                {(from > 1).then(|| view! { <a class="btn" href=beginning>"The beginning"</a> })}
                <span class="muted small num">
                    {format::count(first - 1, "journal entry", "journal entries")} " before these"
                </span>
            </nav>
        }
    })
}

#[component]
fn Facts(
    /// The run.
    run: Memo<RunSummary>,
    /// Address of its files, without base path.
    api: String,
    /// Where its changes are shown.
    changed: String,
) -> impl IntoView {
    let tokens = move || {
        let usage = run.with(|run| run.usage);
        let percent = format::percent(usage.cached_input_tokens, usage.input_tokens);
        let cached = if percent > 0 { format!(", {percent}% cached") } else { String::new() };
        format!("{}{cached}", format::tokens(usage.total()))
    };
    let commands = move || run.with(|run| run.n_commands);
    let changes = Memo::new(move |_| run.with(|run| run.changes));
    let commit = Memo::new(move |_| run.with(|run| run.commit.clone()));
    let ended = Memo::new(move |_| run.with(|run| run.finished_at));
    let agent = move || run.with(|run| run.agent.clone());
    let (log, events) = (at(&format!("{api}/log")), at(&format!("{api}/events")));
    view! {
        <div class="cols__rail">
            <Section id="facts" title="This run">
                <dl class="kv">
                    <Pair label="Time"><RunTime run/></Pair>
                    <Pair label="Ended">
                        {move || match ended.get() {
                            Some(at) => view! { <When at/> }.into_any(),
                            None => "not yet".into_any(),
                        }}
                    </Pair>
                    <Pair label="Tokens">{tokens}</Pair>
                    <Pair label="Commands">{commands}</Pair>
                    <Pair label="Files changed">
                        {move || match changes.get() {
                            Some(count) => view! {
                                {count.files} " "
                                <span class="plus">"+" {count.insertions}</span> " "
                                <span class="minus">"−" {count.deletions}</span>
                            }.into_any(),
                            None => "not counted".into_any(),
                        }}
                    </Pair>
                    <Pair label="Commit">
                        {move || match commit.get() {
                            Some(commit) => {
                                let short: String = commit.chars().take(8).collect();
                                view! { <code>{short}</code> }.into_any()
                            }
                            None => "none".into_any(),
                        }}
                    </Pair>
                    <Pair label="Agent"><code class="kv__code">{agent}</code></Pair>
                </dl>
            </Section>
            <Section id="files" title="Files">
                <ul class="filelist">
                    <li><a href=changed>"What it changed"</a></li>
                    <li><a href=log rel="external">"Text log"</a></li>
                    <li><a href=events rel="external">"Journal as JSON"</a></li>
                </ul>
            </Section>
        </div>
    }
}
