//! Telegram's HTML: which tags there are, and what is left when they are read.

const TAGS: [&str; 9] = ["b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"];

/// The text a person sees; an error in Telegram's words when it cannot be parsed.
pub(super) fn plain(html: &str) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut n_entities = 0;
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&', '>']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('&') {
            let end = after.find(';').ok_or("can't parse entities: unescaped &")?;
            text.push(match &after[..end] {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                other => return Err(format!("can't parse entities: unknown entity {other}")),
            });
            rest = &after[end + 1..];
        } else if let Some(after) = rest.strip_prefix('<') {
            let end = after.find('>').ok_or("can't parse entities: unclosed tag")?;
            let tag = &after[..end];
            rest = &after[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                match open.pop() {
                    Some(top) if top == name => {}
                    top => {
                        return Err(format!("can't parse entities: </{name}> closes {top:?}"));
                    }
                }
            } else {
                let name = tag.split_whitespace().next().unwrap_or_default();
                if !TAGS.contains(&name) {
                    return Err(format!("can't parse entities: unsupported start tag \"{name}\""));
                }
                let is_language = name == "code" && tag.contains("class=\"language-");
                if tag != name && name != "a" && !is_language && tag != "blockquote expandable" {
                    return Err(format!("can't parse entities: attributes of <{tag}>"));
                }
                n_entities += 1;
                open.push(name.to_owned());
            }
        } else {
            return Err("can't parse entities: unescaped >".to_owned());
        }
    }
    text.push_str(rest);
    match open.pop() {
        Some(tag) => Err(format!("can't parse entities: <{tag}> is not closed")),
        None => Ok((text, n_entities)),
    }
}
