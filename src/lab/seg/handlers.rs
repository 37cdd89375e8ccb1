//! What `debug/handlers/` lists: more than any fixed catalog knows, in the published grammar, with
//! one published pattern as broken as it is.

use serde_json::{Value as Json, json};

const HANDLERS: &[(&str, &str, &str)] = &[
    ("GET", "^version$", "Product version."),
    ("GET", "^debug/handlers/$", "List the handlers."),
    ("GET", "^services/servers/$", "List the processing servers."),
    ("GET", "^services/servers/(?<serverid>[0-9]+)$", "One processing server."),
    ("GET", "^console/overview/(?<serverid>[0-9]+)/receiver$", "Receiver statistics of a server."),
    ("GET", "^console/overview/(?<serverid>[0-9]+)/sender$", "Sender statistics of a server."),
    (
        "GET",
        "^console/array/stats$",
        "Mail statistics. Query parameters: fromtime(int, required), totime(int, required)",
    ),
    ("GET", "^console/alerts$", "Service alerts. Query parameters: activeonly(bool, optional)"),
    (
        "POST",
        "^console/sender/message/killex/(?<serverid>[0-9+]/",
        "Delete queued messages. Post data fields: sender(string,regular expression, optional), recipient(string,regular expression, optional), subject(string,regular expression, optional), speCustomerId(int, optional) - at least one of these is required, bNotify(bool, optional)",
    ),
    (
        "POST",
        "^quarantine/findmessage/$",
        "Search messages. Query parameters: maxRows(int, required). Post data fields: startTime(int, required), endTime(int, required), folderId(int), messageName(str), actionType(int), classification(int), fromUser(str)\r\n, fromDomain(str), blockNumber(int64)",
    ),
    (
        "POST",
        "^quarantine/forwardspam/$",
        "Report messages. Post data fields: messages(array of objects with fields: blockNumber(int64), edition(str)), isSpam(bool, required)",
    ),
    ("GET", "^quarantine/folders/$", "All folders."),
    ("GET", "^quarantine/folderswithdayinfo/$", "All folders with day counts."),
    ("GET", "^quarantine/folders/(?<folderid>[0-9]+)/dayinfo$", "Day counts of a folder."),
    ("GET", "^quarantine/classifications$", "Classifications."),
    (
        "POST",
        "^quarantine/process/release/$",
        "Release messages. Post data fields: messages(array of objects with fields: blockNumber(int64), edition(str)), bNotify(bool)",
    ),
    ("DELETE", "^quarantine/folders/(?<folderid>\\d+)/messages/$", "Delete the messages of a folder."),
    ("GET", "^groups$", "List user groups."),
    ("GET", "^groups/(?<groupid>[0-9]+)/members/?$", "Members of a user group."),
    (
        "POST",
        "^groups/usermaintained/$",
        "Create a user group. Post data fields: name(str, required), description(str)",
    ),
    ("DELETE", "^groups/usermaintained/(?<groupid>[0-9]+)/$", "Delete a user group."),
    (
        "POST",
        "^groups/usermaintained/(?<groupid>[0-9]+)/members/$",
        "Add a member. Post data fields: memberType(int, required), memberData(str)",
    ),
    ("GET", "^ipgroups/$", "List IP groups."),
    ("GET", "^ipgroups/(?<groupid>[0-9]+)/$", "Entries of an IP group."),
    (
        "PATCH",
        "^ipgroups/(?<groupid>[0-9]+)/delta/$",
        "Change an IP group. Patch data fields: add(array of objects with fields: ipAddressStart(str), cidr(int)), remove(array of objects)",
    ),
    ("GET", "^sqm/users/(?<name>[^/]+)/$", "One spam quarantine user."),
    ("GET", "^dmarc/(reports|summary)$", "DMARC reports."),
    ("PUT", "^services/config/autobackups/backup$", "Back up. Put data fields: includeDkim(bool), dkimPassword(str)"),
    (
        "PUT",
        "^services/config/autobackups/restore$",
        "Restore. Put data fields: name(str, required), includeDkim(bool), dkimPassword(str)",
    ),
    ("GET", "^services/config/autobackups$", "Stored backups."),
];

/// The list.
pub fn list() -> Json {
    let rows = HANDLERS
        .iter()
        .map(|(method, url, description)| json!({ "method": method, "url": url, "description": description }));
    rows.collect()
}
