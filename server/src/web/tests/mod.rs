//! What the web server answers, asked in process.

mod base_path;
mod docs;
mod edge;
mod events;
mod github;
mod hub;
mod runs;
mod services;
mod surroundings;
mod writes;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{HeaderMap, Request, StatusCode};
use car_engine::access::Access;
use car_engine::config::{Config, RootEnv};
use car_engine::{InitMode, Served, init};
use car_testkit::repo::TempRepo;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::{Gate, Service};

struct Web {
    router: Router,
    access: Option<Arc<Access>>,
    cancel: CancellationToken,
    served: Arc<Served>,
    base: String,
    repo: TempRepo,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Web {
    /// Nobody has to log in.
    async fn new() -> Self {
        Self::with(false, "").await
    }

    /// As a server is by default.
    async fn closed() -> Self {
        Self::with(true, "").await
    }

    /// As a server behind a proxy.
    async fn below(base: &str) -> Self {
        Self::with(true, base).await
    }

    async fn with(is_closed: bool, base: &str) -> Self {
        let repo = TempRepo::new();
        init(repo.path(), InitMode::Repo, false, false).await.expect("initialised");
        Self::serving(repo, Vec::new(), is_closed, base)
    }

    /// Of a repository that is prepared; `program` is what runners and guards are started with.
    fn serving(repo: TempRepo, program: Vec<OsString>, is_closed: bool, base: &str) -> Self {
        let served = Served::open(repo.path(), program).expect("valid configuration");
        let cancel = CancellationToken::new();
        let access = is_closed.then(|| {
            let access = Access::open(repo.path(), &Config::default(), &RootEnv::default());
            Arc::new(access.expect("a secret"))
        });
        let gate = access.clone().map_or(Gate::Open, Gate::Closed);
        let service = Service { served: served.clone(), gate, base_path: base.to_owned() };
        let router = super::router(service, TaskTracker::new(), cancel.clone()).expect("a router");
        Self { router, access, cancel, served, base: base.to_owned(), repo }
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 16 << 20).await.expect("a whole body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(request("GET", path).body(Body::empty()).expect("valid")).await
    }
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:4173")
}

impl Web {
    /// Begins to watch files, as a server does from its start.
    fn watch(&self) {
        self.served.watch(&TaskTracker::new(), &self.cancel);
    }

    fn repo_id(&self) -> String {
        self.served.only_repo().expect("one repository")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.repo.path().join(name)
    }

    /// The access as another process has it.
    fn another_access(&self) -> Access {
        Access::open(self.repo.path(), &Config::default(), &RootEnv::default()).expect("a secret")
    }

    fn access(&self) -> &Access {
        self.access.as_ref().expect("a closed gate")
    }

    /// The cookie of a new session.
    async fn session(&self) -> String {
        let code = self.access().new_code().await.expect("a code");
        let form = request("POST", &format!("{}/login", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("code={code}&next=/health")));
        let answer = self.ask(form.expect("valid")).await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (StatusCode::SEE_OTHER, &format!("{}/health", self.base).parse().expect("valid"))
        );
        let cookie = answer.headers["set-cookie"].to_str().expect("text");
        let rules = format!("; Path={}/; HttpOnly; SameSite=Strict;", self.base);
        assert!(cookie.contains(&rules), "{cookie}");
        cookie.split(';').next().expect("a pair").to_owned()
    }
}
