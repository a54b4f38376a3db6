//! The mark in SUMMARY that says that the final report is written.

use car_domain::docs::DocKind;

use super::{Docs, Expected};
use crate::EngineError;

/// What the mark contains. Whoever removes it asks for a new report.
const FINALIZED: &str = "CAR:SUMMARY_FINALIZED";

impl Docs<'_> {
    /// Whether the final report is written.
    pub(crate) fn report_written(&self) -> Result<bool, EngineError> {
        Ok(self.text(DocKind::Summary)?.contains(FINALIZED))
    }

    /// Marks the final report as written by run `run`.
    pub(crate) fn mark_report(&self, run: u64) -> Result<(), EngineError> {
        let mark = |text: &str| {
            let mark = format!("<!-- {FINALIZED} run_id={run} -->");
            (!text.contains(FINALIZED)).then(|| format!("{}\n\n{mark}\n", text.trim_end()))
        };
        self.change(DocKind::Summary, mark, &format!("run {run}"))
    }

    /// Takes the mark away, because there is work again.
    pub(crate) fn unmark_report(&self) -> Result<(), EngineError> {
        let unmark = |text: &str| {
            let kept = text.lines().filter(|line| !line.contains(FINALIZED));
            let kept: Vec<&str> = kept.collect();
            text.contains(FINALIZED).then(|| format!("{}\n", kept.join("\n").trim_end()))
        };
        self.change(DocKind::Summary, unmark, "loop")
    }

    /// Changes a document by a rule, again when somebody else wrote it meanwhile.
    fn change(
        &self,
        kind: DocKind,
        rule: impl Fn(&str) -> Option<String>,
        author: &str,
    ) -> Result<(), EngineError> {
        loop {
            let document = self.read(kind)?;
            let Some(text) = rule(&document.text) else { return Ok(()) };
            if !self.write(kind, &text, Expected::Version(&document.version), author)?.is_stale() {
                return Ok(());
            }
        }
    }
}
