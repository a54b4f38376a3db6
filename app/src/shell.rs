//! The HTML document around the page.

use leptos::prelude::*;
use leptos::tachys::html::attribute::custom::CustomAttribute;
use leptos_meta::MetaTags;

use crate::App;
use crate::base::{at, base_path};
use crate::build::{self, Program};

/// Writes the document. The theme comes from a cookie, so that the first paint is in the right one.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let (theme, base) = (theme(), base_path());
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-base=(!base.is_empty()).then(|| base.to_string()) data-build=build::named().map(|build| build.to_string())>
            <head>
                <meta charset="utf-8"/>
                <meta
                    name="viewport"
                    content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
                />
                <meta name="color-scheme" content=theme.unwrap_or("dark light")/>
                <ThemeColor theme/>
                <link rel="icon" id="favicon" href=at("/favicon.svg") type="image/svg+xml"/>
                <link rel="apple-touch-icon" href=at("/icon-apple-180.png")/>
                <meta name="mobile-web-app-capable" content="yes"/>
                <meta name="apple-mobile-web-app-capable" content="yes"/>
                <meta name="apple-mobile-web-app-title" content="CAR"/>
                <meta name="apple-mobile-web-app-status-bar-style" content="default"/>
                <link rel="manifest" href=at("/manifest.webmanifest")/>
                <ImportMap/>
                <Program/>
                <AutoReload options/>
                <script type="module" src=at("/register.js")></script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// What the terminal's modules are called in the page's program, and where they are: all of them in one small file that loads the
/// real ones when the first terminal is opened. Browsers only heed it before the first module.
#[component]
fn ImportMap() -> impl IntoView {
    const NAMES: [&str; 6] = [
        "xterm",
        "xterm-addon-fit",
        "xterm-addon-search",
        "xterm-addon-unicode11",
        "xterm-addon-web-links",
        "xterm-addon-webgl",
    ];
    let file = at("/xterm-lazy.mjs");
    let imports = NAMES.map(|name| (name.to_owned(), serde_json::Value::from(file.as_str())));
    let map = serde_json::Value::Object(imports.into_iter().collect());
    // A script ends at the first `</`, whatever it is in.
    let map = format!(r#"{{"imports":{map}}}"#).replace('<', "\\u003c");
    view! { <script type="importmap" nonce=nonce() inner_html=map></script> }
}

pub(crate) fn nonce() -> Option<leptos::nonce::Nonce> {
    #[cfg(feature = "ssr")]
    return leptos::nonce::use_nonce();
    #[cfg(not(feature = "ssr"))]
    None
}

/// The colour of the browser's own bars: that of the page.
#[component]
fn ThemeColor(
    /// The theme the reader chose, if any.
    theme: Option<&'static str>,
) -> impl IntoView {
    const DARK: &str = "#0c0f10";
    const LIGHT: &str = "#ffffff";
    let meta = |colour: &'static str| view! { <meta name="theme-color" content=colour/> };
    match theme {
        Some("dark") => meta(DARK).into_any(),
        Some(_) => meta(LIGHT).into_any(),
        None => (
            meta(DARK).attr("media", "(prefers-color-scheme: dark)"),
            meta(LIGHT).attr("media", "(prefers-color-scheme: light)"),
        )
            .into_any(),
    }
}

fn theme() -> Option<&'static str> {
    #[cfg(feature = "ssr")]
    return crate::api::theme_cookie();
    #[cfg(not(feature = "ssr"))]
    None
}
