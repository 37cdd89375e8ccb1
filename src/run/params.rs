//! Parameters: from what a person, a file or a trigger gives to the values a script reads.
//!
//! Every mistake is reported at once, each with the parameter's name and the cure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use regex::Regex;

use crate::run::header::{Header, ParamSpec, ParamType};
use crate::secret::Secret;
use crate::value::{Map, Value};

/// A value as it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A text from the command line: lists are split at commas, and numbers are read from it.
    Text(String),
    /// A value from a file, a trigger or a script, which has a type already.
    Typed(Value),
}

/// What parameters are checked against.
pub trait Surroundings {
    /// The vendor of a configured target, or the names of those there are.
    ///
    /// # Errors
    /// The names of all targets, when there is none of that name.
    fn vendor_of(&self, target: &str) -> Result<String, Vec<String>>;

    /// The secret behind a reference: `env:NAME`, or the name of one that the project configures.
    ///
    /// # Errors
    /// A message when it cannot be had.
    fn secret(&self, reference: &str) -> Result<Secret, String>;

    /// The folder that relative paths are relative to.
    fn folder(&self) -> &Path;

    /// The text of a file, or of standard input for `-`.
    ///
    /// # Errors
    /// A message when it cannot be read.
    fn text_of(&self, file: &str) -> Result<String, String>;
}

/// Checked parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// By name; an optional one that was not given is [`Value::Null`].
    pub values: Map,
    /// The files that path parameters name: the run may read them.
    pub files: Vec<PathBuf>,
    /// The targets that target parameters name.
    pub targets: Vec<String>,
}

/// Reads `NAME=VALUE` arguments; a repeated name adds to a list.
///
/// # Errors
/// A message for an argument without a name.
pub fn read_arguments(arguments: &[String]) -> Result<BTreeMap<String, Vec<Given>>, String> {
    let mut given: BTreeMap<String, Vec<Given>> = BTreeMap::new();
    for argument in arguments {
        let Some((name, text)) = argument.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(format!("'{argument}' is not a parameter: parameters are written NAME=VALUE"));
        };
        given.entry(name.trim().to_owned()).or_default().push(Given::Text(text.to_owned()));
    }
    Ok(given)
}

/// Checks what was given against the header.
///
/// # Errors
/// One message for each mistake.
pub fn resolve(
    header: &Header,
    given: &BTreeMap<String, Vec<Given>>,
    around: &dyn Surroundings,
) -> Result<Params, Vec<String>> {
    let mut params = Params::default();
    let mut mistakes = Vec::new();
    for name in given.keys().filter(|name| !header.params.iter().any(|spec| spec.name == **name)) {
        let known = header.params.iter().map(|spec| spec.name.as_str());
        let hint = crate::nearest::did_you_mean(name, known.clone());
        let list = known.collect::<Vec<_>>().join(", ");
        mistakes.push(if header.params.is_empty() {
            format!("'{name}' is not a parameter: the script takes none")
        } else {
            format!("'{name}' is not a parameter of the script.{hint} It takes: {list}")
        });
    }
    for spec in &header.params {
        match one(spec, given.get(&spec.name).map(Vec::as_slice), around, &mut params) {
            Ok(value) => {
                params.values.insert(spec.name.clone(), value);
            }
            Err(mistake) => mistakes.push(format!("parameter '{}': {mistake}", spec.name)),
        }
    }
    if mistakes.is_empty() { Ok(params) } else { Err(mistakes) }
}

/// Checks a default as far as no project is needed for it.
///
/// # Errors
/// What is wrong with it.
pub fn check_default(spec: &ParamSpec) -> Result<(), String> {
    if spec.default.is_none() || matches!(spec.ty, ParamType::Path | ParamType::Target | ParamType::Secret) {
        return Ok(());
    }
    one(spec, None, &Nowhere, &mut Params::default()).map(|_| ())
}

/// No project.
struct Nowhere;

impl Surroundings for Nowhere {
    fn vendor_of(&self, _: &str) -> Result<String, Vec<String>> {
        Err(Vec::new())
    }

    fn secret(&self, reference: &str) -> Result<Secret, String> {
        Err(reference.to_owned())
    }

    fn folder(&self) -> &Path {
        Path::new(".")
    }

    fn text_of(&self, file: &str) -> Result<String, String> {
        Err(file.to_owned())
    }
}

fn one(
    spec: &ParamSpec,
    given: Option<&[Given]>,
    around: &dyn Surroundings,
    params: &mut Params,
) -> Result<Value, String> {
    let given = match (given, &spec.default) {
        (Some(given), _) => given.to_vec(),
        (None, Some(default)) => vec![Given::Typed(from_toml(default))],
        (None, None) if spec.optional => return Ok(Value::Null),
        (None, None) => {
            let doc = if spec.doc.is_empty() { String::new() } else { format!(": {}", spec.doc) };
            return Err(format!("it is required ({}{doc})", spec.type_name()));
        }
    };
    let mut items = Vec::new();
    for value in given {
        flatten(spec, value, around, &mut items)?;
    }
    if !spec.list && items.len() != 1 {
        return Err(format!("it takes one value, not {}", items.len()));
    }
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let value = convert(spec, item, around)?;
        check_choice(spec, &value)?;
        if !spec.list || !matches!(value, Value::List(_)) {
            check_limits(spec, &value)?;
        }
        match (spec.ty, &value) {
            (ParamType::Path, Value::Text(path)) => params.files.push(PathBuf::from(path)),
            (ParamType::Target, Value::Text(name)) => params.targets.push(name.clone()),
            _ => {}
        }
        values.push(value);
    }
    Ok(if spec.list { Value::List(values) } else { values.remove(0) })
}

/// Takes apart what holds several values, and fetches what stands in a file.
fn flatten(spec: &ParamSpec, given: Given, around: &dyn Surroundings, items: &mut Vec<Given>) -> Result<(), String> {
    match given {
        Given::Text(text) if text == "-" && spec.ty == ParamType::Path => items.push(Given::Text("/dev/stdin".into())),
        // A text that begins with @ itself.
        Given::Text(text) if text.starts_with("@@") => {
            items.push(Given::Text(text.get(1..).unwrap_or_default().to_owned()))
        }
        Given::Text(text) if text == "-" || text.starts_with('@') => {
            let text = around.text_of(text.strip_prefix('@').unwrap_or(&text))?;
            if spec.list {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                items.extend(lines.map(|line| Given::Text(line.to_owned())));
            } else {
                items.push(Given::Text(text.strip_suffix('\n').unwrap_or(&text).trim_end_matches('\r').to_owned()));
            }
        }
        Given::Text(text) if spec.list => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            items.extend(parts.map(|part| Given::Text(part.to_owned())));
        }
        Given::Typed(Value::List(values)) if spec.list => items.extend(values.into_iter().map(Given::Typed)),
        other => items.push(other),
    }
    Ok(())
}

fn convert(spec: &ParamSpec, given: Given, around: &dyn Surroundings) -> Result<Value, String> {
    let text = match given {
        Given::Typed(value) => match (spec.ty, value) {
            (ParamType::Int, Value::Int(number)) => return Ok(Value::Int(number)),
            (ParamType::Float, Value::Int(number)) => return Ok(Value::Float(number as f64)),
            (ParamType::Float, Value::Float(number)) => return Ok(Value::Float(number)),
            (ParamType::Bool, Value::Bool(flag)) => return Ok(Value::Bool(flag)),
            (ParamType::Time, Value::Time(time)) => return Ok(Value::Time(time)),
            (ParamType::Duration, Value::Duration(duration)) => return Ok(Value::Duration(duration)),
            (ParamType::Secret, Value::Secret(secret)) => return Ok(Value::Secret(secret)),
            (ParamType::Int | ParamType::Float | ParamType::Bool, Value::Text(text)) => text,
            (ParamType::Int | ParamType::Float | ParamType::Bool, other) => {
                return Err(format!("it must be {}, not {}", article(spec.ty.name()), article(other.kind())));
            }
            (_, Value::Text(text)) => text,
            (_, other) => return Err(format!("it must be {}, not {}", article(spec.ty.name()), article(other.kind()))),
        },
        Given::Text(text) => text,
    };
    parse(spec, &text, around)
}

fn parse(spec: &ParamSpec, text: &str, around: &dyn Surroundings) -> Result<Value, String> {
    let not = |what: &str| format!("'{text}' is not {what}");
    match spec.ty {
        ParamType::String => Ok(text.into()),
        ParamType::Int => text.trim().parse().map(Value::Int).map_err(|_| not("a whole number")),
        ParamType::Float => match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err(not("a number")),
        },
        ParamType::Bool => match text.trim() {
            "true" | "yes" => Ok(Value::Bool(true)),
            "false" | "no" => Ok(Value::Bool(false)),
            _ => Err(not("true or false")),
        },
        ParamType::Duration => crate::duration::parse(text).map(Value::Duration),
        ParamType::Time => text
            .trim()
            .parse::<Timestamp>()
            .map(Value::Time)
            .map_err(|_| not("an instant with its zone, such as 2026-11-24T03:00:00Z")),
        ParamType::Path => {
            let path = around.folder().join(text);
            Ok(Value::Text(path.to_string_lossy().into_owned()))
        }
        ParamType::Target => {
            let vendor = around.vendor_of(text).map_err(|known| {
                let hint = crate::nearest::did_you_mean(text, known.iter().map(String::as_str));
                let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                format!("there is no target '{text}'.{hint} Configured: {list}")
            })?;
            match &spec.vendor {
                Some(wanted) if *wanted != vendor => {
                    Err(format!("target '{text}' is of vendor {vendor}, not {wanted}"))
                }
                _ => Ok(text.into()),
            }
        }
        ParamType::Network => network(text.trim())
            .map(Value::Text)
            .ok_or_else(|| not("an address or network, such as 192.0.2.7 or 2001:db8::/32")),
        ParamType::Domain => {
            let domain = text.trim().trim_end_matches('.').to_lowercase();
            if is_domain(&domain) { Ok(domain.into()) } else { Err(not("a domain name")) }
        }
        ParamType::Email => match text.trim().rsplit_once('@') {
            Some((local, domain)) if !local.is_empty() && !local.contains(char::is_whitespace) && is_domain(domain) => {
                Ok(text.trim().into())
            }
            _ => Err(not("an e-mail address")),
        },
        ParamType::Regex => match Regex::new(text) {
            Ok(_) => Ok(text.into()),
            Err(error) => Err(format!("'{text}' is not a regular expression: {error}")),
        },
        ParamType::Secret => around.secret(text).map(Value::Secret),
    }
}

fn network(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<std::net::IpAddr>() {
        return Some(address.to_string());
    }
    text.parse::<ipnet::IpNet>().ok().map(|network| network.trunc().to_string())
}

fn is_domain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        })
}

fn check_choice(spec: &ParamSpec, value: &Value) -> Result<(), String> {
    if spec.choices.is_empty() || spec.choices.iter().any(|choice| from_toml(choice) == *value) {
        return Ok(());
    }
    let list = spec.choices.iter().map(|choice| choice.to_string()).collect::<Vec<_>>().join(", ");
    Err(format!("{} is not one of {list}", value.to_json()))
}

fn check_limits(spec: &ParamSpec, value: &Value) -> Result<(), String> {
    let (size, what) = match value {
        Value::Int(number) => (*number as f64, "it"),
        Value::Float(number) => (*number, "it"),
        Value::Text(text) if matches!(spec.ty, ParamType::String) => (text.chars().count() as f64, "its length"),
        _ => return Ok(()),
    };
    match (spec.min, spec.max) {
        (Some(min), _) if size < min => Err(format!("{what} is {size}; the least is {min}")),
        (_, Some(max)) if size > max => Err(format!("{what} is {size}; the most is {max}")),
        _ => Ok(()),
    }
}

fn article(word: &str) -> String {
    let an = word.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {word}", if an { "an" } else { "a" })
}

/// A TOML value as a value: date-times become instants where they have an offset, else text.
pub fn from_toml(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::Text(text.clone()),
        toml::Value::Integer(number) => Value::Int(*number),
        toml::Value::Float(number) => Value::Float(*number),
        toml::Value::Boolean(flag) => Value::Bool(*flag),
        toml::Value::Datetime(time) => {
            let text = time.to_string();
            text.parse().map_or(Value::Text(text), Value::Time)
        }
        toml::Value::Array(items) => Value::List(items.iter().map(from_toml).collect()),
        toml::Value::Table(table) => {
            Value::Map(table.iter().map(|(name, value)| (name.clone(), from_toml(value))).collect())
        }
    }
}
