//! What raw requests are taken for.

use serde_json::json;

use super::sample::{CHANGE, DELTA, READ, raw};
use crate::catalog::Effect::{self, Change, Destroy, Read};
use crate::door::RawRequest;
use crate::door::policy::classify;
use crate::value::Value;

#[test]
fn without_a_row_the_method_decides() {
    let table = [
        ("GET", Read),
        ("HEAD", Read),
        ("get", Read),
        ("POST", Change),
        ("PUT", Change),
        ("PATCH", Change),
        ("OPTIONS", Change),
        ("DELETE", Destroy),
        ("delete", Destroy),
    ];
    for (method, wanted) in table {
        assert_eq!(classify(&raw(method, "/x", None), None).effect, wanted, "{method}");
    }
}

#[test]
fn with_a_row_the_row_decides_whatever_the_method() {
    assert_eq!(classify(&raw("GET", "/x", None), Some(&CHANGE)).effect, Change);
    assert_eq!(classify(&raw("POST", "/x", None), Some(&READ)).effect, Read);
}

#[test]
fn a_script_raises_and_never_lowers() {
    let declared = |method: &str, effect: Effect| {
        let request = RawRequest { effect: Some(effect), ..raw(method, "/x", None) };
        classify(&request, None).effect
    };
    assert_eq!(declared("GET", Destroy), Destroy);
    assert_eq!(declared("POST", Read), Change);
    assert_eq!(declared("DELETE", Change), Destroy);
}

#[test]
fn content_raises_a_raw_request_as_it_raises_the_call() {
    let effect = |body| classify(&raw("PATCH", "/x", Some(body)), Some(&DELTA)).effect;
    assert_eq!(effect(json!({ "add": [1], "remove": [] })), Change);
    assert_eq!(effect(json!({ "add": [], "remove": [1] })), Destroy);
    assert_eq!(effect(json!("not an object")), Destroy);
}

#[test]
fn items_are_counted_as_the_row_counts_them() {
    let request = raw("PATCH", "/x", Some(json!({ "add": [1, 2, 3], "remove": [4] })));
    assert_eq!(classify(&request, Some(&DELTA)).items, 4);
    assert_eq!(classify(&request, None).items, 1);
    let request = RawRequest { body: Some(Value::Null), ..request };
    assert_eq!(classify(&request, Some(&DELTA)).items, 0);
}
