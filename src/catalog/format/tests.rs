//! Mistakes in catalog files: each is found, in its line, and says what cures it.

use crate::catalog::{Body, Catalog, Condition, Edit, EditHow, Effect, Inverse, Kind, LostAnswer, Place, format};

/// A file whose one call begins in line 3 and has `facts` from line 10 on.
fn file(facts: &str) -> String {
    format!(
        "id = \"x\"\n\n[[call]]\nname = \"thing_set\"\nmethod = \"PUT\"\npath = \"/things\"\neffect = \"change\"\n\
         summary = \"Set a thing\"\nconfidence = \"seed\"\n{facts}"
    )
}

fn mistakes(text: &str) -> Vec<String> {
    match format::vendor(text, &[]) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.message)).collect(),
    }
}

#[test]
fn a_sound_file_has_no_mistakes() {
    assert_eq!(mistakes(&file("lost_answer = \"never\"\nparams.size = { type = \"int\" }\n")), [""; 0]);
}

#[test]
fn every_mistake_is_found_in_its_line() {
    let cases = [
        ("params.w = { wier = \"q\" }", "11: thing_set: parameter 'w': unknown key 'wier'. Did you mean 'wire'?"),
        (
            "params.w = { type = \"strng\" }",
            "11: thing_set: parameter 'w': there is no type 'strng'. Did you mean 'string'?",
        ),
        ("params.w = { type = \"[int\" }", "11: thing_set: parameter 'w': there is no type '[int'."),
        ("params.W = {}", "11: thing_set: parameter 'W': a name has small letters"),
        ("params.w = { in = \"boddy\" }", "11: thing_set: parameter 'w': there is no place 'boddy'"),
        ("params.w = { in = \"path\" }", "11: thing_set: parameter 'w' is in the path, but {w} is not"),
        ("params.w = { type = \"int\", min = 2, max = 1 }", "11: thing_set: parameter 'w': min is greater than max"),
        (
            "params.w = { type = \"int\", default = \"1\" }",
            "11: thing_set: parameter 'w': the default \"1\" is not of type int",
        ),
        (
            "params.w = { type = \"[int]\", default = [\"1\"] }",
            "11: thing_set: parameter 'w': the default [\"1\"] is not of type [int]",
        ),
        (
            "params.w = { type = \"int\", min = 1, default = 0 }",
            "11: thing_set: parameter 'w': the default 0 is not between",
        ),
        (
            "params.w = { choices = [\"a\"], default = \"b\" }",
            "11: thing_set: parameter 'w': the default \"b\" is not one of the choices",
        ),
        (
            "params.w = { required_if = { param = \"v\", equals = [1] } }",
            "11: thing_set: parameter 'w': required_if names 'v'",
        ),
        (
            "params.a = { wire = \"W\" }\nparams.b = { wire = \"W\" }",
            "12: thing_set: 'W' means the parameters 'a' and 'b'",
        ),
        (
            "[call.params.list]\ntype = \"[object]\"\nfields.a = {}\nfields.b = { type = \"bol\" }",
            "14: thing_set: parameter 'list.b': there is no type 'bol'. Did you mean 'bool'?",
        ),
        ("rules = [{ any_of = [\"w\"] }]", "11: thing_set: rules names the parameter 'w'"),
        ("items = [\"w\"]", "11: thing_set: items names the parameter 'w'"),
        ("inverse = { swap = [\"v\", \"u\"] }\nparams.u = {}", "11: thing_set: inverse names the parameter 'v'"),
        (
            "inverse = { call = { name = \"thing_sett\" } }",
            "11: thing_set: inverse names the call 'thing_sett', which is not there. Did you mean 'thing_set'?",
        ),
        (
            "inverse = { call = { name = \"thing_set\", args = { w = \"args.u\" } } }\nparams.u = {}",
            "11: thing_set: inverse gives the parameter 'w'",
        ),
        ("before = { call = \"things\" }", "11: thing_set: before names the call 'things'"),
        ("before = { call = \"thing_set\" }", "11: thing_set: before names 'thing_set', which is not a read"),
        (
            "raises = [{ param = \"w\", effect = \"destory\" }]\nparams.w = {}",
            "11: thing_set: raises must be one of change, destroy, and not 'destory'. Did you mean 'destroy'?",
        ),
        (
            "raises = [{ param = \"w\", effect = \"change\" }]\nparams.w = {}",
            "11: thing_set: raises must name a greater effect than change",
        ),
        (
            "answer = { fields = { a = \"strng\" } }",
            "11: thing_set: answer field 'a': there is no type 'strng'. Did you mean 'string'?",
        ),
        (
            "answer = { refusal = { pattern = \"(\" } }",
            "11: thing_set: the refusal's pattern is no regular expression: unclosed group",
        ),
        ("example = { script = \"x.thing_set()\", answer = \"{\" }", "11: thing_set: the example's answer is not JSON"),
        ("base = \"api\"", "11: thing_set: base 'api' must begin with a slash"),
    ];
    let mut offenders = Vec::new();
    for (facts, wanted) in cases {
        let found = mistakes(&file(&format!("lost_answer = \"never\"\n{facts}\n")));
        if found.len() != 1 || !found[0].starts_with(wanted) {
            offenders.push(format!("{facts}\n  wanted {wanted}\n  found  {found:?}"));
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn the_head_of_a_call_is_checked() {
    let sound = file("lost_answer = \"never\"\n");
    let cases = [
        ("name = \"thing_set\"", "name = \"default\"", "4: default: 'default' cannot be the name of a function"),
        ("name = \"thing_set\"", "name = \"true\"", "4: true: 'true' cannot be the name"),
        ("method = \"PUT\"", "method = \"PUTT\"", "5: thing_set: method must be one of GET"),
        ("path = \"/things\"", "path = \"things\"", "6: thing_set: path must begin with a slash"),
        ("path = \"/things\"", "path = \"/things?x=1\"", "6: thing_set: path must begin with a slash and have neither"),
        ("path = \"/things\"", "path = \"/things/{id}\"", "6: thing_set: the path has {id}, but no parameter"),
        ("path = \"/things\"", "path = \"/things/v{id}\"", "6: thing_set: 'v{id}' must be a placeholder as a whole"),
        (
            "effect = \"change\"",
            "effect = \"chang\"",
            "7: thing_set: effect must be one of read, change, destroy, and not 'chang'. Did you mean 'change'?",
        ),
        ("summary = \"Set a thing\"", "summary = \"Set.\"", "8: thing_set: summary must be one line without a period"),
        ("confidence = \"seed\"", "confidence = \"sure\"", "9: thing_set: confidence must be one of"),
        ("lost_answer = \"never\"\n", "", "3: thing_set: a call that changes something says how its lost answer"),
        ("\"never\"", "\"verify thing_set\"", "10: thing_set: lost_answer names 'thing_set', which is not a read"),
        ("\"never\"", "\"sometimes\"", "10: thing_set: lost_answer must be idempotent"),
        ("id = \"x\"", "id = \"X y\"", "1: 'X y' is not an id for a vendor"),
        ("summary = ", "sumary = ", "8: unknown key 'sumary'. Did you mean 'summary'?"),
        ("id = \"x\"\n", "id = \"x\"\nrefusal = { pattern = \"(\" }\n", "2: the refusal's pattern is no regular"),
    ];
    let mut offenders = Vec::new();
    for (from, to, wanted) in cases {
        assert!(sound.contains(from), "{from}");
        let found = mistakes(&sound.replacen(from, to, 1));
        if found.len() != 1 || !found[0].starts_with(wanted) {
            offenders.push(format!("{to}\n  wanted {wanted}\n  found  {found:?}"));
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn a_name_used_twice_is_a_mistake() {
    let text = file("lost_answer = \"never\"\n");
    let call = text.split_once("[[call]]").unwrap().1;
    let found = mistakes(&format!("{text}[[call]]{call}"));
    assert_eq!(found, ["12: thing_set: the name is used already in line 3"]);
}

#[test]
fn wire_names_in_camel_case_stand_in_the_path_too() {
    let text = file("lost_answer = \"never\"\nparams.thing_id = {}\n")
        .replace("/things", "/things/{thingId}")
        .replace("id = \"x\"", "id = \"x\"\nwire_case = \"camel\"");
    let row = format::vendor(&text, &[]).unwrap().rows.iter().next().unwrap();
    assert_eq!((row.params[0].name, row.params[0].wire, row.params[0].place), ("thing_id", "thingId", Place::Path));
}

#[test]
fn a_file_that_completes_a_vendor_takes_over_its_base_and_its_way_to_refuse() {
    let seg = Catalog::builtin().vendor("seg").unwrap();
    let text = file("lost_answer = \"verify groups\"\nbefore = { call = \"groups\" }\n").replace("\"x\"", "\"seg\"");
    let row = format::vendor(&text, &[seg]).unwrap().rows.iter().next().unwrap();
    assert_eq!(row.base, "/seg/api");
    assert_eq!(row.lost_answer, LostAnswer::Verify("groups"));
    assert!(seg.refusal.is_some() && row.answer.refusal == seg.refusal);
    let clash = format::vendor(&text.replace("thing_set", "version"), &[seg]).unwrap_err();
    assert_eq!((clash.len(), clash[0].line), (1, 4));
    assert!(clash[0].message.contains("seg has a call of this name already"), "{clash:?}");
}

#[test]
fn a_resource_unfolds_with_shared_and_single_facts() {
    let text = r#"
id = "x"
[[resource]]
name = "ssh_connection"
path = "/pools/{pool}/connections"
id = "key"
id_type = "string"
title = "SSH connection"
calls = ["list", "one", "create", "replace", "delete"]
all = { confidence = "documented", area = "SSH", params = { pool = { type = "int", doc = "The pool." } } }
changes = { kind = "staged", lost_answer = "idempotent" }
only = { create = { lost_answer = "never" }, list = { params = { limit = { type = "int" } } } }
fields = { label = { required = true }, members = { type = "[string]" } }
"#;
    let vendor = format::vendor(text, &[]).unwrap();
    let row = |name: &str| vendor.rows.iter().find(|row| row.name == name).unwrap();
    let names: Vec<&str> = vendor.rows.iter().map(|row| row.name).collect();
    assert_eq!(
        names,
        [
            "ssh_connection",
            "ssh_connection_create",
            "ssh_connection_delete",
            "ssh_connection_replace",
            "ssh_connections"
        ]
    );
    let replace = row("ssh_connection_replace");
    let params: Vec<(&str, Place)> = replace.params.iter().map(|param| (param.name, param.place)).collect();
    assert_eq!(params, [("pool", Place::Path), ("key", Place::Path), ("label", Place::Body), ("members", Place::Body)]);
    assert_eq!((replace.kind, replace.body, replace.effect), (Kind::Staged, Body::Json, Effect::Change));
    assert_eq!(replace.lost_answer, LostAnswer::Idempotent);
    assert_eq!(row("ssh_connection_create").lost_answer, LostAnswer::Never);
    assert_eq!(row("ssh_connection_create").summary, "Create one SSH connection");
    assert_eq!((row("ssh_connections").kind, row("ssh_connections").params.len()), (Kind::Call, 2));
    let wrong = mistakes(&text.replace("only = { create", "only = { craete"));
    assert!(wrong[0].ends_with("and not 'craete'. Did you mean 'create'?"), "{wrong:?}");
}

/// Reads and calls that a call of [`file`] can name.
const NEIGHBOURS: &str = r#"
[[call]]
name = "things"
method = "GET"
path = "/things"
effect = "read"
summary = "List things"
confidence = "seed"
[[call]]
name = "thing"
method = "GET"
path = "/things/one"
effect = "read"
summary = "Show a thing"
confidence = "seed"
params.kind = { required = true }
[[call]]
name = "thing_drop"
method = "POST"
path = "/things/drop"
effect = "change"
summary = "Drop a thing"
confidence = "seed"
lost_answer = "never"
params.kind = { required = true }
[[call]]
name = "thing_lock"
method = "POST"
path = "/things/lock"
effect = "change"
summary = "Lock a thing"
confidence = "seed"
lost_answer = "never"
params.pin = { secret = true }
"#;

#[test]
fn what_a_call_says_of_its_undo_is_checked() {
    let cases = [
        ("inverse = \"replace\"", "11: thing_set: the inverse is the former state, and needs before"),
        (
            "before = { call = \"things\" }\ninverse = \"replace\"\nparams.w = { secret = true }",
            "12: thing_set: there is no inverse: 'w' is a secret",
        ),
        (
            "before = { call = \"things\" }\ninverse = { replace_without = [\"x\"] }\nparams.w = { type = \"object\", fields = { pin = { secret = true } } }",
            "12: thing_set: there is no inverse: 'w' is a secret",
        ),
        ("inverse = { call = { name = \"thing_lock\" } }", "11: thing_set: there is no inverse: 'pin' is a secret"),
        ("inverse = { call = { name = \"things\" } }", "11: thing_set: inverse names 'things', which only reads"),
        (
            "inverse = { call = { name = \"thing_drop\" } }",
            "11: thing_set: inverse does not say where that call's 'kind'",
        ),
        (
            "inverse = { call = { name = \"thing_drop\", args = { kind = \"before.kind\" } } }",
            "11: thing_set: inverse takes 'kind' from \"before.kind\", which is not there",
        ),
        (
            "inverse = { call = { name = \"thing_drop\", args = { kind = \"added\" } } }",
            "11: thing_set: inverse takes 'kind' from \"added\", which is not there",
        ),
        ("inverse = \"replac\"", "11: unknown variant `replac`"),
        ("before = { call = \"thing\" }", "11: thing_set: before does not say where that call's 'kind' comes from"),
        ("edits = [{ how = \"add\" }]", "11: thing_set: edits need before: the read that shows the list"),
        (
            "before = { call = \"things\" }\nedits = [{ how = \"ad\" }]",
            "12: thing_set: edits must be one of add, remove, put, and not 'ad'. Did you mean 'add'?",
        ),
        (
            "before = { call = \"things\" }\nedits = [{ how = \"add\", with = \"wrods\" }]\nparams.words = {}",
            "12: thing_set: edits names the parameter 'wrods', which is not there. Did you mean 'words'?",
        ),
        (
            "before = { call = \"things\" }\nedits = [{ how = \"add\", when = { param = \"w\", equals = [1] } }]",
            "12: thing_set: edits names the parameter 'w', which is not there.",
        ),
    ];
    let mut offenders = Vec::new();
    for (facts, wanted) in cases {
        let found = mistakes(&format!("{}{NEIGHBOURS}", file(&format!("lost_answer = \"never\"\n{facts}\n"))));
        if found.len() != 1 || !found[0].starts_with(wanted) {
            offenders.push(format!("{facts}\n  wanted {wanted}\n  found  {found:?}"));
        }
    }
    let verify = mistakes(&format!("{}{NEIGHBOURS}", file("lost_answer = \"verify thing\"\n")));
    if !verify.first().is_some_and(|found| found.starts_with("10: thing_set: lost_answer does not say where")) {
        offenders.push(format!("{verify:?}"));
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn an_undo_is_read_with_all_it_says() {
    let facts = r#"lost_answer = "never"
before = { call = "things", at = "body" }
edits = [{ list = "items", with = "words", key = ["name"], how = "put", under = "body", also = ["size"], when = { param = "size", equals = [1] } }]
inverse = { call = { name = "thing_drop", args = { kind = "former.name" } } }
params.words = { type = "[string]" }
params.size = { type = "int" }
"#;
    let vendor = format::vendor(&format!("{}{NEIGHBOURS}", file(facts)), &[]).unwrap();
    let row = vendor.rows.iter().find(|row| row.name == "thing_set").unwrap();
    let before = row.before.as_ref().unwrap();
    assert_eq!((before.call, before.at, before.same), ("things", "body", true));
    assert_eq!(
        row.edits,
        [Edit {
            list: "items",
            with: "words",
            key: &["name"],
            how: EditHow::Put,
            under: "body",
            also: &["size"],
            when: Some(Condition { param: "size", equals: &["1"] }),
        }]
    );
    assert_eq!(row.inverse, Some(Inverse::Call("thing_drop", &[("kind", "former.name")])));
}

#[test]
fn every_built_in_change_says_how_its_lost_answer_is_settled() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vendors");
    let mut offenders = Vec::new();
    let mut changing = 0;
    for vendor in Catalog::builtin().vendors() {
        let text = std::fs::read_to_string(folder.join(vendor.id).join("calls.toml")).unwrap();
        let spec = super::text::read(&text).unwrap();
        for (line, call) in super::expand(&spec, &text).unwrap() {
            if call.effect != "read" && call.kind.as_deref() != Some("session") {
                changing += 1;
                offenders.extend(call.lost_answer.is_none().then(|| format!("{}:{line}: {}", vendor.id, call.name)));
            }
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
    assert_eq!(changing, 310);
}

#[test]
fn a_shared_read_that_a_resource_does_not_have_is_left_out() {
    let text = r#"
id = "x"
[resources_all.all]
confidence = "seed"
[resources_all.changes]
lost_answer = "never"
[resources_all.only.create]
before = { call = "{plural}" }
edits = [{ list = "items", how = "add" }]
[[resource]]
name = "lamp"
path = "/lamps"
title = "lamp"
calls = ["list", "create"]
[[resource]]
name = "key"
path = "/keys"
title = "key"
calls = ["one", "create"]
"#;
    let vendor = format::vendor(text, &[]).unwrap();
    let row = |name: &str| vendor.rows.iter().find(|row| row.name == name).unwrap();
    assert_eq!(row("lamp_create").before.as_ref().unwrap().call, "lamps");
    assert_eq!(row("lamp_create").edits.len(), 1);
    assert_eq!((&row("key_create").before, row("key_create").edits.len()), (&None, 0));
}
