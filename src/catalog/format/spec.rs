//! What a catalog file can say, as it is written. Every omitted fact has its default here or in
//! [`super::expand()`].

mod undo;

use serde::Deserialize;
use toml::{Spanned, Table, Value};

pub use undo::{BeforeSpec, EditSpec, InverseSpec};

/// A whole catalog file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The vendor's id.
    pub id: String,
    /// The product's name; left out where a file completes a vendor that is there already.
    #[serde(default)]
    pub title: String,
    /// The path before every call's path; left out where a file completes a vendor that is there
    /// already, whose base then holds.
    pub base: Option<String>,
    /// The methods of sign-in, the default first.
    #[serde(default)]
    pub auth: Vec<String>,
    /// The header that carries the token where the method is `header`.
    #[serde(default)]
    pub auth_header: String,
    /// The products that a target may be, the usual one first.
    #[serde(default)]
    pub products: Vec<String>,
    /// The `Accept` header, where it is not the usual one.
    #[serde(default)]
    pub accept: String,
    /// What the reason of a 404 says when there is really no such object.
    pub missing: Option<String>,
    /// The member of an answer that holds the object itself.
    #[serde(default)]
    pub at: String,
    /// Parameters that calls share, by the name under which they ask for them.
    #[serde(default)]
    pub sets: Table,
    /// Facts that all resources share: `all`, `changes` and `only`, as in a resource.
    #[serde(default)]
    pub resources_all: ResourceFacts,
    /// Characters that stay as they are in query values, beyond the unreserved ones.
    #[serde(default)]
    pub query_raw: String,
    /// How wire names follow from names: `snake` (the same) or `camel`.
    #[serde(default)]
    pub wire_case: WireCase,
    /// How answers of success say no, for every call that changes something.
    pub refusal: Option<RefusalSpec>,
    /// The calls.
    #[serde(default, rename = "call")]
    pub calls: Vec<Spanned<CallSpec>>,
    /// Objects with the usual five calls.
    #[serde(default, rename = "resource")]
    pub resources: Vec<Spanned<ResourceSpec>>,
    /// Calls that differ in one word only.
    #[serde(default, rename = "family")]
    pub families: Vec<Spanned<FamilySpec>>,
}

/// How wire names follow from names.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum WireCase {
    /// `start_time` is `start_time`.
    #[default]
    Snake,
    /// `start_time` is `startTime`.
    Camel,
}

/// One call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallSpec {
    /// The function's name.
    pub name: String,
    /// The HTTP method.
    pub method: String,
    /// The path template below the base.
    pub path: String,
    /// The path before it, where it is not the vendor's.
    pub base: Option<String>,
    /// `call`, `staged` or `session`.
    pub kind: Option<String>,
    /// `read`, `change` or `destroy`.
    pub effect: String,
    /// What raises the effect.
    pub raises: Vec<RaiseSpec>,
    /// The area of the product.
    pub area: String,
    /// One line without a period.
    pub summary: String,
    /// More, in Markdown.
    pub doc: String,
    /// Words by which a search should find it, beyond those of name, summary and parameters.
    pub keywords: Vec<String>,
    /// The parameters, by name, in order.
    pub params: Table,
    /// Sets of parameters that it has besides.
    pub with: Vec<String>,
    /// Rules across parameters.
    pub rules: Vec<RuleSpec>,
    /// `none`, `json`, `free`, `form`, `multipart` or `file`.
    pub body: Option<String>,
    /// The member that the JSON body stands under.
    pub wrap: String,
    /// The content type of a body that is a file.
    pub content_type: String,
    /// Whether a long file goes in pieces.
    pub chunked: bool,
    /// Whether it goes out without signing in.
    pub anonymous: bool,
    /// The products that have it.
    pub on: Vec<String>,
    /// How a long list comes page by page.
    pub paging: Option<PagingSpec>,
    /// The function that reads, changes and writes back.
    pub update: String,
    /// The same call in another spelling.
    pub alternate: Option<String>,
    /// What comes back.
    pub answer: AnswerSpec,
    /// `idempotent`, `detectable`, `verify NAME` or `never`.
    pub lost_answer: Option<String>,
    /// The call that takes this one back.
    pub inverse: Option<InverseSpec>,
    /// The read that shows before and after.
    pub before: Option<BeforeSpec>,
    /// How the call changes lists that this read shows.
    pub edits: Vec<EditSpec>,
    /// Parameters whose entries count as items.
    pub items: Vec<String>,
    /// Whether it starts a job.
    pub job: bool,
    /// The first generation that has it.
    pub since: Option<String>,
    /// The last generation that has it.
    pub until: Option<String>,
    /// Seconds it may take.
    pub slow: Option<u32>,
    /// Where the facts come from.
    pub source: String,
    /// `seed`, `documented`, `client` or `inferred`.
    pub confidence: String,
    /// An example.
    pub example: Option<ExampleSpec>,
}

/// `{ style = "total", items = "data", size = 100 }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagingSpec {
    /// `slots`, `total`, `numbers` or `links`.
    pub style: String,
    /// The member that holds a page's entries.
    pub items: String,
    /// How many entries a page has at most.
    pub size: u32,
}

/// Facts that resources share.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceFacts {
    /// Of all calls.
    pub all: Table,
    /// Of all calls that change something.
    pub changes: Table,
    /// Of single calls, by the call's word. A `before` that names the list or the object, where a
    /// resource has no such call, is left out there, and `edits` with it.
    pub only: Table,
}

/// Content that raises the effect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaiseSpec {
    /// The parameter.
    pub param: String,
    /// The value that raises; any that is not empty, if left out.
    pub equals: Option<Value>,
    /// The effect then.
    pub effect: String,
}

/// A parameter, or a member of an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParamSpec {
    /// The name on the wire, where it does not follow from the name.
    pub wire: Option<String>,
    /// `path`, `query`, `body`, `header`, `form` or `part`.
    #[serde(rename = "in")]
    pub place: Option<String>,
    /// The type; see [`super::words`] for the words.
    #[serde(rename = "type")]
    pub ty: Option<String>,
    /// Whether it must be given. Path parameters always must.
    pub required: bool,
    /// When it must be given although not always required.
    pub required_if: Option<ConditionSpec>,
    /// What is sent otherwise.
    pub default: Option<Value>,
    /// The least number or length.
    pub min: Option<i64>,
    /// The greatest number or length.
    pub max: Option<i64>,
    /// The only values allowed.
    pub choices: Vec<Value>,
    /// Characters that must not occur.
    pub forbid: String,
    /// Whether it holds a secret.
    pub secret: bool,
    /// Whether members that the row does not know are dropped rather than refused.
    pub pick: bool,
    /// Whether members that the row does not know are sent as they are.
    pub open: bool,
    /// Whether the value is the whole body.
    pub root: bool,
    /// What joins the entries of a list in a query.
    pub join: String,
    /// Whether a space in a query is a plus sign.
    pub plus: bool,
    /// Through which something of ours could get cut off.
    pub harms: Option<HarmSpec>,
    /// The members of an object or of the objects in a list.
    pub fields: Table,
    /// One or two sentences.
    pub doc: String,
}

/// `{ param = "cidr", equals = [0] }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionSpec {
    /// The sibling.
    pub param: String,
    /// Its values.
    pub equals: Vec<Value>,
}

/// What could get cut off.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum HarmSpec {
    /// An address or network.
    Network,
    /// A domain.
    Domain,
    /// An e-mail address.
    Address,
    /// An account.
    Account,
    /// A regular expression over addresses.
    Regex,
    /// A list of ranges.
    Ranges {
        /// The member with the first address.
        start: String,
        /// The member with the prefix length.
        prefix: String,
        /// The member with the last address.
        end: String,
    },
}

/// A rule across parameters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum RuleSpec {
    /// At least one.
    AnyOf(Vec<String>),
    /// Exactly one.
    OneOf(Vec<String>),
    /// All or none.
    Together(Vec<String>),
    /// The first is not greater than the second.
    Ordered(String, String),
    /// The first wants at least one of the others beside it.
    Needs(Vec<String>),
}

/// What comes back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerSpec {
    /// `none`, `object`, `list`, `text`, `download` or `any`.
    pub shape: Option<String>,
    /// Fields by name: a type, or a table.
    pub fields: Table,
    /// How a success says no, where it is not the vendor's way.
    pub refusal: Option<RefusalSpec>,
    /// Statuses that are a success here and not elsewhere.
    pub accepts: Vec<u16>,
    /// Whether an empty body is an answer.
    pub may_be_empty: bool,
}

/// A field of an answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FieldSpec {
    /// The type.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether it may be absent.
    pub optional: bool,
    /// Whether it changes by itself.
    pub volatile: bool,
    /// Whether it is a secret.
    pub secret: bool,
    /// One sentence.
    pub doc: String,
}

/// How an answer of success says no.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalSpec {
    /// A regular expression over every text of the answer.
    pub pattern: String,
    /// Fields that say no by not being empty.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// An example.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleSpec {
    /// A script expression.
    pub script: String,
    /// What it gives, as JSON.
    pub answer: String,
}

/// An object with the usual five calls: list, one, create, replace or update, delete.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceSpec {
    /// The object's name in the singular, such as `ssh_connection`.
    pub name: String,
    /// The list's name, if it is not the name with an `s`.
    pub plural: Option<String>,
    /// The path of the list; one object is below it.
    pub path: String,
    /// The placeholder of one object, such as `{key}`; an `int` or `string` as `id_type` says.
    #[serde(default = "default_id")]
    pub id: String,
    /// The type of the placeholder.
    #[serde(default = "default_id_type")]
    pub id_type: String,
    /// The calls there are: any of `list`, `one`, `create`, `replace`, `update`, `delete`; or, where
    /// there is one object only, `show` and `set`.
    pub calls: Vec<String>,
    /// The object in words, such as "SSH connection".
    pub title: String,
    /// The object's fields as body parameters of create and replace; none means a free body.
    #[serde(default)]
    pub fields: Table,
    /// Facts that all its calls share.
    #[serde(default)]
    pub all: Table,
    /// Facts that all its calls share that change something, such as `kind` and `lost_answer`.
    #[serde(default)]
    pub changes: Table,
    /// Facts of single calls, by the call's word.
    #[serde(default)]
    pub only: Table,
}

/// Calls that differ in one word only: `{}` in name, path, summary and doc stands for it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilySpec {
    /// The words: a list, or a table from the word in names to the word in paths.
    pub members: Value,
    /// The call, with `{}` for the word.
    pub call: Table,
}

fn default_id() -> String {
    "id".into()
}

fn default_id_type() -> String {
    "int".into()
}
