//! Tokens over time as stacked bars. The server draws all of it; labels are HTML, so that type never scales, and every number is
//! in a table, too.

use car_domain::format;
use car_domain::usage::{UsageBucket, UsageSeries};
use leptos::prelude::*;

/// Width of one step in the units of the drawing.
const STEP: f64 = 10.0;
/// Height of the drawing.
const HEIGHT: f64 = 100.0;
/// Labels below the drawing.
const MAX_LABELS: usize = 6;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The chart.
#[component]
pub(super) fn Chart(
    /// What it shows.
    series: UsageSeries,
    /// Whether the last line stands for several.
    has_rest: bool,
) -> impl IntoView {
    let totals: Vec<u64> = (0..series.buckets.len())
        .map(|step| series.series.iter().filter_map(|line| line.values.get(step)).sum())
        .collect();
    let top = axis_top(totals.iter().copied().max().unwrap_or(0));
    let n_lines = series.series.len();
    let look = move |line: usize| match line {
        line if has_rest && line + 1 == n_lines => "rest".to_owned(),
        line => format!("{}", line % 5 + 1),
    };
    let bucket = series.bucket;
    let labels: Vec<String> =
        series.buckets.iter().map(|label| label_words(bucket, label)).collect();
    let looks: Vec<String> = (0..n_lines).map(look).collect();
    let bars = bars(&series, top, &looks);
    let width = STEP * series.buckets.len() as f64;
    let spoken = spoken(&series, &totals, &labels);
    let hovered = RwSignal::new(None::<usize>);
    let areas = (0..labels.len()).map(|step| {
        view! {
            <rect
                class="chart__area"
                class:chart__area--on=move || hovered.get() == Some(step)
                x=STEP * step as f64
                y="0"
                width=STEP
                height=HEIGHT
                on:pointerenter=move |_| hovered.set(Some(step))
                on:click=move |_| hovered.set(Some(step))
            ></rect>
        }
    });
    let marks: Vec<String> = axis_marks(top).into_iter().map(format::tokens).collect();
    let below = label_places(labels.len()).into_iter().map(|step| labels[step].clone());
    let tip = tips(&series, &totals, &labels);
    let legend = series.series.iter().enumerate().map(|(index, line)| {
        view! {
            <li>
                <i class=format!("chart__key chart__key--{}", look(index)) aria-hidden="true"></i>
                <span class="clip">{line_words(&line.key)}</span>
                <span>{format::tokens(line.total)}</span>
            </li>
        }
    });
    view! {
        <figure class="chart" on:pointerleave=move |_| hovered.set(None)>
            <div class="chart__y" aria-hidden="true">
                {marks.into_iter().map(|mark| view! { <span>{mark}</span> }).collect_view()}
            </div>
            <svg
                class="chart__plot"
                viewBox=format!("0 0 {width} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label=spoken
            >
                <path class="chart__grid" d=grid(width)></path>
                {bars}
                {areas.collect_view()}
            </svg>
            <div class="chart__x" aria-hidden="true">
                {below.map(|label| view! { <span>{label}</span> }).collect_view()}
            </div>
            <p class="chart__tip num" aria-hidden="true">
                {move || match hovered.get() {
                    Some(step) => tip.get(step).cloned().unwrap_or_default(),
                    None => String::new(),
                }}
            </p>
            <ul class="chart__legend">{legend.collect_view()}</ul>
        </figure>
        <Numbers series totals labels/>
    }
}

/// Every number of the chart.
#[component]
fn Numbers(
    /// What is shown.
    series: UsageSeries,
    /// Sum of each step.
    totals: Vec<u64>,
    /// Words of each step.
    labels: Vec<String>,
) -> impl IntoView {
    let unit = match series.bucket {
        UsageBucket::Hour => "Hour (UTC)",
        UsageBucket::Day => "Day (UTC)",
        UsageBucket::Week => "Week from",
    };
    let heads = series
        .series
        .iter()
        .map(|line| view! { <th scope="col" class="r">{line_words(&line.key)}</th> });
    let rows = labels.iter().enumerate().rev().filter(|(step, _)| totals[*step] > 0).map(|(step, label)| {
        let cells = series.series.iter().map(|line| {
            view! { <td class="r">{format::tokens(line.values.get(step).copied().unwrap_or(0))}</td> }
        });
        view! {
            <tr>
                <th scope="row">{label.clone()}</th>
                <td class="r">{format::tokens(totals[step])}</td>
                {cells.collect_view()}
            </tr>
        }
    });
    view! {
        <details class="chart__numbers">
            <summary>"As a table"</summary>
            <div class="scroll" tabindex="0" role="region" aria-label="Tokens over time as a table">
                <table class="table">
                    <thead><tr><th scope="col">{unit}</th><th scope="col" class="r">"All"</th>{heads.collect_view()}</tr></thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}

/// One path for each line: hundreds of bars are few elements.
fn bars(series: &UsageSeries, top: u64, looks: &[String]) -> AnyView {
    use std::fmt::Write;

    let mut below = vec![0_u64; series.buckets.len()];
    let scale = |tokens: u64| HEIGHT * tokens as f64 / top.max(1) as f64;
    let mut paths = Vec::new();
    for (line, look) in series.series.iter().zip(looks) {
        let mut d = String::new();
        for (step, value) in line.values.iter().enumerate().filter(|(_, value)| **value > 0) {
            let Some(from) = below.get_mut(step) else { continue };
            let (y, height) = (HEIGHT - scale(*from + *value), scale(*value));
            let x = STEP * step as f64 + STEP * 0.15;
            let width = STEP * 0.7;
            // Writing to a string cannot fail.
            let _ = write!(d, "M{x:.2} {y:.2}h{width:.2}v{height:.2}h-{width:.2}z");
            *from += value;
        }
        paths.push(view! { <path class=format!("chart__bar chart__bar--{look}") d=d></path> });
    }
    paths.into_iter().collect_view().into_any()
}

fn grid(width: f64) -> String {
    [0.0, 25.0, 50.0, 75.0, 100.0].map(|y| format!("M0 {y}H{width}")).join("")
}

/// The top of the axis: a round number that four steps divide.
fn axis_top(max: u64) -> u64 {
    let max = max.max(4);
    let mut unit = 1_u64;
    loop {
        for factor in [4, 8, 10, 12, 16, 20, 24, 32] {
            let top = unit.saturating_mul(factor);
            if top >= max && top.is_multiple_of(4) {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
        if unit > u64::MAX / 64 {
            return max;
        }
    }
}

fn axis_marks(top: u64) -> [u64; 5] {
    [top, top / 4 * 3, top / 2, top / 4, 0]
}

/// Steps that get a label, evenly spread, the first and the last among them.
fn label_places(n_steps: usize) -> Vec<usize> {
    match n_steps {
        0 => Vec::new(),
        1..=MAX_LABELS => (0..n_steps).collect(),
        _ => (0..MAX_LABELS).map(|place| place * (n_steps - 1) / (MAX_LABELS - 1)).collect(),
    }
}

/// `14:00` or `23 Oct`, of `2025-10-23T14:00Z` or `2025-10-23`.
fn label_words(bucket: UsageBucket, label: &str) -> String {
    let part = |range: std::ops::Range<usize>| label.get(range).unwrap_or_default();
    if bucket == UsageBucket::Hour {
        return part(11..16).to_owned();
    }
    let month =
        part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    match (part(8..10).parse::<u8>(), month) {
        (Ok(day), Some(month)) => format!("{day} {month}"),
        _ => label.to_owned(),
    }
}

fn line_words(key: &str) -> String {
    match key {
        "total" => "All tokens",
        "other" => "Elsewhere",
        "uncached_input" => "Input, not cached",
        "cached_input" => "Input from the cache",
        "output" => "Answers",
        "reasoning" => "Reasoning",
        key => key,
    }
    .to_owned()
}

/// What is said of a step when it is pointed at.
fn tips(series: &UsageSeries, totals: &[u64], labels: &[String]) -> Vec<String> {
    let tip = |(step, label): (usize, &String)| {
        let mut lines: Vec<(u64, &str)> = series
            .series
            .iter()
            .map(|line| (line.values.get(step).copied().unwrap_or(0), line.key.as_str()))
            .filter(|(tokens, _)| *tokens > 0)
            .collect();
        lines.sort_by_key(|(tokens, _)| std::cmp::Reverse(*tokens));
        let parts = lines
            .into_iter()
            .map(|(tokens, key)| format!("{} {}", line_words(key), format::tokens(tokens)));
        let parts = parts.collect::<Vec<_>>().join(", ");
        let total = format::tokens(totals.get(step).copied().unwrap_or(0));
        if series.series.len() < 2 || parts.is_empty() {
            format!("{label}: {total}")
        } else {
            format!("{label}: {total} ({parts})")
        }
    };
    labels.iter().enumerate().map(tip).collect()
}

fn spoken(series: &UsageSeries, totals: &[u64], labels: &[String]) -> String {
    let unit = series.bucket.name();
    let (first, last) =
        (labels.first().cloned().unwrap_or_default(), labels.last().cloned().unwrap_or_default());
    let highest = totals.iter().enumerate().max_by_key(|(_, tokens)| **tokens);
    let highest =
        highest.and_then(|(step, tokens)| Some((labels.get(step)?, format::tokens(*tokens))));
    let highest = highest
        .map(|(label, tokens)| format!(" The highest {unit} is {label} with {tokens}."))
        .unwrap_or_default();
    format!("Tokens per {unit} from {first} to {last}.{highest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_in_a_round_number_that_holds_everything() {
        for (max, top) in
            [(0, 4), (3, 4), (17, 20), (99, 100), (157_000_000, 160_000_000), (1_030, 1_200)]
        {
            assert_eq!(axis_top(max), top, "{max}");
        }
        assert_eq!(axis_marks(160), [160, 120, 80, 40, 0]);
        assert!(axis_top(u64::MAX) >= u64::MAX / 64);
    }

    #[test]
    fn labels_are_dates_and_hours_and_few() {
        assert_eq!(label_words(UsageBucket::Day, "2025-10-23"), "23 Oct");
        assert_eq!(label_words(UsageBucket::Hour, "2025-10-23T14:00Z"), "14:00");
        assert_eq!(label_places(30), [0, 5, 11, 17, 23, 29]);
        assert_eq!(label_places(3), [0, 1, 2]);
    }
}
