//! `std/fleet/health`, and the fleet that `std/fleet/inventory` is tried on, too.

use beadle::lab::{AsyncosLab, AsyncosOptions, SpectraLab, SpectraOptions, SpsLab, SpsOptions};

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::vendors::{Running, asyncos, content, faults, spectra, sps};

const RUN: [&str; 2] = ["run", "std/fleet/health"];

/// An appliance of each vendor.
pub struct Fleet {
    pub seg: Seg,
    pub esa: Running<AsyncosLab>,
    pub sps: Running<SpsLab>,
    pub spectra: Running<SpectraLab>,
}

impl Fleet {
    pub fn new() -> Self {
        Self {
            seg: Seg::ten(),
            esa: asyncos(AsyncosOptions::default()),
            sps: sps(SpsOptions::default()),
            spectra: spectra(SpectraOptions::default()),
        }
    }

    /// A project with all of them as targets, and more of its configuration.
    pub fn sandbox(&self, more: &str) -> Sandbox {
        let sandbox = self.spectra.sandbox("");
        let parts = [
            sandbox.read("beadle.toml"),
            self.seg.target("seg"),
            self.esa.sandbox("esa", "jwt", "").read("beadle.toml"),
            self.sps.sandbox("").read("beadle.toml"),
            more.to_owned(),
        ];
        sandbox.write("beadle.toml", &parts.join("\n"));
        sandbox
    }

    /// No appliance saw a change, and none has a complaint.
    #[track_caller]
    pub fn is_unchanged(&self) {
        let writes = [self.seg.writes(), self.esa.lab.counts().1, self.sps.lab.counts().1, self.spectra.lab.counts().1];
        assert_eq!(writes, [0; 4]);
        for complaints in [self.esa.lab.complaints(), self.sps.lab.complaints(), self.spectra.lab.complaints()] {
            content(&complaints);
        }
        self.seg.is_content();
    }
}

#[test]
fn every_appliance_of_every_vendor_is_in_one_table() {
    let fleet = Fleet::new();
    let sandbox = fleet.sandbox("");
    sandbox.run(&[&RUN[..], &["csv=out/health.csv"]].concat()).code(0).out(&["server NODE2", "20 % full", "hub-1"]);
    let csv = sandbox.read("out/health.csv");
    assert!(csv.starts_with("target,vendor,check,state,detail\n"), "{csv}");
    for target in ["seg,seg,", "esa,asyncos,", "sps,sps,", "spectra,spectra,", "worker,spectra,"] {
        assert!(csv.lines().any(|line| line.starts_with(target)), "{target} is not in\n{csv}");
    }
    sandbox.run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["server NODE2"]);
    fleet.is_unchanged();
}

#[test]
fn an_appliance_that_gives_no_answer_fails_the_run_and_hides_no_other() {
    let fleet = Fleet::new();
    fleet.esa.lab.set_faults(faults(&["every=1:403@health"]));
    let sandbox = fleet.sandbox("");
    let ran = sandbox.run(&RUN).code(1).out(&["server NODE2"]).err(&["1 of 5 appliance(s) need somebody: esa"]);
    let first = ran.out.lines().nth(3).unwrap_or_default();
    assert!(first.contains("esa") && first.contains("failed"), "what is wrong comes first:\n{}", ran.out);
    sandbox.run(&[&RUN[..], &["full=15", "targets=sps"]].concat()).code(1).out(&["20 % full"]).err(&["1 of 1"]);
}

#[test]
fn a_part_of_the_fleet_can_be_chosen_and_an_empty_one_is_an_error() {
    let fleet = Fleet::new();
    let sandbox = fleet.sandbox("");
    let json = sandbox.run(&[&RUN[..], &["vendor=seg", "--format", "json"]].concat()).code(0);
    assert!(json.out.contains("\"targets\":1}"), "{}", json.out);
    assert_eq!(fleet.sps.lab.requests().len(), 0);
    Sandbox::new().run(&RUN).code(1).err(&["no target is configured: add one as [targets.NAME]"]);
    Sandbox::new().run(&[&RUN[..], &["vendor=seg"]].concat()).code(1).err(&["no target of vendor 'seg'"]);
}
