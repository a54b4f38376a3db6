//! What the browser remembers for us. It may refuse: then nothing is remembered, and nothing else breaks.

/// What is kept under `key`.
pub(crate) fn recall(key: &str) -> Option<String> {
    #[cfg(feature = "hydrate")]
    return storage()?.get_item(key).ok().flatten();
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = key;
        None
    }
}

/// Keeps `text` under `key`; says whether the browser did.
pub(crate) fn remember(key: &str, text: &str) -> bool {
    #[cfg(feature = "hydrate")]
    return storage().is_some_and(|storage| storage.set_item(key, text).is_ok());
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = (key, text);
        false
    }
}

/// Forgets what is kept under `key`.
pub(crate) fn forget(key: &str) {
    #[cfg(feature = "hydrate")]
    if let Some(storage) = storage() {
        // Fails only when the page may not store anything, and then nothing is there.
        let _ = storage.remove_item(key);
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = key;
}

#[cfg(feature = "hydrate")]
fn storage() -> Option<web_sys::Storage> {
    leptos::prelude::window().local_storage().ok().flatten()
}
