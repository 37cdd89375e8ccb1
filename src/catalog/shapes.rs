//! What rows are made of, written down once: the build packs rows by this list, and the program unpacks them
//! by it. A part that is missing here does not compile there.

/// Hands every type that a row is made of to the macro `$with`. A variant has its parts as `place: name`. Lists of
/// what is `shared` occur in many rows.
macro_rules! shapes {
    ($with:ident) => {
        $with! { struct Row {
            vendor, name, method, base, path, kind, effect, raises, area, summary, doc, keywords, params, rules, body,
            wrap, content_type, chunked, anonymous, on, answer, paging, update, missing, alternate, lost_answer,
            inverse, before, edits, items, job, since, until, slow, source, confidence, experimental, example,
        } }
        $with! { shared struct Param {
            name, wire, place, ty, required, required_if, default, min, max, choices, forbid, secret, pick, open, root,
            join, plus, harms, fields, doc,
        } }
        $with! { struct Raise { param, equals, effect } }
        $with! { struct Condition { param, equals } }
        $with! { struct Paging { style, items, size } }
        $with! { struct Answer { shape, fields, refusal, accepts, may_be_empty } }
        $with! { shared struct Field { name, ty, optional, volatile, secret, doc } }
        $with! { struct Refusal { pattern, fields } }
        $with! { struct Before { call, args, at, same } }
        $with! { struct Edit { list, with, key, how, under, also, when } }
        $with! { struct Example { script, answer } }
        $with! { enum Kind { Call {}, Staged {}, Session {} } }
        $with! { enum Effect { Read {}, Change {}, Destroy {} } }
        $with! { enum Place { Path {}, Query {}, Body {}, Header {}, Form {}, Part {} } }
        $with! { enum Type {
            String {}, Int {}, Float {}, Bool {}, Flag {}, Pem {}, File {}, Time { 0: form }, Address {}, Regex {},
            Object {}, List { 0: of }, Any {},
        } }
        $with! { enum TimeForm {
            EpochSeconds {}, EpochMillis {}, Iso {}, IsoMinute {}, IsoHour {}, IsoMinuteEnd {}, IsoHourEnd {}, Date {},
        } }
        $with! { enum Harm {
            Network {}, Ranges { start: start, prefix: prefix, end: end }, Domain {}, Address {}, Account {}, Regex {},
        } }
        $with! { enum Rule {
            AnyOf { 0: names }, OneOf { 0: names }, Together { 0: names }, Needs { 0: names },
            Ordered { 0: low, 1: high },
        } }
        $with! { enum Body { None {}, Json {}, Free {}, Form {}, Multipart {}, File {} } }
        $with! { enum PageStyle { Slots {}, Total {}, Numbers {}, Links {} } }
        $with! { enum Shape { None {}, Object {}, List {}, Text {}, Download {}, Any {} } }
        $with! { enum LostAnswer { Idempotent {}, Detectable {}, Verify { 0: read }, Never {} } }
        $with! { enum Inverse {
            Swap { 0: one, 1: other }, Call { 0: name, 1: args }, Replace { 0: without },
        } }
        $with! { enum EditHow { Add {}, Remove {}, Put {} } }
        $with! { enum Confidence { Seed {}, Documented {}, Client {}, Inferred {} } }
    };
}

pub(crate) use shapes;
