//! The facts of a row, as types. Everything is `'static`: a row lives as long as the process, be it unpacked
//! from what is compiled in or loaded from a user's file.

use super::rows::Rows;

/// A product family whose REST API the catalog describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Vendor {
    /// The id used in configuration and scripts, such as `seg`.
    pub id: &'static str,
    /// The product's name for people.
    pub title: &'static str,
    /// The path before every row's own path, unless the row says otherwise. `{product}` in it
    /// stands for the target's product.
    pub base: &'static str,
    /// The products that a target may be (`product` or `role` of a target), the usual one first;
    /// none where there is one only.
    pub products: &'static [&'static str],
    /// The `Accept` header of its calls; empty for the usual one.
    pub accept: &'static str,
    /// The member of an answer that holds the object itself, without what the API wraps around it.
    pub at: &'static str,
    /// The methods of sign-in that the vendor knows (`auth.method` of a target), the default first.
    pub auth: &'static [&'static str],
    /// The header that carries the token where the method of sign-in is `header`.
    pub auth_header: &'static str,
    /// Characters beyond the unreserved ones that stay as they are in query values.
    pub query_raw: &'static str,
    /// How its answers of success say no, for calls that change something and do not say it
    /// themselves.
    pub refusal: Option<Refusal>,
    /// Every call, in catalog order.
    pub rows: Rows,
}

/// One call: the only place where it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The vendor's id.
    pub vendor: &'static str,
    /// The function's name in scripts; unique within the vendor.
    pub name: &'static str,
    /// The HTTP method, upper case.
    pub method: &'static str,
    /// The path before `path`.
    pub base: &'static str,
    /// The path template below `base`; `{wire}` stands for a path parameter.
    pub path: &'static str,
    /// How the call is used.
    pub kind: Kind,
    /// What the call does to the world; content may raise it.
    pub effect: Effect,
    /// What raises the effect.
    pub raises: &'static [Raise],
    /// The area of the product, for grouping in documents.
    pub area: &'static str,
    /// One line without a period.
    pub summary: &'static str,
    /// More, in Markdown; may be empty.
    pub doc: &'static str,
    /// Words by which a search finds it, beyond those of name, summary and parameters.
    pub keywords: &'static [&'static str],
    /// Path parameters first, in path order.
    pub params: &'static [Param],
    /// Rules across parameters.
    pub rules: &'static [Rule],
    /// How parameters of place `body` travel.
    pub body: Body,
    /// The member that the JSON body stands under, such as `data`; empty where there is none.
    pub wrap: &'static str,
    /// The content type of a body that is a file.
    pub content_type: &'static str,
    /// Whether a long file goes in pieces, each a request of its own.
    pub chunked: bool,
    /// Whether it goes out without signing in.
    pub anonymous: bool,
    /// The products that have the call; none means all.
    pub on: &'static [&'static str],
    /// What comes back.
    pub answer: Answer,
    /// How a long list comes page by page.
    pub paging: Option<Paging>,
    /// The function that reads, changes and writes back, where this call replaces whole objects;
    /// empty where there is none.
    pub update: &'static str,
    /// A regular expression over the reason of a 404: where it does not match, the object is there
    /// and the parameters are wrong.
    pub missing: Option<&'static str>,
    /// The same call as the vendor's documents spell it elsewhere.
    pub alternate: Option<&'static str>,
    /// How a lost answer is settled.
    pub lost_answer: LostAnswer,
    /// The call that takes this one back.
    pub inverse: Option<Inverse>,
    /// The read that shows the state before and after.
    pub before: Option<Before>,
    /// How the call changes lists that this read shows; none where it writes the object as a whole.
    pub edits: &'static [Edit],
    /// Parameters whose list entries count as items; none means that the request counts as one.
    pub items: &'static [&'static str],
    /// Whether the call starts a job rather than writes a state.
    pub job: bool,
    /// The first generation that has the call.
    pub since: Option<&'static str>,
    /// The last generation that has the call.
    pub until: Option<&'static str>,
    /// Seconds that the call may take where that is longer than the target's time-out.
    pub slow: Option<u32>,
    /// Where the facts come from, in words.
    pub source: &'static str,
    /// How sure the facts are.
    pub confidence: Confidence,
    /// Whether changes by this call need `experimental = true` at the target.
    pub experimental: bool,
    /// An example that a test runs against the lab.
    pub example: Option<Example>,
}

/// How a call is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ordinary call that takes effect at once.
    Call,
    /// A change that takes effect at a later commit.
    Staged,
    /// A part of signing in; Beadle calls it, scripts do not.
    Session,
}

/// What a call does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Nothing changes.
    Read,
    /// Something changes that can be brought back.
    Change,
    /// Something goes that this API cannot bring back.
    Destroy,
}

/// Content that raises a call's effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    /// The parameter that is looked at.
    pub param: &'static str,
    /// The value (as JSON) that raises; `None`: any value that is not empty.
    pub equals: Option<&'static str>,
    /// The effect then.
    pub effect: Effect,
}

/// A parameter, or a member of an object that is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The name in scripts, `snake_case`.
    pub name: &'static str,
    /// The name on the wire.
    pub wire: &'static str,
    /// Where it travels. Members of objects have their parent's place.
    pub place: Place,
    /// Its type.
    pub ty: Type,
    /// Whether it must be given.
    pub required: bool,
    /// When it must be given although it is not always required.
    pub required_if: Option<Condition>,
    /// What is sent when it is not given, as JSON.
    pub default: Option<&'static str>,
    /// The least number, or the least length of a text or list.
    pub min: Option<i64>,
    /// The greatest number, or the greatest length of a text or list.
    pub max: Option<i64>,
    /// The only values allowed, as JSON; none means any.
    pub choices: &'static [&'static str],
    /// Characters that must not occur in the text.
    pub forbid: &'static str,
    /// Whether it holds a secret.
    pub secret: bool,
    /// Whether members that the row does not know are dropped rather than refused.
    pub pick: bool,
    /// Whether members that the row does not know are sent as they are.
    pub open: bool,
    /// Whether the value is the whole body rather than a member of it.
    pub root: bool,
    /// What joins the entries of a list in a query; empty where the parameter is repeated.
    pub join: &'static str,
    /// Whether a space in a query is a plus sign.
    pub plus: bool,
    /// Through which something of ours could get cut off.
    pub harms: Option<Harm>,
    /// The members of an object, or of the objects in a list.
    pub fields: &'static [Param],
    /// One or two sentences.
    pub doc: &'static str,
}

/// Where a parameter travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the path; positional in scripts.
    Path,
    /// In the query.
    Query,
    /// A member of the JSON body.
    Body,
    /// A request header.
    Header,
    /// A field of a form body.
    Form,
    /// A part of a multipart body.
    Part,
}

/// The type of a parameter or of an answer's field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    /// A text.
    String,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Float,
    /// True or false.
    Bool,
    /// True or false, written as `True` and `False`.
    Flag,
    /// A certificate, key or the like in PEM; what stands before and behind its blocks is cut off.
    Pem,
    /// A file to be sent, by its path.
    File,
    /// An instant, written as the form says.
    Time(TimeForm),
    /// An IP address.
    Address,
    /// A regular expression of the vendor's dialect.
    Regex,
    /// An object.
    Object,
    /// A list of items of one type.
    List(&'static Type),
    /// Anything JSON can say.
    Any,
}

/// How an instant is written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// Seconds since 1970 UTC, as an integer.
    EpochSeconds,
    /// Milliseconds since 1970 UTC, as an integer.
    EpochMillis,
    /// ISO 8601 in UTC with a trailing `Z`.
    Iso,
    /// ISO 8601 in UTC, cut to whole minutes with zero seconds.
    IsoMinute,
    /// ISO 8601 in UTC, cut to whole hours with zero minutes.
    IsoHour,
    /// The same for the end of a span: up to the next whole minute.
    IsoMinuteEnd,
    /// The same for the end of a span: up to the next whole hour.
    IsoHourEnd,
    /// A date.
    Date,
}

/// A condition on a sibling: it holds when `param` has one of the values.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The sibling.
    pub param: &'static str,
    /// The values, as JSON.
    pub equals: &'static [&'static str],
}

/// Through what kind of value a parameter could cut off something of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum Harm {
    /// An address or network as text.
    Network,
    /// A list of objects, each a range: first address, prefix length, last address when there is no prefix.
    Ranges {
        /// The member with the first address.
        start: &'static str,
        /// The member with the prefix length.
        prefix: &'static str,
        /// The member with the last address.
        end: &'static str,
    },
    /// A domain, perhaps with wildcards.
    Domain,
    /// An e-mail address, perhaps with wildcards.
    Address,
    /// An account.
    Account,
    /// A regular expression over addresses; unanchored unless it anchors itself.
    Regex,
}

/// A rule across parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// At least one of them must be given.
    AnyOf(&'static [&'static str]),
    /// Exactly one of them must be given.
    OneOf(&'static [&'static str]),
    /// All of them or none.
    Together(&'static [&'static str]),
    /// The first may be given only with at least one of the others.
    Needs(&'static [&'static str]),
    /// The first must not be greater than the second.
    Ordered(&'static str, &'static str),
}

/// How parameters of place `body` travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// No body.
    None,
    /// A JSON object of the body parameters.
    Json,
    /// The map that the script gives is the JSON body.
    Free,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// The one file parameter, as it is.
    File,
}

/// How a long list comes page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// How one page leads to the next.
    pub style: PageStyle,
    /// The member that holds a page's entries.
    pub items: &'static str,
    /// How many entries a page has at most, and usually.
    pub size: u32,
}

/// How one page leads to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStyle {
    /// `offset` and `limit`. `meta.totalCount` counts this page's entries, and those that could not
    /// be read (`meta.num_bad_records`) have used up the limit as well.
    Slots,
    /// `offset` and `limit`. `meta.totalCount` counts all entries.
    Total,
    /// `page` and `page_size`, from 1. `next` is null at the end.
    Numbers,
    /// `offset` and `limit`. `meta.next` is null at the end.
    Links,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The shape of the whole.
    pub shape: Shape,
    /// The fields of the object, or of the objects in the list, as far as known.
    pub fields: &'static [Field],
    /// How an answer of success says no.
    pub refusal: Option<Refusal>,
    /// Statuses that are a success here and not elsewhere.
    pub accepts: &'static [u16],
    /// Whether an empty body is an answer as well (`()` in scripts).
    pub may_be_empty: bool,
}

/// The shape of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing of interest.
    None,
    /// An object.
    Object,
    /// A list; `null` counts as an empty one.
    List,
    /// A text that is not JSON.
    Text,
    /// A file.
    Download,
    /// Whatever JSON comes.
    Any,
}

/// A field of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The vendor's name; members of nested objects as `parent.child`.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// Whether it may be absent; scripts then read `()`.
    pub optional: bool,
    /// Whether it changes by itself, so that comparisons leave it out.
    pub volatile: bool,
    /// Whether it is a secret.
    pub secret: bool,
    /// One sentence; may be empty.
    pub doc: &'static str,
}

/// How an answer with a status of success says that nothing was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// A regular expression over every text of the answer.
    pub pattern: &'static str,
    /// Fields that say no by not being empty.
    pub fields: &'static [&'static str],
}

/// How a lost answer is settled, live and on resume alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostAnswer {
    /// Send again.
    Idempotent,
    /// Send again: had the first gone through, the second is refused as a whole.
    Detectable,
    /// A named read decides.
    Verify(&'static str),
    /// It stays uncertain.
    Never,
}

/// The call that takes a change back.
#[derive(Clone, Debug, PartialEq)]
pub enum Inverse {
    /// The same call with two list parameters exchanged, reduced to the fields that the other takes.
    Swap(&'static str, &'static str),
    /// Another call: its name, and for each of its parameters the source. Sources are `args.x`,
    /// `answer.y` and `before.z`, and of the one edit `added` (the entries that were not there
    /// before) and `former` (the entries as they were before), each of them also with a member.
    Call(&'static str, &'static [(&'static str, &'static str)]),
    /// The same call with the state that was there before, without the members named: the read
    /// shows them, and the call does not take them.
    Replace(&'static [&'static str]),
}

/// The read that shows what a change would touch.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// The call's name.
    pub call: &'static str,
    /// For each of its parameters, the changing call's parameter.
    pub args: &'static [(&'static str, &'static str)],
    /// Where in its answer the object itself is, such as `data` or `data.0`; empty where nothing is
    /// around it.
    pub at: &'static str,
    /// Whether its path is the call's own, so that it shows what the call writes.
    pub same: bool,
}

/// How a call changes a list that its `before` read shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// Where the list is in the read's answer, such as `data.words`; empty where it is the answer.
    pub list: &'static str,
    /// The parameter with the entries; empty where the call's body is the one entry.
    pub with: &'static str,
    /// The members (or, in entries that are lists, the places) by which an entry is known; none where
    /// it is known by all of it.
    pub key: &'static [&'static str],
    /// What becomes of the entries.
    pub how: EditHow,
    /// The member of an entry that holds what the call writes, such as `body`.
    pub under: &'static str,
    /// Further parameters that are members of an entry.
    pub also: &'static [&'static str],
    /// When the call does so, where it does not always.
    pub when: Option<Condition>,
}

/// What becomes of the entries of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditHow {
    /// They are added.
    Add,
    /// They go.
    Remove,
    /// They take the place of those with the same key.
    Put,
}

/// How sure the facts of a row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// In the vendor's article or document given with the request.
    Seed,
    /// In another public document of the vendor or a partner.
    Documented,
    /// In public client code or its printed output.
    Client,
    /// Concluded.
    Inferred,
}

/// An example that a test runs against the lab.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// A script expression, with the vendor's id as the target's variable.
    pub script: &'static str,
    /// What it gives, as JSON; a withheld change answers with it.
    pub answer: &'static str,
}

impl Vendor {
    /// Whether staged changes are collected in transactions.
    pub fn has_transactions(&self) -> bool {
        self.rows.listed().any(|call| call.kind() == Kind::Staged)
    }
}

impl Row {
    /// The path parameters, in path order.
    pub fn path_params(&self) -> impl Iterator<Item = &'static Param> {
        self.params.iter().filter(|param| param.place == Place::Path)
    }

    /// Whether it writes the object that its `before` read shows, as a whole or some members of it.
    pub fn writes_object(&self) -> bool {
        let shown = self.before.as_ref().is_some_and(|before| before.same || matches!(self.method, "PUT" | "PATCH"));
        shown && self.edits.is_empty() && !self.job && self.effect == Effect::Change
    }

    /// The parameters that travel in the map.
    pub fn map_params(&self) -> impl Iterator<Item = &'static Param> {
        self.params.iter().filter(|param| param.place != Place::Path)
    }
}

impl Param {
    /// Whether it, or a member of it, is a secret.
    pub fn is_secret(&self) -> bool {
        self.secret || self.fields.iter().any(Self::is_secret)
    }

    /// Whether `name` names this parameter, as in scripts or as on the wire.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.wire == name
    }
}

impl Effect {
    /// The word used in configuration and documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Change => "change",
            Self::Destroy => "destroy",
        }
    }

    /// The effect of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Read, Self::Change, Self::Destroy].into_iter().find(|effect| effect.name() == name)
    }
}

impl std::fmt::Display for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
