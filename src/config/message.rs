//! The text of what a webhook is sent, where its owner wants a form of their own.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::nearest::did_you_mean;

/// The members of a message that a template can name.
pub const MEMBERS: [&str; 11] =
    ["subject", "text", "kind", "channel", "at", "trigger", "playbook", "run", "outcome", "error", "host"];

/// A JSON document in which `${subject}` and the like stand for members of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageTemplate(Json);

impl MessageTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// It is no JSON, or it names what no message has.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text)
            .map_err(|error| format!("body is not JSON, such as {{\"content\": \"${{text}}\"}}: {error}"))?;
        check(&json)?;
        Ok(Self(json))
    }

    /// The document with the members of a message in their places; what a message lacks is empty.
    pub fn fill(&self, members: &BTreeMap<&'static str, String>) -> Json {
        let mut json = self.0.clone();
        each_text(&mut json, &mut |text| *text = filled(text, members));
        json
    }
}

fn check(json: &Json) -> Result<(), String> {
    let mut wrong = None;
    each_text(&mut json.clone(), &mut |text| {
        for name in text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
            if !MEMBERS.contains(&name) {
                let list = MEMBERS.join(", ");
                let hint = did_you_mean(name, MEMBERS);
                wrong.get_or_insert(format!("body: a message has no '{name}'.{hint} It has: {list}"));
            }
        }
    });
    wrong.map_or(Ok(()), Err)
}

fn each_text(json: &mut Json, work: &mut impl FnMut(&mut String)) {
    match json {
        Json::String(text) => work(text),
        Json::Array(items) => items.iter_mut().for_each(|item| each_text(item, work)),
        Json::Object(map) => map.values_mut().for_each(|value| each_text(value, work)),
        _ => {}
    }
}

/// In one pass: what a value brings along is not looked at again.
fn filled(text: &str, members: &BTreeMap<&'static str, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        out.push_str(members.get(name).map_or("", String::as_str));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_takes_a_messages_members_and_stays_json() {
        let template = MessageTemplate::parse(r#"{"content": "${subject}: ${text}", "tags": ["${run}", 1]}"#).unwrap();
        let members = BTreeMap::from([("subject", "a \"b\"".to_owned()), ("text", "${run}\n".to_owned())]);
        assert_eq!(template.fill(&members), json!({ "content": "a \"b\": ${run}\n", "tags": ["", 1] }));
    }

    #[test]
    fn a_template_names_only_what_there_is() {
        assert!(MessageTemplate::parse("{\"a\": \"${txet}\"}").unwrap_err().contains("Did you mean 'text'?"));
        assert!(MessageTemplate::parse("content: x").unwrap_err().contains("not JSON"));
    }
}
