//! The temporary repository is a real one.

use car_testkit::repo::TempRepo;

#[test]
fn a_repository_begins_with_one_commit_on_main() {
    let repo = TempRepo::new();
    assert_eq!(repo.git(&["log", "--format=%an <%ae> %s %D"]), {
        "Test <test@example.invalid> Begin HEAD -> main"
    });
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert_eq!(repo.git(&["rev-parse", "HEAD"]), TempRepo::new().git(&["rev-parse", "HEAD"]));
    assert_eq!(repo.git(&["rev-parse", "--show-toplevel"]), repo.path().display().to_string());
}

#[test]
fn files_are_written_below_new_directories_and_read_back() {
    let repo = TempRepo::new();
    repo.write("a/b/c.txt", "text\n");
    assert_eq!(repo.read("a/b/c.txt"), "text\n");
    assert_eq!(repo.git(&["status", "--porcelain"]), "?? a/");
}

#[test]
fn a_repository_is_gone_after_its_test() {
    let repo = TempRepo::new();
    let path = repo.path().to_owned();
    drop(repo);
    assert!(!path.exists());
}
