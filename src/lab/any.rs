//! The simulated appliances of all vendors, alike.

use serde_json::json;

use super::{
    AsyncosLab, AsyncosOptions, Faults, Generation, Product, RefusalStyle, Seen, SegLab, SegOptions, SpectraLab,
    SpectraOptions, SpsLab, SpsOptions,
};

/// The password of every simulated appliance.
pub const PASSWORD: &str = "lab-password";

/// What a simulated appliance is.
#[derive(Clone, Debug)]
pub struct Wish {
    /// `seg`, `asyncos`, `sps` or `spectra`.
    pub vendor: String,
    /// SEG: whether it is of generation 8.
    pub eight: bool,
    /// Cisco Secure Email: whether it is a manager.
    pub sma: bool,
    /// The port; 0 is any free one.
    pub port: u16,
    /// The second port: of SEG's token service, of Spectra Detect's Worker.
    pub second_port: u16,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// What goes wrong.
    pub faults: Faults,
    /// SEG: refuse with status 400.
    pub refuse_with_400: bool,
    /// SEG: do not name the entry in the way.
    pub hide_offender: bool,
    /// SEG: look at what a delta adds before looking at what it removes.
    pub additions_first: bool,
}

impl Wish {
    /// A plain one of a vendor.
    pub fn of(vendor: &str) -> Self {
        Self {
            vendor: vendor.to_owned(),
            eight: false,
            sma: false,
            port: 0,
            second_port: 0,
            tls: false,
            faults: Faults::default(),
            refuse_with_400: false,
            hide_offender: false,
            additions_first: false,
        }
    }
}

/// A running simulated appliance.
pub enum AnyLab {
    /// Trustwave SEG, with its user name.
    Seg(SegLab, String, &'static str),
    /// Cisco Secure Email.
    Asyncos(AsyncosLab, Product),
    /// One Identity SPS.
    Sps(SpsLab),
    /// Spectra Detect, Manager and Worker.
    Spectra(SpectraLab),
}

impl AnyLab {
    /// Starts it.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn start(wish: Wish) -> std::io::Result<Self> {
        let Wish {
            vendor,
            eight,
            sma,
            port,
            second_port,
            tls,
            faults,
            refuse_with_400,
            hide_offender,
            additions_first,
        } = wish;
        Ok(match vendor.as_str() {
            "asyncos" => {
                let product = if sma { Product::Sma } else { Product::Esa };
                let options = AsyncosOptions { product, port, tls, faults, ..AsyncosOptions::default() };
                Self::Asyncos(AsyncosLab::start(options).await?, product)
            }
            "sps" => Self::Sps(SpsLab::start(SpsOptions { port, tls, faults, ..SpsOptions::default() }).await?),
            "spectra" => {
                let options =
                    SpectraOptions { port, worker_port: second_port, tls, faults, ..SpectraOptions::default() };
                Self::Spectra(SpectraLab::start(options).await?)
            }
            _ => {
                let options = SegOptions {
                    generation: if eight { Generation::Eight } else { Generation::Ten },
                    port,
                    token_port: second_port,
                    tls,
                    username: if eight { "LAB\\api".into() } else { "api".into() },
                    faults,
                    refusals: if refuse_with_400 { RefusalStyle::BadRequest } else { RefusalStyle::Ok },
                    names_offender: !hide_offender,
                    additions_first,
                    ..SegOptions::default()
                };
                let username = options.username.clone();
                Self::Seg(SegLab::start(options).await?, username, if eight { "8" } else { "10" })
            }
        })
    }

    /// The tables of its targets for a configuration, named after the vendor.
    pub fn targets(&self) -> String {
        match self {
            Self::Seg(..) => self.tables("seg-lab", ""),
            Self::Asyncos(_, product) => self.tables(&format!("{}-lab", product.word()), ""),
            Self::Sps(_) => self.tables("sps-lab", ""),
            Self::Spectra(_) => self.tables("detect-lab", "worker-lab"),
        }
    }

    /// The tables of its targets for a configuration: its own name, and that of Spectra Detect's Worker.
    pub fn tables(&self, name: &str, worker_name: &str) -> String {
        let user = |method: &str, user: &str, more: &str| {
            format!(
                "auth = {{ method = \"{method}\", username = '{user}', password = {{ env = \"LAB_PASSWORD\" }}{more} }}"
            )
        };
        match self {
            Self::Seg(lab, username, version) => {
                let auth = match lab.token_url() {
                    Some(url) => user("token", username, &format!(", token_url = \"{url}\"")),
                    None => user("basic", username, ""),
                };
                let url = lab.api_url();
                format!("[targets.{name}]\nvendor = \"seg\"\nurl = \"{url}\"\nversion = \"{version}\"\n{auth}\n")
            }
            Self::Asyncos(lab, product) => {
                let (product, url, auth) = (product.word(), lab.url(), user("jwt", "admin", ""));
                format!("[targets.{name}]\nvendor = \"asyncos\"\nproduct = \"{product}\"\nurl = \"{url}\"\n{auth}\n")
            }
            Self::Sps(lab) => {
                let (url, auth) = (lab.url(), user("session", "admin", ", login_method = \"local\""));
                format!("[targets.{name}]\nvendor = \"sps\"\nurl = \"{url}\"\nexperimental = true\n{auth}\n")
            }
            Self::Spectra(lab) => {
                let (url, worker, auth) = (lab.url(), lab.worker_url(), user("token", "admin", ""));
                format!(
                    "[targets.{name}]\nvendor = \"spectra\"\nrole = \"manager\"\nurl = \"{url}\"\n{auth}\n\n\
                     [targets.{worker_name}]\nvendor = \"spectra\"\nrole = \"worker\"\nurl = \"{worker}\"\n\
                     auth = {{ method = \"token\", token = {{ env = \"LAB_WORKER_TOKEN\" }} }}\n"
                )
            }
        }
    }

    /// The environment variables that the tables name.
    pub fn environment(&self) -> Vec<(&'static str, &'static str)> {
        let mut variables = vec![("LAB_PASSWORD", PASSWORD)];
        if let Self::Spectra(lab) = self {
            variables.push(("LAB_WORKER_TOKEN", lab.worker_token()));
        }
        variables
    }

    /// The facts for programs.
    pub fn facts(&self) -> serde_json::Value {
        let mut facts = match self {
            Self::Seg(lab, username, version) => json!({
                "vendor": "seg", "version": version, "url": lab.api_url(), "token_url": lab.token_url(),
                "username": username, "fingerprint_sha256": lab.fingerprint(),
            }),
            Self::Asyncos(lab, product) => {
                json!({ "vendor": "asyncos", "product": product.word(), "url": lab.url(), "username": "admin" })
            }
            Self::Sps(lab) => json!({ "vendor": "sps", "url": lab.url(), "username": "admin" }),
            Self::Spectra(lab) => json!({
                "vendor": "spectra", "url": lab.url(), "worker_url": lab.worker_url(), "username": "admin",
                "worker_token": lab.worker_token(),
            }),
        };
        if let Some(map) = facts.as_object_mut() {
            map.insert("password".into(), PASSWORD.into());
        }
        facts
    }

    /// The certificate, if it speaks TLS.
    pub fn certificate_pem(&self) -> Option<&str> {
        match self {
            Self::Seg(lab, ..) => lab.certificate_pem(),
            Self::Asyncos(lab, _) => lab.certificate_pem(),
            Self::Sps(lab) => lab.certificate_pem(),
            Self::Spectra(lab) => lab.certificate_pem(),
        }
    }

    /// How many requests could not change anything, could, and did.
    pub fn counts(&self) -> (u64, u64, u64) {
        match self {
            Self::Seg(lab, ..) => lab.counts(),
            Self::Asyncos(lab, _) => lab.counts(),
            Self::Sps(lab) => lab.counts(),
            Self::Spectra(lab) => lab.counts(),
        }
    }

    /// What was wrong with requests although the true appliance would not have said so.
    pub fn complaints(&self) -> Vec<String> {
        match self {
            Self::Seg(lab, ..) => lab.complaints(),
            Self::Asyncos(lab, _) => lab.complaints(),
            Self::Sps(lab) => lab.complaints(),
            Self::Spectra(lab) => lab.complaints(),
        }
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        match self {
            Self::Seg(lab, ..) => lab.set_faults(faults),
            Self::Asyncos(lab, _) => lab.set_faults(faults),
            Self::Sps(lab) => lab.set_faults(faults),
            Self::Spectra(lab) => lab.set_faults(faults),
        }
    }

    /// The requests that it saw, in order.
    pub fn requests(&self) -> Vec<Seen> {
        match self {
            Self::Seg(lab, ..) => lab.requests(),
            Self::Asyncos(lab, _) => lab.requests(),
            Self::Sps(lab) => lab.requests(),
            Self::Spectra(lab) => lab.requests(),
        }
    }

    /// What it holds, as far as tests ask for it.
    pub fn contents(&self) -> serde_json::Value {
        match self {
            Self::Seg(lab, ..) => lab.contents(),
            Self::Asyncos(lab, _) => lab.contents(),
            Self::Sps(lab) => lab.contents(),
            Self::Spectra(lab) => lab.contents(),
        }
    }
}
