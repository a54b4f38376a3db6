//! Everything below a base path, as behind a proxy.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::LOCATION;

use super::{Web, request};

/// What attributes of `html` name, but for places in the page itself.
fn addresses(html: &str) -> Vec<&str> {
    let of = |name: &'static str| {
        html.split(name).skip(1).filter_map(|rest| rest.split('"').next()).collect::<Vec<_>>()
    };
    let all = [" href=\"", " src=\"", " action=\""].into_iter().flat_map(of);
    all.filter(|address| !address.starts_with('#')).collect()
}

#[tokio::test]
async fn every_address_in_a_page_lies_below_the_base_path() {
    let web = Web::below("/car").await;
    let login = web.get("/car/login").await;
    let ask = request("GET", "/car/").header("cookie", web.session().await).body(Body::empty());
    let page = web.ask(ask.expect("valid")).await;
    assert!(page.text.contains("data-base=\"/car\""), "the browser learns of it");
    for text in [login.text, page.text] {
        let named = addresses(&text);
        assert!(named.iter().any(|path| path.starts_with("/car/pkg/car.css")), "{named:?}");
        let outside: Vec<_> = named.iter().filter(|path| !path.starts_with("/car/")).collect();
        assert_eq!(outside, Vec::<&&str>::new());
    }
}

#[tokio::test]
async fn bookmarks_and_logins_end_up_below_the_base_path() {
    let web = Web::below("/car").await;
    for (from, to) in [("/?a=1", "/car/?a=1"), ("/car", "/car/"), ("/repos/x/", "/car/repos/x/")] {
        let answer = web.get(from).await;
        assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT, "{from}");
        assert_eq!(answer.headers[LOCATION], to);
    }
    let ask = request("GET", "/car/repos/a").header("accept", "text/html").body(Body::empty());
    let answer = web.ask(ask.expect("valid")).await;
    assert_eq!(answer.headers[LOCATION], "/car/login?next=%2Frepos%2Fa");
    assert_eq!(web.get("/elsewhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(web.get("/car/health").await.status, web.get("/car/repos/x/health").await.status);
}
