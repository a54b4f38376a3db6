//! Beside the page: how the repository is configured to run.

use leptos::prelude::*;

use super::store::RepoStore;
use crate::components::{Pair, Section};
use car_domain::format;

/// The settings of the loop.
#[component]
pub(super) fn Rail(
    /// The dashboard.
    store: RepoStore,
) -> impl IntoView {
    let settings = store.settings;
    let agent = move || settings.with(|settings| settings.agent.clone());
    let model = move || {
        settings.with(|settings| settings.model.clone()).unwrap_or_else(|| "the agent's own".into())
    };
    let pause = move || settings.with(|settings| format::setting_seconds(settings.sleep_seconds));
    let limit = move || match settings.with(|settings| settings.stop_after_runs) {
        Some(n_runs) => format::count(n_runs, "run", "runs"),
        None => "no limit".to_owned(),
    };
    let silence = move || match settings.with(|settings| settings.idle_timeout_seconds) {
        Some(seconds) => format!("after {}", format::setting_seconds(seconds)),
        None => "never".to_owned(),
    };
    view! {
        <div class="cols__rail">
            <Section id="settings" title="Run settings">
                <dl class="kv">
                    <Pair label="Agent"><code class="kv__code">{agent}</code></Pair>
                    <Pair label="Model">{model}</Pair>
                    <Pair label="Between runs">{pause}</Pair>
                    <Pair label="Runs per start">{limit}</Pair>
                    <Pair label="A silent run ends">{silence}</Pair>
                </dl>
            </Section>
        </div>
    }
}
