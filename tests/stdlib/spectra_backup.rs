//! `std/spectra/backup`.

use beadle::lab::{SpectraOptions, generated_sha256};

use crate::support::vendors::{content, spectra};

const RUN: [&str; 4] = ["run", "std/spectra/backup", "target=spectra", "every=20ms"];

/// The files in the folder for backups.
fn files(sandbox: &crate::support::Sandbox) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(sandbox.path().join("out")) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_archive_is_downloaded_checked_and_described_beside_it() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.run(&RUN).code(0).out(&["verified", "100 kB"]);
    let names = files(&sandbox);
    assert!(names.len() == 2 && names[0].ends_with(".backup") && names[1].ends_with(".backup.json"), "{names:?}");
    let beside = sandbox.read(&format!("out/{}", names[1]));
    assert!(beside.contains(&generated_sha256(100_000)) && beside.contains("worker-1"), "{beside}");
    assert_eq!(std::fs::metadata(sandbox.path().join("out").join(&names[0])).unwrap().len(), 100_000);
    assert_eq!(lab.count("POST", "/backup/create/"), 1);
    content(&lab.lab.complaints());
}

#[test]
fn a_dry_run_makes_and_downloads_nothing() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["planned", "backup_create"]);
    assert_eq!((lab.lab.counts().1, lab.count("GET", "/backup/download/")), (0, 0));
    assert!(files(&sandbox).is_empty());
}

#[test]
fn a_backup_that_fails_is_a_page_or_too_small_leaves_no_description() {
    let lab = spectra(SpectraOptions { backup_fails: true, ..SpectraOptions::default() });
    lab.sandbox("").run(&RUN).code(1).err(&["step back up failed", "no space left"]);
    let lab = spectra(SpectraOptions { backup_is_a_page: true, ..SpectraOptions::default() });
    let sandbox = lab.sandbox("");
    sandbox.run(&RUN).code(1).err(&["step download failed", "text/html"]);
    assert!(files(&sandbox).is_empty());
    let lab = spectra(SpectraOptions { backup_size: 100, ..SpectraOptions::default() });
    let sandbox = lab.sandbox("");
    sandbox.run(&RUN).code(1).err(&["step verify the backup failed", "100 bytes, which cannot be all of it"]);
    assert_eq!(files(&sandbox).len(), 1);
}

#[test]
fn a_backup_of_somebody_else_is_not_disturbed() {
    let lab = spectra(SpectraOptions { stale: 0, looks: 50, ..SpectraOptions::default() });
    let sandbox = lab.sandbox("");
    sandbox.script("target(\"spectra\").backup_create()", &["--yes"]).code(0);
    sandbox.run(&RUN).code(1).err(&["a backup is being made already"]);
    assert_eq!(lab.count("POST", "/backup/create/"), 1);
}
