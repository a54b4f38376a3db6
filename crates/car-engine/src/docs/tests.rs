//! What a writer of documents may rely on.

use std::fs;

use car_domain::docs::{DocKind, DocVersion, Document};
use proptest::prelude::*;

use super::*;

struct Fixture {
    _dir: tempfile::TempDir,
    repo: Repo,
}

impl Fixture {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("temp dir");
        let car = dir.path().join(".codex-autorunner");
        fs::create_dir_all(&car).expect("dir");
        fs::write(car.join("config.yml"), config).expect("write");
        let repo = Repo::open(dir.path()).expect("valid");
        Self { _dir: dir, repo }
    }

    fn docs(&self) -> Docs<'_> {
        self.repo.docs()
    }

    /// An edit by somebody who knows nothing of CAR.
    fn edit(&self, kind: DocKind, text: &str) {
        fs::write(self.docs().path(kind), text).expect("write");
    }

    fn kept(&self, kind: DocKind) -> Vec<String> {
        let docs = self.docs();
        let text = |version: DocVersion| {
            let bytes = docs.version_bytes(kind, &version.version).expect("kept");
            String::from_utf8(bytes).expect("text")
        };
        docs.history(kind).expect("readable").into_iter().map(text).collect()
    }
}

#[test]
fn a_write_on_a_stale_version_is_refused_and_both_texts_are_there() {
    let fixture = Fixture::new("");
    let docs = fixture.docs();
    let first = docs.write(DocKind::Todo, "a", Expected::Version(Document::MISSING), "me");
    let first = first.and_then(DocWrite::into_result).expect("written");
    fixture.edit(DocKind::Todo, "b");
    let refused = docs.write(DocKind::Todo, "c", Expected::Version(&first.version), "me");
    match refused.expect("no error") {
        DocWrite::Stale(current) => assert_eq!(current.text, "b"),
        DocWrite::Written(_) => panic!("overwrote an edit"),
    }
    assert_eq!(docs.text(DocKind::Todo).expect("readable"), "b");
    let missing = docs.write(DocKind::Todo, "d", Expected::Version(Document::MISSING), "me");
    assert!(missing.expect("no error").is_stale());
}

#[test]
fn every_version_is_kept_and_can_be_restored() {
    let fixture = Fixture::new("");
    let docs = fixture.docs();
    fixture.edit(DocKind::Spec, "typed by hand");
    docs.observe("outside").expect("kept");
    docs.observe("outside").expect("kept once");
    let anything = Expected::Anything;
    let _ = docs.write(DocKind::Spec, "by chat", anything, "document chat").expect("written");
    fixture.edit(DocKind::Spec, "by an agent");
    docs.observe("run 3").expect("kept");
    assert_eq!(fixture.kept(DocKind::Spec), ["typed by hand", "by chat", "by an agent"]);
    let history = docs.history(DocKind::Spec).expect("readable");
    let authors: Vec<_> = history.iter().map(|version| version.author.as_str()).collect();
    assert_eq!(authors, ["outside", "document chat", "run 3"]);
    let restored = docs.restore(DocKind::Spec, &history[0].version[..8]).expect("restored");
    assert_eq!(restored.text, "typed by hand");
    assert_eq!(fixture.kept(DocKind::Spec).len(), 4);
    let unknown = docs.restore(DocKind::Spec, "ffffffff").expect_err("unknown");
    assert_eq!(unknown.to_string(), "SPEC has no version `ffffffff`");
}

#[test]
fn clearing_can_be_undone() {
    let fixture = Fixture::new("");
    let docs = fixture.docs();
    fixture.edit(DocKind::Todo, "- [ ] a\n");
    docs.clear().expect("cleared");
    assert_eq!(docs.text(DocKind::Todo).expect("readable"), "# TODO\n\n");
    let history = docs.history(DocKind::Todo).expect("readable");
    docs.restore(DocKind::Todo, &history[0].version).expect("restored");
    assert_eq!(docs.text(DocKind::Todo).expect("readable"), "- [ ] a\n");
}

#[test]
fn several_documents_are_written_all_or_none() {
    let fixture = Fixture::new("docs: {opinions: there/OPINIONS.md}");
    let docs = fixture.docs();
    fixture.edit(DocKind::Todo, "todo");
    fs::write(fixture.repo.root().join("there"), "a file where a directory should be")
        .expect("write");
    let change = |kind, text| DocChange { kind, text, expected: Expected::Anything };
    let changes = [change(DocKind::Todo, "new"), change(DocKind::Opinions, "new")];
    docs.write_all(&changes, "me").expect_err("cannot be written");
    assert_eq!(docs.text(DocKind::Todo).expect("readable"), "todo");
}

#[test]
fn old_versions_go_and_the_newest_stays() {
    let fixture = Fixture::new("docs: {history_days: 0}");
    let docs = fixture.docs();
    for text in ["a", "b", "c"] {
        // A version is old only once the clock has moved on.
        let before = crate::now();
        while crate::now() == before {
            std::hint::spin_loop();
        }
        let _ = docs.write(DocKind::Todo, text, Expected::Anything, "me").expect("written");
    }
    assert_eq!(fixture.kept(DocKind::Todo), ["c"]);
    let texts = fs::read_dir(docs.texts_dir()).expect("list").count();
    assert_eq!(texts, 1);
}

#[test]
fn bytes_that_are_no_text_survive_in_the_history() {
    let fixture = Fixture::new("");
    let docs = fixture.docs();
    fs::write(docs.path(DocKind::Spec), [0xff, 0x00, b'a']).expect("write");
    let seen = docs.read(DocKind::Spec).expect("readable");
    let _ =
        docs.write(DocKind::Spec, "x", Expected::Version(&seen.version), "me").expect("written");
    let kept = docs.version_bytes(DocKind::Spec, &seen.version).expect("kept");
    assert_eq!(kept, [0xff, 0x00, b'a']);
}

/// One step of somebody who edits a document.
#[derive(Clone, Debug)]
enum Edit {
    /// An agent or an editor writes the file, whatever is in it.
    Outside(String),
    /// A person or a chat applies a text on the version seen last by this writer.
    Versioned(usize, String),
    /// This writer looks at the document.
    Look(usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let step = prop_oneof![
        "[a-c]{0,3}".prop_map(Edit::Outside),
        (0..2_usize, "[d-f]{0,3}").prop_map(|(who, text)| Edit::Versioned(who, text)),
        (0..2_usize).prop_map(Edit::Look),
    ];
    prop::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever an outside writer wrote and CAR then replaced, and whatever CAR wrote, is in the history or in the file.
    #[test]
    fn no_order_of_edits_loses_a_text_that_was_replaced_by_us(edits in edits()) {
        let fixture = Fixture::new("");
        let docs = fixture.docs();
        let mut seen = [Document::MISSING.to_owned(), Document::MISSING.to_owned()];
        let mut must_be_kept = Vec::new();
        for edit in edits {
            match edit {
                Edit::Outside(text) => fixture.edit(DocKind::Todo, &text),
                Edit::Look(who) => seen[who] = docs.read(DocKind::Todo).expect("readable").version,
                Edit::Versioned(who, text) => {
                    let before = docs.read(DocKind::Todo).expect("readable");
                    let expected = Expected::Version(&seen[who]);
                    let outcome = docs.write(DocKind::Todo, &text, expected, "me").expect("no error");
                    prop_assert_eq!(outcome.is_stale(), seen[who] != before.version);
                    if !outcome.is_stale() {
                        must_be_kept.extend(before.exists().then_some(before.text));
                        must_be_kept.push(text);
                    }
                }
            }
        }
        let kept = fixture.kept(DocKind::Todo);
        for text in must_be_kept {
            prop_assert!(kept.contains(&text), "{:?} is not in {:?}", text, kept);
        }
    }
}

#[test]
fn a_tick_finds_its_item_also_when_others_wrote_meanwhile() {
    let fixture = Fixture::new("");
    let docs = fixture.docs();
    fixture.edit(DocKind::Todo, "- [ ] a\n- [ ] b\n");
    let seen = docs.read(DocKind::Todo).expect("readable").version;
    let tick = |line, text| {
        docs.tick(DocKind::Todo, Tick { line, text, done: true, version: &seen }, "web")
    };
    assert_eq!(tick(1, "b").expect("ticked").text, "- [ ] a\n- [x] b\n");
    fixture.edit(DocKind::Todo, "- [x] new\n- [ ] a\n- [ ] c\n- [ ] c\n");
    assert_eq!(tick(0, "a").expect("ticked").text, "- [x] new\n- [x] a\n- [ ] c\n- [ ] c\n");
    assert_eq!(tick(1, "b").expect_err("gone").kind(), crate::ErrorKind::Conflict);
    assert_eq!(tick(1, "c").expect_err("two of them").kind(), crate::ErrorKind::Conflict);
}

#[test]
fn a_text_that_could_not_be_written_is_kept_below_the_present_one() {
    let fixture = Fixture::new("");
    let docs = fixture.docs();
    fixture.edit(DocKind::Spec, "theirs");
    let mine = docs.set_aside(DocKind::Spec, "mine", "web").expect("kept");
    assert_eq!(docs.version_bytes(DocKind::Spec, &mine).expect("kept"), b"mine");
    assert_eq!(fixture.kept(DocKind::Spec).last().map(String::as_str), Some("theirs"));
    assert_eq!(docs.text(DocKind::Spec).expect("readable"), "theirs");
}
