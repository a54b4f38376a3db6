//! Push-to-talk: when a recording begins and ends, and what happens to its sound, as a state machine.
//!
//! No clock, no sound card, no network: the caller brings time and sound, and does what the machine says. Sound is kept in
//! memory until the text is there, so that one failed attempt can be repeated.

use std::time::Duration;

/// Where a recording is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptureState {
    /// Nothing is recorded.
    #[default]
    Idle,
    /// The person is asked for the microphone.
    AwaitingPermission,
    /// Recording, nothing heard yet.
    Recording,
    /// Recording, and sound has come.
    Streaming,
    /// Over; the text is awaited.
    Finalizing,
    /// Failed; the next begin starts anew.
    Error,
}

/// Bounds of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureLimits {
    /// Length of one piece of sound.
    pub chunk: Duration,
    /// Longest recording.
    pub max: Duration,
    /// Silence that ends it.
    pub silence: Duration,
}

/// A piece of sound, with its place in the recording by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Number, from 0.
    pub sequence: u64,
    /// Begin in the recording.
    pub start: Duration,
    /// End in the recording.
    pub end: Duration,
    /// The sound.
    pub data: Vec<u8>,
}

/// What happens to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureInput {
    /// The button was pressed.
    Begin,
    /// The person answered: may the microphone be used? `None` when asking failed.
    Permission(Option<bool>),
    /// Sound.
    Chunk(Vec<u8>),
    /// The button was released.
    End,
    /// Time has passed.
    Tick,
    /// The service returned the text.
    Text(String),
    /// The service failed, for this reason.
    Failed(String),
}

/// What the caller has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureAction {
    /// Ask for the microphone.
    AskPermission,
    /// Open a stream to the service.
    OpenStream,
    /// Hand this to the stream.
    Send(Chunk),
    /// Say that everything was sent and wait for the text.
    Flush,
    /// Close the stream without waiting.
    Abort,
    /// Show the text.
    Show(String),
    /// Warn.
    Warn(String),
    /// Tell the reason of a failure.
    Fail(String),
}

/// Reasons that a second attempt would not change.
const FINAL_REASONS: [&str; 5] =
    ["unauthorized", "forbidden", "invalid_audio", "audio_too_large", "rate_limited"];
/// Repetitions of a failed attempt.
const MAX_RETRIES: u32 = 1;

/// A push-to-talk recording. Times are those of any clock that only goes forward.
#[derive(Clone, Debug)]
pub struct Capture {
    limits: CaptureLimits,
    state: CaptureState,
    is_permitted: bool,
    chunks: Vec<Chunk>,
    began: Duration,
    last_chunk: Duration,
    retries: u32,
}

impl Capture {
    /// A machine at rest.
    pub fn new(limits: CaptureLimits) -> Self {
        Self {
            limits,
            state: CaptureState::Idle,
            is_permitted: false,
            chunks: Vec::new(),
            began: Duration::ZERO,
            last_chunk: Duration::ZERO,
            retries: 0,
        }
    }

    /// Where it is.
    pub fn state(&self) -> CaptureState {
        self.state
    }

    /// What to do after `input` at the time `now`.
    pub fn step(&mut self, input: CaptureInput, now: Duration) -> Vec<CaptureAction> {
        use CaptureState::{AwaitingPermission, Finalizing, Recording, Streaming};
        let is_recording = matches!(self.state, Recording | Streaming);
        match input {
            CaptureInput::Begin if is_recording || self.state == Finalizing => {
                self.fail("already_recording", true)
            }
            CaptureInput::Begin if self.state == AwaitingPermission => Vec::new(),
            CaptureInput::Begin if self.is_permitted => self.begin(now),
            CaptureInput::Begin => {
                self.state = AwaitingPermission;
                vec![CaptureAction::AskPermission]
            }
            CaptureInput::Permission(answer) => self.permission(answer, now),
            CaptureInput::Chunk(data) if is_recording => self.chunk(data, now),
            CaptureInput::Chunk(_) if self.state == Finalizing => Vec::new(),
            CaptureInput::Chunk(_) => self.fail("not_started", false),
            CaptureInput::End if is_recording => self.flush(),
            CaptureInput::End if self.state == AwaitingPermission => self.rest(),
            CaptureInput::End => Vec::new(),
            CaptureInput::Tick if is_recording => self.check_time(now),
            CaptureInput::Tick => Vec::new(),
            CaptureInput::Text(text) if self.state == Finalizing => {
                self.rest();
                if text.is_empty() { Vec::new() } else { vec![CaptureAction::Show(text)] }
            }
            CaptureInput::Failed(reason) if is_recording || self.state == Finalizing => {
                self.retry(&reason)
            }
            // Late news of a recording that is over.
            CaptureInput::Text(_) | CaptureInput::Failed(_) => Vec::new(),
        }
    }

    fn permission(&mut self, answer: Option<bool>, now: Duration) -> Vec<CaptureAction> {
        if self.state != CaptureState::AwaitingPermission {
            return Vec::new();
        }
        match answer {
            Some(true) => {
                self.is_permitted = true;
                self.begin(now)
            }
            Some(false) => self.fail("permission_denied", false),
            None => self.fail("permission_error", false),
        }
    }

    fn begin(&mut self, now: Duration) -> Vec<CaptureAction> {
        self.rest();
        self.state = CaptureState::Recording;
        (self.began, self.last_chunk) = (now, now);
        vec![CaptureAction::OpenStream]
    }

    fn chunk(&mut self, data: Vec<u8>, now: Duration) -> Vec<CaptureAction> {
        let sequence = self.chunks.len() as u64;
        let at = |n: u64| self.limits.chunk.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX));
        let chunk = Chunk { sequence, start: at(sequence), end: at(sequence + 1), data };
        self.chunks.push(chunk.clone());
        self.last_chunk = now;
        self.state = CaptureState::Streaming;
        let mut actions = vec![CaptureAction::Send(chunk)];
        actions.extend(self.check_time(now));
        actions
    }

    fn check_time(&mut self, now: Duration) -> Vec<CaptureAction> {
        let is_long = now.saturating_sub(self.began) >= self.limits.max;
        let is_silent = now.saturating_sub(self.last_chunk) >= self.limits.silence;
        if is_long || is_silent { self.flush() } else { Vec::new() }
    }

    fn flush(&mut self) -> Vec<CaptureAction> {
        self.state = CaptureState::Finalizing;
        vec![CaptureAction::Flush]
    }

    /// Once more with the same sound, if that can help.
    fn retry(&mut self, reason: &str) -> Vec<CaptureAction> {
        if FINAL_REASONS.contains(&reason) || self.retries >= MAX_RETRIES {
            return self.fail(reason, true);
        }
        self.retries += 1;
        let mut actions = vec![
            CaptureAction::Warn(format!("{reason}_retry")),
            CaptureAction::Abort,
            CaptureAction::OpenStream,
        ];
        actions.extend(self.chunks.iter().cloned().map(CaptureAction::Send));
        if self.state == CaptureState::Finalizing {
            actions.push(CaptureAction::Flush);
        }
        actions
    }

    fn fail(&mut self, reason: &str, has_stream: bool) -> Vec<CaptureAction> {
        self.rest();
        self.state = CaptureState::Error;
        let abort = has_stream.then_some(CaptureAction::Abort);
        abort.into_iter().chain([CaptureAction::Fail(reason.to_owned())]).collect()
    }

    fn rest(&mut self) -> Vec<CaptureAction> {
        self.state = CaptureState::Idle;
        self.chunks.clear();
        self.retries = 0;
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: CaptureLimits = CaptureLimits {
        chunk: Duration::from_millis(600),
        max: Duration::from_millis(15_000),
        silence: Duration::from_millis(1_200),
    };

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn recording() -> Capture {
        let mut capture = Capture::new(LIMITS);
        assert_eq!(capture.step(CaptureInput::Begin, ms(0)), [CaptureAction::AskPermission]);
        let opened = capture.step(CaptureInput::Permission(Some(true)), ms(0));
        assert_eq!(opened, [CaptureAction::OpenStream]);
        capture
    }

    #[test]
    fn silence_ends_a_recording_by_itself() {
        let mut capture = recording();
        capture.step(CaptureInput::Chunk(vec![1]), ms(500));
        assert_eq!(capture.step(CaptureInput::Tick, ms(1_600)), []);
        assert_eq!(capture.step(CaptureInput::Tick, ms(1_700)), [CaptureAction::Flush]);
        let shown = capture.step(CaptureInput::Text("hello".into()), ms(1_800));
        assert_eq!(shown, [CaptureAction::Show("hello".into())]);
        assert_eq!(capture.state(), CaptureState::Idle);
    }

    #[test]
    fn one_failure_is_repeated_with_the_same_sound_and_a_warning() {
        let mut capture = recording();
        capture.step(CaptureInput::Chunk(vec![1]), ms(10));
        capture.step(CaptureInput::End, ms(20));
        let again = capture.step(CaptureInput::Failed("provider_error".into()), ms(30));
        let chunk = Chunk { sequence: 0, start: ms(0), end: ms(600), data: vec![1] };
        assert_eq!(
            again,
            [
                CaptureAction::Warn("provider_error_retry".into()),
                CaptureAction::Abort,
                CaptureAction::OpenStream,
                CaptureAction::Send(chunk),
                CaptureAction::Flush,
            ]
        );
        let failed = capture.step(CaptureInput::Failed("provider_error".into()), ms(40));
        assert_eq!(failed, [CaptureAction::Abort, CaptureAction::Fail("provider_error".into())]);
    }

    #[test]
    fn what_a_second_attempt_would_not_change_is_told_at_once() {
        for reason in FINAL_REASONS {
            let mut capture = recording();
            let failed = capture.step(CaptureInput::Failed(reason.into()), ms(1));
            assert_eq!(failed, [CaptureAction::Abort, CaptureAction::Fail(reason.into())]);
            assert_eq!(capture.state(), CaptureState::Error);
        }
    }

    fn input() -> impl Strategy<Value = CaptureInput> {
        prop_oneof![
            Just(CaptureInput::Begin),
            proptest::option::of(any::<bool>()).prop_map(CaptureInput::Permission),
            proptest::collection::vec(any::<u8>(), 0..3).prop_map(CaptureInput::Chunk),
            Just(CaptureInput::End),
            Just(CaptureInput::Tick),
            Just(CaptureInput::Text("text".into())),
            Just(CaptureInput::Failed("provider_error".into())),
            Just(CaptureInput::Failed("unauthorized".into())),
        ]
    }

    proptest! {
        #[test]
        fn streams_open_and_close_in_turn_and_get_every_sound_in_order(
            inputs in proptest::collection::vec((input(), 0u64..900), 0..60),
        ) {
            let mut capture = Capture::new(LIMITS);
            let (mut now, mut open, mut flushed, mut next) = (0, false, false, 0);
            for (input, passed) in inputs {
                now += passed;
                let is_text = matches!(input, CaptureInput::Text(_));
                for action in capture.step(input, ms(now)) {
                    match action {
                        CaptureAction::OpenStream => {
                            prop_assert!(!open);
                            (open, flushed, next) = (true, false, 0);
                        }
                        CaptureAction::Send(chunk) => {
                            prop_assert!(open && !flushed);
                            prop_assert_eq!(chunk.sequence, next);
                            next += 1;
                        }
                        CaptureAction::Flush => {
                            prop_assert!(open && !flushed);
                            flushed = true;
                        }
                        CaptureAction::Abort => {
                            prop_assert!(open);
                            open = false;
                        }
                        CaptureAction::Show(_) => prop_assert!(flushed && is_text),
                        CaptureAction::AskPermission
                        | CaptureAction::Warn(_)
                        | CaptureAction::Fail(_) => {}
                    }
                }
                if is_text && flushed && capture.state() == CaptureState::Idle {
                    open = false;
                }
                let is_active = matches!(
                    capture.state(),
                    CaptureState::Recording | CaptureState::Streaming | CaptureState::Finalizing
                );
                prop_assert_eq!(is_active, open);
            }
        }
    }
}
