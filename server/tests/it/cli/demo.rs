//! `car demo`.

use crate::support::Project;

#[test]
fn the_demonstration_works_through_every_item_of_its_three_repositories() {
    let project = Project::bare();
    let shown = project.car(&["demo", "--once", "--pace", "0"]).exits(0);
    insta::assert_snapshot!(shown, @r"
    tip-splitter: 3 of 3 items done in 4 runs
    tide-table: 3 of 3 items done in 4 runs
    word-count: 3 of 3 items done in 4 runs
    [exit 0]
    ");
}
