//! The lists themselves: what is protected, and whether a value of a known kind would hit it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::network::{Network, NetworkSet};

use super::names::{self, MailAddress};
use super::pattern::{Glob, Pattern};

/// What is never touched, as configured under `[never]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NeverLists {
    /// Networks, addresses and ranges.
    pub networks: Vec<Network>,
    /// Domains, each with all below it; a leading `*.` or `@` means the same.
    pub domains: Vec<String>,
    /// E-mail addresses.
    pub addresses: Vec<String>,
    /// Account names, with or without their domain.
    pub accounts: Vec<String>,
    /// Whether networks wider than /8 (IPv4) or /19 (IPv6) may be sent.
    pub allow_wide_networks: bool,
}

/// Why a value must not be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// It would touch this entry of the list.
    Protected {
        /// The list: `networks`, `domains`, `addresses` or `accounts`.
        list: &'static str,
        /// The entry, as it was configured.
        entry: String,
    },
    /// A network so wide that it is taken for a mistake.
    TooWide {
        /// The widest prefix that is sent.
        widest: u8,
    },
    /// It cannot be compared with the lists.
    Unreadable {
        /// Why not, and what to write instead.
        reason: String,
    },
}

/// The never-touch lists, ready to be asked.
#[derive(Debug, Default)]
pub struct Never {
    networks: Vec<Network>,
    network_set: NetworkSet,
    /// Protected domains, each with its entry.
    domains: HashMap<String, String>,
    /// Every name above a protected domain or address, and that domain itself, with the list and
    /// entry that blocking it would hit.
    above: HashMap<String, (&'static str, String)>,
    addresses: HashMap<MailAddress, String>,
    accounts: Vec<(String, String)>,
    /// The domains that addresses are protected in, to be quick about those that are not.
    address_domains: HashSet<String>,
    allow_wide_networks: bool,
}

impl Never {
    /// The lists, in the form that is compared.
    ///
    /// # Errors
    /// An entry is no domain, address or account; the text names list, entry and cure.
    pub fn new(lists: NeverLists) -> Result<Self, String> {
        let network_set = lists.networks.iter().copied().collect();
        let mut never = Self {
            networks: lists.networks,
            network_set,
            allow_wide_networks: lists.allow_wide_networks,
            ..Self::default()
        };
        for entry in lists.domains {
            let domain = names::protected_domain(&entry)
                .ok_or_else(|| format!("[never] domains: '{entry}' is not a domain: write it like example.com"))?;
            for name in names::ancestors(&domain) {
                never.above.entry(name.to_owned()).or_insert_with(|| ("domains", entry.clone()));
            }
            never.domains.insert(domain, entry);
        }
        for entry in lists.addresses {
            let address = MailAddress::parse(&entry).filter(|address| !address.has_wildcard()).ok_or_else(|| {
                format!("[never] addresses: '{entry}' is not an e-mail address: write it like name@example.com")
            })?;
            for name in names::ancestors(&address.domain) {
                never.above.entry(name.to_owned()).or_insert_with(|| ("addresses", entry.clone()));
            }
            never.address_domains.insert(address.domain.clone());
            never.addresses.insert(address, entry);
        }
        for entry in lists.accounts {
            let account = names::account(&entry);
            if account.is_empty() {
                return Err("[never] accounts: an entry is empty: remove it".to_owned());
            }
            never.accounts.push((account, entry));
        }
        Ok(never)
    }

    /// The first protected network that shares an address with `network`.
    pub fn covering(&self, network: &Network) -> Option<Network> {
        // Where nothing is protected, a long list is told so at once.
        if self.networks.is_empty() || !self.network_set.overlaps(network) {
            return None;
        }
        self.networks.iter().find(|protected| protected.overlaps(network)).copied()
    }

    /// Why `network` must not be blocked, if it must not.
    pub fn objection(&self, network: &Network) -> Option<Objection> {
        if let Some(protected) = self.covering(network) {
            return Some(Objection::Protected { list: "networks", entry: protected.to_string() });
        }
        let widest = if network.is_ipv6() { 19 } else { 8 };
        (network.is_wider_than(widest) && !self.allow_wide_networks).then_some(Objection::TooWide { widest })
    }

    /// Why a domain, perhaps with wildcards, must not be cut off.
    pub(super) fn domain(&self, text: &str) -> Option<Objection> {
        if !self.has_names() {
            return None;
        }
        if names::several(text).nth(1).is_some() {
            return names::several(text).find_map(|part| self.domain(part));
        }
        if text.contains('@') && !text.starts_with('@') {
            return self.address(text);
        }
        self.domain_alone(text)
    }

    fn domain_alone(&self, text: &str) -> Option<Objection> {
        let domain = names::domain(text);
        if names::has_wildcard(&domain) {
            return self.domain_glob(&Glob::new(&domain));
        }
        self.at_or_below(&domain).or_else(|| {
            let (list, entry) = self.above.get(&domain)?;
            Some(Objection::Protected { list, entry: entry.clone() })
        })
    }

    /// Why an e-mail address, perhaps with wildcards or only the half behind the `@`, must not be cut off.
    pub(super) fn address(&self, text: &str) -> Option<Objection> {
        if !self.has_names() {
            return None;
        }
        if text.matches('@').count() > 1 && names::several(text).nth(1).is_some() {
            return names::several(text).find_map(|part| self.address(part));
        }
        let Some(address) = MailAddress::parse(text) else {
            // A domain alone, or a pattern over whole addresses.
            let bare = names::bare_address(text);
            return match names::has_wildcard(&bare) {
                true => self.address_glob(&Glob::new(&bare)).or_else(|| self.domain_alone(&bare)),
                false => self.domain_alone(&bare),
            };
        };
        if address.has_wildcard() {
            let whole = self.address_glob(&Glob::new(&format!("{}@{}", address.local, address.domain)));
            let everyone = address.local.chars().all(|c| c == '*');
            return whole.or_else(|| everyone.then(|| self.domain_alone(&address.domain)).flatten());
        }
        if let Some(objection) = self.at_or_below(&address.domain) {
            return Some(objection);
        }
        self.address_domains.contains(&address.domain).then_some(())?;
        let entry = self.addresses.get(&address)?.clone();
        Some(Objection::Protected { list: "addresses", entry })
    }

    /// Why an account must not be cut off.
    pub(super) fn account(&self, text: &str) -> Option<Objection> {
        let account = names::account(text);
        let hit = |protected: &str| {
            if names::has_wildcard(&account) {
                let glob = Glob::new(&account);
                return glob.meets(&Glob::protected(protected))
                    || glob.meets(&Glob::protected(names::bare_account(protected)));
            }
            // One of the two may lack the domain that the other names.
            account == protected
                || names::bare_account(&account) == protected
                || account == names::bare_account(protected)
        };
        let (_, entry) = self.accounts.iter().find(|(protected, _)| hit(protected))?;
        Some(Objection::Protected { list: "accounts", entry: entry.clone() })
    }

    /// Why a regular expression over addresses must not be sent.
    pub(super) fn regex(&self, text: &str) -> Option<Objection> {
        if !self.has_names() {
            return None;
        }
        match Pattern::new(text) {
            Ok(pattern) => self.pattern(&pattern),
            Err(reason) => Some(Objection::Unreadable {
                reason: format!(
                    "it cannot be tried against the protected names ({reason}): write it without look-around and \
                     back-references"
                ),
            }),
        }
    }

    /// The first protected name that a regular expression hits.
    pub(super) fn pattern(&self, pattern: &Pattern) -> Option<Objection> {
        let addresses = self.addresses.iter().filter(|(address, _)| pattern.hits_address(address));
        let domains = self.domains.iter().filter(|(domain, _)| pattern.hits_domain(domain));
        let hits = addresses.map(|(_, entry)| ("addresses", entry)).chain(domains.map(|(_, entry)| ("domains", entry)));
        hits.min().map(|(list, entry)| Objection::Protected { list, entry: entry.clone() })
    }

    /// Whether a domain is protected, or lies below one that is.
    pub(super) fn at_or_below(&self, domain: &str) -> Option<Objection> {
        let entry = names::ancestors(domain).find_map(|name| self.domains.get(name))?;
        Some(Objection::Protected { list: "domains", entry: entry.clone() })
    }

    /// Whether any domain or address is protected.
    pub(super) fn has_names(&self) -> bool {
        !self.domains.is_empty() || !self.addresses.is_empty()
    }

    /// Whether any network is protected.
    pub(super) fn has_networks(&self) -> bool {
        !self.networks.is_empty()
    }

    /// The first protected name that a wildcard over domains hits. Which hosts there are below a
    /// protected domain is not known, so that every name below it counts.
    fn domain_glob(&self, glob: &Glob) -> Option<Objection> {
        let above = self.above.iter().filter(|(name, _)| glob.meets(&Glob::protected(name)));
        let below = self.domains.iter().filter(|(domain, _)| glob.meets(&Glob::protected(&format!("*.{domain}"))));
        let hits = above.map(|(_, (list, entry))| (*list, entry)).chain(below.map(|(_, entry)| ("domains", entry)));
        hits.min().map(|(list, entry)| Objection::Protected { list, entry: entry.clone() })
    }

    /// The first protected name that a wildcard over whole addresses hits.
    pub(super) fn address_glob(&self, glob: &Glob) -> Option<Objection> {
        let addresses = self.addresses.iter().filter(|(address, _)| {
            let MailAddress { local, domain } = address;
            glob.meets(&Glob::protected(&format!("{local}@{domain}")))
                || glob.meets(&Glob::protected(&format!("{local}+*@{domain}")))
        });
        let domains = self.domains.iter().filter(|(domain, _)| {
            glob.meets(&Glob::protected(&format!("*@{domain}")))
                || glob.meets(&Glob::protected(&format!("*@*.{domain}")))
        });
        let hits = addresses.map(|(_, entry)| ("addresses", entry)).chain(domains.map(|(_, entry)| ("domains", entry)));
        hits.min().map(|(list, entry)| Objection::Protected { list, entry: entry.clone() })
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protected { list, entry } => {
                write!(f, "it would touch '{entry}', which `{list}` under [never] protects")
            }
            Self::TooWide { widest } => write!(
                f,
                "it is wider than /{widest}, which is taken for a mistake unless `allow_wide_networks = true` under \
                 [policy] allows it"
            ),
            Self::Unreadable { reason } => f.write_str(reason),
        }
    }
}
