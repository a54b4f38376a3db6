//! The base path: what a proxy puts in front of all our addresses.
//!
//! Inside of the application addresses have none, and [`at`] makes links of them. The server takes the base path off before
//! it looks at an address; the browser learns it from the document.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Prefix of every address, as `/car`; empty when there is none. The server gives it to each page as context.
#[derive(Clone, Debug)]
pub struct BasePath(pub Arc<str>);

/// The link to `path`, which begins with a slash.
pub(crate) fn at(path: &str) -> String {
    format!("{}{path}", base_path())
}

/// The base path of this page.
pub(crate) fn base_path() -> Arc<str> {
    #[cfg(feature = "hydrate")]
    return in_browser::base_path();
    #[cfg(not(feature = "hydrate"))]
    use_context::<BasePath>().map(|BasePath(base)| base).unwrap_or_else(|| "".into())
}

/// The path of the page that is shown, without base path.
pub(crate) fn use_path() -> Memo<String> {
    let (path, base) = (use_location().pathname, base_path());
    // The router of the server never sees the base path, that of the browser does.
    Memo::new(move |_| {
        path.with(|path| path.strip_prefix(base.as_ref()).unwrap_or(path.as_str()).to_owned())
    })
}

/// Tells the router of the browser and the calls of server functions where they are. Nothing on the server.
pub(crate) fn router_base() -> Option<std::borrow::Cow<'static, str>> {
    #[cfg(feature = "hydrate")]
    return in_browser::announce();
    #[cfg(not(feature = "hydrate"))]
    None
}

#[cfg(feature = "hydrate")]
mod in_browser {
    use std::borrow::Cow;
    use std::cell::OnceCell;
    use std::sync::Arc;

    thread_local! {
        static BASE: OnceCell<Arc<str>> = const { OnceCell::new() };
    }

    pub(super) fn base_path() -> Arc<str> {
        let read = || {
            let root = leptos::prelude::document().document_element();
            root.and_then(|root| root.get_attribute("data-base")).unwrap_or_default().into()
        };
        BASE.with(|base| base.get_or_init(read).clone())
    }

    pub(super) fn announce() -> Option<Cow<'static, str>> {
        let base = base_path();
        if base.is_empty() {
            return None;
        }
        // One small string for the life of the page; calls of server functions want it for that long.
        let base: &'static str = Box::leak(base.to_string().into_boxed_str());
        let _ = leptos::server_fn::client::try_set_server_url(base);
        Some(base.into())
    }
}
