//! The traps of both sources.

use proptest::prelude::*;

use super::*;
use crate::catalog::Catalog;

fn make(text: &str, id: &str) -> Imported {
    let catalog = Catalog::builtin();
    import(text, &Order { id, source: "a test", present: catalog.vendors() }).unwrap()
}

fn listing(urls: &[(&str, &str)]) -> Found {
    let items: Vec<Json> = urls
        .iter()
        .map(|(method, url)| serde_json::json!({ "method": method, "url": url, "description": "Do it. Post data fields: name(string, required), size(int64)" }))
        .collect();
    read(&serde_json::to_string(&items).unwrap()).unwrap()
}

#[test]
fn expressions_become_paths_and_the_broken_one_too() {
    let found = listing(&[
        ("GET", "^groups/(?<groupid>[0-9]+)/members$"),
        ("POST", "^console/sender/message/killex/(?<serverid>[0-9+]/"),
        ("GET", "^folders/(?<name>[^/]+)/day/(?<day>\\d+)$"),
        ("GET", "^optional/(?<x>[0-9]+)?$"),
        ("GET", "^one|two$"),
        ("GET", "^plain/$"),
    ]);
    let paths: Vec<&str> = found.calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/groups/{groupid}/members",
            "/console/sender/message/killex/{serverid}/",
            "/folders/{name}/day/{day}",
            "/plain/"
        ]
    );
    let types: Vec<&str> =
        found.calls.iter().flat_map(|call| &call.params).filter(|p| p.place == "path").map(|p| p.ty.as_str()).collect();
    assert_eq!(types, ["int", "int", "string", "int"]);
    assert_eq!(found.left_out.len(), 2);
    assert_eq!(found.calls[1].effect, "destroy");
    let fields: Vec<&str> =
        found.calls[0].params.iter().filter(|p| p.place == "body").map(|p| p.wire.as_str()).collect();
    assert_eq!(fields, ["name", "size"]);
}

#[test]
fn only_plain_digits_are_numbers_and_escapes_stand_for_themselves() {
    let found = listing(&[
        ("GET", "^ids/(?<id>[a-f0-9-]+)/$"),
        ("GET", "^codes/(?<code>\\d{4})$"),
        ("GET", "^mixed/(?<code>[0-9]+[a-z])$"),
        ("GET", "^names/(?<name>[^\\/]+)/x$"),
        ("GET", "^report\\.csv$"),
        ("GET", "^any\\d$"),
    ]);
    let types: Vec<&str> =
        found.calls.iter().flat_map(|call| &call.params).filter(|p| p.place == "path").map(|p| p.ty.as_str()).collect();
    assert_eq!(types, ["string", "int", "string", "string"]);
    assert_eq!(found.calls[4].path, "/report.csv");
    assert_eq!(found.left_out.len(), 1, "{:?}", found.left_out);
}

#[test]
fn that_a_post_only_reads_is_told_by_its_path_alone() {
    for (path, said, effect) in [
        ("/quarantine/findmessage/", "Find messages", "read"),
        ("/process/release/", "Release what a search has found", "change"),
        ("/mail/findAndDelete", "", "destroy"),
        ("/mail/find", "findAndDelete", "destroy"),
        ("/reports/query", "runQuery", "read"),
    ] {
        assert_eq!(effect_of("POST", path, said), effect, "{path} {said}");
    }
    assert_eq!(effect_of("PUT", "/search/settings", ""), "change");
}

#[test]
fn what_the_catalog_has_is_left_out_and_the_rest_completes_it() {
    let text = r#"[{"method": "GET", "url": "^groups$", "description": "List"},
        {"method": "GET", "url": "^licence/(?<id>[^/]+)/$", "description": "Show a licence."}]"#;
    let made = make(text, "seg");
    assert_eq!(made.calls, 1, "{}", made.toml);
    assert!(made.toml.contains("name = \"licence\""), "{}", made.toml);
    assert!(made.left_out.iter().any(|left| left.contains("/groups")));
}

const SWAGGER: &str = r##"
swagger: "2.0"
info: { title: Hawthorn Gateway, version: "1" }
basePath: /rest/v1/
securityDefinitions: { key: { type: apiKey, in: header, name: X-Hawthorn-Key } }
paths:
  /policies:
    get: { summary: List the policies., responses: { 200: { description: ok } } }
    post:
      summary: Create a policy
      parameters: [{ in: body, name: policy, schema: { $ref: "#/definitions/Policy" } }]
  /policies/{policyId}:
    parameters: [{ in: path, name: policyId, type: integer, required: true }]
    get: { summary: Show a policy }
    put: { summary: Replace, parameters: [{ in: body, name: x, schema: { allOf: [{ $ref: "#/definitions/Policy" }, { type: object, properties: { extra: { type: boolean } } }] } }] }
    delete: { summary: Delete }
  /quarantine/search: { post: { summary: Search, parameters: [{ in: body, name: q, schema: { type: object } }] } }
  /files: { post: { consumes: [multipart/form-data], parameters: [{ in: formData, name: file, type: file, required: true }, { in: formData, name: note, type: string }] } }
  /a/{x}.json: { get: {} }
definitions:
  Policy:
    type: object
    required: [name]
    properties:
      name: { type: string }
      adminPassword: { type: string }
      parent: { $ref: "#/definitions/Policy" }
      mode: { type: string, enum: [block, pass] }
"##;

#[test]
fn a_swagger_document_becomes_a_vendor() {
    let made = make(SWAGGER, "hawthorn");
    for wanted in [
        "base = \"/rest/v1\"",
        "auth = [\"header\"]",
        "auth_header = \"X-Hawthorn-Key\"",
        "name = \"policies\"",
        "name = \"policy\"",
        "name = \"policy_create\"",
        "name = \"policy_replace\"",
        "name = \"policy_delete\"",
        "name = \"quarantine_search\"",
        "admin_password = { wire = \"adminPassword\", in = \"body\", type = \"string\", secret = true",
        "type = \"file\"",
        "choices = [\"block\", \"pass\"]",
        "extra = ",
    ] {
        assert!(made.toml.contains(wanted), "{wanted}\n{}", made.toml);
    }
    assert!(made.left_out.iter().any(|left| left.contains("part of a segment")));
}

#[test]
fn version_three_and_its_types_are_read() {
    let text = r##"{"openapi": "3.1.0", "info": {"title": "T"}, "servers": [{"url": "https://x.example.com/api"}],
        "components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}},
        "paths": {"/jobs/{id}": {"patch": {"requestBody": {"content": {"application/json": {"schema":
            {"properties": {"due": {"type": ["string", "null"], "format": "date-time"}, "n": {"type": "integer", "minimum": 1}}}}}},
            "parameters": [{"in": "path", "name": "id", "required": true, "schema": {"type": "string"}},
                {"in": "cookie", "name": "c", "schema": {"type": "string"}}]}},
        "/jobs": {"put": {"requestBody": {"content": {"application/json": {"schema": {"type": "array", "items": {}}}}}}}}}"##;
    let made = make(text, "other");
    for wanted in [
        "base = \"/api\"",
        "type = \"time:iso\"",
        "min = 1",
        "name = \"job_update\"",
        "root = true",
        "auth = [\"bearer\"]",
    ] {
        assert!(made.toml.contains(wanted), "{wanted}\n{}", made.toml);
    }
    assert!(made.warnings.iter().any(|warning| warning.contains("cookie")));
}

#[test]
fn lists_in_queries_are_joined_as_the_document_says() {
    let two = r##"{"swagger": "2.0", "paths": {"/a": {"get": {"parameters": [
        {"in": "query", "name": "plain", "type": "array", "items": {"type": "integer"}},
        {"in": "query", "name": "many", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
        {"in": "query", "name": "pipes", "type": "array", "items": {"type": "string"}, "collectionFormat": "pipes"}]}}}}"##;
    let joins = |text: &str| -> Vec<&'static str> {
        read(text).unwrap().calls[0].params.iter().map(|param| param.join).collect()
    };
    assert_eq!(joins(two), [",", "", "|"]);
    let three = r##"{"openapi": "3.0.0", "paths": {"/a": {"get": {"parameters": [
        {"in": "query", "name": "plain", "schema": {"type": "array", "items": {"type": "string"}}},
        {"in": "query", "name": "one", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}},
        {"in": "query", "name": "text", "explode": false, "schema": {"type": "string"}}]}}}}"##;
    assert_eq!(joins(three), ["", ",", ""]);
    assert!(make(two, "other").toml.contains("join = \"|\""));
}

#[test]
fn what_answers_alone_have_need_not_be_given() {
    let text = r##"{"openapi": "3.0.0", "info": {"title": "T"}, "paths": {"/jobs": {"post": {"requestBody": {"content":
        {"application/json": {"schema": {"$ref": "#/components/schemas/My%20Job"}}}}}}},
        "components": {"schemas": {"My Job": {"required": ["id", "name"], "properties":
            {"id": {"type": "integer", "readOnly": true}, "name": {"type": "string"}}}}}}"##;
    let found = read(text).unwrap();
    let required: Vec<_> = found.calls[0].params.iter().map(|param| (param.wire.as_str(), param.required)).collect();
    assert_eq!(required, [("id", false), ("name", true)]);
}

#[test]
fn servers_have_variables_and_some_paths_a_server_of_their_own() {
    let text = r##"{"openapi": "3.0.0", "info": {"title": "T"},
        "servers": [{"url": "https://{host}/api/{version}/", "variables": {"host": {"default": "x"}, "version": {"default": "v9"}}}],
        "paths": {"/a": {"get": {}}, "/b": {"servers": [{"url": "/elsewhere"}], "get": {}}}}"##;
    let found = read(text).unwrap();
    assert_eq!((found.base.as_str(), found.calls.len()), ("/api/v9", 1));
    assert!(found.left_out[0].contains("GET /b: it is at a server of its own"), "{:?}", found.left_out);
}

#[test]
fn paths_are_put_below_the_base_of_the_catalog_that_they_complete() {
    let document = |base: &str, path: &str| {
        format!(r#"{{"swagger": "2.0", "basePath": "{base}", "paths": {{"{path}": {{"get": {{}}}}}}}}"#)
    };
    for (id, base, path, wanted) in [
        ("asyncos", "/esa/api/v2.0", "/config/new", "path = \"/config/new\""),
        ("asyncos", "/", "/sma/api/v2.0/config/new", "path = \"/config/new\""),
        ("asyncos", "", "/config/new", "path = \"/config/new\""),
        ("spectra", "/api/v1/", "/news/", "path = \"/api/v1/news/\""),
        ("sps", "/api", "/new", "path = \"/new\""),
    ] {
        let made = make(&document(base, path), id);
        assert!(made.toml.contains(wanted), "{id} {base} {path}\n{}", made.toml);
    }
    let made = make(&document("/esa/api/v2.0", "/config/url_lists"), "asyncos");
    assert_eq!(made.calls, 0, "{}", made.toml);
    let made = make(&document("/internal", "/x"), "asyncos");
    assert!(made.left_out[0].contains("it is not below"), "{:?}", made.left_out);
}

#[test]
fn bytes_are_files_whichever_way_they_are_written() {
    let text = r##"{"openapi": "3.1.0", "info": {"title": "T"}, "paths": {
        "/up": {"post": {"requestBody": {"content": {"multipart/form-data": {"schema": {"properties": {
            "a": {"type": "string", "contentMediaType": "application/zip"}, "b": {"type": "string", "format": "binary"},
            "c": {"type": "array", "items": {"type": "string", "format": "binary"}}, "d": {"type": "string"}}}}}}}},
        "/down": {"get": {"responses": {"200": {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}}}}}}"##;
    let found = read(text).unwrap();
    let call = |path: &str| found.calls.iter().find(|call| call.path == path).unwrap();
    assert_eq!(call("/down").shape, "download");
    let types: Vec<&str> = call("/up").params.iter().map(|param| param.ty.as_str()).collect();
    assert_eq!(types, ["file", "file", "file", "string"]);
}

#[test]
fn what_is_neither_is_refused_with_the_cure() {
    let order = |id| Order { id, source: "x", present: &[] };
    for (text, wanted) in [
        ("{", "not JSON"),
        ("{\"a\": 1}", "neither a listing"),
        ("a: [1", "neither JSON nor YAML"),
        ("{\"openapi\": \"4.0\", \"paths\": {}}", "version '4.0'"),
        ("{\"openapi\": \"3.0.1\"}", "no /paths"),
    ] {
        let error = import(text, &order("x")).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}

#[test]
fn drift_is_what_either_has_alone() {
    let catalog = Catalog::builtin();
    let seg = catalog.vendor("seg").unwrap();
    let found = listing(&[("GET", "^groups$"), ("GET", "^new$")]);
    let drift = compare(seg, &found.calls);
    assert_eq!(drift.only_there, ["GET /new"]);
    assert!(drift.only_here.iter().any(|call| call.starts_with("version ")));
    assert!(!drift.only_here.iter().any(|call| call.starts_with("groups ")));
}

/// Small documents of every odd shape.
fn schemas() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(serde_json::json!({ "type": "string" })),
        Just(serde_json::json!({ "type": ["integer", "null"], "minimum": 5, "maximum": 1 })),
        Just(serde_json::json!({ "$ref": "#/components/schemas/Loop" })),
        Just(serde_json::json!({ "$ref": "#/nowhere" })),
        Just(serde_json::json!({ "enum": [1, "two", null] })),
        Just(Json::Null),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-zA-Z_$. -]{0,8}", inner.clone(), 0..4)
                .prop_map(|members| serde_json::json!({ "type": "object", "properties": members })),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|parts| serde_json::json!({ "allOf": parts })),
            inner.prop_map(|items| serde_json::json!({ "type": "array", "items": items })),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_document_becomes_a_catalog_without_mistakes(
        path in "(/[a-zA-Z0-9_.-]{0,6}|/\\{[a-zA-Z]{1,5}\\}){1,4}",
        method in "get|post|put|patch|delete",
        schema in schemas(),
        summary in "\\PC{0,20}",
    ) {
        let document = serde_json::json!({
            "openapi": "3.0.0", "info": { "title": summary },
            "components": { "schemas": { "Loop": { "properties": { "self": { "$ref": "#/components/schemas/Loop" } } } } },
            "paths": { path: { method: { "summary": summary, "requestBody": { "content": { "application/json": { "schema": schema } } } } } },
        });
        let order = Order { id: "made", source: "a test", present: &[] };
        let made = import(&document.to_string(), &order);
        prop_assert!(made.is_ok(), "{:?}\n{}", made.err(), document);
    }

    #[test]
    fn any_expression_is_taken_or_left(url in "[a-z0-9/^$()?<>\\[\\]+|\\\\]{0,30}") {
        let text = serde_json::json!([{ "method": "GET", "url": url, "description": "x" }]).to_string();
        let order = Order { id: "made", source: "a test", present: &[] };
        prop_assert!(import(&text, &order).is_ok(), "{:?}", import(&text, &order).err());
    }
}
