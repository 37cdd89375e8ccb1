//! What a schema says of a parameter or a body.

use serde_json::Value as Json;

use super::openapi::{DEEP, Document, pointed};
use super::{FoundCall, FoundParam, is_secret, name};

/// How deep the members of objects are described; what is below is taken as it comes.
const MEMBERS: usize = 3;

/// Whether a schema stands for bytes: 2.0 says `file`, 3.0 `format: binary`, 3.1 a media type.
pub fn is_file(schema: &Json) -> bool {
    let says = |key: &str, word: &str| schema.get(key).and_then(Json::as_str) == Some(word);
    says("type", "file") || says("format", "binary") || schema.get("contentMediaType").is_some()
}

impl<'a> Document<'a> {
    /// A body by its schema: its members, the whole of it, or free.
    pub(super) fn body_schema(&self, schema: &'a Json, call: &mut FoundCall, place: &'static str) {
        let schema = self.merged(schema, 0);
        let required: Vec<&str> =
            schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
        let members = schema.get("properties").and_then(Json::as_object).filter(|members| !members.is_empty());
        match members {
            Some(members) => {
                for (name, member) in members {
                    let mut param = self.param(name, member, place, 1);
                    param.required = required.contains(&name.as_str()) && !self.is_read_only(member);
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

    /// Whether a member comes in answers only. It may be there when an object goes back as it came, and
    /// nobody has to give it.
    fn is_read_only(&self, member: &Json) -> bool {
        self.merged(member, 0).get("readOnly") == Some(&Json::Bool(true))
    }

    /// A schema with what it is made of: `allOf` is joined, references are followed.
    pub(super) fn merged(&self, schema: &Json, depth: usize) -> Json {
        let mut schema = schema;
        let mut steps = 0;
        while let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            steps += 1;
            match pointed(self.json, reference) {
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

    /// A parameter, or a member of a body, by its schema.
    pub(super) fn param(&self, name: &str, schema: &Json, place: &'static str, depth: usize) -> FoundParam {
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
                let mut field = self.param(name, member, "", depth + 1);
                field.required = required.contains(&name.as_str()) && !self.is_read_only(member);
                fields.push(field);
            }
            let mut seen = std::collections::BTreeSet::new();
            fields.retain(|field| seen.insert(name::snake(&field.wire)));
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
            ("file" | "string", _) if place == "part" && is_file(schema) => "file".into(),
            // Several files of one name cannot be sent: it is one of them.
            ("array", _)
                if place == "part" && schema.get("items").is_some_and(|items| is_file(&self.merged(items, 0))) =>
            {
                "file".into()
            }
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
}
