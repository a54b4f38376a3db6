//! Which site a page belongs to: its program and its style sheet are asked for by the site's name, so that a page never gets those
//! of another version, and a page that outlives an upgrade knows that it does.

use std::sync::Arc;

use leptos::prelude::*;

use crate::base::at;
use crate::platform;

/// Name of the site as it is served now; another one after every change. The server gives it to each page as context.
#[derive(Clone, Debug)]
pub struct Build(pub Arc<str>);

/// Loads the program and starts it. Where the server has become another one since the page was written, it says that these files
/// are gone, and the page is loaded anew.
const START: &str = "(async (program, wasm) => {
  const load = async () => {
    const loaded = await import(program);
    await loaded.default({ module_or_path: wasm });
    return loaded;
  };
  const loaded = await load().catch(async error => {
    const answer = await fetch(program, { method: 'HEAD', cache: 'no-store' }).catch(() => null);
    if (answer?.status === 410) location.reload();
    throw error;
  });
  loaded.hydrate();
})";

/// The style sheet and the program of the page.
#[component]
pub(crate) fn Program() -> impl IntoView {
    let file = |name: &str| match named() {
        Some(build) => at(&format!("/pkg/{name}?v={build}")),
        None => at(&format!("/pkg/{name}")),
    };
    let (program, wasm) = (file("car.js"), file("car.wasm"));
    // A JSON string is a string of JavaScript, too; neither has a `<`.
    let start = format!("{START}({}, {})", quoted(&program), quoted(&wasm));
    view! {
        <link id="leptos" rel="stylesheet" href=file("car.css")/>
        <link rel="modulepreload" href=program/>
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        <script type="module" nonce=crate::shell::nonce() inner_html=start></script>
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('<', "\\u003c")
}

/// The site that wrote this page.
pub(crate) fn named() -> Option<Arc<str>> {
    use_context::<Build>().map(|Build(build)| build)
}

/// Whether the server has become another one since it wrote this page; in the context of [`crate::App`].
#[derive(Clone, Copy)]
pub(crate) struct Outdated(RwSignal<bool>);

impl Outdated {
    /// Puts one into the context.
    pub(crate) fn provide() -> Self {
        let outdated = Self(RwSignal::new(false));
        provide_context(outdated);
        outdated
    }

    /// That of this page.
    pub(crate) fn get() -> Self {
        use_context().unwrap_or_else(Self::provide)
    }

    /// Whether it is.
    pub(crate) fn is_so(self) -> bool {
        self.0.try_get().unwrap_or(false)
    }

    /// The same, once.
    pub(crate) fn is_so_untracked(self) -> bool {
        self.0.try_get_untracked().unwrap_or(false)
    }

    /// Takes what the server says its site is called.
    #[cfg(feature = "hydrate")]
    pub(crate) fn compare(self, build: &str) {
        let own = platform::document_data("data-build");
        self.0.try_set(own.is_some_and(|own| own != build));
    }
}

/// Asks to load the page anew when the server has become another one. The next page is loaded anew in any case.
#[component]
pub(crate) fn OutdatedBanner() -> impl IntoView {
    let outdated = Outdated::get();
    view! {
        <p class="banner banner--open" role="status" hidden=move || !outdated.is_so()>
            <span>{move || outdated.is_so().then_some("CAR was updated while this page was open.")}</span>
            <button class="btn" type="button" on:click=|_| platform::reload()>"Reload"</button>
        </p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_end_the_script_it_stands_in() {
        assert_eq!(quoted("/a</script>\"b"), r#""/a\u003c/script>\"b""#);
    }
}
