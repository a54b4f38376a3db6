//! GitHub through a fake `gh` that accepts only the exact calls a test expects.

mod context;
mod link;
mod status;
mod sync;

use car_engine::Repo;
use car_testkit::gh::FakeGh;
use car_testkit::repo::TempRepo;
use serde_json::{Value, json};

const REPO_VIEW: [&str; 4] = ["repo", "view", "--json", "nameWithOwner,url,defaultBranchRef"];
const PR_FIELDS: &str = "number,url,state,isDraft,title,headRefName,baseRefName";
const PR_VIEW: [&str; 4] = ["pr", "view", "--json", PR_FIELDS];
const ISSUE_FIELDS: &str = "number,url,title,body,state,author,labels,comments";

/// A repository whose `gh` is fake.
struct Place {
    gh: FakeGh,
    git: TempRepo,
}

impl Place {
    /// With this configuration beside the path of `gh`.
    fn new(config: &Value) -> Self {
        let place = Self { gh: FakeGh::new(), git: TempRepo::new() };
        let mut config = config.clone();
        config["version"] = json!(2);
        config["mode"] = json!("repo");
        if config["github"].get("gh_path").is_none() {
            config["github"]["gh_path"] = json!(place.gh.program());
        }
        // JSON is YAML.
        place.git.write(".codex-autorunner/config.yml", &config.to_string());
        place.git.write(".codex-autorunner/.gitignore", "*\n");
        place
    }

    /// Somebody is logged in, and the repository is `o/r` on GitHub.
    fn known() -> Self {
        let place = Self::new(&json!({}));
        place.is_known();
        place
    }

    fn is_known(&self) {
        self.gh.on(&["auth", "status"]);
        let home = json!({
            "nameWithOwner": "o/r",
            "url": "https://github.com/o/r",
            "defaultBranchRef": {"name": "main"},
        });
        self.gh.on(&REPO_VIEW).answers(&home);
    }

    fn repo(&self) -> Repo {
        Repo::open(self.git.path()).expect("a valid configuration")
    }

    fn read(&self, name: &str) -> String {
        self.git.read(&format!(".codex-autorunner/{name}"))
    }

    fn link(&self) -> Value {
        serde_json::from_str(&self.read("github.json")).expect("JSON")
    }

    /// First two words of each call so far.
    fn asked(&self) -> Vec<String> {
        let calls = self.gh.calls();
        calls
            .iter()
            .map(|call| call.iter().take(2).cloned().collect::<Vec<_>>().join(" "))
            .collect()
    }
}

fn pull_request(state: &str) -> Value {
    json!({
        "number": 7, "url": "https://github.com/o/r/pull/7", "state": state, "isDraft": false,
        "title": "Work", "headRefName": "work", "baseRefName": "main",
    })
}

fn no_pull_request(gh: &FakeGh, branch: &str) {
    gh.on(&PR_VIEW).fails(1, "no pull requests found for branch \"x\"\n");
    gh.on(&["pr", "list", "--head", branch, "--limit", "1", "--json", PR_FIELDS]).prints("[]\n");
}
