"""What the API sends, as far as a type checker is concerned: every object is a plain `dict`."""

from typing import Any, Literal, NotRequired, TypedDict

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]
DeliveryStatus = Literal["ready", "running", "scheduled", "succeeded", "dead", "cancelled"]
ActionType = Literal["rest", "telegram", "llm", "mcp", "emit", "slack", "email"]
BreakerState = Literal["closed", "open", "half_open"]
Role = Literal["live", "shadow"]
MemberRole = Literal["owner", "admin", "member", "viewer"]


class Event(TypedDict):
    id: str
    type: str
    source: str
    subject: str | None
    time: str
    received_at: str
    data: dict[str, Any]
    producer_id: str | None
    metadata: NotRequired[dict[str, Any]]


class Trigger(TypedDict):
    id: str
    version: int
    name: str
    description: str | None
    managed_by: NotRequired[str]
    enabled: bool
    event_types: list[str]
    condition: NotRequired[dict[str, Any] | None]
    conditions: NotRequired[list[dict[str, Any]]]
    cooldown: NotRequired[str]
    cooldown_by: NotRequired[list[str]]
    actions: list[dict[str, Any]]
    created_at: str
    updated_at: str


class Change(TypedDict):
    path: str
    before: Any
    after: Any


class TriggerPreview(TypedDict):
    changes: list[Change]
    trigger: dict[str, Any]


class TriggerVersion(TypedDict):
    version: int
    role: Role | None
    made_at: str
    trigger: Trigger


class Shadow(TriggerVersion):
    differences: NotRequired[dict[str, Any]]


class Firing(TypedDict):
    id: str
    trigger_id: str
    trigger_version: int
    role: Role
    event_id: str
    event_received_at: str
    at: str
    created_at: str
    explanation: NotRequired[dict[str, Any]]
    emits: NotRequired[list[dict[str, Any]]]


class EventExplanation(TypedDict):
    event_id: str
    trigger_id: str
    trigger_version: NotRequired[int]
    outcome: str
    reason: str
    firing_id: str | None
    explanation: NotRequired[dict[str, Any]]
    replay: NotRequired[dict[str, Any]]


class Backtest(TypedDict):
    id: str
    trigger_id: str | None
    trigger_version: NotRequired[int]
    name: str
    to: str
    status: JobStatus
    progress: float
    events_read: int
    result: NotRequired[dict[str, Any]]
    error: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class Delivery(TypedDict):
    id: str
    type: ActionType
    status: DeliveryStatus
    trigger_id: str
    trigger_version: int
    action_index: int
    firing_id: str
    event_id: str
    attempt: int
    max_attempts: int
    endpoint: str | None
    run_at: str
    next_attempt_reason: str | None
    last_error: str | None
    created_at: str
    finished_at: str | None
    parts_sent: NotRequired[int]
    replay_of: str | None
    replayed_as: str | None
    replay_id: str | None
    attempts: NotRequired[list[dict[str, Any]]]


class Replay(TypedDict):
    id: str
    status: JobStatus
    request: dict[str, Any]
    rate: int
    progress: float | None
    total: int | None
    found: int
    made: int
    skipped: int
    error: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class CircuitBreaker(TypedDict):
    id: str
    endpoint: str
    state: BreakerState
    held: bool
    open_until: str | None
    openings: int
    failures_in_a_row: int
    successes_in_window: int
    failures_in_window: int
    reason: str | None
    changed_at: str
    updated_at: str


class TriggerBreakers(TypedDict):
    trigger_id: str
    state: BreakerState
    endpoints: list[dict[str, Any]]


class Source(TypedDict):
    id: str
    name: str
    description: NotRequired[str]
    enabled: bool
    event_type: Any
    subject_path: NotRequired[str]
    delivery_id: NotRequired[dict[str, Any]]
    headers: list[str]
    verification: dict[str, Any]
    hook_path: str
    created_at: str
    updated_at: str


class LearnedSchema(TypedDict):
    event_type: str
    event_count: int
    first_seen: str
    last_seen: str
    dropped_fields: int
    fields: dict[str, dict[str, Any]]


class UsageDay(TypedDict):
    day: str
    requests: int
    cached_answers: int
    prompt_tokens: int
    completion_tokens: int
    set_aside_tokens: int
    seconds: float


class Health(TypedDict):
    status: Literal["healthy", "unhealthy"]
    database: str
    redis: str
    version: str


class Purge(TypedDict):
    purged: int
    complete: bool


class Membership(TypedDict):
    id: str
    name: str
    role: NotRequired[MemberRole]
    joined_at: NotRequired[str]


class Person(TypedDict):
    id: str
    username: str
    email: str
    created_at: str
    organization: Membership


class Caller(TypedDict):
    kind: Literal["person", "key"]
    id: str
    organization_id: str
    scopes: list[str]
    username: NotRequired[str]
    email: NotRequired[str]
    created_at: NotRequired[str]
    role: NotRequired[MemberRole]
    organizations: NotRequired[list[Membership]]


class TokenPair(TypedDict):
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    organization_id: str


class Organization(TypedDict):
    id: str
    name: str
    created_at: str
    member_count: int


class Member(TypedDict):
    person_id: str
    username: str
    email: str
    role: MemberRole
    joined_at: str


class Invitation(TypedDict):
    id: str
    email: str
    role: MemberRole
    invited_by: str
    created_at: str
    expires_at: str
    token: NotRequired[str]


class APIKey(TypedDict):
    id: str
    name: str
    scopes: list[str]
    created_at: str
    created_by: str | None
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    replaced_by: str | None
    allowed_addresses: list[str]
    api_key: NotRequired[str]


class AuditEntry(TypedDict):
    sequence: int
    at: str
    actor: dict[str, str]
    address: str
    request_id: str
    action: str
    target: str
    details: dict[str, Any]
