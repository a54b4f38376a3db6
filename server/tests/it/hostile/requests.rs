//! Requests nobody should send, made from the description of the API: every route, every parameter, every member of a body.

use serde_json::{Value, json};

/// Numbers that are the same in every run.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("small")
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// One request.
pub(super) struct Hostile {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// What people have tried on other servers.
const STRINGS: [&str; 26] = [
    "",
    " ",
    ".",
    "..",
    "../../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\windows",
    "%2e%2e%2f%2e%2e%2f",
    "a/../../b",
    ".git/hooks/post-checkout",
    ".codex-autorunner/server-token",
    "--upload-pack=touch /tmp/car-was-here",
    "-rf",
    "ext::sh -c touch% /tmp/car-was-here",
    "file:///etc/passwd",
    "$(touch /tmp/car-was-here)",
    "`touch /tmp/car-was-here`",
    "'; DROP TABLE devices; --",
    "\" OR 1=1 --",
    "<script>alert(1)</script>",
    "\u{0}",
    "line\nbreak\r\nX-Injected: 1",
    "\u{202e}\u{feff}\u{1f600}",
    "NaN",
    "refs/heads/../../x",
    "HEAD~1:TODO.md",
];
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "2147483648",
    "-9223372036854775809",
    "18446744073709551615",
    "1e308",
    "0.5",
    "NaN",
    "Infinity",
    "0x10",
    "٣",
];

/// A request of the operation `said` of `path`, wrong in one or many ways.
pub(super) fn request(
    dice: &mut Dice,
    document: &Value,
    path: &str,
    method: &str,
    said: &Value,
) -> Hostile {
    let mut target = filled(dice, path);
    let mut query = Vec::new();
    for parameter in said["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" && !dice.one_in(3) {
            let name = parameter["name"].as_str().expect("a name");
            query.push(format!("{name}={}", encoded(&word(dice))));
        }
    }
    if dice.one_in(8) {
        query.push(format!("{}={}", encoded(&word(dice)), encoded(&word(dice))));
    }
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    let schema = said["requestBody"]["content"].as_object().and_then(|kinds| kinds.values().next());
    let (kind, body) = match schema {
        _ if method == "get" => ("", Vec::new()),
        Some(known) => body(dice, document, &known["schema"]),
        None => body(dice, document, &json!({"type": "object"})),
    };
    let mut headers = Vec::new();
    if !kind.is_empty() {
        headers.push(("content-type", kind.to_owned()));
    }
    if dice.one_in(10) {
        headers.push(("idempotency-key", visible(&word(dice))));
    }
    if dice.one_in(10) {
        headers.push(("if-match", visible(&word(dice))));
    }
    if dice.one_in(10) {
        headers.push(("range", "bytes=9999999999-1".to_owned()));
    }
    Hostile { method: method.to_uppercase(), path: target, headers, body }
}

/// `path` with something in place of each name in braces. What this test still needs is not removed.
fn filled(dice: &mut Dice, path: &str) -> String {
    let mut target = String::new();
    for part in path.split('/').skip(1) {
        let part = match part.starts_with('{') {
            true if dice.one_in(4) && !path.ends_with("/remove") => {
                (*dice.pick(&["todo", "1", "api", "spec"])).to_owned()
            }
            true => encoded(&word(dice)),
            false => part.to_owned(),
        };
        target.push('/');
        target.push_str(&part);
    }
    target
}

fn word(dice: &mut Dice) -> String {
    match dice.below(8) {
        0 => "x".repeat(1 << dice.below(13)),
        1 | 2 => (*dice.pick(&NUMBERS)).to_owned(),
        _ => (*dice.pick(&STRINGS)).to_owned(),
    }
}

/// What a header can hold of a word.
fn visible(word: &str) -> String {
    word.chars().filter(|letter| (' '..='~').contains(letter)).collect()
}

fn encoded(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let mut text = String::new();
    for byte in word.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn body(dice: &mut Dice, document: &Value, schema: &Value) -> (&'static str, Vec<u8>) {
    let json = |value: &Value| ("application/json", value.to_string().into_bytes());
    match dice.below(12) {
        0 => ("", Vec::new()),
        1 => ("application/json", b"{".repeat(2000)),
        2 => ("application/json", b"[".repeat(60_000)),
        3 => ("text/plain", b"{}".to_vec()),
        4 => ("application/json", vec![0xff, 0xfe, 0x00, 0x22]),
        5 => ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../../x.png\"\r\n\r\n\x89PNG\r\n--x".to_vec()),
        6 => json(&any(dice, 0)),
        _ => json(&fitting(dice, document, schema, 0)),
    }
}

/// A value of the described shape, most of the time.
fn fitting(dice: &mut Dice, document: &Value, schema: &Value, depth: usize) -> Value {
    if depth > 4 || dice.one_in(12) {
        return any(dice, depth);
    }
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return fitting(dice, document, &document["components"]["schemas"][name], depth + 1);
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[key].as_array() {
            let part = dice_part(dice, parts);
            return fitting(dice, document, part, depth + 1);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return dice_part(dice, words).clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => dice_part(dice, kinds).as_str().unwrap_or("null"),
        kind => kind.as_str().unwrap_or("null"),
    };
    match kind {
        "object" => {
            let members = schema["properties"].as_object().cloned().unwrap_or_default();
            let mut object = serde_json::Map::new();
            for (name, member) in members {
                if !dice.one_in(4) {
                    object.insert(name, fitting(dice, document, &member, depth + 1));
                }
            }
            Value::Object(object)
        }
        "array" => {
            let n = dice.below(4);
            (0..n).map(|_| fitting(dice, document, &schema["items"], depth + 1)).collect()
        }
        "string" => json!(word(dice)),
        "boolean" => json!(dice.one_in(2)),
        "integer" | "number" => {
            serde_json::from_str(dice.pick::<&str>(&NUMBERS)).unwrap_or_else(|_| json!(-1))
        }
        _ => Value::Null,
    }
}

fn dice_part<'a>(dice: &mut Dice, parts: &'a [Value]) -> &'a Value {
    const NOTHING: &Value = &Value::Null;
    if parts.is_empty() { NOTHING } else { dice.pick(parts) }
}

/// Any JSON.
fn any(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth > 3 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(dice.one_in(2)),
        2 => serde_json::from_str(dice.pick::<&str>(&NUMBERS)).unwrap_or_else(|_| json!(1.5)),
        3 | 4 => json!(word(dice)),
        5 => (0..dice.below(4)).map(|_| any(dice, depth + 1)).collect(),
        _ => {
            let n = dice.below(4);
            (0..n)
                .map(|_| (word(dice), any(dice, depth + 1)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
    }
}
