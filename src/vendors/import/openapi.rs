//! OpenAPI 3.0 and 3.1, and Swagger 2.0.

use serde_json::{Map, Value as Json};

use super::schema::is_file;
use super::{Found, FoundCall, FoundParam, effect_of};

/// How deep references and objects are followed.
pub(super) const DEEP: usize = 12;

/// What the document tells.
///
/// # Errors
/// A version that is not known, or a document without paths.
pub fn read(json: &Json) -> Result<Found, String> {
    let text = |path: &str| json.pointer(path).and_then(Json::as_str).unwrap_or_default().to_owned();
    let version = if json.get("swagger").is_some() { text("/swagger") } else { text("/openapi") };
    let two = version.starts_with("2.");
    if !two && !version.starts_with("3.0") && !version.starts_with("3.1") {
        return Err(format!("version '{version}' is not known: OpenAPI 3.0 or 3.1, or Swagger 2.0 (as a text)"));
    }
    let Some(paths) = json.get("paths").and_then(Json::as_object) else {
        return Err("the document has no /paths: there is no call in it".into());
    };
    let document = Document { json, two };
    let mut found = Found { title: text("/info/title"), base: document.base(), ..Found::default() };
    document.security(&mut found);
    for (path, item) in paths {
        let Some(item) = document.resolve(item, 0).as_object() else {
            found.left_out.push(format!("{path}: it is no object"));
            continue;
        };
        for method in ["get", "head", "post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method).map(|operation| document.resolve(operation, 0)) else { continue };
            if let Some(server) = operation.pointer("/servers/0").or_else(|| item.get("servers")?.get(0))
                && path_of_server(server).trim_end_matches('/') != found.base
            {
                let why = "it is at a server of its own; use request() for it";
                found.left_out.push(format!("{} {path}: {why}", method.to_uppercase()));
                continue;
            }
            match document.call(path, method, item, operation, &mut found.warnings) {
                Ok(call) => found.calls.push(call),
                Err(why) => found.left_out.push(format!("{} {path}: {why}", method.to_uppercase())),
            }
        }
    }
    Ok(found)
}

/// The path of a server's URL, its variables filled with their defaults.
fn path_of_server(server: &Json) -> String {
    let mut url = server.get("url").and_then(Json::as_str).unwrap_or_default().to_owned();
    for (name, variable) in server.get("variables").and_then(Json::as_object).into_iter().flatten() {
        if let Some(default) = variable.get("default").and_then(Json::as_str) {
            url = url.replace(&format!("{{{name}}}"), default);
        }
    }
    let path = url.split_once("://").map(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default());
    path.unwrap_or(&url).to_owned()
}

/// What a pointer within the document names: `~1` stands for a slash, `%20` for a space.
pub(super) fn pointed<'a>(json: &'a Json, reference: &str) -> Option<&'a Json> {
    let pointer = reference.strip_prefix('#')?;
    json.pointer(&percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?)
}

pub(super) struct Document<'a> {
    pub(super) json: &'a Json,
    two: bool,
}

impl<'a> Document<'a> {
    /// The path before every call's: of the first server, or `basePath`.
    fn base(&self) -> String {
        let base = if self.two {
            self.json.get("basePath").and_then(Json::as_str).unwrap_or_default().to_owned()
        } else {
            self.json.pointer("/servers/0").map(path_of_server).unwrap_or_default()
        };
        let base = base.trim_end_matches('/');
        // Templates without a value cannot be filled.
        if base.contains(['{', '?', '#']) || !(base.is_empty() || base.starts_with('/')) {
            String::new()
        } else {
            base.to_owned()
        }
    }

    fn security(&self, found: &mut Found) {
        let at = if self.two { "/securityDefinitions" } else { "/components/securitySchemes" };
        for (name, scheme) in self.json.pointer(at).and_then(Json::as_object).into_iter().flatten() {
            let scheme = self.resolve(scheme, 0);
            let text = |key: &str| scheme.get(key).and_then(Json::as_str).unwrap_or_default().to_lowercase();
            let method = match (text("type").as_str(), text("scheme").as_str(), text("in").as_str()) {
                ("basic", ..) | ("http", "basic", _) => "basic",
                ("http", "bearer", _) | ("oauth2" | "openidconnect", ..) => "bearer",
                ("apikey", _, "header") => {
                    scheme.get("name").and_then(Json::as_str).unwrap_or("x-api-key").clone_into(&mut found.auth_header);
                    "header"
                }
                (kind, ..) => {
                    found
                        .warnings
                        .push(format!("the security scheme '{name}' ({kind}) is not one that Beadle can use"));
                    continue;
                }
            };
            if !found.auth.contains(&method) {
                found.auth.push(method);
            }
        }
        if found.auth.is_empty() {
            found.auth.push("none");
        }
    }

    /// What a reference points to; an empty object where it leads nowhere, or round in a circle.
    fn resolve(&self, json: &'a Json, depth: usize) -> &'a Json {
        let Some(reference) = json.get("$ref").and_then(Json::as_str) else { return json };
        match pointed(self.json, reference) {
            Some(target) if depth < DEEP => self.resolve(target, depth + 1),
            _ => &Json::Null,
        }
    }

    fn call(
        &self,
        path: &str,
        method: &str,
        item: &'a Map<String, Json>,
        operation: &'a Json,
        warnings: &mut Vec<String>,
    ) -> Result<FoundCall, String> {
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return Err("a path begins with a slash and has no query".into());
        }
        let whole = |part: &str| {
            !part.contains(['{', '}'])
                || (part.starts_with('{') && part.ends_with('}') && part.matches('{').count() == 1)
        };
        if !path.split('/').all(whole) {
            return Err("a placeholder is only a part of a segment; use request() for it".into());
        }
        let text = |key: &str| operation.get(key).and_then(Json::as_str).unwrap_or_default();
        let summary = if text("summary").is_empty() {
            text("description").split(['\n', '.']).next().unwrap_or_default()
        } else {
            text("summary")
        };
        let upper = method.to_uppercase();
        let mut call = FoundCall {
            effect: effect_of(&upper, path, text("operationId")),
            summary: summary.to_owned(),
            area: operation.pointer("/tags/0").and_then(Json::as_str).unwrap_or("General").to_owned(),
            method: upper,
            path: path.to_owned(),
            shape: self.shape(operation),
            ..FoundCall::default()
        };
        self.parameters(item, operation, &mut call, warnings);
        if !self.two
            && let Some(body) = operation.get("requestBody")
        {
            self.request_body(self.resolve(body, 0), &mut call);
        }
        for placeholder in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            if !call.params.iter().any(|param| param.place == "path" && param.wire == placeholder) {
                call.params.push(FoundParam {
                    wire: placeholder.to_owned(),
                    place: "path",
                    ty: "string".into(),
                    required: true,
                    ..FoundParam::default()
                });
            }
        }
        call.params.retain(|param| param.place != "path" || path.contains(&format!("{{{}}}", param.wire)));
        // One parameter of a name: the path goes before the query, the query before the body.
        let order = ["path", "query", "header", "form", "part", "body"];
        call.params.sort_by_key(|param| order.iter().position(|place| *place == param.place));
        let mut seen = std::collections::BTreeSet::new();
        call.params.retain(|param| seen.insert(super::name::snake(&param.wire)) || param.place == "path");
        let in_body = |param: &FoundParam| matches!(param.place, "body" | "form" | "part");
        if matches!(call.method.as_str(), "GET" | "HEAD") && call.params.iter().any(in_body) {
            call.body = Some("json");
        }
        Ok(call)
    }

    fn parameters(
        &self,
        item: &'a Map<String, Json>,
        operation: &'a Json,
        call: &mut FoundCall,
        warnings: &mut Vec<String>,
    ) {
        let own = operation.get("parameters").and_then(Json::as_array).into_iter().flatten();
        let shared = item.get("parameters").and_then(Json::as_array).into_iter().flatten();
        let mut seen = std::collections::BTreeSet::new();
        for parameter in own.chain(shared).map(|parameter| self.resolve(parameter, 0)) {
            let name = parameter.get("name").and_then(Json::as_str).unwrap_or_default();
            let place = parameter.get("in").and_then(Json::as_str).unwrap_or_default();
            if !seen.insert((name, place)) {
                continue;
            }
            let place = match place {
                "path" => "path",
                "query" => "query",
                "header" if ["accept", "content-type", "authorization"].contains(&name.to_lowercase().as_str()) => {
                    continue;
                }
                "header" => "header",
                "formData" => {
                    let file = parameter.get("type").and_then(Json::as_str) == Some("file");
                    let multipart = self.consumes(operation).any(|kind| kind.starts_with("multipart/"));
                    if file || multipart { "part" } else { "form" }
                }
                "body" => {
                    self.body_schema(parameter.get("schema").unwrap_or(&Json::Null), call, "body");
                    continue;
                }
                other => {
                    warnings
                        .push(format!("{} {}: the parameter '{name}' in {other} is left out", call.method, call.path));
                    continue;
                }
            };
            let schema = parameter.get("schema").unwrap_or(parameter);
            let mut param = self.param(name, schema, place, 0);
            if place == "query" && param.ty == "object" {
                let why = "is an object, for which queries have no one form: it is a text here";
                warnings.push(format!("{} {}: the parameter '{name}' {why}", call.method, call.path));
                (param.ty, param.fields) = ("string".into(), Vec::new());
            }
            param.join = self.join(parameter);
            param.required = place == "path" || parameter.get("required") == Some(&Json::Bool(true));
            if let Some(doc) = parameter.get("description").and_then(Json::as_str) {
                doc.clone_into(&mut param.doc);
            }
            call.params.push(param);
        }
        if call.params.iter().any(|param| param.place == "part") {
            for param in call.params.iter_mut().filter(|param| param.place == "form") {
                param.place = "part";
            }
        }
    }

    /// What stands between the entries of a list: 2.0 joins them by commas unless it says otherwise, 3
    /// repeats the name unless it says otherwise.
    fn join(&self, parameter: &Json) -> &'static str {
        let text = |key: &str| parameter.get(key).and_then(Json::as_str).unwrap_or_default();
        let schema = parameter.get("schema").map(|schema| self.merged(schema, 0));
        if schema.as_ref().unwrap_or(parameter).get("type").and_then(Json::as_str) != Some("array") {
            return "";
        }
        let exploded = parameter.get("explode").and_then(Json::as_bool);
        match (self.two, text("collectionFormat"), text("style")) {
            (true, "multi", _) => "",
            (true, "ssv", _) | (false, _, "spaceDelimited") => " ",
            (true, "tsv", _) => "\t",
            (true, "pipes", _) | (false, _, "pipeDelimited") => "|",
            (true, ..) => ",",
            (false, ..) if exploded == Some(false) => ",",
            (false, ..) => "",
        }
    }

    fn consumes(&self, operation: &'a Json) -> impl Iterator<Item = &'a str> {
        let kinds = operation.get("consumes").or_else(|| self.json.get("consumes"));
        kinds.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
    }

    fn request_body(&self, body: &'a Json, call: &mut FoundCall) {
        let Some(content) = body.get("content").and_then(Json::as_object) else { return };
        let find = |wanted: &str| content.iter().find(|(kind, _)| kind.contains(wanted)).map(|(_, media)| media);
        let schema = |media: &'a Json| media.get("schema").unwrap_or(&Json::Null);
        if let Some(media) = find("json") {
            self.body_schema(schema(media), call, "body");
        } else if let Some(media) = find("multipart/") {
            self.body_schema(schema(media), call, "part");
        } else if let Some(media) = find("x-www-form-urlencoded") {
            self.body_schema(schema(media), call, "form");
        } else {
            call.body = Some("file");
            call.params.push(FoundParam {
                wire: "file".into(),
                place: "body",
                ty: "file".into(),
                required: true,
                ..FoundParam::default()
            });
        }
    }

    /// What comes back, as far as the first answer of success says.
    fn shape(&self, operation: &'a Json) -> &'static str {
        let Some(responses) = operation.get("responses").and_then(Json::as_object) else { return "any" };
        let Some(answer) =
            responses.iter().find(|(status, _)| status.starts_with('2')).map(|(_, answer)| self.resolve(answer, 0))
        else {
            return "any";
        };
        let content = answer.get("content").and_then(Json::as_object);
        let bytes = |(kind, media): (&String, &Json)| {
            kind.starts_with("application/octet-stream")
                || kind.contains("zip")
                || media.get("schema").is_some_and(|schema| is_file(&self.merged(schema, 0)))
        };
        let binary = content.is_some_and(|content| !content.is_empty() && content.iter().all(bytes));
        if binary || answer.get("schema").is_some_and(|schema| is_file(&self.merged(schema, 0))) {
            return "download";
        }
        "any"
    }
}
