//! The arrows between crates:
//! `car-domain ← process ← agent, host`, `car-domain ← store, git`, all of them `← car-engine ← app[ssr], car-telegram ← server`, and
//! `frontend → app[hydrate] → car-domain`.
//!
//! Tests may use `car-testkit` besides; nothing a user runs may.

use serde_json::Value;

use super::check::Finding;

/// What each crate may depend on, of our own crates. A new crate is entered here with a thought.
const ARROWS: [(&str, &[&str]); 13] = [
    ("car-domain", &[]),
    ("car-store", &["car-domain"]),
    ("car-process", &["car-domain"]),
    ("car-agent", &["car-domain", "car-process"]),
    ("car-host", &["car-domain", "car-process"]),
    ("car-git", &["car-domain"]),
    ("car-engine", &["car-agent", "car-domain", "car-git", "car-host", "car-store"]),
    ("car-telegram", &["car-domain", "car-engine", "car-store"]),
    ("car-testkit", &["car-domain"]),
    ("app", &["car-domain", "car-engine"]),
    ("frontend", &["app"]),
    ("server", &["app", "car-agent", "car-domain", "car-engine", "car-host", "car-telegram"]),
    ("xtask", &[]),
];
/// The side of the application each of its users must ask for.
const SIDES: [(&str, &str, &str); 2] =
    [("frontend", "hydrate", "ssr"), ("server", "ssr", "hydrate")];

/// Checks what `cargo metadata` says about the members of the workspace.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let packages = list(&metadata["packages"]);
    let names: Vec<&str> = packages.iter().map(|package| text(&package["name"])).collect();
    let mut findings = Vec::new();
    for package in packages {
        let name = text(&package["name"]);
        let mut report = |message: String| {
            findings.push(Finding { path: manifest(package, metadata), line: 1, message });
        };
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            report(format!("the crate {name} has no place yet: enter its arrows in xtask"));
            continue;
        };
        for dependency in list(&package["dependencies"]) {
            let to = text(&dependency["name"]);
            let for_tests = dependency["kind"] == "dev";
            if names.contains(&to) && !allowed.contains(&to) && !(for_tests && to == "car-testkit")
            {
                report(format!("{name} must not depend on {to}: no arrow leads there"));
            }
            if to == "sqlx" && name != "car-store" {
                report(format!("{name} must not depend on sqlx: only car-store says SQL"));
            }
            if name == "app" && to == "car-engine" && dependency["optional"] != true {
                report("car-engine must be optional: the browser cannot run it".to_owned());
            }
            let features = list(&dependency["features"]);
            for (user, wanted, other) in SIDES {
                let fits = features.iter().any(|feature| feature == wanted)
                    && !features.iter().any(|feature| feature == other);
                if to == "app" && name == user && !fits {
                    report(format!("{name} must use app with `{wanted}` and without `{other}`"));
                }
            }
        }
    }
    findings
}

fn manifest(package: &Value, metadata: &Value) -> String {
    let path = text(&package["manifest_path"]);
    let root = text(&metadata["workspace_root"]);
    path.strip_prefix(root).unwrap_or(path).trim_start_matches(['/', '\\']).to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(name: &str, dependency: &Value) -> Vec<String> {
        let others = ["car-store", "car-engine", "car-testkit", "app"];
        let mut packages = vec![json!({
            "name": name,
            "manifest_path": "/checkout/x/Cargo.toml",
            "dependencies": [dependency],
        })];
        packages.extend(others.iter().filter(|o| **o != name).map(|o| json!({ "name": o })));
        let metadata = json!({ "workspace_root": "/checkout", "packages": packages });
        check(&metadata).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn arrows_point_one_way() {
        assert_eq!(messages("car-engine", &json!({ "name": "car-store" })), [""; 0]);
        assert_eq!(
            messages("car-agent", &json!({ "name": "car-store" })),
            ["x/Cargo.toml:1: car-agent must not depend on car-store: no arrow leads there"]
        );
    }

    #[test]
    fn the_test_kit_is_for_tests() {
        let used = |kind: Value| json!({ "name": "car-testkit", "kind": kind });
        assert_eq!(messages("server", &used(json!("dev"))), [""; 0]);
        assert_eq!(messages("server", &used(Value::Null)).len(), 1);
    }

    #[test]
    fn only_the_store_says_sql() {
        assert_eq!(messages("car-store", &json!({ "name": "sqlx" })), [""; 0]);
        assert_eq!(messages("car-engine", &json!({ "name": "sqlx" })).len(), 1);
    }

    #[test]
    fn each_side_of_the_application_is_asked_for_by_its_user() {
        let with = |features: Value| json!({ "name": "app", "features": features });
        assert_eq!(messages("frontend", &with(json!(["hydrate"]))), [""; 0]);
        assert_eq!(messages("frontend", &with(json!([]))).len(), 1);
        assert_eq!(messages("server", &with(json!(["ssr", "hydrate"]))).len(), 1);
        let engine = |optional: bool| json!({ "name": "car-engine", "optional": optional });
        assert_eq!(messages("app", &engine(true)), [""; 0]);
        assert_eq!(messages("app", &engine(false)).len(), 1);
    }

    #[test]
    fn an_unknown_crate_needs_a_place() {
        assert_eq!(messages("car-new", &json!({ "name": "serde" })).len(), 1);
    }
}
