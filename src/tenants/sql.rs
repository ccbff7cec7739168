//! The statements, the same for both engines but for how a document goes in and out.
//!
//! Placeholders are `$1`, `$2`… in the order of their first use, which both engines read alike.

use crate::tenant::item::Kind;

/// Which engine reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tenants) enum Dialect {
    /// Documents are texts.
    Sqlite,
    /// Documents are `jsonb`.
    Postgres,
}

/// What of an event is read, in this order.
const EVENT: &str = "seq, org, kind, id, deed, detail, actor, at";

/// Only the rules that answer are in a directory.
const fn held(kind: Kind) -> &'static str {
    if matches!(kind, Kind::Revision) { " AND claim IS NOT NULL" } else { "" }
}

impl Dialect {
    const fn body(self) -> &'static str {
        match self {
            Self::Sqlite => "body",
            Self::Postgres => "CAST(body AS text)",
        }
    }

    fn document(self, place: u8) -> String {
        match self {
            Self::Sqlite => format!("${place}"),
            Self::Postgres => format!("CAST(CAST(${place} AS text) AS jsonb)"),
        }
    }

    /// A field of a document, as a text.
    fn field(self, of: &str, name: &str) -> String {
        match self {
            Self::Sqlite => format!("json_extract({of}.body, '$.{name}')"),
            Self::Postgres => format!("{of}.body ->> '{name}'"),
        }
    }

    /// Whether another organization has this in the same account, over whatever installation: that one's owner and
    /// name, selector, channel, org.
    pub(in crate::tenants) fn elsewhere(self) -> String {
        let (selector, channel) = (self.field("theirs", "selector"), self.field("theirs", "channel"));
        let same = |name: &str| format!("{} = {}", self.field("there", name), self.field("here", name));
        format!(
            "SELECT 1 FROM bindings theirs \
             JOIN installations there ON there.org = theirs.parent_org AND there.id = theirs.parent \
             JOIN installations here ON here.org = $1 AND here.id = $2 \
             WHERE {selector} = $3 AND {channel} = $4 AND theirs.org <> $5 AND there.claim IS NOT NULL \
             AND {} AND {} LIMIT 1",
            same("provider"),
            same("account")
        )
    }

    /// Writes a line of the trail and gives its place: org, kind, id, deed, detail, actor, at.
    pub(in crate::tenants) const fn write_event(self) -> &'static str {
        "INSERT INTO events (org, kind, id, deed, detail, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING seq"
    }

    /// Keeps a new thing: org, id, version, claim, body, and where it has one, its parent's owner and name.
    pub(in crate::tenants) fn insert(self, kind: Kind) -> String {
        let body = self.document(5);
        match kind.parent() {
            Some(_) => format!(
                "INSERT INTO {kind} (org, id, version, claim, body, parent_org, parent) \
                 VALUES ($1, $2, $3, $4, {body}, $6, $7)"
            ),
            None => format!("INSERT INTO {kind} (org, id, version, claim, body) VALUES ($1, $2, $3, $4, {body})"),
        }
    }

    /// Keeps a thing in its new form if it has the version that was read: the parameters of `insert`, and that
    /// version at the end.
    pub(in crate::tenants) fn update(self, kind: Kind) -> String {
        let body = self.document(5);
        // The first two are named first so that their numbers are the same for both engines.
        match kind.parent() {
            Some(_) => format!(
                "UPDATE {kind} SET org = $1, id = $2, version = $3, claim = $4, body = {body}, parent_org = $6, \
                 parent = $7 WHERE org = $1 AND id = $2 AND version = $8"
            ),
            None => format!(
                "UPDATE {kind} SET org = $1, id = $2, version = $3, claim = $4, body = {body} \
                 WHERE org = $1 AND id = $2 AND version = $6"
            ),
        }
    }

    /// Removes a thing: org, id, and the version that was read.
    pub(in crate::tenants) fn delete(self, kind: Kind) -> String {
        format!("DELETE FROM {kind} WHERE org = $1 AND id = $2 AND version = $3")
    }

    /// One thing's version and document: org, id.
    pub(in crate::tenants) fn one(self, kind: Kind) -> String {
        format!("SELECT version, {} FROM {kind} WHERE org = $1 AND id = $2", self.body())
    }

    /// The version and document of whatever claims this: claim.
    pub(in crate::tenants) fn claimed(self, kind: Kind) -> String {
        format!("SELECT version, {} FROM {kind} WHERE claim = $1", self.body())
    }

    /// Version and document of all things of a kind that an owner has: org.
    pub(in crate::tenants) fn of_owner(self, kind: Kind) -> String {
        format!("SELECT version, {} FROM {kind} WHERE org = $1 ORDER BY id", self.body())
    }

    /// Kind, version and document of everything that a directory holds of an owner: org.
    pub(in crate::tenants) fn everything_of(self) -> String {
        let part = |kind: &Kind| {
            format!("SELECT '{kind}', id, version, {} FROM {kind} WHERE org = $1{}", self.body(), held(*kind))
        };
        let parts: Vec<_> = Kind::DIRECTORY.iter().map(part).collect();
        format!("{} ORDER BY 1, 2", parts.join(" UNION ALL "))
    }

    /// Version and document of everything of a kind that a directory holds.
    pub(in crate::tenants) fn everything(self, kind: Kind) -> String {
        format!("SELECT version, {} FROM {kind} WHERE true{}", self.body(), held(kind))
    }

    /// Organizations behind a slug: slug, how many.
    pub(in crate::tenants) fn organizations(self) -> String {
        format!("SELECT version, {} FROM organizations WHERE org > $1 ORDER BY org LIMIT $2", self.body())
    }

    /// The version of some token, if there is any.
    pub(in crate::tenants) const fn any_token(self) -> &'static str {
        "SELECT version FROM tokens LIMIT 1"
    }

    /// Tokens of an owner with their last use in microseconds: org.
    pub(in crate::tenants) fn tokens(self) -> String {
        format!(
            "SELECT tokens.version, {}, token_uses.at FROM tokens \
             LEFT JOIN token_uses ON token_uses.org = tokens.org AND token_uses.id = tokens.id \
             WHERE tokens.org = $1 ORDER BY tokens.id",
            self.body()
        )
    }

    /// Remembers the use of a token, if there is one: org, id, microseconds.
    pub(in crate::tenants) const fn token_used(self) -> &'static str {
        "INSERT INTO token_uses (org, id, at) SELECT CAST($1 AS text), CAST($2 AS text), CAST($3 AS bigint) \
         WHERE EXISTS (SELECT 1 FROM tokens WHERE org = $1 AND id = $2) ON CONFLICT (org, id) DO UPDATE SET at = CASE WHEN excluded.at > token_uses.at THEN excluded.at \
         ELSE token_uses.at END"
    }

    /// Lines of the trail after or before a place: place, how many, and the owner unless everybody's are wanted.
    pub(in crate::tenants) fn events(self, after: bool, everybodys: bool) -> String {
        let (than, order) = if after { (">", "ASC") } else { ("<", "DESC") };
        let whose = if everybodys { "" } else { " AND org = $3" };
        format!(
            "SELECT {EVENT} FROM events WHERE seq {than} $1 AND CAST($2 AS bigint) > 0{whose} ORDER BY seq {order} LIMIT $2"
        )
    }

    /// The last place of the trail.
    pub(in crate::tenants) const fn last(self) -> &'static str {
        "SELECT coalesce(max(seq), 0) FROM events"
    }
}
