"""
The tables of both files. What they look like today; how they came to be is in `migrations/`.

Every key begins with account and region (D15), except those of invocations, which are unique by themselves.
Times are integers in microseconds since 1970 (`_us`). Maps and tuples are JSON text.
Retention and history rely on keys that grow with time, so no table has an index on a time.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    literal_column,
)

from orchestrator.domain.names import FunctionKey

MAIN = MetaData()
HISTORY = MetaData()

settings_kept = Table(
    "settings_kept",
    MAIN,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""What must stay the same for the life of the data directory: that the secret key is the one it was sealed with."""

starts = Table(
    "starts",
    MAIN,
    Column("epoch", Integer, primary_key=True),
    Column("node", Text, nullable=False),
    Column("started_us", Integer, nullable=False),
    Column("ended_us", Integer),
    sqlite_autoincrement=True,
)
"""Each start of a control plane; `ended_us` stays empty if it did not end cleanly."""

functions = Table(
    "functions",
    MAIN,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("tags", Text, nullable=False),
    Column("reserved_concurrency", Integer),
    Column("last_published", Integer, nullable=False, server_default="0"),
)

function_versions = Table(
    "function_versions",
    MAIN,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("image_uri", Text, nullable=False),
    Column("image_id", Text),
    Column("image_architecture", Text),
    Column("image_size_bytes", Integer),
    Column("image_entry_point", Text),
    Column("image_command", Text),
    Column("image_working_directory", Text),
    Column("image_uri_before", Text),
    Column("architecture_before", Text),
    Column("role", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("source_description", Text),
    Column("memory_mib", Integer, nullable=False),
    Column("timeout_ms", Integer, nullable=False),
    Column("environment", Text, nullable=False),
    Column("config_entry_point", Text),
    Column("config_command", Text),
    Column("config_working_directory", Text),
    Column("architecture", Text, nullable=False),
    Column("ephemeral_storage_mib", Integer, nullable=False),
    Column("options", Text, nullable=False, server_default="{}"),
    Column("updates", Integer, nullable=False, server_default="0"),
    Column("revision_id", Text, nullable=False),
    Column("last_modified_us", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_reason", Text),
    Column("state_reason_code", Text),
    Column("last_update_status", Text, nullable=False),
    Column("last_update_status_reason", Text),
    Column("last_update_status_reason_code", Text),
    ForeignKeyConstraint(
        ["account", "region", "name"],
        ["functions.account", "functions.region", "functions.name"],
        ondelete="CASCADE",
    ),
)

aliases = Table(
    "aliases",
    MAIN,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("weights", Text, nullable=False),
    Column("revision_id", Text, nullable=False),
    ForeignKeyConstraint(
        ["account", "region", "name"],
        ["functions.account", "functions.region", "functions.name"],
        ondelete="CASCADE",
    ),
)

documents = Table(
    "documents",
    MAIN,
    Column("kind", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Index("documents_of_owner", "account", "region", "owner"),
)
"""
What is configured and looked up by its name only, as JSON: settings of a function (its name is `owner`, the qualifier
`name`), and resources of an account (no owner). They go with their function, or with its version or alias.
"""

access_keys = Table(
    "access_keys",
    MAIN,
    Column("access_key_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_us", Integer, nullable=False),
)
"""Who may sign requests. `secret` is sealed, as is `function_versions.environment`."""

invocations = Table(
    "invocations",
    MAIN,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("random_bits", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("qualifier", Text),
    Column("invocation_type", Text, nullable=False),
    Column("accepted_us", Integer, nullable=False),
    Column("due_us", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("crashes", Integer, nullable=False),
    Column("epoch", Integer),
    Column("client_context", Text),
    Column("trace_id", Text),
    Column("caller", Text),
    Column("error_type", Text),
    Column("diagnosis", Text),
    Column("ended_us", Integer),
    Column("tenant_id", Text),
)
"""The request id is `key` and `random_bits`; `epoch` is the start that runs it or ran it last."""

# A partial index serves a query only if the query has its condition word for word, not as bound parameters.
WAITS_FOR_ITS_TURN: ColumnElement[bool] = literal_column(
    "state IN ('queued', 'retrying') AND invocation_type = 'Event'"
)
RUNS: ColumnElement[bool] = literal_column("state = 'running'")
SENT_TO: ColumnElement[str] = literal_column("coalesce(qualifier, '') || ' ' || coalesce(tenant_id, '')", Text)
"""
What of a function: qualifier and tenant as one text, for no qualifier has a space. One, because SQLite seeks behind a
value, but not behind a pair of expressions; and without NULL, behind which nothing comes.
"""

Index(
    "invocations_waiting",
    invocations.c.account,
    invocations.c.region,
    invocations.c.name,
    invocations.c.due_us,
    sqlite_where=WAITS_FOR_ITS_TURN,
)
Index(
    "invocations_waiting_by_target",
    invocations.c.account,
    invocations.c.region,
    invocations.c.name,
    SENT_TO,
    invocations.c.due_us,
    sqlite_where=WAITS_FOR_ITS_TURN,
)
Index(
    "invocations_running",
    invocations.c.account,
    invocations.c.region,
    invocations.c.name,
    sqlite_where=RUNS,
)

payloads = Table(
    "payloads",
    MAIN,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
)
"""The invocation's payload as it came, by the invocation's key; deleted sooner than the invocation."""

output = Table(
    "output",
    HISTORY,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("environment_id", Text, nullable=False),
    Column("log_stream", Text, nullable=False),
    Column("dropped_bytes", Integer, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("lines", Text, nullable=False),
    Index("output_of_function", "account", "region", "name", "id", "size_bytes"),
)
"""One batch of lines a row. The index carries `size_bytes` so that a function's total is read from it alone."""

lifecycle = Table(
    "lifecycle",
    HISTORY,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at_us", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("environment_id", Text),
    Column("request_id", Text),
    Column("detail", Text, nullable=False),
    Index("lifecycle_of_function", "account", "region", "name", "id"),
    Index(
        "lifecycle_of_environment", "environment_id", "id", sqlite_where=literal_column("environment_id IS NOT NULL")
    ),
    Index("lifecycle_of_request", "request_id", "id", sqlite_where=literal_column("request_id IS NOT NULL")),
)


def of_function(table: Table, key: FunctionKey) -> ColumnElement[bool]:
    """Rows that are this function's, of any table that names its functions."""
    return (table.c.account == key.account) & (table.c.region == key.region) & (table.c.name == key.name)
