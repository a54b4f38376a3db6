//! What a route may do, and so who may call it.

use std::collections::HashMap;

use axum::http::Method;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::path::{HttpMethod, Operation, PathItem};

/// Name of the extension that declares a route's class.
pub(in crate::web) const EXTENSION: &str = "x-car-class";

/// What calling a route can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Class {
    /// Anybody may ask.
    Public,
    /// Shows something; needs a login.
    Read,
    /// Changes something; needs a login and, from a browser, a page of ours.
    Write,
    /// Can run programs of the caller's choice, spend money or lose work: a browser has to confirm who it is first.
    Dangerous,
}

impl Class {
    /// The class of that name.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "public" => Self::Public,
            "read" => Self::Read,
            "write" => Self::Write,
            "dangerous" => Self::Dangerous,
            _ => return None,
        })
    }
}

/// The class of every route in `document`.
pub(in crate::web) fn table(document: &Document) -> HashMap<(Method, String), Class> {
    let declared = declared(document).into_iter();
    declared.filter_map(|(method, path, class)| Some(((method, path), class?))).collect()
}

/// Method, path and declared class of every operation in `document`; no class where none, or an unknown one, is declared.
pub(in crate::web) fn declared(document: &Document) -> Vec<(Method, String, Option<Class>)> {
    let of_path = |(path, item): (&String, &PathItem)| {
        let path = path.clone();
        operations(item)
            .into_iter()
            .map(move |(method, operation)| {
                let extension = operation.extensions.as_ref().and_then(|all| all.get(EXTENSION));
                let class = extension.and_then(|value| value.as_str()).and_then(Class::named);
                (method, path.clone(), class)
            })
            .collect::<Vec<_>>()
    };
    document.paths.paths.iter().flat_map(of_path).collect()
}

fn operations(item: &PathItem) -> Vec<(Method, &Operation)> {
    let all = [
        (HttpMethod::Get, &item.get),
        (HttpMethod::Post, &item.post),
        (HttpMethod::Put, &item.put),
        (HttpMethod::Patch, &item.patch),
        (HttpMethod::Delete, &item.delete),
    ];
    let method = |method: HttpMethod| match method {
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Delete => Method::DELETE,
        _ => Method::GET,
    };
    all.into_iter()
        .filter_map(|(name, operation)| Some((method(name), operation.as_ref()?)))
        .collect()
}
