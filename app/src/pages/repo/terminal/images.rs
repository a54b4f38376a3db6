//! Images that go with a text: they lie on the server, and the text names where.

use leptos::prelude::*;

use crate::components::{Glyph, Icon};

/// Images at once.
#[cfg(feature = "hydrate")]
const MAX: usize = 8;

/// What became of an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Fate {
    /// It is on its way.
    Sending,
    /// It is on the server, at this path.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers send"))]
    There(String),
    /// It is not.
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers send"))]
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Image {
    key: u64,
    name: String,
    preview: Option<String>,
    fate: Fate,
}

/// The images of a text. Copies are handles to the same ones.
#[derive(Clone, Copy)]
pub(super) struct Images {
    list: RwSignal<Vec<Image>>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers send"))]
    address: StoredValue<String>,
    #[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only browsers send"))]
    next_key: StoredValue<u64>,
}

impl Images {
    /// None yet; they are sent to `address`.
    pub(super) fn new(address: String) -> Self {
        Self {
            list: RwSignal::default(),
            address: StoredValue::new(address),
            next_key: StoredValue::new(0),
        }
    }

    /// Whether all of them are where they should be.
    pub(super) fn are_there(self) -> bool {
        self.list.with(|list| list.iter().all(|image| image.fate != Fate::Sending))
    }

    /// Whether there are none.
    pub(super) fn is_empty(self) -> bool {
        self.list.with(Vec::is_empty)
    }

    /// `text` with the places of all images below it, which are none of this text's any more.
    pub(super) fn take(self, text: &str) -> String {
        let images = self.list.try_update(std::mem::take).unwrap_or_default();
        let paths = images.into_iter().filter_map(|image| match image.fate {
            Fate::There(path) => Some(path),
            _ => None,
        });
        let lines: Vec<String> = Some(text.to_owned())
            .into_iter()
            .filter(|text| !text.is_empty())
            .chain(paths)
            .collect();
        lines.join("\n")
    }

    /// Adds images that were picked, pasted or dropped, and sends them.
    #[cfg(feature = "hydrate")]
    pub(super) fn add(self, images: Vec<crate::platform::PickedImage>) {
        for picked in images {
            if self.list.with_untracked(Vec::len) >= MAX {
                return;
            }
            let key = self.next_key.get_value();
            self.next_key.set_value(key + 1);
            let (name, address) = (picked.name(), self.address.get_value());
            self.list.update(|list| {
                list.push(Image { key, name, preview: None, fate: Fate::Sending });
            });
            leptos::task::spawn_local(async move {
                let preview = picked.preview().await;
                self.change(key, |image| image.preview = preview);
                let fate = picked.upload(&address).await.map_or_else(Fate::Failed, Fate::There);
                self.change(key, |image| image.fate = fate);
            });
        }
    }

    #[cfg(feature = "hydrate")]
    fn change(self, key: u64, change: impl FnOnce(&mut Image)) {
        self.list.try_update(|list| {
            if let Some(image) = list.iter_mut().find(|image| image.key == key) {
                change(image);
            }
        });
    }

    fn remove(self, key: u64) {
        self.list.update(|list| list.retain(|image| image.key != key));
    }
}

/// A button that picks images.
#[component]
pub(super) fn PickImages(
    /// Where they go.
    images: Images,
) -> impl IntoView {
    view! {
        <label class="btn btn--icon btn--ghost composer__pick">
            <Icon glyph=Glyph::Attach/>
            <span class="vh">"Attach images"</span>
            <input
                class="composer__file"
                type="file"
                accept="image/*"
                multiple
                on:change=move |event| {
                    #[cfg(feature = "hydrate")]
                    images.add(crate::platform::picked_images(&event));
                    #[cfg(not(feature = "hydrate"))]
                    let _ = (images, event);
                }
            />
        </label>
    }
}

/// Images that were picked, each with what became of it.
#[component]
pub(super) fn ImageList(
    /// The images.
    images: Images,
) -> impl IntoView {
    let one = move |image: Image| {
        let (key, name) = (image.key, image.name.clone());
        let said = match &image.fate {
            Fate::Sending => "is being sent".to_owned(),
            Fate::There(_) => String::new(),
            Fate::Failed(why) => why.clone(),
        };
        let picture = image.preview.map(|preview| view! { <img src=preview alt=""/> });
        view! {
            <li class="composer__image">
                {picture}
                <span class="clip">{name.clone()} " " <span class="muted" role="status">{said}</span></span>
                <button
                    class="btn btn--icon btn--ghost"
                    type="button"
                    aria-label=format!("Remove {name}")
                    on:click=move |_| images.remove(key)
                >
                    <Icon glyph=Glyph::Close/>
                </button>
            </li>
        }
    };
    view! {
        <ul class="composer__images" hidden=move || images.is_empty()>
            <For each=move || images.list.get() key=Image::clone children=one/>
        </ul>
    }
}
