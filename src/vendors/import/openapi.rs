//! OpenAPI 3.0 and 3.1, and Swagger 2.0.

use serde_json::{Map, Value as Json};

use super::{Found, FoundCall, FoundParam, effect_of, is_secret};

/// How deep references and objects are followed.
const DEEP: usize = 12;

/// How deep the members of objects are described; what is below is taken as it comes.
const MEMBERS: usize = 3;

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
            match document.call(path, method, item, operation, &mut found.warnings) {
                Ok(call) => found.calls.push(call),
                Err(why) => found.left_out.push(format!("{} {path}: {why}", method.to_uppercase())),
            }
        }
    }
    Ok(found)
}

struct Document<'a> {
    json: &'a Json,
    two: bool,
}

impl<'a> Document<'a> {
    /// The path before every call's: of the first server, or `basePath`.
    fn base(&self) -> String {
        let base = if self.two {
            self.json.get("basePath").and_then(Json::as_str).unwrap_or_default().to_owned()
        } else {
            let url = self.json.pointer("/servers/0/url").and_then(Json::as_str).unwrap_or_default();
            let path = url
                .split_once("://")
                .map_or(url, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""));
            path.to_owned()
        };
        let base = base.trim_end_matches('/');
        // Templates in a server's path cannot be filled.
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
        let target = reference.strip_prefix('#').and_then(|pointer| self.json.pointer(pointer));
        match target {
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
        let words = format!("{path} {}", text("operationId")).to_lowercase();
        let mut call = FoundCall {
            effect: effect_of(&upper, &words),
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

    /// A body by its schema: its members, the whole of it, or free.
    fn body_schema(&self, schema: &'a Json, call: &mut FoundCall, place: &'static str) {
        let schema = self.merged(schema, 0);
        let required: Vec<&str> =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let members = schema.get("properties").and_then(Json::as_object).filter(|members| !members.is_empty());
        match members {
            Some(members) => {
                for (name, member) in members {
                    let mut param = self.param_owned(name, member, place, 1);
                    param.required = required.contains(&name.as_str());
                    call.params.push(param);
                }
                call.body = Some(match place {
                    "part" => "multipart",
                    "form" => "form",
                    _ => "json",
                });
            }
            None if schema.get("type").and_then(Json::as_str) == Some("array") => {
                call.body = Some("json");
                call.params.push(FoundParam {
                    wire: "value".into(),
                    place: "body",
                    ty: "any".into(),
                    required: true,
                    root: true,
                    doc: "The whole body, a list.".into(),
                    ..FoundParam::default()
                });
            }
            None => call.body = Some("free"),
        }
    }

    /// A schema with what it is made of: `allOf` is joined, references are followed.
    fn merged(&self, schema: &Json, depth: usize) -> Json {
        let mut schema = schema;
        let mut steps = 0;
        while let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.json.pointer(pointer));
            steps += 1;
            match target {
                Some(target) if steps < DEEP => schema = target,
                _ => return Json::Null,
            }
        }
        let Some(parts) = schema.get("allOf").and_then(Json::as_array).filter(|_| depth < DEEP) else {
            return schema.clone();
        };
        let mut all = schema.clone();
        for part in parts {
            let part = self.merged(part, depth + 1);
            let (Some(all), Some(part)) = (all.as_object_mut(), part.as_object()) else { continue };
            for (key, value) in part {
                match (all.get_mut(key), value) {
                    (Some(Json::Object(there)), Json::Object(new)) => there.extend(new.clone()),
                    (Some(Json::Array(there)), Json::Array(new)) => there.extend(new.clone()),
                    (Some(_), _) => {}
                    (None, value) => {
                        all.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        all
    }

    fn param(&self, name: &str, schema: &Json, place: &'static str, depth: usize) -> FoundParam {
        self.param_owned(name, schema, place, depth)
    }

    fn param_owned(&self, name: &str, schema: &Json, place: &'static str, depth: usize) -> FoundParam {
        let schema = self.merged(schema, 0);
        let ty = self.type_of(&schema, place);
        let number = |key: &str| schema.get(key).and_then(Json::as_i64);
        let scalar = matches!(ty.as_str(), "string" | "int");
        let choices: Vec<Json> = schema.get("enum").and_then(Json::as_array).cloned().unwrap_or_default();
        let fits = |value: &Json| if ty == "int" { value.is_i64() } else { value.is_string() };
        let mut fields = Vec::new();
        if ty == "object" && depth < MEMBERS {
            let required: Vec<&str> = schema
                .get("required")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(Json::as_str)
                .collect();
            for (name, member) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
                let mut field = self.param_owned(name, member, "", depth + 1);
                field.required = required.contains(&name.as_str());
                fields.push(field);
            }
            let mut seen = std::collections::BTreeSet::new();
            fields.retain(|field| seen.insert(super::name::snake(&field.wire)));
        }
        let limits = if ty == "int" { (number("minimum"), number("maximum")) } else { (None, None) };
        let limits = if limits.0.zip(limits.1).is_some_and(|(min, max)| min > max) { (None, None) } else { limits };
        FoundParam {
            wire: name.to_owned(),
            place,
            secret: (is_secret(name) || schema.get("format").and_then(Json::as_str) == Some("password"))
                && ty == "string",
            choices: if scalar && choices.iter().all(fits) { choices } else { Vec::new() },
            limits,
            fields,
            doc: schema.get("description").and_then(Json::as_str).unwrap_or_default().to_owned(),
            ty,
            ..FoundParam::default()
        }
    }

    fn type_of(&self, schema: &Json, place: &str) -> String {
        // 3.1 writes a list of types: that it may be null says nothing on what is sent.
        let ty = match schema.get("type") {
            Some(Json::Array(types)) => {
                let mut real = types.iter().filter_map(Json::as_str).filter(|ty| *ty != "null");
                match (real.next(), real.next()) {
                    (Some(only), None) => only.to_owned(),
                    _ => String::new(),
                }
            }
            Some(Json::String(ty)) => ty.clone(),
            _ => String::new(),
        };
        let format = schema.get("format").and_then(Json::as_str).unwrap_or_default();
        let whole = schema.get("properties").is_some();
        match (ty.as_str(), format) {
            ("file", _) | ("string", "binary") if place == "part" => "file".into(),
            ("string", "date-time") => "time:iso".into(),
            ("string", "date") => "time:date".into(),
            ("string", _) => "string".into(),
            ("integer", _) => "int".into(),
            ("number", _) => "float".into(),
            ("boolean", _) => "bool".into(),
            ("array", _) => {
                let inner =
                    schema.get("items").map(|items| self.type_of(&self.merged(items, 0), "")).unwrap_or_default();
                match inner.as_str() {
                    "string" | "int" | "float" | "bool" | "object" => format!("[{inner}]"),
                    _ => "any".into(),
                }
            }
            ("object", _) => "object".into(),
            ("", _) if whole => "object".into(),
            _ if place == "path" || place == "query" || place == "header" => "string".into(),
            _ => "any".into(),
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
        let binary = content.is_some_and(|content| {
            !content.is_empty()
                && content.keys().all(|kind| kind.starts_with("application/octet-stream") || kind.contains("zip"))
        });
        if binary || answer.pointer("/schema/type").and_then(Json::as_str) == Some("file") {
            return "download";
        }
        "any"
    }
}
