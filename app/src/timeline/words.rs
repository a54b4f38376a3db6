//! Texts of steps, made short for a row.

use car_domain::text::headline;

/// Components of a path that stay when it is shortened.
const PATH_PARTS: usize = 4;

/// The command a person would have typed: without the shell an agent wraps around it.
pub(crate) fn short_command(command: &str) -> String {
    let trimmed = command.trim();
    let shells = ["bash -lc ", "sh -lc ", "bash -c ", "sh -c ", "zsh -lc "];
    let inner = shells.iter().find_map(|shell| {
        let path_free = ["/bin/", "/usr/bin/"]
            .iter()
            .find_map(|directory| trimmed.strip_prefix(directory))
            .unwrap_or(trimmed);
        path_free.strip_prefix(shell)
    });
    let Some(inner) = inner.map(str::trim) else { return trimmed.to_owned() };
    let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        return inner.to_owned();
    };
    let unquoted = inner.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    unquoted.filter(|text| !text.contains(quote)).unwrap_or(trimmed).to_owned()
}

/// A path that fits a row: agents name files absolutely, and the end is what tells them apart.
pub(crate) fn short_path(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.len().checked_sub(PATH_PARTS) {
        Some(n_cut @ 1..) if path.starts_with('/') => {
            format!("…/{}", parts.get(n_cut..).unwrap_or_default().join("/"))
        }
        _ => path.to_owned(),
    }
}

/// The first line of a Markdown text without its marks.
pub(crate) fn plain_headline(markdown: &str, max_chars: usize) -> String {
    let line = headline(markdown, max_chars);
    let line = line.trim_start_matches('#').trim();
    line.replace("**", "").trim_matches('*').to_owned()
}

/// What follows the first line of a text.
pub(crate) fn body(text: &str) -> &str {
    text.trim_start().split_once('\n').map_or("", |(_, body)| body.trim())
}

/// Splits a text at its backticks: words and code in turn, code marked `true`.
pub(crate) fn text_parts(text: &str) -> Vec<(bool, String)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, behind)) = after.split_once('`').filter(|(code, _)| !code.is_empty())
        else {
            break;
        };
        if !before.is_empty() {
            parts.push((false, before.to_owned()));
        }
        parts.push((true, code.to_owned()));
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push((false, rest.to_owned()));
    }
    parts
}
