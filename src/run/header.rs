//! A playbook's header: summary, parameters and policy, read without running the script.
//!
//! The header is the block of `//!` lines at the top of a script, as Markdown; its fenced `toml`
//! block holds the facts.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::catalog::Effect;
use crate::run::params;
use crate::toml_words;

/// What a playbook says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// The first sentence.
    pub summary: String,
    /// The whole text without the facts, as Markdown.
    pub doc: String,
    /// The parameters, in the order of the header.
    pub params: Vec<ParamSpec>,
    /// The vendor that the playbook is for, if it names one.
    pub vendor: Option<String>,
    /// The name of the store that the playbook uses, if it is not its own.
    pub store: Option<String>,
    /// The names of its phases, in order: a step belongs to the phase whose name it begins with.
    pub phases: Vec<String>,
    /// What the playbook may do.
    pub policy: HeaderPolicy,
}

/// The `[policy]` table of a header. It can narrow what the project allows, never widen it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderPolicy {
    /// The effects that the playbook needs; absent, whatever the target allows.
    #[serde(deserialize_with = "effects")]
    pub effects: Option<BTreeSet<Effect>>,
    /// The most changes in one run.
    pub max_changes: Option<u64>,
    /// The most items in one run.
    pub max_items: Option<u64>,
    /// The most destroying changes in one run.
    pub max_destroys: Option<u64>,
    /// The most targets that one run may change.
    pub max_targets: Option<u64>,
    /// Parameters of type `target` whose locks are held for the whole run.
    pub lock: Vec<String>,
    /// What becomes of the changes of a run that fails.
    pub on_failure: OnFailure,
}

/// What becomes of the changes of a run that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// They stay; a resume goes on from them.
    #[default]
    Keep,
    /// They are taken back.
    Undo,
}

/// One parameter of a playbook.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamSpec {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: ParamType,
    /// Whether several values of the type are taken.
    pub list: bool,
    /// One sentence.
    pub doc: String,
    /// The value when none is given.
    pub default: Option<toml::Value>,
    /// Whether it may be left out; it is then `()`.
    pub optional: bool,
    /// The only values allowed.
    pub choices: Vec<toml::Value>,
    /// The least number, or the least length.
    pub min: Option<f64>,
    /// The greatest number, or the greatest length.
    pub max: Option<f64>,
    /// For a target: its vendor.
    pub vendor: Option<String>,
}

/// The type of a playbook's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// Any text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// A length of time, such as `90s`.
    Duration,
    /// An instant, ISO 8601.
    Time,
    /// A file; it may then be read.
    Path,
    /// The name of a configured target.
    Target,
    /// An address or network.
    Network,
    /// A domain name.
    Domain,
    /// An e-mail address.
    Email,
    /// A regular expression.
    Regex,
    /// A reference to a secret.
    Secret,
}

impl ParamType {
    /// Every type with its word.
    pub const ALL: [(&'static str, Self); 13] = [
        ("string", Self::String),
        ("int", Self::Int),
        ("float", Self::Float),
        ("bool", Self::Bool),
        ("duration", Self::Duration),
        ("time", Self::Time),
        ("path", Self::Path),
        ("target", Self::Target),
        ("network", Self::Network),
        ("domain", Self::Domain),
        ("email", Self::Email),
        ("regex", Self::Regex),
        ("secret", Self::Secret),
    ];

    /// The word used in headers and help.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, ty)| *ty == self).map_or("string", |(name, _)| name)
    }
}

/// A header that cannot be read, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct HeaderError {
    /// The line in the script, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    #[serde(default)]
    params: toml::Table,
    #[serde(default)]
    policy: HeaderPolicy,
    vendor: Option<String>,
    store: Option<String>,
    #[serde(default)]
    phases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParam {
    #[serde(rename = "type")]
    ty: String,
    of: Option<String>,
    #[serde(default)]
    doc: String,
    default: Option<toml::Value>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    choices: Vec<toml::Value>,
    min: Option<toml::Value>,
    max: Option<toml::Value>,
    vendor: Option<String>,
}

impl Header {
    /// Reads the header of a script; a script without one has an empty header.
    ///
    /// # Errors
    /// A header whose facts cannot be read, with the line in the script.
    pub fn parse(script: &str) -> Result<Self, HeaderError> {
        let mut doc = String::new();
        let mut facts = String::new();
        let mut first_line = 0;
        let mut inside = false;
        for (index, line) in script.strip_prefix('\u{feff}').unwrap_or(script).lines().enumerate() {
            let Some(text) = line.strip_prefix("//!") else { break };
            let text = text.strip_prefix(' ').unwrap_or(text);
            match (inside, text.trim()) {
                (false, "```toml") => {
                    inside = true;
                    first_line = index + 2;
                }
                (true, "```") => inside = false,
                (true, _) => {
                    facts.push_str(text);
                    facts.push('\n');
                }
                (false, _) => {
                    doc.push_str(text);
                    doc.push('\n');
                }
            }
        }
        if inside {
            return Err(HeaderError { line: first_line, message: "the toml block of the header is not closed".into() });
        }
        let doc = doc.trim().to_owned();
        let summary = doc.lines().next().unwrap_or_default().to_owned();
        let text = facts;
        let facts = read_facts(&text, first_line)?;
        Self {
            summary,
            doc,
            params: read_params(&facts.params, |name| first_line + line_before(&text, name))?,
            vendor: facts.vendor,
            store: facts.store,
            phases: facts.phases,
            policy: facts.policy,
        }
        .checked(first_line)
    }

    /// Whether the script has a header that says anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn checked(self, line: usize) -> Result<Self, HeaderError> {
        for name in &self.policy.lock {
            if !self.params.iter().any(|param| param.name == *name && param.ty == ParamType::Target) {
                return Err(HeaderError {
                    line,
                    message: format!("policy.lock names '{name}', which is not a parameter of type target"),
                });
            }
        }
        Ok(self)
    }
}

fn read_facts(facts: &str, first_line: usize) -> Result<Facts, HeaderError> {
    toml::from_str(facts).map_err(|error| {
        let before =
            error.span().map_or(0, |span| facts.get(..span.start).map_or(0, |text| text.matches('\n').count()));
        HeaderError { line: first_line + before, message: toml_words::of(&error, facts) }
    })
}

fn read_params(params: &toml::Table, line_of: impl Fn(&str) -> usize) -> Result<Vec<ParamSpec>, HeaderError> {
    params
        .iter()
        .map(|(name, value)| {
            let wrong =
                |message| HeaderError { line: line_of(name), message: format!("parameter '{name}': {message}") };
            read_param(name, value).map_err(wrong)
        })
        .collect()
}

/// How many lines stand before the one that defines a parameter.
fn line_before(facts: &str, name: &str) -> usize {
    let defines = |line: &str| {
        let line = line.trim();
        let own = line.strip_prefix("params.").unwrap_or(line).strip_prefix(name);
        own.is_some_and(|rest| rest.trim_start().starts_with(['=', '.'])) || line == format!("[params.{name}]")
    };
    facts.lines().position(defines).unwrap_or_default()
}

fn read_param(name: &str, value: &toml::Value) -> Result<ParamSpec, String> {
    let raw: RawParam =
        value.clone().try_into().map_err(|error: toml::de::Error| toml_words::of_message(error.message()))?;
    let (word, list) = match (raw.ty.as_str(), raw.of.as_deref()) {
        ("list", Some(of)) => (of, true),
        ("list", None) => return Err("a list says what it holds: { type = \"list\", of = \"network\" }".into()),
        (ty, None) => match ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']')) {
            Some(of) => (of, true),
            None => (ty.strip_prefix("list of ").unwrap_or(ty), ty.starts_with("list of ")),
        },
        (_, Some(_)) => return Err("'of' goes with type = \"list\" only".into()),
    };
    let ty = ParamType::ALL.iter().find(|(name, _)| *name == word).map(|(_, ty)| *ty).ok_or_else(|| {
        let hint = crate::nearest::did_you_mean(word, ParamType::ALL.iter().map(|(name, _)| *name));
        format!("there is no type '{word}'.{hint}")
    })?;
    if ty == ParamType::Secret && raw.default.is_some() {
        return Err("a secret has no default: it is given as a reference".into());
    }
    if raw.vendor.is_some() && ty != ParamType::Target {
        return Err("'vendor' goes with type = \"target\" only".into());
    }
    let number = |value: Option<toml::Value>, key: &str| match value {
        None => Ok(None),
        Some(toml::Value::Integer(number)) => Ok(Some(number as f64)),
        Some(toml::Value::Float(number)) => Ok(Some(number)),
        Some(_) => Err(format!("'{key}' must be a number")),
    };
    let (min, max) = (number(raw.min, "min")?, number(raw.max, "max")?);
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return Err("min is greater than max".into());
    }
    let spec = ParamSpec {
        name: name.to_owned(),
        ty,
        list,
        doc: raw.doc,
        default: raw.default,
        optional: raw.optional,
        choices: raw.choices,
        min,
        max,
        vendor: raw.vendor,
    };
    params::check_default(&spec).map_err(|mistake| format!("the default: {mistake}"))?;
    Ok(spec)
}

fn effects<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeSet<Effect>>, D::Error> {
    let words: Vec<String> = Vec::deserialize(deserializer)?;
    words
        .iter()
        .map(|word| {
            Effect::from_name(word)
                .ok_or_else(|| D::Error::custom(format!("'{word}' is not an effect: read, change or destroy")))
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

impl ParamSpec {
    /// The type in words, such as `list of network`.
    pub fn type_name(&self) -> String {
        if self.list { format!("list of {}", self.ty.name()) } else { self.ty.name().to_owned() }
    }

    /// Whether a run needs a value from outside.
    pub fn is_required(&self) -> bool {
        self.default.is_none() && !self.optional
    }
}
