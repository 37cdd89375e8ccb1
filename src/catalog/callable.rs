//! The functions that a row gives to scripts: its call, its update, and all of its pages.

use crate::catalog::{Kind, Listed, PageStyle, Row, Vendor};

/// How a function comes from a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The call itself.
    Call,
    /// Read, change, write back: the last argument is a function.
    Update,
    /// All pages of a long list.
    Pages,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Call, Self::Update, Self::Pages];
}

/// A function of a vendor's targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Callable {
    /// The row that it comes from.
    pub row: &'static Row,
    /// How.
    pub form: Form,
}

impl Callable {
    /// The function's name; `None` where the row has no such form.
    pub fn name(&self) -> Option<String> {
        let row = self.row;
        match self.form {
            // Beadle signs in by itself.
            _ if row.kind == Kind::Session => None,
            Form::Call => Some(row.name.to_owned()),
            Form::Update => (!row.update.is_empty()).then(|| row.update.to_owned()),
            Form::Pages => row.paging.map(|_| format!("{}_pages", row.name)),
        }
    }
}

impl Vendor {
    /// The row from which a function of that name and form comes.
    pub fn callable(&self, name: &str, form: Form) -> Option<&'static Row> {
        let called = |name: &str| self.rows.named(name).filter(|call| call.kind() != Kind::Session);
        let call = match form {
            Form::Call => called(name),
            Form::Update => self.rows.listed().find(|call| call.update() == name && !name.is_empty()),
            Form::Pages => called(name.strip_suffix("_pages")?).filter(Listed::is_paged),
        };
        call?.row()
    }
}

impl Row {
    /// Why an appliance of this version and product does not have the call; `None` where it has it, or
    /// where that is not known.
    pub fn lacking(&self, version: Option<&str>, product: Option<&str>) -> Option<String> {
        if let Some(product) = product.filter(|product| !self.on.is_empty() && !self.on.contains(product)) {
            return Some(format!("this call is one of {}, and the target is of {product}", self.on.join(", ")));
        }
        let generation = |text: &str| text.split('.').next().and_then(|major| major.parse::<u32>().ok());
        let version = version.and_then(generation)?;
        let too_old = self.since.and_then(generation).is_some_and(|since| version < since);
        let too_new = self.until.and_then(generation).is_some_and(|until| version > until);
        let (word, bound) = match (too_old, too_new) {
            (true, _) => ("since", self.since),
            (false, true) => ("until", self.until),
            (false, false) => return None,
        };
        let bound = bound.unwrap_or_default();
        Some(format!("the call exists {word} version {bound}, and the target is of version {version}"))
    }
}

impl PageStyle {
    /// The parameters that say where a page begins and how long it is.
    pub fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Numbers => ("page", "page_size"),
            Self::Slots | Self::Total | Self::Links => ("offset", "limit"),
        }
    }
}
