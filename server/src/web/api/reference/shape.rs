//! JSON schemas as one reads them: `{ "once"?: boolean }`.

use serde_json::Value;

/// References that are followed into each other; schemas may contain themselves.
const MAX_DEPTH: usize = 5;

/// The shape `schema` of `document` describes.
pub(super) fn shape(document: &Value, schema: &Value) -> String {
    write(document, schema, 0)
}

fn write(document: &Value, schema: &Value, depth: usize) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        let known = &document["components"]["schemas"][name];
        return if depth >= MAX_DEPTH || known.is_null() {
            name.to_owned()
        } else {
            write(document, known, depth + 1)
        };
    }
    for (key, sign) in [("oneOf", " | "), ("anyOf", " | "), ("allOf", " & ")] {
        if let Some(parts) = schema[key].as_array() {
            let parts = parts.iter().map(|part| write(document, part, depth));
            return parts.collect::<Vec<_>>().join(sign);
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    match &schema["type"] {
        Value::Array(kinds) => {
            let one = |kind: &Value| {
                let mut schema = schema.clone();
                schema["type"] = kind.clone();
                write(document, &schema, depth)
            };
            kinds.iter().map(one).collect::<Vec<_>>().join(" | ")
        }
        Value::String(kind) => match kind.as_str() {
            "object" => object(document, schema, depth),
            "array" => format!("[{}]", write(document, &schema["items"], depth)),
            kind => kind.to_owned(),
        },
        _ => "any".to_owned(),
    }
}

fn object(document: &Value, schema: &Value, depth: usize) -> String {
    let Some(members) = schema["properties"].as_object() else {
        let values = &schema["additionalProperties"];
        let values =
            if values.is_object() { write(document, values, depth) } else { "any".to_owned() };
        return format!("{{ [name]: {values} }}");
    };
    let needed = schema["required"].as_array();
    let is_needed = |name: &str| needed.is_some_and(|names| names.iter().any(|one| one == name));
    let member = |(name, value): (&String, &Value)| {
        let mark = if is_needed(name) { "" } else { "?" };
        let value = write(document, value, depth).replace('\n', "\n  ");
        let about = value_note(schema, name);
        format!("  \"{name}\"{mark}: {value}{about}")
    };
    format!("{{\n{}\n}}", members.iter().map(member).collect::<Vec<_>>().join("\n"))
}

/// What a member means, where it fits behind it.
fn value_note(schema: &Value, name: &str) -> String {
    let about = schema["properties"][name]["description"].as_str().unwrap_or_default();
    if about.is_empty() || about.contains('\n') { String::new() } else { format!("  // {about}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_read_like_the_json_it_describes() {
        let document = json!({"components": {"schemas": {"Node": {
            "type": "object",
            "required": ["id"],
            "properties": {
                "id": {"type": ["string", "null"], "description": "Its id."},
                "next": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
            },
        }}}});
        let text = shape(&document, &json!({"$ref": "#/components/schemas/Node"}));
        assert!(
            text.starts_with("{\n  \"id\": string | null  // Its id.\n  \"next\"?: [{"),
            "{text}"
        );
        assert!(text.contains("[Node]"), "it ends where it would repeat itself: {text}");
    }
}
