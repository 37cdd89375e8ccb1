//! From `[targets.*]`, `[vendors.*]` and the targets file to checked targets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::catalog::{Catalog, Effect, Vendor};
use crate::config::file::{AuthTable, SecretTable, TargetTable, TlsTable};
use crate::config::{Auth, Rate, SecretSource, Target, Tls};
use crate::nearest::did_you_mean;

/// What targets are checked against.
pub struct Surroundings<'a> {
    /// Relative paths are relative to this folder.
    pub folder: &'a Path,
    /// The vendors there are.
    pub catalog: &'a Catalog,
    /// `[vendors.*]`.
    pub defaults: &'a BTreeMap<String, TargetTable>,
    /// `[secrets.*]`.
    pub secrets: &'a BTreeMap<String, SecretSource>,
}

/// One checked target.
///
/// # Errors
/// Every mistake, each naming its key.
pub fn target(name: &str, own: &TargetTable, around: &Surroundings<'_>) -> Result<Target, Vec<String>> {
    let mut mistakes = Vec::new();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        mistakes.push(format!("'{name}' is not a name for a target: letters, digits, '-', '_' and '.'"));
    }
    let ids: Vec<&str> = around.catalog.vendors().iter().map(|vendor| vendor.id).collect();
    let Some(vendor_id) = own.vendor.clone() else {
        return Err(vec![format!("vendor is missing: one of {}", ids.join(", "))]);
    };
    let Some(vendor) = around.catalog.vendor(&vendor_id) else {
        let hint = did_you_mean(&vendor_id, ids.iter().copied());
        return Err(vec![format!("there is no vendor '{vendor_id}'.{hint} There are: {}", ids.join(", "))]);
    };
    let empty = TargetTable::default();
    let defaults = around.defaults.get(&vendor_id).unwrap_or(&empty);
    let table = merged(own, defaults);
    let mut note = |result: Result<(), String>| {
        if let Err(mistake) = result {
            mistakes.push(mistake);
        }
    };
    let tls = table.tls.as_ref().map_or(Ok(Tls::System), |tls| tls_of(tls, around.folder));
    let tls = tls.unwrap_or_else(|mistake| {
        note(Err(mistake));
        Tls::System
    });
    let url = match &table.url {
        None => Err("url is missing, such as url = \"https://host:19006\"".to_owned()),
        Some(text) => url_of(text, tls == Tls::Plain),
    };
    let url = url.map_err(|mistake| note(Err(mistake))).ok();
    let version = table.version.as_ref().map(|word| word.0.clone());
    if vendor_id == "seg" {
        note(match version.as_deref() {
            Some("8" | "10") => Ok(()),
            Some(other) => Err(format!("version must be \"8\" or \"10\", and not \"{other}\"")),
            None => Err("version is missing: \"8\" or \"10\", the generation of the appliance".into()),
        });
    }
    let product = product_of(vendor, &table).unwrap_or_else(|mistake| {
        note(Err(mistake));
        None
    });
    let spellings = table.spellings.clone().unwrap_or_default();
    for (call, other) in &spellings {
        for name in [call, other] {
            if around.catalog.row(&vendor_id, name).is_none() {
                let hint = did_you_mean(name, vendor.rows.names());
                note(Err(format!("spellings names the call '{name}', which {vendor_id} does not have.{hint}")));
            }
        }
    }
    let auth = auth_of(
        table.auth.as_ref(),
        vendor,
        product.as_deref(),
        url.as_ref().zip(Some(tls == Tls::Plain)),
        version.as_deref(),
        around,
    );
    let auth = auth.map_err(|mistakes| mistakes.into_iter().for_each(|mistake| note(Err(mistake)))).ok();
    let timeout = length(table.timeout.as_deref(), "timeout", Duration::from_secs(30)).unwrap_or_else(|mistake| {
        note(Err(mistake));
        Duration::ZERO
    });
    let rate = table.rate.as_deref().map(|text| rate_of(text, "rate")).transpose().unwrap_or_else(|mistake| {
        note(Err(mistake));
        None
    });
    let max_answer = table.max_answer.as_deref().map_or(Ok(256 << 20), size_of).unwrap_or_else(|mistake| {
        note(Err(format!("max_answer: {mistake}")));
        0
    });
    let allow = effects(table.allow.as_deref()).unwrap_or_else(|mistake| {
        note(Err(mistake));
        BTreeSet::new()
    });
    let proxy = table.proxy.as_deref().map(Url::parse).transpose().unwrap_or_else(|error| {
        note(Err(format!("proxy is not a URL: {error}")));
        None
    });
    if table.max_in_flight == Some(0) {
        note(Err("max_in_flight must be at least 1".into()));
    }
    match (url, auth) {
        (Some(url), Some(auth)) if mistakes.is_empty() => Ok(Target {
            name: name.to_owned(),
            vendor: vendor_id,
            url,
            version,
            product,
            spellings,
            auth,
            tls,
            proxy,
            tags: table.tags.unwrap_or_default(),
            timeout,
            max_in_flight: table.max_in_flight.unwrap_or(4),
            rate,
            max_answer,
            allow,
            experimental: table.experimental.unwrap_or(false),
        }),
        _ => Err(mistakes),
    }
}

fn merged(own: &TargetTable, defaults: &TargetTable) -> TargetTable {
    let own = own.clone();
    let defaults = defaults.clone();
    TargetTable {
        vendor: own.vendor.or(defaults.vendor),
        url: own.url.or(defaults.url),
        version: own.version.or(defaults.version),
        product: own.product.or(defaults.product),
        role: own.role.or(defaults.role),
        spellings: own.spellings.or(defaults.spellings),
        auth: own.auth.or(defaults.auth),
        tls: own.tls.or(defaults.tls),
        proxy: own.proxy.or(defaults.proxy),
        tags: own.tags.or(defaults.tags),
        timeout: own.timeout.or(defaults.timeout),
        max_in_flight: own.max_in_flight.or(defaults.max_in_flight),
        rate: own.rate.or(defaults.rate),
        max_answer: own.max_answer.or(defaults.max_answer),
        allow: own.allow.or(defaults.allow),
        experimental: own.experimental.or(defaults.experimental),
    }
}

fn url_of(text: &str, plain: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("url '{text}' is not a URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("url must not hold a user name or password: put them under auth".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("url '{text}' must end with host, port and perhaps a path"));
    }
    match url.scheme() {
        "https" if plain => Err("tls = { plain = true } goes with http:// only".into()),
        "https" => Ok(url),
        "http" if plain || is_loopback(&url) => Ok(url),
        "http" => Err(format!(
            "url '{text}' would send credentials unprotected: use https://, or say tls = {{ plain = true }} if that is wanted"
        )),
        other => Err(format!("url must begin with https://, and not with {other}://")),
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback_host)
}

/// Whether a host, as it stands in a URL or by itself, is this machine.
pub fn is_loopback_host(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

pub fn tls_of(tls: &TlsTable, folder: &Path) -> Result<Tls, String> {
    let given = usize::from(tls.ca_file.is_some())
        + usize::from(tls.pin_sha256.is_some())
        + usize::from(tls.insecure)
        + usize::from(tls.plain);
    if given > 1 {
        return Err("tls takes one of ca_file, pin_sha256, insecure and plain".into());
    }
    if let Some(file) = &tls.ca_file {
        return Ok(Tls::CaFile(folder.join(file)));
    }
    if let Some(pin) = &tls.pin_sha256 {
        let pin: String = pin.chars().filter(|c| *c != ':').collect::<String>().to_lowercase();
        if pin.len() == 64 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Tls::Pin(pin));
        }
        return Err("tls.pin_sha256 must be 64 hexadecimal digits, as `beadle targets trust` prints them".into());
    }
    Ok(if tls.insecure {
        Tls::Insecure
    } else if tls.plain {
        Tls::Plain
    } else {
        Tls::System
    })
}

/// The product that a target is: under `role` where the vendor's words are roles, else under
/// `product`. Where it decides on paths, it has to be said.
fn product_of(vendor: &Vendor, table: &TargetTable) -> Result<Option<String>, String> {
    let Some(first) = vendor.products.first() else { return Ok(None) };
    let roles = first == &"manager";
    let (key, said) = if roles { ("role", &table.role) } else { ("product", &table.product) };
    let list = vendor.products.join(", ");
    match said {
        Some(word) if vendor.products.contains(&word.as_str()) => Ok(Some(word.clone())),
        Some(word) => Err(format!(
            "{key} must be one of {list}, and not \"{word}\".{}",
            did_you_mean(word, vendor.products.iter().copied())
        )),
        None if vendor.base.contains("{product}") => Err(format!("{key} is missing: one of {list}")),
        None => Ok(Some((*first).to_owned())),
    }
}

fn auth_of(
    table: Option<&AuthTable>,
    vendor: &Vendor,
    product: Option<&str>,
    url: Option<(&Url, bool)>,
    version: Option<&str>,
    around: &Surroundings<'_>,
) -> Result<Auth, Vec<String>> {
    let methods = vendor.auth;
    let list = methods.join(", ");
    let Some(table) = table else {
        if methods.is_empty() || methods.contains(&"none") {
            return Ok(Auth { method: "none".into(), ..Auth::default() });
        }
        return Err(vec![format!(
            "auth is missing, such as auth = {{ method = \"{}\", … }}",
            methods.first().unwrap_or(&"none")
        )]);
    };
    let mut mistakes = Vec::new();
    let expected = match version {
        Some("8") => "basic",
        _ => methods.first().copied().unwrap_or("none"),
    };
    let method = table.method.clone().unwrap_or_else(|| expected.to_owned());
    if !methods.is_empty() && !methods.contains(&method.as_str()) {
        mistakes.push(format!(
            "auth.method '{method}' is not one of {list}.{}",
            did_you_mean(&method, methods.iter().copied())
        ));
    }
    if methods.contains(&"basic") && methods.contains(&"token") && version.is_some() && method != expected {
        mistakes.push(format!("auth.method must be \"{expected}\" for version {}", version.unwrap_or_default()));
    }
    let mut secret = |key: &str, table: Option<&SecretTable>, literal: bool| {
        table.and_then(|table| {
            secret_of(table, literal, around).map_err(|mistake| mistakes.push(format!("auth.{key}: {mistake}"))).ok()
        })
    };
    let username = secret("username", table.username.as_ref(), true);
    let password = secret("password", table.password.as_ref(), false);
    let token = secret("token", table.token.as_ref(), false);
    let needs_user = matches!(method.as_str(), "basic" | "jwt" | "session") || (method == "token" && token.is_none());
    if matches!(method.as_str(), "bearer" | "header") && token.is_none() {
        mistakes
            .push(format!("auth.token is missing, such as token = {{ env = \"TOKEN\" }}: {method} sign-in needs it"));
    }
    if method == "certificate" && (table.cert.is_none() || table.key.is_none()) {
        mistakes.push("auth.cert and auth.key are missing: the client certificate and its key, two PEM files".into());
    }
    if vendor.id == "spectra" && token.is_none() && product.is_some_and(|product| product != "manager") {
        mistakes.push("auth.token is missing: only a Manager gives tokens for a user name and password".into());
    }
    if needs_user && table.username.is_none() {
        mistakes.push(format!("auth.username is missing: {method} sign-in needs it"));
    }
    if needs_user && table.password.is_none() {
        mistakes.push("auth.password is missing, such as password = { env = \"SEG_PASSWORD\" }".into());
    }
    let plain = url.is_some_and(|(_, plain)| plain);
    let token_url = match (&table.token_url, url.map(|(url, _)| url)) {
        (Some(text), _) => {
            url_of(text, plain).map_err(|mistake| mistakes.push(format!("auth.token_url: {mistake}"))).ok()
        }
        (None, Some(url)) if method == "token" && vendor.id == "seg" => {
            let mut service = url.clone();
            service.set_path("/token");
            // The token service has the next port of its own, whatever the API's is.
            let _always_a_host = service.set_port(Some(19_007));
            Some(service)
        }
        _ => None,
    };
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let file = |path: &PathBuf| around.folder.join(path);
    Ok(Auth {
        method,
        username,
        password,
        token,
        token_url,
        login_method: table.login_method.clone(),
        header: vendor.auth_header,
        cert: table.cert.as_ref().map(file),
        key: table.key.as_ref().map(file),
    })
}

/// The source that a reference names.
///
/// # Errors
/// What is wrong with it.
pub fn secret_of(table: &SecretTable, literal: bool, around: &Surroundings<'_>) -> Result<SecretSource, String> {
    let given = [table.env.is_some(), table.file.is_some(), table.command.is_some(), table.secret.is_some()];
    if let Some(text) = &table.literal {
        if literal {
            return Ok(SecretSource::Literal(text.clone()));
        }
        return Err("a secret is not written into the configuration: use { env = \"NAME\" }, { file = \"path\" } or \
                    { command = [\"op\", \"read\", \"…\"] }"
            .into());
    }
    if given.iter().filter(|given| **given).count() != 1 {
        return Err("exactly one of env, file, command and secret says where it comes from".into());
    }
    if let Some(name) = &table.env {
        return Ok(SecretSource::Env(name.clone()));
    }
    if let Some(file) = &table.file {
        return Ok(SecretSource::File(around.folder.join(file)));
    }
    if let Some(command) = &table.command {
        return if command.is_empty() {
            Err("the command is empty".into())
        } else {
            Ok(SecretSource::Command(command.clone()))
        };
    }
    let name = table.secret.as_deref().unwrap_or_default();
    around.secrets.get(name).cloned().ok_or_else(|| {
        format!("there is no [secrets.{name}].{}", did_you_mean(name, around.secrets.keys().map(String::as_str)))
    })
}

/// A length of time under a key, or its default.
pub fn length(text: Option<&str>, key: &str, default: Duration) -> Result<Duration, String> {
    text.map_or(Ok(default), |text| crate::duration::parse_std(text).map_err(|mistake| format!("{key}: {mistake}")))
}

/// Effects by their words; `read` and `change` by default.
pub fn effects(words: Option<&[String]>) -> Result<BTreeSet<Effect>, String> {
    let Some(words) = words else { return Ok(BTreeSet::from([Effect::Read, Effect::Change])) };
    words
        .iter()
        .map(|word| {
            Effect::from_name(word).ok_or_else(|| format!("allow: '{word}' is not one of read, change, destroy"))
        })
        .collect()
}

/// `20/s` under a key.
pub fn rate_of(text: &str, key: &str) -> Result<Rate, String> {
    let wrong = || format!("{key} '{text}' is not a rate: write it as 20/s, 100/m or 1000/h");
    let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
    let count: u32 = count.trim().parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    Ok(Rate { count, per: Duration::from_secs(seconds) })
}

/// `64MB` in bytes.
pub fn size_of(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a size: write it as 500kB, 64MB or 2GB");
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let factor: u64 = match text.trim().strip_prefix(digits).unwrap_or_default().trim().to_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}
