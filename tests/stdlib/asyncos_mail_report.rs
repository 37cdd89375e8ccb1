//! `std/asyncos/mail_report`.

use beadle::lab::{AsyncosOptions, Product};

use crate::support::Sandbox;
use crate::support::vendors::{asyncos, content, faults};

const RUN: [&str; 3] = [
    "run",
    "std/asyncos/mail_report",
    "reports=mail_incoming_traffic_summary,mail_incoming_domain_detail/total_recipients",
];

#[test]
fn the_numbers_of_several_appliances_stand_side_by_side() {
    let esa = asyncos(AsyncosOptions::default());
    let sma = asyncos(AsyncosOptions { product: Product::Sma, ..AsyncosOptions::default() });
    let sandbox = esa.sandbox("esa", "jwt", "");
    let both = [sandbox.read("beadle.toml"), sma.sandbox("sma", "jwt", "").read("beadle.toml")].join("\n");
    sandbox.write("beadle.toml", &both);
    let ran = sandbox.run(&[&RUN[..], &["csv=out/mail.csv"]].concat()).code(0).out(&["total_recipients: DEFAULT"]);
    assert!(ran.out.contains("┆ esa ┆ sma"), "{}", ran.out);
    assert_eq!(
        sandbox.read("out/mail.csv"),
        "appliance,report,counter,key,value\n\
         esa,mail_incoming_traffic_summary,detected_spam,,5\n\
         esa,mail_incoming_traffic_summary,total_recipients,,100\n\
         esa,mail_incoming_domain_detail,total_recipients,DEFAULT,120\n\
         sma,mail_incoming_traffic_summary,detected_spam,,5\n\
         sma,mail_incoming_traffic_summary,total_recipients,,100\n\
         sma,mail_incoming_domain_detail,total_recipients,DEFAULT,120\n"
    );
    // Only the report that has rows is cut short.
    assert_eq!((esa.count("GET", "top=10"), esa.count("GET", "/reporting/")), (1, 2));
    sandbox.run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["detected_spam"]);
    assert_eq!((esa.lab.counts().1, sma.lab.counts().1), (0, 0));
    content(&esa.lab.complaints());
    content(&sma.lab.complaints());
}

#[test]
fn an_appliance_that_gives_no_report_fails_the_run_and_hides_no_other() {
    let esa = asyncos(AsyncosOptions::default());
    let sma = asyncos(AsyncosOptions { product: Product::Sma, ..AsyncosOptions::default() });
    let sandbox = esa.sandbox("esa", "jwt", "");
    let both = [sandbox.read("beadle.toml"), sma.sandbox("sma", "jwt", "").read("beadle.toml")].join("\n");
    sandbox.write("beadle.toml", &both);
    sma.lab.set_faults(faults(&["every=1:403@reporting"]));
    sandbox.run(&RUN).code(1).out(&["detected_spam"]).err(&["1 of 2 appliance(s) gave no report: sma"]);
}

#[test]
fn what_is_no_report_is_refused_before_anything_is_sent() {
    let esa = asyncos(AsyncosOptions::default());
    let sandbox = esa.sandbox("esa", "jwt", "");
    let wrong = ["run", "std/asyncos/mail_report", "reports=../config/appliances"];
    sandbox.run(&wrong).code(1).err(&["is no report: beadle calls search report"]);
    assert_eq!(esa.lab.requests().len(), 0);
    Sandbox::new().run(&RUN).code(1).err(&["no target of vendor 'asyncos' is configured"]);
}
