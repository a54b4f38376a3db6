//! The manifest keeps what others wrote, whatever happens to it.

use super::*;
use crate::hub::entry::Kind;
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

fn entry(id: &str) -> RepoEntry {
    RepoEntry::new(id, id.into(), Kind::Base)
}

#[test]
fn reading_never_makes_the_file() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("manifest.yml");
    assert_eq!(read(&path).expect("empty").entries(), []);
    assert!(!path.exists());
    edit(&path, |_| Ok(())).expect("written");
    assert_eq!(fs::read_to_string(&path).expect("read"), "version: 2\nrepos: []\n");
}

#[test]
fn another_version_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("manifest.yml");
    for (text, version) in [("version: 3\nrepos: []\n", "3"), ("repos: []\n", "None")] {
        fs::write(&path, text).expect("write");
        let error = edit(&path, |manifest| manifest.put(&entry("a"))).expect_err("refused");
        let expected = format!("Unsupported manifest version {version}; expected 2");
        assert_eq!(error.to_string(), expected);
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
    }
}

#[test]
fn entries_that_are_not_understood_are_told_and_stay() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("manifest.yml");
    let text = "version: 2\nowner: me\nrepos:\n- {path: x}\n- id: a\n  path: a\n  colour: red\n\
                - {id: b, path: b, kind: fork}\n- 7\n- {id: a, path: other}\n";
    fs::write(&path, text).expect("write");
    let manifest = read(&path).expect("read");
    assert_eq!(manifest.entries(), [entry("a")]);
    let told: Vec<String> =
        manifest.problems().into_iter().map(|it| format!("{} {}", it.entry, it.text)).collect();
    assert_eq!(
        told,
        [
            "1 has no id",
            "3 has the unknown kind \"fork\"",
            "4 is no mapping",
            "5 repeats the id `a`"
        ]
    );
    edit(&path, |manifest| {
        let mut entry = entry("a");
        entry.path = "moved".into();
        manifest.put(&entry)?;
        manifest.put(&super::tests::entry("c"))
    })
    .expect("changed");
    insta::assert_snapshot!(fs::read_to_string(&path).expect("read"), @r#"
    version: 2
    owner: me
    repos:
    - path: x
    - id: a
      path: moved
      colour: red
      enabled: true
      auto_run: false
      kind: base
    - id: b
      path: b
      kind: fork
    - 7
    - id: a
      path: other
    - id: c
      path: c
      enabled: true
      auto_run: false
      kind: base
    "#);
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("manifest.yml");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for n in 0..10 {
                    edit(path, |it| it.put(&entry(&format!("r{thread}-{n}")))).expect("written");
                }
            });
        }
    });
    assert_eq!(read(&path).expect("read").entries().len(), 40);
}

/// What somebody does to the file.
#[derive(Clone, Debug)]
enum Step {
    Put(u8, bool),
    Remove(u8),
    /// Another program adds something we do not know: to the file, to the list, or to an entry.
    Others(u8, u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..6, any::<bool>()).prop_map(|(id, moved)| Step::Put(id, moved)),
        (0u8..6).prop_map(Step::Remove),
        (0u8..3, any::<u16>()).prop_map(|(place, n)| Step::Others(place, n)),
    ]
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(40))]

    #[test]
    fn no_order_of_edits_loses_what_others_wrote(steps in prop::collection::vec(step(), 1..20)) {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("manifest.yml");
        let mut theirs: Vec<(u8, String, Option<String>)> = Vec::new();
        for step in steps {
            match step {
                Step::Put(id, moved) => {
                    let mut entry = entry(&format!("r{id}"));
                    if moved {
                        entry.path = format!("elsewhere/{id}").into();
                    }
                    edit(&path, |it| it.put(&entry)).expect("written");
                }
                Step::Remove(id) => {
                    let id = format!("r{id}");
                    edit(&path, |it| it.remove(&id)).expect("written");
                    theirs.retain(|(_, _, of)| of.as_ref() != Some(&id));
                }
                Step::Others(place, n) => {
                    let mut manifest = read(&path).expect("read");
                    let key = format!("key{n}");
                    let mut of = None;
                    match place {
                        0 => drop(manifest.whole.insert(key.clone(), json!({ "x": [n] }))),
                        1 => manifest.list_mut().expect("list").push(json!({ "odd": key })),
                        _ => {
                            let list = manifest.list_mut().expect("list");
                            let Some(Value::Object(entry)) =
                                list.iter_mut().find(|it| it.get("id").is_some()) else { continue };
                            of = entry["id"].as_str().map(str::to_owned);
                            entry.insert(key.clone(), json!(n));
                        }
                    }
                    manifest.whole.entry("version").or_insert(json!(2));
                    fs::write(&path, manifest.to_text()).expect("write");
                    theirs.push((place, key, of));
                }
            }
        }
        let manifest = read(&path).expect("read");
        for (place, key, of) in theirs {
            let found = match place {
                0 => manifest.whole.contains_key(&key),
                1 => manifest.list().iter().any(|it| it.get("odd") == Some(&json!(key))),
                _ => manifest.list().iter().any(|it| {
                    it.get("id").and_then(Value::as_str) == of.as_deref() && it.get(&key).is_some()
                }),
            };
            assert!(found, "{key} is lost");
        }
    }
}
