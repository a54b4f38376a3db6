//! One route of the description.

use leptos::prelude::*;
use serde_json::Value;

use super::super::class;
use super::shape::shape;

/// A route, as far as people need to know it.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// What it belongs to.
    pub(super) tag: String,
    method: String,
    path: String,
    class: String,
    summary: String,
    about: String,
    parameters: Vec<Parameter>,
    body: Option<String>,
    answers: Vec<Answer>,
}

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    place: String,
    kind: String,
    about: String,
}

#[derive(Clone, Debug)]
struct Answer {
    status: String,
    about: String,
    body: Option<String>,
}

/// Every route of `document`, in its order.
pub(super) fn all(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().cloned().unwrap_or_default();
        let path = path.clone();
        methods.into_iter().map(move |(method, said)| operation(document, &method, &path, &said))
    };
    paths.flat_map(of_path).collect()
}

fn operation(document: &Value, method: &str, path: &str, said: &Value) -> Operation {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parameters = said["parameters"].as_array().into_iter().flatten().map(|one| Parameter {
        name: text(&one["name"]),
        place: text(&one["in"]),
        kind: shape(document, &one["schema"]),
        about: text(&one["description"]),
    });
    let answers = said["responses"].as_object().into_iter().flatten();
    let answers = answers.map(|(status, answer)| Answer {
        status: status.clone(),
        about: text(&answer["description"]),
        body: content(document, answer),
    });
    Operation {
        tag: text(&said["tags"][0]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        class: text(&said[class::EXTENSION]),
        summary: text(&said["summary"]),
        about: text(&said["description"]),
        parameters: parameters.collect(),
        body: content(document, &said["requestBody"]),
        answers: answers.collect(),
    }
}

/// The shape of a body, when it is JSON.
fn content(document: &Value, said: &Value) -> Option<String> {
    let schema = said["content"].as_object()?.values().next()?.get("schema")?;
    Some(shape(document, schema))
}

/// Text in which code stands between backticks.
fn prose(text: &str) -> impl IntoView + use<> {
    let part = |(n, part): (usize, &str)| match n % 2 {
        0 => part.to_owned().into_any(),
        _ => view! { <code>{part.to_owned()}</code> }.into_any(),
    };
    text.split('`').enumerate().map(part).collect_view()
}

impl Operation {
    /// A line that opens to everything about it.
    pub(super) fn view(self) -> impl IntoView {
        let parameter = |one: Parameter| {
            view! {
                <tr>
                    <td><code>{one.name}</code></td>
                    <td class="muted">{one.place}</td>
                    <td><code>{one.kind}</code></td>
                    <td>{prose(&one.about)}</td>
                </tr>
            }
        };
        let answer = |one: Answer| {
            view! {
                <dt><code>{one.status}</code></dt>
                <dd>
                    {prose(&one.about)}
                    {one.body.map(|body| view! { <pre>{body}</pre> })}
                </dd>
            }
        };
        view! {
            <details class="operation">
                <summary>
                    <span class="operation__method">{self.method}</span>
                    <code class="operation__path">{self.path}</code>
                    <span class="operation__summary">{self.summary}</span>
                    <span class="tag">{self.class}</span>
                </summary>
                <div class="operation__body">
                    {(!self.about.is_empty()).then(|| view! { <p>{prose(&self.about)}</p> })}
                    {(!self.parameters.is_empty()).then(|| view! {
                        <table class="table">
                            <thead>
                                <tr><th>"Parameter"</th><th>"In"</th><th>"Type"</th><th>"Meaning"</th></tr>
                            </thead>
                            <tbody>{self.parameters.into_iter().map(parameter).collect_view()}</tbody>
                        </table>
                    })}
                    {self.body.map(|body| view! { <h3>"Body"</h3> <pre>{body}</pre> })}
                    <h3>"Answers"</h3>
                    <dl class="operation__answers">{self.answers.into_iter().map(answer).collect_view()}</dl>
                </div>
            </details>
        }
    }
}
