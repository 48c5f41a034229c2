"""Every metric name of the runtime, declared in one place. A metric enters with the code that sets it.

Base units, bounded labels: never a tenant, user or conversation as a label value.
"""

from itertools import product

from prometheus_client import Counter, Gauge, Histogram

from supportplane_runtime.domain.answer import Outcome


def _counter(name: str, documentation: str, **values: tuple[str, ...]) -> Counter:
    """A counter by the values of its labels. All are there at 0 from the start, because the increase of a series that
    appears with its first event does not contain that event, and an alert on it would miss it.
    """
    counter = Counter(name, documentation, list(values))
    for known in product(*values.values()):
        counter.labels(*known)
    return counter


# The model client.
MODEL_FAILURES = _counter(
    "supportplane_model_failures_total",
    "Model calls that ended without a complete reply, retries already spent",
    reason=("connect", "overloaded", "server-error", "refused", "timeout", "cut", "malformed"),
)

# The orchestrator.
TURNS = _counter(
    "supportplane_turns_total",
    "Turns that ended, by how",
    outcome=(*Outcome, "failed", "cancelled", "taken_over"),
)
TURNS_RUNNING = Gauge("supportplane_turns_running", "Turns being worked on in this process")
TURNS_RESUMED = Counter("supportplane_turns_resumed_total", "Turns taken up after the process that accepted them died")
TURN_CALLS_REPEATED = _counter(
    "supportplane_turn_calls_repeated_total",
    "Calls from a gateway to an orchestrator that were made again because a process was full, stopping or gone",
    kind=("call", "stream"),
)
TURN_SECONDS = Histogram(
    "supportplane_turn_seconds", "From accepted to stored", buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60)
)
STEP_SECONDS = Histogram(
    "supportplane_turn_step_seconds",
    "Duration of one step of a turn",
    ["step"],  # understand, retrieve, answer, verify, decide
    buckets=(0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15),
)
SENTENCES = Counter(
    "supportplane_answer_sentences_total",
    "Sentences proposed for answers, by who wrote them and what verification said",
    ["writer", "verdict"],  # writer: model, extract; verdict: supported, unsupported
)
EXTRACTED_INSTEAD = _counter(
    "supportplane_answers_degraded_total",
    "Answers made of extracts although the model should have written",
    reason=("unavailable", "unsupported"),
)
KEPT_ANSWERS = _counter(
    "supportplane_kept_answers_total",
    "First questions of conversations, by whether an answer to an equal one was kept",
    result=("hit", "miss", "unknown"),  # unknown: the documents are being read, so none is used
)
KEPT_ANSWERS_SAVED_SECONDS = Counter(
    "supportplane_kept_answers_saved_seconds", "What making the kept answers took, less what finding them took"
)
KEPT_ANSWERS_WITHOUT_REDIS = Counter(
    "supportplane_kept_answers_without_redis_total", "Questions worked on without a look for a kept answer"
)
GAPS_UNGROUPED = Gauge(
    "supportplane_gaps_ungrouped",
    "Recent questions without a good answer that are not embedded yet, so only equal ones are in one group",
)
JUDGE_CALLS = _counter(
    "supportplane_judge_calls_total",
    "Calls to the judge of meaning, by what came of them; after one that gave no verdict the turn goes on without it",
    outcome=("answered", "unavailable", "malformed", "late"),
)
JUDGED_SENTENCES = _counter(
    "supportplane_judged_sentences_total",
    "Sentences of a model put before the judge of meaning, by where the verdict came from and what it was",
    origin=("call", "remembered"),
    verdict=("supported", "unsupported"),
)

# Gateway
HTTP_REQUESTS = Counter(
    "supportplane_http_requests_total",
    "Requests answered, by route template and status class",
    ["method", "route", "status"],  # route: a path of the OpenAPI document or unmatched; status: 2xx, 4xx, ..., gone
)
HTTP_SECONDS = Histogram(
    "supportplane_http_request_seconds",
    "From the request's head to the response's end; streams count until they close",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60),
)
FIRST_TOKEN_SECONDS = Histogram(
    "supportplane_first_token_seconds",
    "From an accepted question to the first piece of its answer, as the gateway sees it",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60),
)
CONNECTIONS_OPEN = Gauge("supportplane_connections_open", "Connections that are open now, WebSockets included")
CONNECTIONS_REFUSED = _counter(
    "supportplane_connections_refused_total",
    "Connections and streams refused, by whose bound they would have exceeded",
    reason=("process", "address", "key", "user", "handshakes"),
)
CONNECTIONS_CUT = _counter(
    "supportplane_connections_cut_total",
    "Connections that the gateway closed on its own, by what their client did not do or did too much",
    reason=("silent", "slow", "unread", "pipelined", "evicted"),
)
STREAMS_OPEN = Gauge("supportplane_streams_open", "Streams that are open now", ["transport"])  # sse, websocket
LIMIT_DECISIONS = _counter(
    "supportplane_limit_decisions_total",
    "Requests counted against rate limits, by the scope of the limit",
    scope=("APIKey", "User", "IP", "NewVisitor"),
    decision=("allowed", "delayed", "refused"),
)
TURNS_REFUSED = _counter(
    "supportplane_turns_refused_total",
    "Questions refused before they were accepted: no place at all, none of the asker's share, or about to stop",
    reason=("overloaded", "share", "draining"),
)
AUTH_FAILURES = _counter(
    "supportplane_auth_failures_total",
    "Requests refused for who sent them",
    reason=("missing", "malformed", "unknown", "session", "visitor", "origin", "scope"),
)
AUDIT_ENTRIES = _counter(
    "supportplane_audit_entries_total",
    "API calls for the audit log, by what became of the entry",
    result=("written", "summed", "dropped"),  # summed: refused calls that are one entry with their number
)
AUDIT_SIZE = Gauge("supportplane_audit_size_bytes", "The audit log in the database, of all agents there")
FEEDBACK = Counter(
    "supportplane_feedback_total",
    "Ratings of answers, by who gave the answer; a changed rating counts again, a repeated one does not",
    ["agent", "revision", "rating"],  # of the answer, bounded by gateway/ratings.py; rating: up, down
)

# Store
STORE_FAILURES = _counter(
    "supportplane_store_failures_total",
    "Database statements that did not go through, each run of a repeated one counted",
    reason=("no-connection", "refused", "connection-lost"),
)
LIMITS_LOCAL = Counter(
    "supportplane_limits_local_total",
    "Requests counted against this process's share of a limit because Redis was away (a deliberate fail-open)",
)

# Knowledge. Set by the processes that serve, from what index and store say: the one that reads has ended by then.
KNOWLEDGE_DOCUMENTS = Gauge("supportplane_knowledge_documents", "Documents in the index", ["knowledge_base"])
KNOWLEDGE_SKIPPED = Gauge(
    "supportplane_knowledge_skipped_documents",
    "Files or rows that the last completed reading left out",
    ["knowledge_base"],
)
KNOWLEDGE_NOT_REFRESHED = Gauge(
    "supportplane_knowledge_not_refreshed",
    "1 while the last reading failed, wholly or for a source",
    ["knowledge_base"],
)
EMBEDDING_SECONDS = Histogram(
    "supportplane_question_embedding_seconds",
    "Vectors for a question and its conversation, remembered ones included",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2),
)
EMBEDDING_CPU_SECONDS = Counter(
    "supportplane_embedding_cpu_seconds", "Processor time spent on making vectors, of questions and passages"
)
SEARCH_SECONDS = Histogram(
    "supportplane_knowledge_search_seconds",
    "All searches of a turn in one knowledge base, by words and by meaning",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
