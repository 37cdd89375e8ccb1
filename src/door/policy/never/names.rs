//! Domains, e-mail addresses and accounts in the one form in which they are compared.

use url::Host;

/// An e-mail address in comparable form: lower case, without its plus tag, the domain in ASCII.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct MailAddress {
    pub(super) local: String,
    pub(super) domain: String,
}

impl MailAddress {
    /// The address, also out of `Name <address>`; `None` without something on both sides of an `@`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bare = bare_address(text);
        let (local, host) = bare.rsplit_once('@')?;
        let local = local.trim_matches('"');
        // A tag leads to the same mailbox.
        let local = match local.split_once('+') {
            Some((mailbox, _)) if !mailbox.is_empty() => mailbox,
            _ => local,
        };
        let domain = domain(host);
        (!local.is_empty() && !domain.is_empty()).then(|| Self { local: local.to_owned(), domain })
    }

    /// Whether it stands for more than one address.
    pub(super) fn has_wildcard(&self) -> bool {
        has_wildcard(&self.local) || has_wildcard(&self.domain)
    }
}

/// The parts of a value that names several things at once; one that names one is one part.
pub(super) fn several(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';', '\n', '\r', '\t', ' ']).filter(|part| !part.is_empty())
}

/// Whether `*` or `?` stand for something else.
pub(super) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The address in lower case, without a name around it, a `mailto:` before it or angle brackets.
pub(super) fn bare_address(text: &str) -> String {
    let text = text.trim();
    let inner = text.rsplit_once('<').map_or(text, |(_, inner)| inner.trim_end_matches('>'));
    let lower = inner.trim().to_lowercase();
    lower.strip_prefix("mailto:").map_or(lower.clone(), str::to_owned)
}

/// A domain in lower-case ASCII without dots around it or an `@` before it, taken out of a URL if
/// it stands in one; wildcards stay.
pub(super) fn domain(text: &str) -> String {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest).trim_start_matches('@');
    let text = text.split(['/', ':']).next().unwrap_or(text).replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".");
    let labels = text.trim_matches('.').split('.').map(ascii_label);
    labels.collect::<Vec<_>>().join(".")
}

/// A protected domain, or `None` if the entry is none. `*.example.com` protects `example.com` too.
pub(super) fn protected_domain(entry: &str) -> Option<String> {
    let domain = domain(entry.trim().trim_start_matches('@').trim_start_matches("*."));
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!domain.is_empty() && domain.chars().all(fits) && !domain.split('.').any(str::is_empty)).then_some(domain)
}

/// The domain itself, then each one above it.
pub(super) fn ancestors(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, rest)| rest))
        .filter(|name| !name.is_empty())
}

/// An account in comparable form.
pub(super) fn account(text: &str) -> String {
    text.trim().to_lowercase()
}

/// An account without the domain before a backslash or behind an `@`.
pub(super) fn bare_account(account: &str) -> &str {
    let name = account.rsplit_once('\\').map_or(account, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// A label as DNS has it. What IDNA refuses, such as a label with a wildcard, is only lower-cased.
fn ascii_label(label: &str) -> String {
    if label.is_ascii() {
        return label.to_ascii_lowercase();
    }
    match Host::parse(label) {
        Ok(Host::Domain(ascii)) => ascii,
        _ => label.to_lowercase(),
    }
}
