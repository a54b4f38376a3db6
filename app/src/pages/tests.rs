//! Pages as the server writes them. With `CAR_PREVIEW_DIR` set, each is also written there as a file to look at.
#![expect(clippy::expect_used, reason = "made-up data and a folder the caller names")]

mod samples;

use car_domain::run::{FileChange, Outcome, RunEnd, RunEvent};
use car_domain::view::Activity;
use leptos::prelude::*;
use leptos_meta::ServerMetaContext;
use leptos_router::components::Router;
use leptos_router::location::RequestUrl;
use samples::*;

use super::NotFoundBody;
use super::hub::Hub;
use super::repo::RepoBoard;
use crate::api::{RepoView, Site};
use crate::clock::Clock;
use crate::components::SideList;
use crate::fleet::Fleet;

/// Renders a page inside the frame, at an address.
fn render(
    name: &str,
    address: &str,
    site: Site,
    page: impl FnOnce(Site) -> AnyView + Send + 'static,
) -> String {
    let (meta, _head) = ServerMetaContext::new();
    let html = Owner::new().with(|| {
        provide_context(RequestUrl::new(address));
        provide_context(meta);
        leptos_meta::provide_meta_context();
        Clock::provide().seed(site.now);
        Fleet::provide().seed(site.rows.clone());
        let view = view! {
            <Router>
                <div class="frame">
                    <nav class="side"><SideList site=site.clone()/></nav>
                    {page(site)}
                </div>
            </Router>
        };
        view.to_html()
    });
    if let Some(folder) = std::env::var_os("CAR_PREVIEW_DIR") {
        let head = r#"<!DOCTYPE html><html lang="en" data-ready><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="main.css">"#;
        let file = std::path::Path::new(&folder).join(format!("{name}.html"));
        std::fs::write(file, format!("{head}{html}")).expect("a folder to write to");
    }
    html
}

fn repo_page(name: &str, view: RepoView) -> String {
    let site = site(Some("payments-api"), vec![view.dashboard.repo.clone()]);
    render(name, "/", site, |site| view! { <RepoBoard site view/> }.into_any())
}

#[test]
fn a_dashboard_at_work_is_complete_in_the_servers_html() {
    let html = repo_page("running", view(Activity::Running, events()));
    for text in [
        "Now, run ",
        "18:42",
        "Finding where charges are created",
        "rg -n insert src/charges",
        "exit 101",
        "12 KB of output left out.",
        "…/code/payments-api/migrations/0031_idempotency_keys.sql",
        "Ticked 1 item in TODO",
        "92% cached",
        "Stop after this run",
        "2 done items",
        "codex exec --json --full-auto",
        "14:21 UTC",
        "action=\"/rpc/run_action\"",
    ] {
        assert!(html.contains(text), "`{text}` is missing in\n{html}");
    }
    assert!(!html.contains("No runs yet"));
}

#[test]
fn a_stop_that_was_asked_for_is_said_and_not_offered_again() {
    let mut view = view(Activity::Running, events());
    view.dashboard.repo.state.stop_requested = true;
    let html = repo_page("stopping", view);
    assert!(html.contains("Stopping after this run"));
    assert!(!html.contains("value=\"stop\""));
    assert!(html.contains("value=\"kill\""));
}

#[test]
fn a_failure_says_why_and_offers_to_start() {
    let mut view = view(Activity::Failed, events());
    let end = RunEnd {
        outcome: Outcome::Failed,
        exit_code: Some(3),
        signal: None,
        reason: Some("cargo test still fails after 3 tries".into()),
    };
    let event = RunEvent::RunFinished { end, duration_ms: 1_930_000 };
    view.tail.entries.push(car_domain::run::JournalEntry { seq: 40, at: at("14:40:00"), event });
    view.dashboard.repo.state.detail = Some("The agent ended with exit code 3.".into());
    let html = repo_page("failed", view);
    assert!(html.contains("The agent ended with exit code 3."));
    assert!(html.contains("Failed: cargo test still fails after 3 tries"));
    assert!(html.contains("value=\"start\"") && html.contains("value=\"once\""));
    assert!(html.contains("unfinished"));
}

#[test]
fn before_the_first_run_the_page_says_what_to_do() {
    let mut fresh = view(Activity::Idle, Vec::new());
    fresh.dashboard.runs.clear();
    fresh.dashboard.repo.last_run = None;
    let html = repo_page("fresh", fresh.clone());
    assert!(html.contains("No runs yet") && html.contains("Start the loop"));

    fresh.dashboard.todo.clear();
    let html = repo_page("empty", fresh);
    assert!(html.contains("Fix the login page") && html.contains("disabled"));
}

#[test]
fn what_an_agent_writes_stays_text() {
    let hostile = "<script>alert(1)</script>";
    let quoted = "\"><img src=x onerror=alert(1)>";
    let change = FileChange { path: quoted.into(), kind: hostile.into() };
    let events = vec![
        message(hostile),
        output(hostile),
        RunEvent::Reasoning { text: format!("{hostile}\n\n{hostile}") },
        RunEvent::Raw { value: serde_json::json!({"type": hostile}) },
        RunEvent::FilesChanged { id: "1".into(), changes: vec![change], status: "x".into() },
        RunEvent::CommandStarted { id: "2".into(), command: quoted.into() },
        RunEvent::TodoChanged { done: 1, open: 0, ticked: vec![hostile.into()] },
    ];
    let mut view = view(Activity::Running, events);
    view.dashboard.todo[0].text = quoted.into();
    view.dashboard.repo.name = hostile.into();
    view.dashboard.repo.state.detail = Some(hostile.into());
    let html = repo_page("hostile", view);
    assert!(!html.contains("<script") && !html.contains("<img"));
    assert!(html.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn a_long_run_shows_its_newest_steps_and_says_what_is_left_out() {
    let events = (0..1000).map(|index| message(&format!("Message {index}"))).collect();
    let html = repo_page("long", view(Activity::Running, events));
    assert!(html.contains("Earlier steps are left out (600 journal entries)"));
    assert!(html.contains("Message 999") && !html.contains("Message 599<"));
    assert_eq!(html.matches("<li class=\"step\">").count(), 400);
}

#[test]
fn the_hub_lists_what_needs_a_person_first() {
    let mut rows = vec![
        row("docs-site", Activity::Idle),
        row("payments-api", Activity::Running),
        row("mobile-app", Activity::Waiting),
        row("edge-cache", Activity::Failed),
        row("design-tokens", Activity::Finished),
    ];
    rows[3].state.detail = Some("cargo test still fails after 3 tries".into());
    let html = render("hub", "/", site(None, rows), |site| {
        view! { <Hub site jobs=Vec::new()/> }.into_any()
    });
    let fleet = html.split("id=\"fleet-list\"").nth(1).expect("a list");
    let place = |name: &str| fleet.find(&format!("/repos/{name}")).expect("a link");
    assert!(place("edge-cache") < place("payments-api"));
    assert!(place("mobile-app") < place("docs-site"));
    assert!(fleet.contains("starts in 0:42"));

    let html = render("hub-empty", "/", site(None, Vec::new()), |site| {
        view! { <Hub site jobs=Vec::new()/> }.into_any()
    });
    assert!(html.contains("No repositories yet") && html.contains("car init"));
}

fn hub(name: &str, address: &str, rows: Vec<car_domain::view::RepoRow>) -> String {
    render(name, address, site(None, rows), |site| view! { <Hub site jobs=Vec::new()/> }.into_any())
}

#[test]
fn what_an_agent_asks_is_answered_in_the_hub_by_plain_forms() {
    let html = hub("hub-asks", "/", vec![asking("orders-worker"), wondering("german-pages")]);
    for text in [
        "Needs you",
        "cargo sqlx migrate run",
        "Approval, run 111",
        "name=\"decision\" value=\"accept\"",
        "Approve for this run",
        "Should German pages live under",
        "name=\"answers[0][text]\" value=\"Use /de/\"",
        "action=\"/rpc/answer_request\"",
    ] {
        assert!(html.contains(text), "`{text}` is missing in\n{html}");
    }
}

#[test]
fn the_hub_is_filtered_and_its_dialogs_opened_by_the_address_alone() {
    let mut worktree = row("docs-site--german", Activity::Failed);
    worktree.worktree_of = Some("docs-site".into());
    let rows = vec![row("docs-site", Activity::Idle), worktree, row("edge-cache", Activity::Idle)];
    let html = hub("hub-worktrees", "/?show=worktrees", rows.clone());
    let list = html.split("id=\"fleet-list\"").nth(1).expect("a list");
    assert!(list.contains("/repos/docs-site--german") && !list.contains("/repos/edge-cache"));
    let html = hub("hub-menu", "/?do=menu&repo=docs-site", rows.clone());
    assert!(
        html.contains("<dialog") && html.contains("New worktree…") && html.contains("Run once")
    );
    let html = hub("hub-menu-of-worktree", "/?do=menu&repo=docs-site--german", rows.clone());
    assert!(html.contains("Clean up worktree…") && !html.contains("New worktree…"));
    let html = hub("hub-gone", "/?do=kill&repo=nothing", rows);
    assert!(html.contains("This repository is gone"));
}

#[test]
fn a_hub_of_a_thousand_is_one_page_of_rows_with_a_way_to_the_next() {
    let rows: Vec<_> = (0..1000).map(|n| row(&format!("repo-{n:04}"), Activity::Idle)).collect();
    let html = hub("hub-large", "/", rows.clone());
    assert_eq!(html.matches("class=\"fleet__name\"").count(), 60);
    assert!(html.contains("href=\"/?from=60\"") && html.contains("960 more in the hub"));
    assert!(html.len() < 400_000, "{}", html.len());
    let html = hub("hub-large-next", "/?from=60", rows);
    assert!(html.contains("repo-0060") && html.contains("Earlier rows"));
}

#[test]
fn what_agents_and_repositories_say_stays_text_in_the_hub() {
    let hostile = "\"><script>alert(1)</script>";
    let mut asks = asking("a");
    asks.name = hostile.into();
    asks.branch = Some(hostile.into());
    let run = asks.last_run.as_mut().expect("a run");
    run.asks[0].reason = Some(hostile.into());
    let html = hub("hub-hostile", "/?do=menu&repo=a&q=%3Cscript%3E", vec![asks]);
    assert!(!html.contains("<script"));
}

#[test]
fn a_missing_page_leads_back() {
    let html = render("missing", "/nowhere", site(None, Vec::new()), |_| {
        let message = "There is no page at this address.".to_owned();
        view! { <NotFoundBody message hint=None/> }.into_any()
    });
    assert!(html.contains("There is no page at this address.") && html.contains("href=\"/\""));
}
