//! What can be wrong with the text of an address, network or range, each with its cure.

/// Why a text is not an address, network or range.
///
/// The messages stand alone: they name the text at fault and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The text is empty.
    #[error("empty: an address, a network such as 192.0.2.0/24 or a range such as 192.0.2.1-192.0.2.9 is wanted")]
    Empty,
    /// Neither family's notation.
    #[error("'{0}' is not an IP address, network or range")]
    NotAnAddress(String),
    /// An IPv4 number with a leading zero, which some programs read as octal.
    #[error("'{0}' has a number with a leading zero, which some programs read as octal: write it without")]
    LeadingZero(String),
    /// An IPv4 number above 255, or too few or too many of them.
    #[error("'{0}' is not an IPv4 address: four numbers from 0 to 255 are wanted")]
    NotIpv4(String),
    /// An address with `%eth0` or the like.
    #[error("'{0}' names a zone, which has a meaning on one machine only: write it without '%' and what follows")]
    Zone(String),
    /// An IPv4 address in the clothes of IPv6.
    #[error("'{text}' is an IPv4 address written as IPv6: write {plain}")]
    Mapped {
        /// The text.
        text: String,
        /// The same in IPv4 notation.
        plain: String,
    },
    /// What follows the slash is not a prefix length.
    #[error("'/{0}' is not a prefix length: a whole number is wanted, such as /24")]
    BadPrefix(String),
    /// A netmask instead of a prefix length.
    #[error("'/{mask}' is a netmask: write /{prefix}")]
    Netmask {
        /// The netmask.
        mask: String,
        /// The prefix length it stands for.
        prefix: u8,
    },
    /// A prefix longer than the family's addresses.
    #[error("'/{prefix}' is longer than an {family} address: /{max} is the longest")]
    PrefixTooLong {
        /// The prefix length.
        prefix: String,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// 32 or 128.
        max: u8,
    },
    /// The end of a range comes before its start.
    #[error("the range '{0}' ends before it starts: write the lower address first")]
    Backwards(String),
    /// A range from one family into the other.
    #[error("the range '{0}' joins an IPv4 and an IPv6 address: write one range for each family")]
    MixedRange(String),
    /// A range whose end is not a whole address, or has a prefix.
    #[error("'{0}' is not a range: write two whole addresses joined by '-', such as 192.0.2.1-192.0.2.9")]
    BadRange(String),
    /// An address with a port, or in brackets.
    #[error("'{0}' has a port or brackets: write the address alone")]
    Port(String),
    /// An address with `[.]` or `hxxp`, made harmless for people to read.
    #[error("'{0}' is written so that nothing follows it by accident: write plain dots and colons")]
    Defanged(String),
    /// An address with asterisks.
    #[error("'{0}' has a wildcard: write a prefix length, such as /24 for the last number")]
    Wildcard(String),
    /// A host name or URL.
    #[error("'{0}' is a name, not an address: only addresses, networks and ranges can stand here")]
    Name(String),
    /// A packed list that cannot be read.
    #[error("'{0}' is no packed list of networks: it was cut or changed")]
    Packed(String),
    /// More than one word.
    #[error("'{0}' has more than one word: one address, network or range is wanted (a remark begins with # or ;)")]
    Words(String),
}

impl NetworkError {
    /// The text as messages quote it: at most 80 characters, control characters escaped.
    pub(super) fn quote(text: &str) -> String {
        let mut quoted: String = text.chars().take(80).flat_map(char::escape_debug).collect();
        if text.chars().nth(80).is_some() {
            quoted.push('…');
        }
        quoted
    }
}
