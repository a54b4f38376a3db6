//! The HTML document around the page.

use leptos::prelude::*;
use leptos::tachys::html::attribute::custom::CustomAttribute;
use leptos_meta::MetaTags;

use crate::App;

/// Writes the document. The theme comes from a cookie, so that the first paint is in the right one.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let theme = theme();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta
                    name="viewport"
                    content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
                />
                <meta name="color-scheme" content=theme.unwrap_or("dark light")/>
                <ThemeColor theme/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/icon-192.png"/>
                <link rel="manifest" href="/manifest.webmanifest"/>
                <link id="leptos" rel="stylesheet" href="/pkg/car.css"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
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
