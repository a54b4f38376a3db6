//! A form that posts to a server function, with or without the browser side.

use leptos::form::FromFormData;
use leptos::prelude::*;
use leptos::server_fn::client::Client;
use leptos::server_fn::codec::PostUrl;
use leptos::server_fn::error::{IntoAppError, ServerFnErrorErr, ServerFnUrlError};
use leptos::server_fn::request::ClientReq;
use leptos::server_fn::{Http, ServerFn};
use leptos_router::hooks::use_query_map;
use serde::de::DeserializeOwned;

use crate::api::AppError;
use crate::base::at;
use crate::platform::FormData;

/// The form of `action`. Unlike that of Leptos it knows that everything may lie below a base path.
#[component]
pub(crate) fn PostForm<F, Output>(
    /// What is called with the fields.
    action: ServerAction<F>,
    /// Its class.
    class: &'static str,
    /// Fields and buttons.
    children: Children,
) -> impl IntoView
where
    F: ServerFn<Protocol = Http<PostUrl, Output>>
        + DeserializeOwned
        + Clone
        + Send
        + Sync
        + 'static,
    F::Output: Send + Sync + 'static,
    F::Error: Send + Sync + 'static,
    F::Client: Client<F::Error>,
    <<F::Client as Client<F::Error>>::Request as ClientReq<F::Error>>::FormData: From<FormData>,
{
    let (version, value) = (action.version(), action.value());
    let submit = move |event: leptos::ev::SubmitEvent| {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        match F::from_event(&event) {
            Ok(input) => drop(action.dispatch(input)),
            Err(error) => {
                let error = ServerFnErrorErr::Serialization(error.to_string()).into_app_error();
                value.set(Some(Err(error)));
                version.update(|version| *version += 1);
            }
        }
    };
    view! {
        <form class=class action=at(F::url()) method="post" on:submit=submit>
            {children()}
        </form>
    }
}

/// Why an action failed that was sent before the browser side was there: the answer brings it in the address.
#[component]
pub(crate) fn FailedPost(
    /// Addresses of the server functions that are posted to here.
    of: &'static [&'static str],
) -> impl IntoView {
    let query = use_query_map();
    let error = Memo::new(move |_| {
        let query = query.read();
        let is_ours = query.get("__path").is_some_and(|path| of.contains(&path.as_str()));
        let error = query.get("__err").filter(|_| is_ours)?;
        Some(ServerFnUrlError::<AppError>::decode_err(&error))
    });
    move || {
        error.get().map(|error| {
            view! {
                <div class="banner banner--error" role="alert">
                    <span class="state state--failed">
                        <span class="state__glyph" aria-hidden="true"></span>
                    </span>
                    <p>{error.message} " " <span class="muted">{error.hint}</span></p>
                </div>
            }
        })
    }
}
