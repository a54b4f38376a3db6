//! The browser's clock and time zone.

use car_domain::Timestamp;

/// The browser's time; nothing on the server, where pages get theirs with their data.
pub(crate) fn now() -> Option<Timestamp> {
    #[cfg(feature = "hydrate")]
    return Some(Timestamp::from_millis(whole(js_sys::Date::now())));
    #[cfg(not(feature = "hydrate"))]
    None
}

/// How many minutes east of UTC the reader is at `at`.
pub(crate) fn offset_minutes(at: Timestamp) -> Option<i32> {
    #[cfg(feature = "hydrate")]
    {
        #[expect(clippy::cast_precision_loss, reason = "dates are far below 2^53 milliseconds")]
        let millis = wasm_bindgen::JsValue::from_f64(at.as_millis() as f64);
        i32::try_from(-whole(js_sys::Date::new(&millis).get_timezone_offset())).ok()
    }
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = at;
        None
    }
}

#[cfg(feature = "hydrate")]
#[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
fn whole(number: f64) -> i64 {
    number as i64
}
