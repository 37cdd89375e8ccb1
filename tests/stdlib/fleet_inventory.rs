//! `std/fleet/inventory`.

use super::fleet_health::Fleet;
use crate::support::vendors::faults;

const RUN: [&str; 2] = ["run", "std/fleet/inventory"];

#[test]
fn every_part_of_every_appliance_is_listed_with_its_version() {
    let fleet = Fleet::new();
    let sandbox = fleet.sandbox("");
    sandbox.run(&[&RUN[..], &["csv=out/inventory.csv"]].concat()).code(0).out(&["NODE1", "8.0.0"]);
    let csv = sandbox.read("out/inventory.csv");
    for line in [
        "target,vendor,part,kind,version,remark",
        "seg,seg,NODE1,processing server,10.0.1.2030,Windows Server 2019",
        "esa,asyncos,esa1.example.com,ESA,,\"serial LAB-0001, 192.0.2.8\"",
        "sps,sps,sps,appliance,8.0.0,",
        "spectra,spectra,worker-1,tiscale-worker,5.3.0,standalone",
    ] {
        assert!(csv.lines().any(|has| has == line), "'{line}' is not in\n{csv}");
    }
    sandbox.run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["NODE1"]);
    fleet.is_unchanged();
}

#[test]
fn an_appliance_that_gives_no_answer_is_in_the_list_and_fails_the_run() {
    let fleet = Fleet::new();
    fleet.sps.lab.set_faults(faults(&["every=1:403@api/info"]));
    fleet.sandbox("").run(&RUN).code(1).out(&["no answer", "NODE1"]).err(&["1 of 5 appliance(s) gave no answer: sps"]);
}
