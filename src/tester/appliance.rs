//! Simulated appliances as tests order them.

use tokio::runtime::Handle;

use crate::lab::{AnyLab, Faults, Wish};
use crate::tester::shown::Options;
use crate::value::Map;

/// The vendors that the lab simulates.
const VENDORS: &[&str] = &["seg", "asyncos", "sps", "spectra"];

/// An appliance that is started, and what it is called.
pub(super) struct Started {
    /// It.
    pub(super) lab: AnyLab,
    /// The name of its target, if the test has chosen one.
    pub(super) name: Option<String>,
}

/// Starts what a test orders.
pub(super) fn start(vendor: &str, options: &Map, runtime: &Handle) -> Result<Started, String> {
    if !VENDORS.contains(&vendor) {
        let hint = crate::nearest::did_you_mean(vendor, VENDORS.iter().copied());
        return Err(format!("the lab has no vendor '{vendor}'.{hint} There are: {}", VENDORS.join(", ")));
    }
    let known: &[&str] = match vendor {
        "seg" => &["name", "faults", "generation", "refuse_with_400", "hide_offender", "additions_first", "ip_groups"],
        "asyncos" => &["name", "faults", "product"],
        _ => &["name", "faults"],
    };
    let of = format!("lab(\"{vendor}\")");
    let options = Options::new(options, &of, known)?;
    let one_of = |name: &str, usual: &str, other: &str| match options.text(name)? {
        None => Ok(false),
        Some(text) if text == usual => Ok(false),
        Some(text) if text == other => Ok(true),
        Some(text) => Err(format!("option '{name}' of {of} is \"{usual}\" or \"{other}\", not \"{text}\"")),
    };
    let wish = Wish {
        eight: one_of("generation", "10", "8")?,
        sma: one_of("product", "esa", "sma")?,
        faults: Faults::parse(&options.texts("faults")?)?,
        refuse_with_400: options.flag("refuse_with_400")?,
        hide_offender: options.flag("hide_offender")?,
        additions_first: options.flag("additions_first")?,
        ..Wish::of(vendor)
    };
    let ip_groups = options.lists("ip_groups")?;
    let name = options.text("name")?.map(str::to_owned);
    let lab = runtime.block_on(AnyLab::start(wish)).map_err(|error| format!("the lab cannot start: {error}"))?;
    if let AnyLab::Seg(seg, ..) = &lab {
        for (group, networks) in ip_groups {
            let number = group.parse().map_err(|_| format!("'{group}' is not the number of an IP group"))?;
            for network in &networks {
                seg.put_ip(number, network, "");
            }
            if seg.ip_group(number).len() != networks.len() {
                return Err(format!(
                    "IP group {group} of the lab does not hold all of {networks:?}: it has the groups 15, 16 and 17, and \
                     takes an address, or a network by its first address"
                ));
            }
        }
    }
    Ok(Started { lab, name })
}
