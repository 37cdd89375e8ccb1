//! Rhai's functions and the host's, with the types of what they take, for completion.

use rhai::packages::{Package, StandardPackage};
use rhai::{Engine, FuncInfo};

use crate::engine::host;

/// A function that is no call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    /// The name.
    pub name: String,
    /// The parameters with their types.
    pub params: Vec<(String, String)>,
    /// What it gives.
    pub returns: String,
    /// The first line of its text.
    pub summary: String,
}

impl Native {
    /// How it is written behind a receiver, or by itself.
    pub fn arguments(&self, behind: bool) -> String {
        let params = self.params.iter().skip(usize::from(behind)).map(|(name, _)| name.as_str());
        format!("({})", params.collect::<Vec<_>>().join(", "))
    }
}

/// Every native that has a name to be typed.
pub fn all() -> Vec<Native> {
    let mut engine = Engine::new_raw();
    engine.register_global_module(StandardPackage::new().as_shared_module());
    engine.register_global_module(host::module());
    let mut natives = engine.collect_fn_metadata(None, native, true);
    natives.sort_by(|a, b| (&a.name, a.params.len()).cmp(&(&b.name, b.params.len())));
    natives.dedup();
    natives
}

fn native(function: FuncInfo<'_>) -> Option<Native> {
    let data = function.metadata;
    let name = data.name.to_string();
    let plain =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !plain || crate::engine::guards::DISABLED.contains(&name.as_str()) {
        return None;
    }
    let params = data.params_info.iter().take(data.num_params).map(|info| {
        let (name, ty) = info.split_once(':').unwrap_or((info, "any"));
        (name.trim().to_owned(), plain_type(ty))
    });
    let told = data.params_info.get(data.num_params).map(|ty| ty.as_str());
    let doc = data.comments.iter().flat_map(|text| text.lines());
    let mut doc = doc.map(|line| line.trim_start_matches(['/', '*']).trim()).filter(|line| !line.is_empty());
    Some(Native {
        name,
        params: params.collect(),
        returns: plain_type(told.unwrap_or(&data.return_type)),
        summary: doc.next().unwrap_or_default().to_owned(),
    })
}

/// A type in the words of a script's author.
pub fn plain_type(name: &str) -> String {
    let name = name.trim().trim_start_matches("&mut ").trim_start_matches('&');
    let inner = name.strip_prefix("Result<").map_or(name, |rest| rest.split([',', '>']).next().unwrap_or(rest));
    let last = inner.rsplit("::").next().unwrap_or(inner);
    match last.split(" | ").next().unwrap_or(last) {
        "i64" | "INT" | "usize" => "int".into(),
        "f64" | "FLOAT" => "float".into(),
        "str" | "ImmutableString" | "String" | "SmartString" => "string".into(),
        "Array" => "array".into(),
        "Map" => "map".into(),
        "Dynamic" | "RhaiResult" | "" => "any".into(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natives_know_their_receiver() {
        let natives = all();
        let takes = |name: &str, ty: &str| {
            natives.iter().any(|it| it.name == name && it.params.first().is_some_and(|(_, first)| first == ty))
        };
        for (name, ty) in [("trim", "string"), ("push", "array"), ("keys", "map"), ("sleep", "string")] {
            assert!(
                takes(name, ty),
                "{name} of {ty}: {:?}",
                natives.iter().filter(|it| it.name == name).collect::<Vec<_>>()
            );
        }
    }
}
