//! What somebody who talks about documents may rely on. The agent is a shell script.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;

use car_domain::chat::{ChatOutcome, RunningTurn};
use car_domain::docs::DocKind;
use car_domain::proposal::MergePiece;
use car_domain::state::ProcessId;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::ask::JobEvent;

/// A guard that only hands over the prompt: the real one is a part of the program, which this crate does not build.
const GUARD: &str =
    r#"while [ "$1" != -- ]; do shift; done; shift; read n; head -c "$n" | timeout 20 "$@""#;

struct Fixture {
    dir: tempfile::TempDir,
}

impl Fixture {
    fn new(agent: &str) -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        fs::create_dir_all(dir.path().join(".codex-autorunner")).expect("dir");
        let fixture = Self { dir };
        fixture.agent(agent);
        fixture.write(
            DocKind::Todo,
            "# TODO\n\n- [ ] a\n- [ ] b\n\n## Later\n\n- [ ] c\n- [ ] d\n- [ ] e\n\nEnd.\n",
        );
        fixture
    }

    fn agent(&self, script: &str) {
        let config = serde_json::json!({"codex": {"binary": "sh", "args": ["-c", script]}});
        let path = self.dir.path().join(".codex-autorunner/config.yml");
        fs::write(path, config.to_string()).expect("write");
    }

    fn repo(&self) -> Repo {
        Repo::open(self.dir.path()).expect("valid")
    }

    fn write(&self, kind: DocKind, text: &str) {
        fs::write(self.repo().docs().path(kind), text).expect("write");
    }

    fn read(&self, kind: DocKind) -> String {
        self.repo().docs().text(kind).expect("readable")
    }

    async fn say(&self, kinds: &[DocKind], message: &str) -> Result<ChatAnswer, EngineError> {
        let repo = self.repo();
        let chat = DocChat::new(&repo, kinds).expect("valid");
        let guard = ["sh", "-c", GUARD, "guard"].map(OsString::from);
        chat.say(message, &guard, &CancellationToken::new(), &mut |_| {}).await
    }

    fn apply(&self, kinds: &[DocKind], choices: &BTreeMap<DocKind, Choice>) -> Applied {
        let repo = self.repo();
        DocChat::new(&repo, kinds).expect("valid").apply(choices).expect("no error")
    }
}

const TODO: &[DocKind] = &[DocKind::Todo];
const ALL: BTreeMap<DocKind, Choice> = BTreeMap::new();

#[tokio::test]
async fn the_agent_works_on_a_copy_and_a_person_applies_it() {
    let fixture =
        Fixture::new("cat >prompt; sed -i 's/a$/A/' TODO.md; echo 'Agent: Wrote a large.'");
    let before = fixture.read(DocKind::Todo);
    let answer = fixture.say(TODO, "make a large").await.expect("answered");
    assert_eq!((answer.message.as_str(), answer.has_changes), ("Wrote a large.", true));
    assert_eq!(fixture.read(DocKind::Todo), before, "the live file is untouched");
    let work = fixture.dir.path().join(".codex-autorunner/chat/todo/work");
    let prompt = fs::read_to_string(work.join("prompt")).expect("the agent saw it");
    assert!(prompt.contains("Target doc: TODO\n"), "{prompt}");
    assert!(prompt.contains("User request: make a large\n"), "{prompt}");
    assert!(matches!(fixture.apply(TODO, &ALL), Applied::Written(_)));
    assert_eq!(fixture.read(DocKind::Todo), before.replace("- [ ] a\n", "- [ ] A\n"));
    let repo = fixture.repo();
    assert_eq!(DocChat::new(&repo, TODO).expect("valid").load().expect("kept").proposal, None);
    let history = repo.docs().history(DocKind::Todo).expect("kept");
    assert_eq!(history.last().map(|version| version.author.as_str()), Some("document chat"));
}

#[tokio::test]
async fn some_hunks_are_taken_and_edits_made_meanwhile_stay() {
    let fixture = Fixture::new("sed -i 's/a$/A/; s/End/The end/' TODO.md; echo done");
    fixture.say(TODO, "x").await.expect("answered");
    let live = fixture.read(DocKind::Todo).replace("- [ ] b", "- [x] b");
    fixture.write(DocKind::Todo, &live);
    let choices = BTreeMap::from([(DocKind::Todo, Choice::Hunks(vec![2]))]);
    let Applied::Written(documents) = fixture.apply(TODO, &choices) else { panic!("a conflict") };
    assert_eq!(documents[0].text, live.replace("End.", "The end."));
}

#[tokio::test]
async fn a_place_that_both_changed_is_shown_and_nothing_is_written() {
    let fixture = Fixture::new("sed -i 's/a$/A/' TODO.md; echo done");
    fixture.say(TODO, "x").await.expect("answered");
    let live = fixture.read(DocKind::Todo).replace("- [ ] a", "- [x] a");
    fixture.write(DocKind::Todo, &live);
    let Applied::Conflicts(conflicts) = fixture.apply(TODO, &ALL) else { panic!("guessed") };
    let shown = conflicts[0].pieces.iter().any(|piece| {
        matches!(piece, MergePiece::Conflict { live, proposed, .. }
            if live.contains("- [x] a") && proposed.contains("- [ ] A"))
    });
    assert!(shown, "{conflicts:?}");
    assert_eq!(fixture.read(DocKind::Todo), live);
    let text = live.replace("- [x] a", "- [x] A");
    let version = conflicts[0].live_version.clone();
    let own = Choice::Text { text: text.clone(), version };
    fixture.apply(TODO, &BTreeMap::from([(DocKind::Todo, own)]));
    assert_eq!(fixture.read(DocKind::Todo), text);
}

#[tokio::test]
async fn a_second_turn_goes_on_with_what_is_proposed() {
    let fixture = Fixture::new("sed -i 's/a$/A/' TODO.md; echo first");
    fixture.say(TODO, "one").await.expect("answered");
    fixture.agent("cat >prompt; sed -i 's/b$/B/' TODO.md; echo second");
    let answer = fixture.say(TODO, "two").await.expect("answered");
    let proposed = &answer.proposal.expect("a proposal").documents[0].proposed;
    assert!(proposed.contains("- [ ] A\n- [ ] B\n"), "{proposed}");
    let prompt = fixture.dir.path().join(".codex-autorunner/chat/todo/work/prompt");
    let prompt = fs::read_to_string(prompt).expect("the agent saw it");
    assert!(prompt.contains("Owner: one\nYou: first\n"), "{prompt}");
}

#[tokio::test]
async fn several_documents_make_one_change_set() {
    let fixture = Fixture::new("echo new > SPEC.md; echo '- [ ] z' >> TODO.md; echo done");
    let kinds = [DocKind::Todo, DocKind::Spec];
    let answer = fixture.say(&kinds, "x").await.expect("answered");
    assert_eq!(answer.proposal.expect("a proposal").documents.len(), 2);
    let choices = BTreeMap::from([(DocKind::Todo, Choice::Nothing)]);
    fixture.apply(&kinds, &choices);
    assert_eq!(fixture.read(DocKind::Spec), "new\n");
    assert!(!fixture.read(DocKind::Todo).contains('z'));
}

#[tokio::test]
async fn a_failure_is_kept_and_changes_nothing() {
    let fixture = Fixture::new("echo broken >&2; echo x > TODO.md; exit 3");
    let before = fixture.read(DocKind::Todo);
    let error = fixture.say(TODO, "x").await.expect_err("failed");
    assert_eq!(error.to_string(), "Codex doc chat failed (code 3). broken");
    assert_eq!(fixture.read(DocKind::Todo), before);
    let repo = fixture.repo();
    let chat = DocChat::new(&repo, TODO).expect("valid").load().expect("kept");
    assert!(matches!(&chat.turns[0].outcome, ChatOutcome::Failed(why) if why.contains("broken")));
    let blank = fixture.say(TODO, " \n").await.expect_err("refused");
    assert_eq!(blank.to_string(), "message is required");
    let pending = DocChat::new(&repo, TODO).expect("valid").discard().expect_err("nothing");
    assert_eq!(pending.to_string(), "No pending patch");
}

#[tokio::test]
async fn one_turn_at_a_time_and_another_door_can_end_it() {
    let fixture = Fixture::new("echo started; sleep 1000");
    let repo = fixture.repo();
    let chat = DocChat::new(&repo, TODO).expect("valid");
    let guard = ["sh", "-c", GUARD, "guard"].map(OsString::from);
    let other = DocChat::new(&repo, TODO).expect("valid");
    let mut refused = None;
    let error = chat
        .say("x", &guard, &CancellationToken::new(), &mut |event| {
            if matches!(event, JobEvent::Step(_)) {
                refused = other.discard().err().map(|error| error.to_string());
                assert!(other.cancel().expect("asked"));
            }
        })
        .await
        .expect_err("cancelled");
    assert_eq!(error.to_string(), "the doc chat was cancelled");
    assert_eq!(refused.as_deref(), Some("Doc chat already running for todo"));
    assert!(!other.cancel().expect("asked"), "nothing is at work any more");
}

#[test]
fn a_turn_whose_process_died_is_told_as_failed() {
    let fixture = Fixture::new("true");
    let repo = fixture.repo();
    let chat = DocChat::new(&repo, TODO).expect("valid");
    let _lock = chat.lock().expect("free");
    let mut kept = chat.load().expect("empty");
    kept.running = Some(RunningTurn {
        id: "1".into(),
        at: crate::now(),
        message: "hello".into(),
        process: ProcessId { pid: 999_999_999, start_ticks: 1 },
    });
    chat.save(&kept).expect("saved");
    let kept = chat.load().expect("readable");
    assert_eq!(kept.running, None);
    assert!(
        matches!(&kept.turns[0].outcome, ChatOutcome::Failed(why) if why.contains("CAR ended"))
    );
}
