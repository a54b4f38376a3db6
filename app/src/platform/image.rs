//! Images people pick, paste or drop: made small enough, shown, and sent to the server.

use leptos::prelude::{document, window};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, CanvasRenderingContext2d, File, FileList, FormData, HtmlCanvasElement, HtmlInputElement,
    ImageBitmap, RequestInit, Response,
};

/// Pixels of the longer side; models see no more.
const MAX_SIDE: f64 = 2048.0;
/// Pixels of the longer side of a preview.
const PREVIEW_SIDE: f64 = 128.0;
/// How good a picture stays that was made smaller.
const QUALITY: f64 = 0.9;

/// An image as a person gave it.
#[derive(Clone)]
pub(crate) struct PickedImage(File);

impl PickedImage {
    /// Its name.
    pub(crate) fn name(&self) -> String {
        self.0.name()
    }

    /// A small picture of it as an address; nothing for what this browser cannot draw.
    pub(crate) async fn preview(&self) -> Option<String> {
        let drawn = draw(&decode(&self.0).await?, PREVIEW_SIDE)?;
        drawn.to_data_url_with_type("image/png").ok()
    }

    /// Sends it to `address`, made smaller if it is large; its path on the server.
    pub(crate) async fn upload(&self, address: &str) -> Result<String, String> {
        let blob = match smaller(&self.0).await {
            Some(blob) => blob,
            None => self.0.clone().into(),
        };
        let lost = |_| "The image was not sent: the server does not answer.".to_owned();
        let form = FormData::new().map_err(lost)?;
        form.append_with_blob_and_filename("file", &blob, &self.0.name()).map_err(lost)?;
        let request = RequestInit::new();
        request.set_method("POST");
        request.set_body(&form);
        // Says that a page of ours asks; a form of another site cannot.
        let headers = web_sys::Headers::new().map_err(lost)?;
        headers.set("X-CAR-Request", "1").map_err(lost)?;
        request.set_headers(&headers);
        let answer = JsFuture::from(window().fetch_with_str_and_init(address, &request));
        let answer: Response = answer.await.map_err(lost)?.unchecked_into();
        let body = JsFuture::from(answer.json().map_err(lost)?).await.map_err(lost)?;
        let text = |name: &str| js_sys::Reflect::get(&body, &name.into()).ok()?.as_string();
        if answer.ok() {
            return text("path").ok_or_else(|| "The server did not say where it is.".to_owned());
        }
        let detail = text("detail").or_else(|| text("message"));
        Err(detail.unwrap_or_else(|| "The server did not take the image.".to_owned()))
    }
}

/// The images among what was picked in the field an event comes from; the field is empty then.
pub(crate) fn picked_images(event: &web_sys::Event) -> Vec<PickedImage> {
    let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
    let Some(input) = input else { return Vec::new() };
    let images = images_in(input.files());
    input.set_value("");
    images
}

/// The images among what is pasted.
pub(crate) fn pasted_images(event: &web_sys::ClipboardEvent) -> Vec<PickedImage> {
    images_in(event.clipboard_data().and_then(|data| data.files()))
}

/// The images among what is dropped.
pub(crate) fn dropped_images(event: &web_sys::DragEvent) -> Vec<PickedImage> {
    images_in(event.data_transfer().and_then(|data| data.files()))
}

fn images_in(files: Option<FileList>) -> Vec<PickedImage> {
    let Some(files) = files else { return Vec::new() };
    let files = (0..files.length()).filter_map(|n| files.item(n));
    files.filter(|file| file.type_().starts_with("image/")).map(PickedImage).collect()
}

async fn decode(file: &File) -> Option<ImageBitmap> {
    let promise = window().create_image_bitmap_with_blob(file).ok()?;
    Some(JsFuture::from(promise).await.ok()?.unchecked_into())
}

/// The image with sides of at most `side` pixels.
fn draw(image: &ImageBitmap, side: f64) -> Option<HtmlCanvasElement> {
    let (width, height) = (f64::from(image.width()), f64::from(image.height()));
    let scale = (side / width.max(height)).min(1.0);
    let (width, height) = ((width * scale).round().max(1.0), (height * scale).round().max(1.0));
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.unchecked_into();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole numbers from 1 to a few thousand"
    )]
    let whole = |n: f64| n as u32;
    canvas.set_width(whole(width));
    canvas.set_height(whole(height));
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.unchecked_into();
    context.draw_image_with_image_bitmap_and_dw_and_dh(image, 0.0, 0.0, width, height).ok()?;
    Some(canvas)
}

/// The image made smaller; nothing when it is small enough, or nothing this browser can draw.
async fn smaller(file: &File) -> Option<Blob> {
    let image = decode(file).await?;
    if f64::from(image.width().max(image.height())) <= MAX_SIDE {
        return None;
    }
    let canvas = draw(&image, MAX_SIDE)?;
    let kind = if file.type_() == "image/png" { "image/png" } else { "image/jpeg" };
    let promise = js_sys::Promise::new(&mut |done, _| {
        let then = Closure::once_into_js(move |blob: JsValue| {
            // Calling a promise's own function cannot fail.
            let _ = done.call1(&JsValue::NULL, &blob);
        });
        let then = then.unchecked_ref();
        let _ = canvas.to_blob_with_type_and_encoder_options(then, kind, &QUALITY.into());
    });
    JsFuture::from(promise).await.ok()?.dyn_into().ok()
}
