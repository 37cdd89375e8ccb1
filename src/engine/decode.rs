//! JSON straight into script values, with what the row knows of the answer.

use std::fmt;

use rhai::{Array, Dynamic, Map};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::catalog::{Field, Row, Shape};
use crate::door::HttpAnswer;
use crate::fault::{Fault, FaultKind};
use crate::secret::Secret;

/// The script value of an answer.
///
/// # Errors
/// `decode`, when the body is not the JSON that it should be.
pub fn answer(answer: &HttpAnswer) -> Result<Dynamic, Fault> {
    let shape = answer.row.map(|row| row.answer.shape);
    let list = shape == Some(Shape::List);
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(if list { Dynamic::from(Array::new()) } else { Dynamic::UNIT });
    }
    if shape == Some(Shape::Text) {
        return Ok(String::from_utf8_lossy(&answer.body).into_owned().into());
    }
    match json(&answer.body) {
        Ok(value) if value.is_unit() && list => Ok(Dynamic::from(Array::new())),
        Ok(mut value) => {
            if let Some(row) = answer.row {
                complete(row, &mut value);
            }
            Ok(value)
        }
        // What is not known to be JSON may be a text.
        Err(_) if !matches!(shape, Some(Shape::List | Shape::Object)) => {
            Ok(String::from_utf8_lossy(&answer.body).into_owned().into())
        }
        Err(error) => Err(Fault::new(
            FaultKind::Decode,
            format!("the answer is broken JSON: {error} of {} bytes", answer.body.len()),
        )
        .with_status(answer.status)),
    }
}

/// A JSON text as a script value. Whole numbers beyond 64 bits become texts, never floats.
///
/// # Errors
/// Where the text stops being JSON.
pub fn json(text: &[u8]) -> Result<Dynamic, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Json.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Puts in `()` for optional fields that are absent, and wraps secret ones.
fn complete(row: &Row, value: &mut Dynamic) {
    let special: Vec<&Field> = row.answer.fields.iter().filter(|field| field.optional || field.secret).collect();
    if special.is_empty() {
        return;
    }
    if let Some(mut items) = value.write_lock::<Array>() {
        items.iter_mut().for_each(|item| complete_object(&special, item));
        return;
    }
    complete_object(&special, value);
}

fn complete_object(fields: &[&Field], value: &mut Dynamic) {
    let Some(mut map) = value.write_lock::<Map>() else { return };
    for field in fields {
        match map.get_mut(field.name) {
            None if field.optional && !field.name.contains('.') => {
                map.insert(field.name.into(), Dynamic::UNIT);
            }
            Some(slot) if field.secret => {
                if let Ok(text) = slot.clone().into_string() {
                    *slot = Dynamic::from(Secret::new(field.name, text));
                }
            }
            _ => {}
        }
    }
}

struct Json;

impl<'de> DeserializeSeed<'de> for Json {
    type Value = Dynamic;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Dynamic, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = Dynamic;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Dynamic, E> {
        Ok(Dynamic::UNIT)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Dynamic, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Dynamic, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Dynamic, E> {
        Ok(i64::try_from(number).map_or_else(|_| number.to_string().into(), Dynamic::from))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Dynamic, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Dynamic, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Dynamic, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Dynamic, A::Error> {
        let mut items = Array::new();
        while let Some(item) = access.next_element_seed(Json)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Dynamic, A::Error> {
        let mut map = Map::new();
        while let Some(name) = access.next_key::<std::borrow::Cow<'de, str>>()? {
            map.insert(name.as_ref().into(), access.next_value_seed(Json)?);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_stay_exact_and_names_stay_text() {
        let value =
            json(br#"{"block": 106209384765432, "huge": 18446744073709551615, "edition": "608174e50003"}"#).unwrap();
        let map = value.cast::<Map>();
        assert_eq!(map["block"].as_int().unwrap(), 106_209_384_765_432);
        assert_eq!(map["huge"].clone().into_string().unwrap(), "18446744073709551615");
        assert_eq!(map["edition"].clone().into_string().unwrap(), "608174e50003");
    }

    #[test]
    fn what_follows_the_document_is_an_error() {
        assert!(json(b"[1] x").is_err());
        assert!(json(b"[1").is_err());
    }
}
