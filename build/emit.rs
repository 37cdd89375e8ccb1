//! Vendors as Rust source, with their rows packed in files beside it.

use std::path::Path;
use std::sync::OnceLock;

use crate::catalog::packed::{Head, Packed, Span};
use crate::catalog::row::{Refusal, Vendor};
use crate::catalog::rows::Rows;
use crate::pack::Packer;

/// Writes a vendor's rows to files in `out`, and gives the vendor as a `static` item called `name`.
///
/// # Errors
/// A file cannot be written, or the rows would not be read as they are.
pub fn vendor(name: &str, vendor: &Vendor, out: &Path) -> Result<String, String> {
    let packed = packed(vendor)?;
    let (texts, bytes) = (format!("{}.texts", vendor.id), format!("{}.rows", vendor.id));
    let write = |file: &str, bytes: &[u8]| std::fs::write(out.join(file), bytes).map_err(|error| error.to_string());
    write(&texts, packed.texts.as_bytes())?;
    write(&bytes, packed.bytes)?;
    let heads: String = packed.heads.iter().map(head).collect();
    let count = packed.heads.len();
    Ok(format!(
        "static {name}_HEADS: [Head; {count}] = [\n{heads}];\n\
         static {name}_ROWS: [OnceLock<Option<&Row>>; {count}] = [const {{ OnceLock::new() }}; {count}];\n\
         static {name}_PACKED: Packed = Packed {{ \
         texts: include_str!(concat!(env!(\"OUT_DIR\"), \"/{texts}\")), \
         bytes: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{bytes}\")), \
         heads: &{name}_HEADS, rows: &{name}_ROWS }};\n\
         static {name}: Vendor = Vendor {{ id: {:?}, title: {:?}, base: {:?}, auth_header: {:?}, products: &{:?}, \
         accept: {:?}, at: {:?}, auth: &{:?}, query_raw: {:?}, refusal: {}, rows: Rows::packed(&{name}_PACKED) }};\n",
        vendor.id,
        vendor.title,
        vendor.base,
        vendor.auth_header,
        vendor.products,
        vendor.accept,
        vendor.at,
        vendor.auth,
        vendor.query_raw,
        vendor.refusal.as_ref().map_or_else(|| "None".to_owned(), |refusal| format!("Some({})", refusal_of(refusal))),
    ))
}

/// A vendor's rows, packed, and compared with what the program will read of them.
fn packed(vendor: &Vendor) -> Result<&'static Packed, String> {
    let mut packer = Packer::default();
    // What is looked at in every row stands close together: the names before all other texts.
    let names: Vec<_> = vendor.rows.iter().map(|row| [row.name, row.update].map(|text| packer.text(text))).collect();
    let mut heads = Vec::with_capacity(names.len());
    for (row, [name, update]) in vendor.rows.iter().zip(names) {
        heads.push(Head {
            name: span(name)?,
            update: span(update)?,
            kind: row.kind,
            paths: small(row.path_params().count())?,
            paged: row.paging.is_some(),
            at: small(packer.row(row))?,
        });
    }
    let packed: &Packed = Box::leak(Box::new(Packed {
        texts: packer.texts.leak(),
        bytes: packer.bytes.leak(),
        rows: heads.iter().map(|_| OnceLock::new()).collect::<Vec<_>>().leak(),
        heads: heads.leak(),
    }));
    match Rows::packed(packed) == vendor.rows {
        true => Ok(packed),
        false => Err(format!("{}: its rows are unpacked as others than were packed", vendor.id)),
    }
}

fn span((at, len): (usize, usize)) -> Result<Span, String> {
    Ok(Span { at: small(at)?, len: small(len)? })
}

fn small<T: TryFrom<usize>>(number: usize) -> Result<T, String> {
    number.try_into().map_err(|_| format!("{number} is too large to be packed"))
}

fn head(head: &Head) -> String {
    let Head { name, update, kind, paths, paged, at } = head;
    let span = |Span { at, len }: &Span| format!("Span {{ at: {at}, len: {len} }}");
    let (name, update) = (span(name), span(update));
    format!(
        "Head {{ name: {name}, update: {update}, kind: Kind::{kind:?}, paths: {paths}, paged: {paged}, at: {at} }},\n"
    )
}

fn refusal_of(refusal: &Refusal) -> String {
    format!("Refusal {{ pattern: {:?}, fields: &{:?} }}", refusal.pattern, refusal.fields)
}
