//! A network of a list that has been read or computed.

use crate::network::Network;

/// A network, and the line of the file that it came from (0 if it came from none).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The network.
    pub network: Network,
    /// The line.
    pub line: u32,
}
