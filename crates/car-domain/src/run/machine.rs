//! The loop's decisions, as a pure state machine.
//!
//! The engine asks [`LoopMachine::next`] what to do, does it, and tells the outcome with [`LoopMachine::finished`]. Order of
//! the questions before a run: stop request, wall clock, TODO done (report or end), run. After a run: failure, stop request,
//! wall clock, report, limit, no progress, pause. The report is a run like any other: it can be stopped and it counts.

use std::time::Duration;

use super::{Outcome, RunKind};
use crate::todo::TodoStatus;

/// Bounds of one invocation of the loop; `None` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoopLimits {
    /// Runs of *this* invocation, reports included.
    pub max_runs: Option<u64>,
    /// Time since the loop began, measured by a clock that cannot be set.
    pub wallclock: Option<Duration>,
    /// Runs in a row that may leave work documents and working tree untouched.
    pub max_idle_runs: Option<u64>,
}

/// What the machine needs to know of the world before it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// A person asked the loop to stop after the current run.
    pub stop_requested: bool,
    /// Time since the loop began.
    pub elapsed: Duration,
    /// State of the TODO document.
    pub todo: TodoStatus,
    /// Whether the final report for exactly these TODO items is written.
    pub report_written: bool,
    /// Whether the last run changed a work document or the working tree.
    pub progressed: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Run the agent.
    Run {
        /// Number of the run.
        id: u64,
        /// Work or report.
        kind: RunKind,
    },
    /// Wait, then ask again. Only ever follows a run.
    Pause,
    /// The loop is over.
    End(LoopEnd),
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopEnd {
    /// Every item is done and the final report is written.
    AllDone,
    /// The TODO document has no checkbox.
    NoTasks,
    /// A person asked for it.
    Stopped,
    /// The time for the loop is over.
    WallClock,
    /// The asked number of runs is done.
    LimitReached,
    /// Several runs in a row changed nothing.
    NoProgress,
    /// The last run did not succeed; says how it ended.
    RunEnded(Outcome),
}

/// Decides about runs. Numbers of runs only ever grow.
#[derive(Clone, Debug)]
pub struct LoopMachine {
    limits: LoopLimits,
    next_id: u64,
    n_runs: u64,
    n_idle: u64,
    last: Option<(RunKind, Outcome)>,
}

impl LoopMachine {
    /// Starts after run `last_run_id`; 0 when there was none.
    pub fn new(last_run_id: u64, limits: LoopLimits) -> Self {
        Self { limits, next_id: last_run_id + 1, n_runs: 0, n_idle: 0, last: None }
    }

    /// Number of runs finished in this invocation.
    pub fn n_runs(&self) -> u64 {
        self.n_runs
    }

    /// Takes note of the outcome of the run that [`LoopMachine::next`] asked for.
    pub fn finished(&mut self, kind: RunKind, outcome: Outcome) {
        self.last = Some((kind, outcome));
        self.n_runs += 1;
        self.next_id += 1;
    }

    /// Decides what to do.
    pub fn next(&mut self, facts: Facts) -> NextStep {
        let after_run = self.last.take();
        if let Some((_, outcome)) = after_run {
            match outcome {
                Outcome::Succeeded => {}
                // Stopped by nobody but the loop's own clock.
                Outcome::Stopped if self.is_over(facts.elapsed) => {
                    return NextStep::End(LoopEnd::WallClock);
                }
                Outcome::Stopped => return NextStep::End(LoopEnd::Stopped),
                Outcome::Failed | Outcome::TimedOut | Outcome::Interrupted => {
                    return NextStep::End(LoopEnd::RunEnded(outcome));
                }
            }
        }
        if facts.stop_requested {
            return NextStep::End(LoopEnd::Stopped);
        }
        if self.is_over(facts.elapsed) {
            return NextStep::End(LoopEnd::WallClock);
        }
        let limit_reached = self.limits.max_runs.is_some_and(|max| self.n_runs >= max);
        match (facts.todo, facts.report_written) {
            (TodoStatus::AllDone, true) => return NextStep::End(LoopEnd::AllDone),
            (TodoStatus::AllDone, false) if limit_reached => {
                return NextStep::End(LoopEnd::LimitReached);
            }
            (TodoStatus::AllDone, false) => {
                return NextStep::Run { id: self.next_id, kind: RunKind::Report };
            }
            (TodoStatus::NoTasks, _) => return NextStep::End(LoopEnd::NoTasks),
            (TodoStatus::Open, _) => {}
        }
        if limit_reached {
            return NextStep::End(LoopEnd::LimitReached);
        }
        if after_run.is_some() {
            self.n_idle = if facts.progressed { 0 } else { self.n_idle + 1 };
            if self.limits.max_idle_runs.is_some_and(|max| self.n_idle >= max) {
                return NextStep::End(LoopEnd::NoProgress);
            }
            return NextStep::Pause;
        }
        NextStep::Run { id: self.next_id, kind: RunKind::Work }
    }

    fn is_over(&self, elapsed: Duration) -> bool {
        self.limits.wallclock.is_some_and(|limit| elapsed >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPEN: Facts = Facts {
        stop_requested: false,
        elapsed: Duration::ZERO,
        todo: TodoStatus::Open,
        report_written: false,
        progressed: true,
    };

    fn work(id: u64) -> NextStep {
        NextStep::Run { id, kind: RunKind::Work }
    }

    #[test]
    fn three_items_take_three_runs_and_a_report() {
        let mut machine = LoopMachine::new(0, LoopLimits::default());
        for id in 1..=3 {
            assert_eq!(machine.next(OPEN), work(id));
            machine.finished(RunKind::Work, Outcome::Succeeded);
            if id < 3 {
                assert_eq!(machine.next(OPEN), NextStep::Pause);
            }
        }
        let done = Facts { todo: TodoStatus::AllDone, ..OPEN };
        assert_eq!(machine.next(done), NextStep::Run { id: 4, kind: RunKind::Report });
        machine.finished(RunKind::Report, Outcome::Succeeded);
        let reported = Facts { report_written: true, ..done };
        assert_eq!(machine.next(reported), NextStep::End(LoopEnd::AllDone));
    }

    #[test]
    fn a_list_without_boxes_costs_no_run() {
        let mut machine = LoopMachine::new(4, LoopLimits::default());
        let facts = Facts { todo: TodoStatus::NoTasks, ..OPEN };
        assert_eq!(machine.next(facts), NextStep::End(LoopEnd::NoTasks));
    }

    #[test]
    fn the_limit_counts_runs_of_this_invocation() {
        let limits = LoopLimits { max_runs: Some(1), ..LoopLimits::default() };
        let mut machine = LoopMachine::new(41, limits);
        assert_eq!(machine.next(OPEN), work(42));
        machine.finished(RunKind::Work, Outcome::Succeeded);
        assert_eq!(machine.next(OPEN), NextStep::End(LoopEnd::LimitReached));
    }

    #[test]
    fn a_stop_request_is_honoured_before_the_report() {
        let mut machine = LoopMachine::new(0, LoopLimits::default());
        machine.next(OPEN);
        machine.finished(RunKind::Work, Outcome::Succeeded);
        let facts = Facts { stop_requested: true, todo: TodoStatus::AllDone, ..OPEN };
        assert_eq!(machine.next(facts), NextStep::End(LoopEnd::Stopped));
    }

    #[test]
    fn a_run_cut_by_the_wall_clock_ends_the_loop_as_that() {
        let limits =
            LoopLimits { wallclock: Some(Duration::from_secs(9)), ..LoopLimits::default() };
        let mut machine = LoopMachine::new(0, limits);
        machine.next(OPEN);
        machine.finished(RunKind::Work, Outcome::Stopped);
        let facts = Facts { elapsed: Duration::from_secs(9), ..OPEN };
        assert_eq!(machine.next(facts), NextStep::End(LoopEnd::WallClock));
    }

    #[test]
    fn a_failed_run_ends_the_loop_and_says_so_even_when_a_stop_was_asked() {
        let mut machine = LoopMachine::new(0, LoopLimits::default());
        machine.next(OPEN);
        machine.finished(RunKind::Work, Outcome::Failed);
        let facts = Facts { stop_requested: true, ..OPEN };
        assert_eq!(machine.next(facts), NextStep::End(LoopEnd::RunEnded(Outcome::Failed)));
    }

    #[test]
    fn runs_that_change_nothing_end_the_loop() {
        let limits = LoopLimits { max_idle_runs: Some(2), ..LoopLimits::default() };
        let mut machine = LoopMachine::new(0, limits);
        let idle = Facts { progressed: false, ..OPEN };
        machine.next(OPEN);
        machine.finished(RunKind::Work, Outcome::Succeeded);
        assert_eq!(machine.next(idle), NextStep::Pause);
        assert_eq!(machine.next(idle), work(2));
        machine.finished(RunKind::Work, Outcome::Succeeded);
        assert_eq!(machine.next(idle), NextStep::End(LoopEnd::NoProgress));
    }

    fn facts() -> impl Strategy<Value = Facts> {
        let todo =
            prop::sample::select(vec![TodoStatus::Open, TodoStatus::AllDone, TodoStatus::NoTasks]);
        (any::<bool>(), 0u64..20, todo, any::<bool>(), any::<bool>()).prop_map(
            |(stop_requested, secs, todo, report_written, progressed)| Facts {
                stop_requested,
                elapsed: Duration::from_secs(secs),
                todo,
                report_written,
                progressed,
            },
        )
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop::sample::select(vec![
            Outcome::Succeeded,
            Outcome::Succeeded,
            Outcome::Failed,
            Outcome::TimedOut,
            Outcome::Stopped,
        ])
    }

    proptest! {
        /// Whatever happens: ids grow by one, no run starts against a stop request, a limit or a failure.
        #[test]
        fn no_sequence_of_events_breaks_the_rules(
            steps in prop::collection::vec((facts(), outcome()), 1..40),
            max_runs in prop::option::of(1u64..5),
        ) {
            let limits = LoopLimits { max_runs, wallclock: Some(Duration::from_secs(15)), max_idle_runs: Some(3) };
            let mut machine = LoopMachine::new(7, limits);
            let mut expected_id = 8;
            let mut failed = false;
            for (facts, outcome) in steps {
                match machine.next(facts) {
                    NextStep::Run { id, kind } => {
                        prop_assert!(!failed && !facts.stop_requested && facts.elapsed < Duration::from_secs(15));
                        prop_assert!(max_runs.is_none_or(|max| machine.n_runs() < max));
                        prop_assert_eq!(id, expected_id);
                        prop_assert_eq!(kind == RunKind::Report, facts.todo == TodoStatus::AllDone);
                        expected_id += 1;
                        failed = outcome != Outcome::Succeeded;
                        machine.finished(kind, outcome);
                    }
                    NextStep::Pause => prop_assert!(!failed && machine.n_runs() > 0),
                    NextStep::End(_) => break,
                }
            }
        }
    }
}
