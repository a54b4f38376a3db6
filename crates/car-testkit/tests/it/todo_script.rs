//! The scripted agent does real work.

use car_testkit::model::{FakeModel, TodoScript};
use car_testkit::repo::TempRepo;

use crate::codex_exec::{Run, exec};

const TODO: &str = ".codex-autorunner/TODO.md";

/// Makes a prompt as CAR does: the paths, then the documents.
fn run_loop_once(model: &FakeModel, repo: &TempRepo) -> Run {
    let prompt = format!(
        "The work docs are `{TODO}` and `.codex-autorunner/SUMMARY.md`.\n\n\
         <TODO>\n{}\n</TODO>\n",
        repo.read(TODO)
    );
    exec(model, repo, &prompt)
}

#[tokio::test]
async fn each_run_ticks_one_item_and_the_last_one_writes_the_summary() {
    let model = FakeModel::start(TodoScript::new(TODO)).await;
    let repo = TempRepo::new();
    repo.write(TODO, "# TODO\n\n- [x] Old\n- [ ] Don't `panic` & $HOME\n  - [ ] Nested\n");

    let first = run_loop_once(&model, &repo);
    assert_eq!(first.code, Some(0));
    assert_eq!(first.messages(), ["Done: Don't `panic` & $HOME"]);
    assert_eq!(
        repo.read(TODO),
        "# TODO\n\n- [x] Old\n- [x] Don't `panic` & $HOME\n  - [ ] Nested\n"
    );

    let second = run_loop_once(&model, &repo);
    assert_eq!(second.messages(), ["Done: Nested"]);
    assert_eq!(
        repo.read(TODO),
        "# TODO\n\n- [x] Old\n- [x] Don't `panic` & $HOME\n  - [x] Nested\n"
    );
    assert_eq!(repo.read("work.log"), "did: Don't `panic` & $HOME\ndid: Nested\n");

    let report = run_loop_once(&model, &repo);
    assert_eq!(report.messages(), ["Agent: the summary is written"]);
    assert_eq!(
        repo.read(".codex-autorunner/SUMMARY.md"),
        "# Summary\n\nEvery item of the list is done.\n"
    );

    let printed: Vec<_> = [&first, &second, &report].iter().flat_map(|run| run.usage()).collect();
    assert_eq!(printed, model.usage_reported());
    model.assert_clean();
}

#[tokio::test]
async fn a_prompt_that_does_not_name_its_todo_file_is_a_violation() {
    let model = FakeModel::start(TodoScript::new(TODO)).await;
    let run = exec(&model, &TempRepo::new(), "<TODO>\n- [ ] Something\n</TODO>");

    assert_eq!(run.code, Some(1));
    assert_eq!(
        model.finish(),
        ["POST /v1/responses: the prompt does not name \".codex-autorunner/TODO.md\""]
    );
}
