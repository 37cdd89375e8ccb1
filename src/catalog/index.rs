//! The whole catalog: look-ups by name, by path and by words.

use std::path::{Path, PathBuf};

use crate::catalog::builtin::VENDORS;
use crate::catalog::raw_path::{self, Resolved};
use crate::catalog::search::{self, Query};
use crate::catalog::{Form, Listed, Row, Vendor, format};
use crate::nearest::did_you_mean;

/// Every vendor with its calls. Cheap to make for the built-in vendors: their rows wait to be asked for.
#[derive(Clone, Debug)]
pub struct Catalog {
    vendors: Vec<&'static Vendor>,
    /// The user's files, as they were read.
    files: Vec<(String, String)>,
}

/// A user's catalog that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", mistakes.join("\n"))]
pub struct CatalogError {
    /// `file:line: message` each.
    pub mistakes: Vec<String>,
}

impl Catalog {
    /// The built-in vendors.
    pub fn builtin() -> Self {
        Self { vendors: VENDORS.to_vec(), files: Vec::new() }
    }

    /// The built-in vendors, and those of a user's catalog files (`*.toml` in folders, or files).
    /// A file whose vendor is there already completes it.
    ///
    /// # Errors
    /// Every mistake in the files, a call that is there already among them.
    pub fn with_user(paths: &[PathBuf]) -> Result<Self, CatalogError> {
        let mut texts = Vec::new();
        let mut mistakes = Vec::new();
        for path in paths {
            for file in files(path, &mut mistakes) {
                match std::fs::read_to_string(&file) {
                    Ok(text) => texts.push((file.display().to_string(), text)),
                    Err(error) => mistakes.push(format!("{}: {error}", file.display())),
                }
            }
        }
        Self::of_texts(texts, mistakes)
    }

    /// The same of files that have been read elsewhere: their shown names and texts.
    ///
    /// # Errors
    /// As [`Catalog::with_user`].
    pub fn with_texts(texts: Vec<(String, String)>) -> Result<Self, CatalogError> {
        Self::of_texts(texts, Vec::new())
    }

    fn of_texts(texts: Vec<(String, String)>, mut mistakes: Vec<String>) -> Result<Self, CatalogError> {
        let mut catalog = Self::builtin();
        for (shown, text) in &texts {
            catalog.add(shown, text, &mut mistakes);
        }
        catalog.files = texts;
        if mistakes.is_empty() { Ok(catalog) } else { Err(CatalogError { mistakes }) }
    }

    /// The user's files: their shown names and texts.
    pub fn user_texts(&self) -> &[(String, String)] {
        &self.files
    }

    fn add(&mut self, shown: &str, text: &str, mistakes: &mut Vec<String>) {
        let added = match format::vendor(text, &self.vendors) {
            Ok(added) => added,
            Err(found) => {
                return mistakes
                    .extend(found.iter().map(|mistake| format!("{shown}:{}: {}", mistake.line, mistake.message)));
            }
        };
        let Some(at) = self.vendors.iter().position(|vendor| vendor.id == added.id) else {
            return self.vendors.push(added);
        };
        let Some(present) = self.vendors.get(at).copied() else { return };
        let vendor = Vendor { rows: present.rows.merged(added.rows), ..present.clone() };
        if let Some(slot) = self.vendors.get_mut(at) {
            *slot = Box::leak(Box::new(vendor));
        }
    }

    /// Every vendor.
    pub fn vendors(&self) -> &[&'static Vendor] {
        &self.vendors
    }

    /// The vendor of that id.
    pub fn vendor(&self, id: &str) -> Option<&'static Vendor> {
        self.vendors.iter().find(|vendor| vendor.id == id).copied()
    }

    /// The call of that name.
    pub fn row(&self, vendor: &str, name: &str) -> Option<&'static Row> {
        self.vendor(vendor)?.rows.named(name)?.row()
    }

    /// The call of that name, written `name` or `vendor.name`, or what to say when there is none.
    ///
    /// # Errors
    /// A sentence with the nearest right name.
    pub fn named(&self, name: &str) -> Result<Vec<&'static Row>, String> {
        let found: Vec<_> = match name.split_once('.') {
            Some((vendor, name)) => self.vendor(vendor).and_then(|vendor| find_any(vendor, name)).into_iter().collect(),
            None => self.vendors.iter().filter_map(|vendor| find_any(vendor, name)).collect(),
        };
        if found.is_empty() {
            let bare = name.rsplit('.').next().unwrap_or(name);
            let names = self.vendors.iter().flat_map(|vendor| vendor.rows.names());
            return Err(format!("there is no call '{name}'.{}", did_you_mean(bare, names)));
        }
        Ok(found)
    }

    /// Every call of every vendor.
    pub fn rows(&self) -> impl Iterator<Item = &'static Row> + '_ {
        self.vendors.iter().flat_map(|vendor| vendor.rows)
    }

    /// The row that a raw request is, if it is one: same method, and a path that fits the template.
    pub fn match_raw(&self, vendor: &str, method: &str, path: &str) -> Option<&'static Row> {
        let vendor = self.vendor(vendor)?;
        let path = Resolved::new(&raw_path::from_root(vendor, path))?;
        let fits = |row: &&Row| row.method.eq_ignore_ascii_case(method) && path.fits(row);
        // The row with the fewest placeholders is the one that names the path most exactly.
        vendor.rows.iter().filter(fits).min_by_key(|row| row.path.matches('{').count())
    }

    /// The calls that fit some words, the best first.
    pub fn search(&self, words: &str) -> Vec<&'static Row> {
        search::calls(self, &Query::new(words)).into_iter().map(|(_, row)| row).collect()
    }
}

/// The row that a function's name comes from: its own, that of its update, or that of its pages.
fn find_any(vendor: &'static Vendor, name: &str) -> Option<&'static Row> {
    let own = vendor.rows.named(name).and_then(Listed::row);
    own.or_else(|| vendor.callable(name, Form::Update)).or_else(|| vendor.callable(name, Form::Pages))
}

fn files(path: &Path, mistakes: &mut Vec<String>) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    match std::fs::read_dir(path) {
        Ok(entries) => {
            let mut files: Vec<PathBuf> = entries
                .filter_map(|entry| entry.ok().map(|entry| entry.path()))
                .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
                .collect();
            files.sort();
            files
        }
        Err(error) => {
            mistakes.push(format!("{}: {error}", path.display()));
            Vec::new()
        }
    }
}

/// How a call is written in a script, such as `ip_group_delta(group_id, #{ add, remove })`.
pub fn signature(row: &Row) -> String {
    let mut arguments: Vec<String> = row.path_params().map(|param| param.name.to_owned()).collect();
    let members: Vec<String> = row
        .map_params()
        .map(|param| if param.required { param.name.to_owned() } else { format!("{}?", param.name) })
        .collect();
    if !members.is_empty() {
        arguments.push(format!("#{{ {} }}", members.join(", ")));
    } else if row.body == crate::catalog::Body::Free {
        arguments.push("#{ … }".into());
    }
    format!("{}({})", row.name, arguments.join(", "))
}

#[cfg(test)]
mod tests;
