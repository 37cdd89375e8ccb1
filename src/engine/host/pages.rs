//! Long lists, page by page: an iterator that asks for the next page when it is needed.

use std::sync::Arc;

use rhai::{Dynamic, EvalAltResult, Map, Module, NativeCallContext, Position};

use super::targets::split;
use crate::catalog::{PageStyle, Paging, Row, bind};
use crate::door::{Action, Reply};
use crate::engine::context::{RunContext, current_branch};
use crate::engine::types::Target;
use crate::engine::{decode, error};
use crate::fault::{Failure, Fault, FaultKind};
use crate::value::{Map as Args, Value};

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// All entries of a call, as a script iterates over them.
#[derive(Clone)]
pub struct Pages {
    run: Arc<RunContext>,
    target: Target,
    row: &'static Row,
    paging: Paging,
    positional: Vec<Value>,
    args: Args,
    size: i64,
    position: Position,
}

pub(super) fn register(module: &mut Module) {
    module.set_custom_type::<Pages>("Pages");
    module.set_iter_result(std::any::TypeId::of::<Pages>(), |pages: Dynamic| {
        let Some(pages) = pages.try_cast::<Pages>() else { return Box::new(std::iter::empty()) };
        Box::new(Walk { pages, at: 0, page: Vec::new().into_iter(), more: true })
    });
}

/// What `CALL_pages(…)` gives. Nothing is asked yet.
pub(super) fn begin(
    context: &NativeCallContext<'_>,
    run: &Arc<RunContext>,
    target: &Target,
    row: &'static Row,
    arguments: &mut [&mut Dynamic],
) -> Answer<Dynamic> {
    let Some(paging) = row.paging else {
        return Err(error::invalid(format!("{} does not come in pages", row.name), context));
    };
    let (positional, args) = split(context, row, arguments)?;
    let mut args = args.into_map();
    let (start, length) = paging.style.keys();
    if args.contains_key(start) {
        let message = format!("{}_pages walks through all pages by itself: leave out {start}", row.name);
        return Err(error::invalid(message, context));
    }
    let size = match args.remove(length) {
        None => i64::from(paging.size),
        Some(Value::Int(size)) if (1..=i64::from(paging.size)).contains(&size) => size,
        Some(_) => {
            return Err(error::invalid(format!("{length} must be an int from 1 to {}", paging.size), context));
        }
    };
    // Mistakes are told here, and not when the first page is asked for.
    let mut first = args.clone();
    add_page(&mut first, paging.style, 0, size);
    bind(row, positional.clone(), first).map_err(|fault| error::throw(fault.on(&target.name), context))?;
    Ok(Dynamic::from(Pages {
        run: Arc::clone(run),
        target: target.clone(),
        row,
        paging,
        positional,
        args,
        size,
        position: context.call_position(),
    }))
}

fn add_page(args: &mut Args, style: PageStyle, at: i64, size: i64) {
    let (start, length) = style.keys();
    args.insert(start.into(), Value::Int(if style == PageStyle::Numbers { at / size + 1 } else { at }));
    args.insert(length.into(), Value::Int(size));
}

struct Walk {
    pages: Pages,
    /// The slot at which the next page begins.
    at: i64,
    page: std::vec::IntoIter<Dynamic>,
    more: bool,
}

impl Iterator for Walk {
    type Item = Answer<Dynamic>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.page.next() {
                return Some(Ok(entry));
            }
            if !std::mem::take(&mut self.more) {
                return None;
            }
            if let Err(error) = self.turn() {
                return Some(Err(error));
            }
        }
    }
}

impl Walk {
    /// Asks for the next page, and decides whether there is another one behind it.
    fn turn(&mut self) -> Answer<()> {
        let pages = &self.pages;
        let mut args = pages.args.clone();
        add_page(&mut args, pages.paging.style, self.at, pages.size);
        let throw = |fault: Fault| -> Box<EvalAltResult> {
            error::thrown(fault.on(&pages.target.name).during(pages.row.name), pages.position)
        };
        let call = bind(pages.row, pages.positional.clone(), args).map_err(throw)?;
        let action = Action::Call { target: Arc::clone(&pages.target.name), call };
        let reply = match pages.run.passage.pass(&current_branch(), action) {
            Ok(reply) => reply,
            // Entries may have gone since the page before: there is nothing behind the end.
            Err(Failure::Fault(fault))
                if fault.kind == FaultKind::NotFound && pages.paging.style == PageStyle::Numbers && self.at > 0 =>
            {
                return Ok(());
            }
            Err(Failure::Fault(fault)) => return Err(throw(*fault)),
            Err(Failure::Stop(stop)) => return Err(pages.run.stopped(stop, pages.position)),
        };
        let Reply::Http(answer) = reply else { return Ok(()) };
        let assumed = answer.assumed;
        let mut value = decode::answer(&answer).map_err(throw)?;
        if let Some(list) = value.as_array_mut().ok().map(|mut list| std::mem::take(&mut *list)) {
            // A bare list is all there is.
            self.page = list.into_iter();
            return Ok(());
        }
        let Ok(mut map) = value.as_map_mut() else {
            let message = format!("{} did not answer with a page", pages.row.name);
            return Err(throw(Fault::new(FaultKind::Decode, message)));
        };
        let entries = match map.get_mut(pages.paging.items) {
            None => Vec::new(),
            Some(entries) => entries.as_array_mut().map(|mut list| std::mem::take(&mut *list)).unwrap_or_default(),
        };
        let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        self.at = self.at.saturating_add(pages.size);
        self.more = !assumed && another(pages.paging.style, &map, count, self.at, pages.size);
        self.page = entries.into_iter();
        Ok(())
    }
}

/// Whether a page of `count` entries, after which the slot `at` comes, has another one behind it.
fn another(style: PageStyle, page: &Map, count: i64, at: i64, size: i64) -> bool {
    let meta = |name: &str| -> Option<Dynamic> { page.get("meta")?.read_lock::<Map>()?.get(name).cloned() };
    let number = |name: &str| meta(name).and_then(|value| value.as_int().ok());
    match style {
        PageStyle::Slots => {
            let read = number("totalCount").unwrap_or(count).max(count);
            read + number("num_bad_records").unwrap_or(0) >= size
        }
        PageStyle::Total => match number("totalCount").filter(|total| *total >= 0) {
            Some(total) => count > 0 && at < total,
            None => count >= size,
        },
        PageStyle::Numbers => count > 0 && page.get("next").is_some_and(|next| !next.is_unit()),
        PageStyle::Links => count > 0 && meta("next").is_some_and(|next| !next.is_unit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(json: &str) -> Map {
        let engine = rhai::Engine::new_raw();
        engine.parse_json(json, true).unwrap()
    }

    #[test]
    fn unreadable_entries_have_used_up_the_page() {
        let full = page(r#"{"meta": {"totalCount": 14, "num_bad_records": 6}}"#);
        assert!(another(PageStyle::Slots, &full, 14, 20, 20));
        let last = page(r#"{"meta": {"totalCount": 14, "num_bad_records": 5}}"#);
        assert!(!another(PageStyle::Slots, &last, 14, 20, 20));
    }

    #[test]
    fn a_total_of_all_entries_ends_the_walk() {
        let some = page(r#"{"meta": {"totalCount": 45}}"#);
        assert!(another(PageStyle::Total, &some, 20, 40, 20));
        assert!(!another(PageStyle::Total, &some, 5, 60, 20));
        assert!(!another(PageStyle::Total, &some, 0, 40, 20), "an empty page ends it in any case");
        assert!(another(PageStyle::Total, &page(r#"{"meta": {"totalCount": -1}}"#), 20, 20, 20), "-1 is no count");
    }

    #[test]
    fn a_next_that_is_null_ends_the_walk() {
        assert!(another(PageStyle::Numbers, &page(r#"{"next": "https://x/?page=2"}"#), 3, 3, 3));
        assert!(!another(PageStyle::Numbers, &page(r#"{"next": null}"#), 3, 3, 3));
        assert!(!another(PageStyle::Links, &page(r#"{"meta": {"next": null}}"#), 3, 3, 3));
    }
}
