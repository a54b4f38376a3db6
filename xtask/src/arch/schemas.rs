//! Names in the description of the HTTP API.
//!
//! A schema is known by its type's bare name there. Of two types with the same name one takes the other's place without a word,
//! and clients are told a wrong shape.

use std::collections::HashMap;

use super::check::Finding;

/// Where types of the API are.
const PLACES: [&str; 3] = ["server/src/web/", "crates/car-domain/src/", "crates/car-engine/src/"];

/// The types that describe themselves, by name: where the first of each is.
#[derive(Default)]
pub(super) struct Schemas {
    known: HashMap<String, String>,
}

impl Schemas {
    /// Notes the types of a file; those whose name is taken are findings.
    pub(super) fn add(&mut self, path: &str, text: &str) -> Vec<Finding> {
        let is_rust = std::path::Path::new(path).extension().is_some_and(|end| end == "rs");
        if !is_rust || !PLACES.iter().any(|place| path.starts_with(place)) {
            return Vec::new();
        }
        let mut findings = Vec::new();
        for (line, name) in types(text) {
            let place = format!("{path}:{line}");
            if let Some(first) = self.known.get(name) {
                let message = format!(
                    "the API has a schema `{name}` already, at {first}: give this type another name"
                );
                findings.push(Finding { path: path.to_owned(), line, message });
            } else {
                self.known.insert(name.to_owned(), place);
            }
        }
        findings
    }
}

/// Line and name of each type that derives a schema.
fn types(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut has_schema = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with("#[") {
            has_schema |= line.contains("derive(") && line.contains("ToSchema");
            continue;
        }
        if let Some(name) = type_name(line).filter(|_| has_schema) {
            found.push((number, name));
        }
        has_schema = false;
    }
    found
}

fn type_name(line: &str) -> Option<&str> {
    let mut words = line.split([' ', '<', '(', '{', ';']);
    let is_type = |word: &str| word == "struct" || word == "enum";
    words.by_ref().find(|word| is_type(word))?;
    words.next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_schemas_with_one_name_the_second_is_found() {
        let mut schemas = Schemas::default();
        let text = "#[derive(Serialize, ToSchema)]\n#[serde(default)]\nstruct Asked {\n}\n\
                    #[derive(Serialize)]\nstruct Free;\n";
        assert_eq!(schemas.add("server/src/web/api/a.rs", text), []);
        let other = "#[cfg_attr(feature = \"openapi\", derive(utoipa::ToSchema))]\npub enum Asked {\nstruct Free;";
        let found = schemas.add("crates/car-domain/src/b.rs", other);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("`Asked`") && found[0].message.contains("a.rs:3"));
        assert_eq!(schemas.add("app/src/c.rs", text), [], "no part of the API");
    }
}
