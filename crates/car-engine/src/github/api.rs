//! The questions asked of `gh`, each with its exact arguments and the type of its answer.

use car_domain::github::{GithubRepo, PullRequest};
use serde::Deserialize;
use serde_json::Value;

use super::gh::{Gh, GhError, not_logged_in, read_json};
use super::untrusted;
use crate::{EngineError, ErrorKind};

const PR_FIELDS: &str = "number,url,state,isDraft,title,headRefName,baseRefName";
const ISSUE_FIELDS: &str = "number,url,title,body,state,author,labels,comments";
const PR_CONTEXT_FIELDS: &str =
    "number,url,title,body,state,author,labels,files,additions,deletions,changedFiles";

/// An issue, as GitHub users wrote it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Issue {
    pub(super) number: u64,
    pub(super) url: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) author: Value,
    #[serde(default)]
    pub(super) labels: Value,
    #[serde(default)]
    pub(super) comments: Value,
}

/// A pull request with what it changes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PullRequestDetails {
    pub(super) number: u64,
    pub(super) url: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    pub(super) state: String,
    #[serde(default)]
    pub(super) author: Value,
    #[serde(default)]
    pub(super) labels: Value,
    #[serde(default)]
    pub(super) files: Option<Vec<ChangedFile>>,
    #[serde(default)]
    pub(super) additions: u64,
    #[serde(default)]
    pub(super) deletions: u64,
    #[serde(default)]
    pub(super) changed_files: u64,
}

/// A file of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ChangedFile {
    #[serde(default, alias = "name")]
    pub(super) path: String,
    pub(super) additions: Option<u64>,
    pub(super) deletions: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepoAnswer {
    name_with_owner: String,
    url: String,
    default_branch_ref: Option<BranchRef>,
}

#[derive(Deserialize)]
struct BranchRef {
    name: String,
}

/// What a new pull request says.
pub(super) struct NewPullRequest<'a> {
    pub(super) base: &'a str,
    pub(super) draft: bool,
    pub(super) title: &'a str,
    pub(super) body: &'a str,
}

impl Gh<'_> {
    /// # Errors
    /// When nobody is logged in.
    pub(super) async fn must_be_authenticated(&self) -> Result<(), GhError> {
        if self.is_authenticated().await? { Ok(()) } else { Err(not_logged_in().into()) }
    }

    /// The repository on GitHub.
    pub(super) async fn repository(&self) -> Result<GithubRepo, GhError> {
        let args = ["repo", "view", "--json", "nameWithOwner,url,defaultBranchRef"];
        let answer: Option<RepoAnswer> = self.json(&args, 15).await?;
        let answer = answer.filter(|repo| {
            // It becomes part of paths and further questions.
            let slug = repo.name_with_owner.split_once('/');
            slug.is_some_and(|(owner, name)| !owner.is_empty() && !name.is_empty())
                && !repo.url.is_empty()
        });
        let repo = answer.ok_or_else(|| {
            EngineError::new(
                ErrorKind::Other,
                "Unable to determine GitHub repo (missing nameWithOwner/url)",
            )
        })?;
        let default_branch = repo.default_branch_ref.map(|branch| branch.name);
        Ok(GithubRepo {
            name_with_owner: repo.name_with_owner,
            url: repo.url,
            default_branch: default_branch.filter(|name| !name.is_empty()),
        })
    }

    /// The pull request of `branch`, which is checked out: that of the branch itself, else an open one with its name.
    pub(super) async fn pull_request(&self, branch: &str) -> Result<Option<PullRequest>, GhError> {
        let view = ["pr", "view", "--json", PR_FIELDS];
        let finished = self.run(&view, Vec::new(), 15).await?;
        if finished.is_success() {
            if let Some(pr) = read_json::<PullRequest>(&view, &finished.stdout)? {
                return Ok(Some(clean(pr)));
            }
        } else {
            let failure = self.failure(&view, &finished);
            // No pull request is the usual reason. Others would only come again with the next question.
            if matches!(
                failure.error.kind(),
                ErrorKind::Unauthenticated | ErrorKind::RateLimited | ErrorKind::Unavailable
            ) {
                return Err(failure);
            }
        }
        self.listed_pull_request(branch).await
    }

    /// The open pull request of the branch called `branch`.
    pub(super) async fn listed_pull_request(
        &self,
        branch: &str,
    ) -> Result<Option<PullRequest>, GhError> {
        let list = ["pr", "list", "--head", branch, "--limit", "1", "--json", PR_FIELDS];
        let list: Option<Vec<PullRequest>> = self.json(&list, 15).await?;
        let mut list = list.unwrap_or_default().into_iter();
        let found = list.find(|pr| pr.head_ref_name.is_empty() || pr.head_ref_name == branch);
        match found {
            Some(pr) if !self.is_from_fork(&pr).await? => Ok(Some(clean(pr))),
            _ => Ok(None),
        }
    }

    /// Whether a pull request comes from another repository. Anybody can open one from a branch of the same name.
    async fn is_from_fork(&self, pr: &PullRequest) -> Result<bool, GhError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Origin {
            is_cross_repository: bool,
        }
        let Some(number) = pr.number.map(|number| number.to_string()) else { return Ok(false) };
        let args = ["pr", "view", &number, "--json", "isCrossRepository"];
        let origin: Option<Origin> = self.json(&args, 15).await?;
        Ok(origin.is_some_and(|origin| origin.is_cross_repository))
    }

    /// The issue with this number.
    pub(super) async fn issue(&self, number: u64) -> Result<Issue, GhError> {
        let n = number.to_string();
        let args = ["issue", "view", &n, "--json", ISSUE_FIELDS];
        self.json(&args, 20).await?.ok_or_else(|| nothing(&args))
    }

    /// The pull request with this number.
    pub(super) async fn pull_request_details(
        &self,
        number: u64,
    ) -> Result<PullRequestDetails, GhError> {
        let n = number.to_string();
        let args = ["pr", "view", &n, "--json", PR_CONTEXT_FIELDS];
        self.json(&args, 30).await?.ok_or_else(|| nothing(&args))
    }

    /// Opens a pull request and returns the address it got, if `gh` told it.
    pub(super) async fn create_pull_request(
        &self,
        new: &NewPullRequest<'_>,
    ) -> Result<Option<String>, GhError> {
        // With `=` and standard input, a text that begins with a dash stays a text, whatever its length.
        let title = format!("--title={}", new.title);
        let mut args = vec!["pr", "create", "--base", new.base];
        if new.draft {
            args.push("--draft");
        }
        args.extend([title.as_str(), "--body-file=-"]);
        // An empty input would not be given at all, and gh would wait for one.
        let body = format!("{}\n", new.body);
        let said = self.text(&args, body.into_bytes(), 60).await?;
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        Ok(last.filter(|line| line.starts_with("https://")).map(untrusted::line))
    }
}

/// One-line texts without what could not be seen.
fn clean(mut pr: PullRequest) -> PullRequest {
    pr.title = pr.title.map(|title| untrusted::line(&title));
    pr.url = untrusted::line(&pr.url);
    pr
}

fn nothing(args: &[&str]) -> GhError {
    let what = args.iter().take(2).copied().collect::<Vec<_>>().join(" ");
    EngineError::new(ErrorKind::Other, format!("`gh {what}` answered nothing")).into()
}
