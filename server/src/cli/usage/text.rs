//! Usage as text: the original's lines, and tables below them.

use std::path::Path;

use car_domain::usage::{HubUsage, TokenTotals, UsageGroup, UsageSeries, UsageSummary};
use serde_json::Value;

use super::super::ui;

pub(super) fn repo(root: &Path, home: &Path, summary: &UsageSummary) {
    ui::out(&format!("Repo: {}", root.display()));
    ui::out(&format!("CODEX_HOME: {}", home.display()));
    ui::out(&format!("Totals: {}", totals(&summary.totals)));
    ui::out(&format!("Events counted: {}", summary.events));
    if let Some(limits) = &summary.latest_rate_limits {
        let window = |name: &str| {
            let word = |key: &str| match &limits[name][key] {
                Value::Null => "None".to_owned(),
                value => value.to_string(),
            };
            format!("{name}_used={}%/{}m", word("used_percent"), word("window_minutes"))
        };
        ui::out(&format!("Latest rate limits: {}, {}", window("primary"), window("secondary")));
    }
}

pub(super) fn hub(root: &Path, home: &Path, hub: &HubUsage) {
    ui::out(&format!("Hub: {}", root.display()));
    ui::out(&format!("CODEX_HOME: {}", home.display()));
    ui::out(&format!("Repos: {}", hub.repos.len()));
    for (id, summary) in &hub.repos {
        ui::out(&format!("- {id}: {} events={}", totals(&summary.totals), summary.events));
    }
    for (id, summary) in &hub.removed {
        let totals = totals(&summary.totals);
        ui::out(&format!("- {id} (removed): {totals} events={}", summary.events));
    }
    let UsageSummary { events, totals, .. } = &hub.unmatched;
    if *events > 0 || totals.total_tokens > 0 {
        ui::out(&format!("- unmatched: total={} events={events}", totals.total_tokens));
    }
}

fn totals(tokens: &TokenTotals) -> String {
    let TokenTotals {
        input_tokens,
        cached_input_tokens,
        output_tokens,
        reasoning_output_tokens,
        total_tokens,
    } = tokens;
    format!(
        "total={total_tokens} (input={input_tokens}, cached={cached_input_tokens}, output={output_tokens}, \
         reasoning={reasoning_output_tokens})"
    )
}

pub(super) fn groups(heading: &str, groups: &[UsageGroup]) {
    let mut rows = vec![
        [heading, "TOTAL", "UNCACHED", "CACHED", "OUTPUT", "REASONING", "CALLS"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for group in groups {
        let parts = group.parts;
        let numbers = [
            group.totals.total_tokens,
            parts.uncached_input,
            parts.cached_input,
            parts.output,
            parts.reasoning,
            group.events,
        ];
        rows.push(
            std::iter::once(group.key.clone()).chain(numbers.iter().map(u64::to_string)).collect(),
        );
    }
    table(&rows);
}

pub(super) fn series(series: &UsageSeries) {
    let keys = series.series.iter().map(|line| line.key.to_uppercase());
    let mut rows = vec![std::iter::once(series.bucket.name().to_uppercase()).chain(keys).collect()];
    for (step, label) in series.buckets.iter().enumerate() {
        let value = |line: &Vec<u64>| line.get(step).copied().unwrap_or(0).to_string();
        let values = series.series.iter().map(|line| value(&line.values));
        rows.push(std::iter::once(label.clone()).chain(values).collect());
    }
    table(&rows);
}

/// The first column to the left, numbers to the right.
fn table(rows: &[Vec<String>]) {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    ui::out("");
    for row in rows {
        let cell = |(column, (cell, width)): (usize, (&String, &usize))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("  {cell:>width$}"),
        };
        let line: String = row.iter().zip(&widths).enumerate().map(cell).collect();
        ui::out(line.trim_end());
    }
}
