//! The review threads of a pull request, read page by page up to stated bounds.
//!
//! What was left out is counted, so that nobody takes a part for the whole.

use serde::Deserialize;
use serde_json::Value;

use super::gh::{Gh, GhError, read_json};
use crate::{EngineError, ErrorKind};

/// Threads read at most.
const MAX_THREADS: usize = 500;
/// Comments of one thread read at most.
const MAX_COMMENTS: usize = 200;
/// Questions asked at most; GitHub counts each.
const MAX_CALLS: usize = 40;

const THREADS_QUERY: &str = "query($owner:String!,$repo:String!,$number:Int!,$cursor:String){\
    repository(owner:$owner,name:$repo){pullRequest(number:$number){\
    reviewThreads(first:50,after:$cursor){totalCount pageInfo{hasNextPage endCursor} \
    nodes{id isResolved comments(first:20){totalCount pageInfo{hasNextPage endCursor} \
    nodes{author{login} body path line createdAt}}}}}}}";
const COMMENTS_QUERY: &str = "query($id:ID!,$cursor:String!){node(id:$id){\
    ...on PullRequestReviewThread{comments(first:100,after:$cursor){\
    totalCount pageInfo{hasNextPage endCursor} nodes{author{login} body path line createdAt}}}}}";

/// Threads as far as they were read.
#[derive(Debug, Default)]
pub(super) struct Threads {
    pub(super) threads: Vec<Thread>,
    /// What is missing, as sentences.
    pub(super) left_out: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thread {
    #[serde(default)]
    id: String,
    #[serde(default)]
    pub(super) is_resolved: bool,
    pub(super) comments: Page<Comment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Comment {
    /// Null when the account is gone.
    #[serde(default)]
    pub(super) author: Value,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) line: Option<u64>,
    #[serde(default)]
    pub(super) created_at: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    #[serde(default)]
    total_count: Option<u64>,
    #[serde(default)]
    page_info: PageInfo,
    pub(super) nodes: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    fn next(&self) -> Option<String> {
        self.end_cursor.clone().filter(|_| self.has_next_page)
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryData {
    repository: Option<RepositoryNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryNode {
    pull_request: Option<PullRequestNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequestNode {
    review_threads: Page<Thread>,
}

#[derive(Deserialize)]
struct NodeData {
    node: Option<ThreadNode>,
}

#[derive(Deserialize)]
struct ThreadNode {
    comments: Page<Comment>,
}

/// Reads the threads of pull request `number` of the repository `slug`. What cannot be read is told in the answer.
pub(super) async fn review_threads(gh: &Gh<'_>, slug: &str, number: u64) -> Threads {
    let mut reader = Reader { gh, calls: 0, found: Threads::default() };
    if let Err(error) = reader.read(slug, number).await {
        let text = format!("Not all review threads could be read: {}", error.error);
        reader.found.left_out.push(text);
    }
    reader.found
}

struct Reader<'a> {
    gh: &'a Gh<'a>,
    calls: usize,
    found: Threads,
}

impl Reader<'_> {
    async fn read(&mut self, slug: &str, number: u64) -> Result<(), GhError> {
        let (owner, name) = slug.split_once('/').unwrap_or_default();
        let mut cursor = None;
        loop {
            let page = self.threads(owner, name, number, cursor.as_deref()).await?;
            let (total, next) = (page.total_count, page.page_info.next());
            self.found.threads.extend(page.nodes);
            let n_threads = self.found.threads.len();
            let is_enough = n_threads >= MAX_THREADS || self.calls >= MAX_CALLS;
            cursor = match next {
                Some(next) if !is_enough => Some(next),
                Some(_) => {
                    let total = total.map_or("more".to_owned(), |total| total.to_string());
                    let text = format!("Only the first {n_threads} of {total} threads are here.");
                    self.found.left_out.push(text);
                    break;
                }
                None => break,
            };
        }
        for index in 0..self.found.threads.len() {
            self.rest_of_thread(index).await?;
        }
        Ok(())
    }

    async fn threads(
        &mut self,
        owner: &str,
        name: &str,
        number: u64,
        cursor: Option<&str>,
    ) -> Result<Page<Thread>, GhError> {
        let (query, owner) = (format!("query={THREADS_QUERY}"), format!("owner={owner}"));
        let (name, number) = (format!("repo={name}"), format!("number={number}"));
        // `-f` for texts: `-F` would read the name `1` as a number.
        let mut args =
            vec!["api", "graphql", "-f", &query, "-f", &owner, "-f", &name, "-F", &number];
        let cursor = cursor.map(|cursor| format!("cursor={cursor}"));
        if let Some(cursor) = &cursor {
            args.extend(["-f", cursor]);
        }
        let data: RepositoryData = self.ask(&args).await?;
        let pr = data.repository.and_then(|repository| repository.pull_request);
        let pr = pr.ok_or_else(|| EngineError::not_found("GitHub knows no such pull request"))?;
        Ok(pr.review_threads)
    }

    /// Reads the comments of a thread that did not come with it.
    async fn rest_of_thread(&mut self, index: usize) -> Result<(), GhError> {
        loop {
            let Some(thread) = self.found.threads.get(index) else { return Ok(()) };
            let Some(cursor) = thread.comments.page_info.next() else { return Ok(()) };
            let n_comments = thread.comments.nodes.len();
            if n_comments >= MAX_COMMENTS || self.calls >= MAX_CALLS {
                let total = thread.comments.total_count;
                let total = total.map_or("more".to_owned(), |total| total.to_string());
                let text = format!(
                    "Only the first {n_comments} of {total} comments of thread {} are here.",
                    index + 1
                );
                self.found.left_out.push(text);
                return Ok(());
            }
            let (query, id) = (format!("query={COMMENTS_QUERY}"), format!("id={}", thread.id));
            let cursor = format!("cursor={cursor}");
            let args = ["api", "graphql", "-f", &query, "-f", &id, "-f", &cursor];
            let data: NodeData = self.ask(&args).await?;
            let page = data.node.map(|node| node.comments);
            let page = page.ok_or_else(|| EngineError::not_found("a thread is gone"))?;
            let thread = &mut self.found.threads[index];
            thread.comments.page_info = page.page_info;
            thread.comments.nodes.extend(page.nodes);
        }
    }

    async fn ask<T: serde::de::DeserializeOwned>(&mut self, args: &[&str]) -> Result<T, GhError> {
        self.calls += 1;
        let text = self.gh.text(args, Vec::new(), 30).await?;
        let answer: Option<Answer<T>> = read_json(args, &text)?;
        let data = answer.and_then(|answer| answer.data);
        data.ok_or_else(|| {
            EngineError::new(ErrorKind::Other, "`gh api graphql` answered no data").into()
        })
    }
}
