//! What can be known of a project's configuration before anything goes off: triggers whose playbook,
//! parameters, times or folders do not fit, and secrets that cannot be had.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Effect;
use crate::config::{SecretSource, Tls, line_of, secrets};
use crate::engine::Place;
use crate::engine::check::{Code, Finding};
use crate::nearest;
use crate::run::params::{Given, from_toml, resolve};
use crate::run::{Playbook, Project, Within};
use crate::secret::SHORTEST;
use crate::trigger::{ScheduleDefinition, WatchDefinition};

/// Looks at the triggers and secrets of a project; `shown` is what messages call its file, and `text`
/// what the file holds.
pub fn check(project: &Project, shown: &str, text: &str) -> Vec<Finding> {
    let mut findings = check_triggers(project, shown, text);
    certificates_of(project, &|table| place_of(shown, text, table), &mut findings);
    secrets_of(project, &|table| place_of(shown, text, table), &mut findings);
    findings
}

/// Certificates and keys that targets name, and that cannot be read.
fn certificates_of(project: &Project, place: &dyn Fn(&str) -> Place, findings: &mut Vec<Finding>) {
    for (name, target) in &project.config.targets {
        let names_files = matches!(target.tls, Tls::CaFile(_)) || target.auth.cert.is_some();
        let opened = if names_files { project.fleet.line(name).map(|_| ()) } else { Ok(()) };
        if let Err(fault) = opened {
            let table = format!("targets.{name}");
            findings.push(Finding::new(
                Code::UnusableCertificate,
                place(&table),
                format!("{table}: {}", fault.message),
            ));
        }
    }
}

fn place_of(shown: &str, text: &str, table: &str) -> Place {
    Place { file: shown.to_owned(), line: line_of(text, table).unwrap_or(1), column: 1 }
}

/// The triggers alone: no secret is asked for.
pub(super) fn check_triggers(project: &Project, shown: &str, text: &str) -> Vec<Finding> {
    let place = |table: &str| place_of(shown, text, table);
    let mut findings = Vec::new();
    for (name, config) in &project.config.schedules {
        let place = place(&format!("schedules.{name}"));
        match ScheduleDefinition::new(name, config) {
            Err(error) => findings.push(Finding::new(Code::DeadTrigger, place.clone(), error.to_string())),
            Ok(schedule) if schedule.schedule.next_after(project.clock.now()).is_none() => {
                let message = format!("schedules.{name}: '{}' never comes again", config.cron);
                findings.push(Finding::new(Code::DeadTrigger, place.clone(), message));
            }
            Ok(_) => {}
        }
        let trigger = Trigger { table: format!("schedules.{name}"), params: &config.params, destroy: config.destroy };
        playbook(project, &trigger, &config.playbook, &place, &mut findings);
    }
    for (name, config) in &project.config.watches {
        let place = place(&format!("watches.{name}"));
        match WatchDefinition::new(name, config, &project.config.folder) {
            Err(error) => findings.push(Finding::new(Code::DeadTrigger, place.clone(), error.to_string())),
            Ok(watch) => {
                for name in unknown_names(&config.params, watch.event_names()) {
                    let known = watch.event_names();
                    let message = format!("watches.{}: its events have no '{name}'", watch.name);
                    let hint = match (name.as_str(), config.collect) {
                        ("path", Some(_)) => "with collect it is ${event.paths}, a list".to_owned(),
                        ("paths" | "files", None) => "without collect it is ${event.path}, one file".to_owned(),
                        _ => {
                            let nearest = nearest::did_you_mean(&name, known.iter().copied());
                            format!("they have {}.{nearest}", known.join(", "))
                        }
                    };
                    findings.push(Finding::new(Code::TriggerParameter, place.clone(), message).hint(hint));
                }
                for folder in
                    watch.folders().into_iter().collect::<BTreeSet<_>>().into_iter().filter(|one| !one.is_dir())
                {
                    let message = format!("watches.{name}: the folder {} is not there", folder.display());
                    findings.push(Finding::new(Code::MissingFolder, place.clone(), message).hint("make the folder"));
                }
            }
        }
        let trigger = Trigger { table: format!("watches.{name}"), params: &config.params, destroy: config.destroy };
        playbook(project, &trigger, &config.playbook, &place, &mut findings);
    }
    findings
}

/// The names after `event.` in parameters that are none of these.
fn unknown_names(params: &toml::Table, known: &[&str]) -> BTreeSet<String> {
    let text = toml::Value::Table(params.clone()).to_string();
    let names = text.split("${event.").skip(1).filter_map(|rest| rest.split_once('}'));
    // The depth is there for a run that another one started.
    let unknown = names.filter(|(name, _)| !known.contains(name) && *name != "depth");
    unknown.map(|(name, _)| name.to_owned()).collect()
}

/// What a trigger gives to its playbook.
struct Trigger<'a> {
    table: String,
    params: &'a toml::Table,
    destroy: bool,
}

/// A trigger's playbook, and its parameters and rights against the header.
fn playbook(project: &Project, trigger: &Trigger<'_>, name: &str, place: &Place, findings: &mut Vec<Finding>) {
    let Trigger { table, params, destroy } = trigger;
    let folder = &project.config.folder;
    let mut playbook = match Playbook::find(name, folder, folder) {
        Ok(playbook) => playbook,
        Err(error) => {
            findings.push(Finding::new(Code::TriggerPlaybook, place.clone(), format!("{table}: {error}")));
            return;
        }
    };
    let named = playbook.header.policy.effects.as_ref().is_some_and(|effects| effects.contains(&Effect::Destroy));
    if *destroy && !named && !playbook.header.is_empty() {
        let message =
            format!("{table}: allow = [\"destroy\"] adds nothing: the header of {name} does not name destroy");
        let hint = "add \"destroy\" to `effects` under [policy] in the header, or leave `allow` out";
        findings.push(Finding::new(Code::UselessRight, place.clone(), message).hint(hint));
    }
    // What the event will say is not known yet; the parameter is there in any case.
    let of_event = |value: &toml::Value| value.to_string().contains("${event.");
    playbook.header.params.retain(|param| !params.get(&param.name).is_some_and(of_event));
    let known: Vec<&str> = playbook.header.params.iter().map(|param| param.name.as_str()).collect();
    let taken = |name: &str, value: &toml::Value| known.contains(&name) || !of_event(value);
    let given: BTreeMap<String, Vec<Given>> = params
        .iter()
        .filter(|(name, value)| taken(name, value))
        .map(|(name, value)| (name.clone(), vec![Given::Typed(from_toml(value))]))
        .collect();
    if let Err(mistakes) = resolve(&playbook.header, &given, &Within { project, folder }) {
        let findings_of = mistakes.into_iter().map(|mistake| {
            Finding::new(Code::TriggerParameter, place.clone(), format!("{table}: {mistake}"))
                .hint(format!("`beadle playbooks show {name}` shows its parameters"))
        });
        findings.extend(findings_of);
    }
}

/// Secrets that cannot be had, and those too short to be masked; none of them is shown.
fn secrets_of(project: &Project, place: &dyn Fn(&str) -> Place, findings: &mut Vec<Finding>) {
    let named = project.config.secrets.iter().map(|(name, source)| (format!("secrets.{name}"), source));
    let of_targets = project.config.targets.iter().flat_map(|(name, target)| {
        let auth = &target.auth;
        let sources = [&auth.username, &auth.password, &auth.token];
        sources.into_iter().flatten().map(move |source| (format!("targets.{name}"), source))
    });
    let of_channels = project.config.channels.iter().flat_map(|(name, channel)| {
        channel.secrets().into_iter().map(move |source| (format!("channels.{name}"), source))
    });
    let service = &project.config.service;
    let of_service = service.heartbeat.iter().chain(service.endpoint.iter().map(|endpoint| &endpoint.token));
    let of_service = of_service.map(|source| ("service".to_owned(), source));
    let of_tells = project.config.tells.iter().filter_map(|(name, tells)| {
        let kind = if project.config.schedules.contains_key(name) { "schedules" } else { "watches" };
        tells.heartbeat.as_ref().map(|source| (format!("{kind}.{name}"), source))
    });
    let mut seen = BTreeSet::new();
    for (table, source) in named.chain(of_targets).chain(of_channels).chain(of_service).chain(of_tells) {
        // A user name that is written out is no secret.
        if matches!(source, SecretSource::Literal(_)) || !seen.insert(secrets::reference(source)) {
            continue;
        }
        match project.secrets.fetch(source) {
            Err(message) => {
                findings.push(Finding::new(Code::UnresolvedSecret, place(&table), format!("{table}: {message}")));
            }
            Ok(secret) if secret.expose().len() < SHORTEST => {
                let reference = secrets::reference(source);
                let message =
                    format!("{table}: the secret of {reference} is too short to be masked in what people see");
                let hint = format!("from {SHORTEST} characters on it is masked wherever it turns up");
                findings.push(Finding::new(Code::ShortSecret, place(&table), message).hint(hint));
            }
            Ok(_) => {}
        }
    }
}
