//! The configuration as a whole: the template, defaults, and where it is found.

use std::path::Path;

use super::*;

fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("beadle.toml");
    std::fs::write(&path, text).unwrap();
    std::os::unix::fs::PermissionsExt::set_mode(&mut std::fs::metadata(&path).unwrap().permissions(), 0o600);
    Config::load(&path, &Environment::default()).map(|(config, _)| config)
}

const TARGET: &str = "[targets.a]\nvendor = \"seg\"\nurl = \"https://seg.example.com:19006\"\nversion = 10\n\
                      auth = { username = \"api\", password = { env = \"X\" } }\n";

/// The template with everything switched on: each commented line that is a key or a table.
fn switched_on() -> String {
    let template = include_str!("template.toml");
    let mut out = String::new();
    for line in template.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let is_table = bare.starts_with('[');
        let is_key =
            bare.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        // The one top-level key would belong to the table before it.
        if (is_table || is_key) && !bare.starts_with("targets_file") {
            out.push_str(bare);
            out.push('\n');
        }
    }
    out
}

#[test]
fn the_template_is_valid_as_it_is_and_with_everything_switched_on() {
    load(include_str!("template.toml")).unwrap();
    let config = load(&switched_on()).unwrap();
    assert_eq!(config.targets.len(), 1);
    assert_eq!((config.schedules.len(), config.watches.len(), config.channels.len()), (1, 1, 3));
}

#[test]
fn the_template_names_every_key() {
    // What the parser knows is what it lists when it meets a key that it does not know.
    for (table, begin) in [
        ("targets.a", ""),
        ("policy", ""),
        ("never", ""),
        ("limits", ""),
        ("files", ""),
        ("http", ""),
        ("catalog", ""),
        ("state", ""),
        ("schedules.a", ""),
        ("watches.a", ""),
        ("channels.a", ""),
        ("service", ""),
    ] {
        let error = load(&format!("[{table}]\n{begin}zzz = 1\n")).unwrap_err().to_string();
        let keys = error.split_once("Keys: ").unwrap().1.to_owned();
        for key in keys.split(", ") {
            assert!(switched_on().contains(&format!("{} = ", key.trim())), "[{table}] {key} is not in the template");
        }
    }
}

#[test]
fn the_token_service_is_on_its_own_port_of_the_same_host() {
    let config = load(TARGET).unwrap();
    let auth = &config.targets["a"].auth;
    assert_eq!(auth.token_url.as_ref().unwrap().as_str(), "https://seg.example.com:19007/token");
    assert_eq!((auth.method.as_str(), config.targets["a"].version.as_deref()), ("token", Some("10")));
}

#[test]
fn a_vendors_defaults_fill_what_a_target_leaves_out() {
    let config = load(&format!("[vendors.seg]\nallow = [\"read\"]\ntags = [\"x\"]\n{TARGET}")).unwrap();
    assert_eq!(config.targets["a"].allow.len(), 1);
    assert_eq!(config.targets["a"].tags, ["x"]);
}

#[test]
fn many_targets_come_from_a_csv_file() {
    let folder = tempfile::tempdir().unwrap();
    let csv = "name,vendor,url,version,auth.username,auth.password,tags\n\
               one,seg,https://one.example.com,10,api,env:ONE,mail;prod\ntwo,seg,https://two.example.com,8,D\\u,file:two.txt,\n";
    std::fs::write(folder.path().join("gateways.csv"), csv).unwrap();
    let path = folder.path().join("beadle.toml");
    std::fs::write(&path, "targets_file = \"gateways.csv\"\n").unwrap();
    let (config, _) = Config::load(&path, &Environment::default()).unwrap();
    assert_eq!(config.targets["one"].tags, ["mail", "prod"]);
    assert_eq!(config.targets["one"].auth.password, Some(SecretSource::Env("ONE".into())));
    assert_eq!(config.targets["two"].auth.method, "basic");
}

#[test]
fn the_nearest_configuration_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("a/b");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(folder.path().join("beadle.toml"), "").unwrap();
    let environment = Environment::default();
    assert_eq!(find(None, &inner, &environment), Some(folder.path().join("beadle.toml")));
    assert_eq!(find(Some(Path::new("x.toml")), &inner, &environment), Some(inner.join("x.toml")));
    let named = Environment { config: Some("y.toml".into()), ..Environment::default() };
    assert_eq!(find(None, &inner, &named), Some(inner.join("y.toml")));
}

const WEBHOOK: &str = "[channels.team]\nkind = \"webhook\"\nurl = \"https://hooks.example.com/T0\"\n";

#[test]
fn a_channel_has_the_keys_of_its_kind_and_no_others() {
    let mistake = |text: &str| load(text).unwrap_err().to_string();
    assert!(mistake("[channels.a]\nkind = \"webhok\"\n").contains("Did you mean 'webhook'?"));
    assert!(mistake(&format!("{WEBHOOK}host = \"x\"\n")).contains("host is a key of kind = \"email\""));
    assert!(mistake("[channels.a]\nkind = \"file\"\n").contains("path is missing"));
    let plain = "[channels.a]\nkind = \"email\"\nhost = \"mail.example.com\"\nsecurity = \"plain\"\n\
                 from = \"a@example.com\"\nto = \"b@example.com\"\n";
    assert!(mistake(plain).contains("loopback only"));
    assert!(load(&plain.replace("mail.example.com", "127.0.0.1")).is_ok());
    assert!(mistake(&format!("{WEBHOOK}limit = \"often\"\n")).contains("limit 'often' is not a rate"));
}

#[test]
fn a_trigger_tells_only_channels_that_there_are() {
    let watch = |channel: &str| {
        format!("{WEBHOOK}[watches.feed]\nplaybook = \"p\"\npaths = [\"in/*\"]\non_failure = \"{channel}\"\n")
    };
    assert_eq!(load(&watch("team")).unwrap().tells["feed"].on_failure, ["team"]);
    let mistake = load(&watch("taem")).unwrap_err().to_string();
    assert!(
        mistake.contains("[watches.feed] on_failure: there is no channel 'taem'. Did you mean 'team'?"),
        "{mistake}"
    );
}

#[test]
fn the_endpoint_is_for_loopback_and_with_a_token() {
    let mistake = |text: &str| load(&format!("[service]\n{text}\n")).unwrap_err().to_string();
    assert!(mistake("http = \"0.0.0.0:9464\"\ntoken = { env = \"T\" }").contains("not a loopback address"));
    assert!(mistake("http = \"127.0.0.1:9464\"").contains("needs a token"));
    assert!(mistake("http = \"127.0.0.1:9464\"\ntoken = \"abc\"").contains("not written into the configuration"));
    assert!(load("[service]\nhttp = \"[::1]:9464\"\ntoken = { env = \"T\" }\n").is_ok());
}
