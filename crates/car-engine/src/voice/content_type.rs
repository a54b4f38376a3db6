//! What a browser or a phone calls its sound, in the words services understand.

/// The content type to send: the given one in its usual spelling, else one by the file's name.
pub(super) fn content_type(given: Option<&str>, file_name: &str) -> String {
    let given = given.and_then(|given| given.split(';').next()).unwrap_or_default();
    let given = given.trim().to_ascii_lowercase();
    let usual = match given.as_str() {
        "" => by_extension(file_name),
        "video/webm" => "audio/webm",
        "audio/mp4a-latm" | "audio/x-m4a" | "video/mp4" => "audio/mp4",
        "audio/x-wav" => "audio/wav",
        _ => return given,
    };
    usual.to_owned()
}

fn by_extension(file_name: &str) -> &'static str {
    let extension = file_name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("webm") => "audio/webm",
        Some("ogg") => "audio/ogg",
        Some("wav") => "audio/wav",
        Some("mp3" | "mpeg" | "mpga") => "audio/mpeg",
        Some("m4a" | "mp4") => "audio/mp4",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_of_usual_sounds_become_the_usual_ones() {
        for (given, name, expected) in [
            (Some("video/webm;codecs=opus"), "x", "audio/webm"),
            (Some("AUDIO/MP4A-LATM"), "x", "audio/mp4"),
            (Some("audio/x-m4a"), "x", "audio/mp4"),
            (Some("video/mp4"), "x", "audio/mp4"),
            (Some("audio/x-wav"), "x", "audio/wav"),
            (Some("audio/ogg"), "x.wav", "audio/ogg"),
            (None, "x.MP3", "audio/mpeg"),
            (Some(" "), "x.m4a", "audio/mp4"),
            (None, "x", "application/octet-stream"),
        ] {
            assert_eq!(content_type(given, name), expected, "{given:?} {name}");
        }
    }
}
