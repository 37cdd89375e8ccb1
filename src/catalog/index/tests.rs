//! A user's catalog files beside the built-in ones.

use std::path::PathBuf;

use crate::catalog::Catalog;

const EXTRA: &str = "id = \"seg\"\n\n[[call]]\nname = \"config_commit\"\nmethod = \"PUT\"\npath = \"/config/commit\"\n\
    effect = \"change\"\nsummary = \"Commit the configuration\"\nconfidence = \"inferred\"\nlost_answer = \"idempotent\"\n";

fn load(files: &[(&str, &str)]) -> Result<Catalog, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let shown = format!("{}/", folder.path().display());
    Catalog::with_user(&[folder.path().to_owned()]).map_err(|error| error.to_string().replace(&shown, ""))
}

#[test]
fn a_file_completes_a_vendor_without_losing_its_calls() {
    let catalog = load(&[("seg.toml", EXTRA)]).unwrap();
    let row = catalog.row("seg", "config_commit").unwrap();
    assert_eq!((row.base, row.experimental), ("/seg/api", true));
    let known = Catalog::builtin().vendor("seg").unwrap().rows.len();
    assert_eq!(catalog.vendor("seg").unwrap().rows.len(), known + 1);
    assert!(catalog.row("seg", "ip_group_delta").is_some() && catalog.row("seg", "version").is_some());
    assert_eq!(catalog.match_raw("seg", "PUT", "/config/commit/").map(|row| row.name), Some("config_commit"));
}

#[test]
fn a_file_adds_a_vendor() {
    let text = EXTRA.replace("id = \"seg\"", "id = \"acme\"\nbase = \"/api\"");
    let catalog = load(&[("acme.toml", &text), ("notes.txt", "not a catalog")]).unwrap();
    assert_eq!(catalog.row("acme", "config_commit").unwrap().base, "/api");
    assert_eq!(catalog.named("config_commit").unwrap()[0].vendor, "acme");
}

#[test]
fn mistakes_of_every_file_are_told_with_file_and_line() {
    let clash = EXTRA.replace("config_commit", "groups");
    let wrong = EXTRA.replace("\"change\"", "\"chnage\"").replace("\"seg\"", "\"acme\"");
    let told = load(&[("a.toml", &clash), ("b.toml", &wrong), ("c.toml", "id = ")]).unwrap_err();
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("a.toml:4: groups: seg has a call of this name already"), "{told}");
    assert!(lines[1].starts_with("b.toml:7: config_commit: effect must be one of"), "{told}");
    assert!(lines[2].starts_with("c.toml:1: "), "{told}");
}

#[test]
fn a_call_in_two_files_is_a_clash() {
    let told = load(&[("a.toml", EXTRA), ("b.toml", EXTRA)]).unwrap_err();
    assert!(told.starts_with("b.toml:4: config_commit: seg has a call of this name already"), "{told}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let told = Catalog::with_user(&[PathBuf::from("/nonexistent/catalogs")]).unwrap_err().to_string();
    assert!(told.starts_with("/nonexistent/catalogs: "), "{told}");
}

#[test]
fn a_wrong_name_gets_the_nearest_one() {
    let told = Catalog::builtin().named("seg.groop_members").unwrap_err();
    assert!(told.ends_with("Did you mean 'group_members'?"), "{told}");
}
