//! `car demo`.

use crate::support::Project;

#[test]
fn the_demonstration_works_through_every_item_of_its_three_repositories() {
    let project = Project::bare();
    let shown = project.car(&["demo", "--once", "--pace", "0"]).exits(0);
    insta::assert_snapshot!(shown, @"");
}
