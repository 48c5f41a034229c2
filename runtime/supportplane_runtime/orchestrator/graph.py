"""Assembles the turn: which step follows which. What a step does is in nodes/, where it goes next in routes.py.

    understand -> retrieve -> answer -> verify -> decide
        |             |                             |
        +-------------+-----------------------------+
     small talk,   the evidence
     a person      does not answer it

Run by turns.py. Nothing is stored or sent to a person here: the graph ends with an Ending.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Durability

from supportplane_crds.support_agent import Trigger
from supportplane_runtime import metrics
from supportplane_runtime.domain.conversation import Message, Turn
from supportplane_runtime.domain.ending import Ending
from supportplane_runtime.errors import StoreUnavailable
from supportplane_runtime.model.interfaces import ChatModel
from supportplane_runtime.orchestrator import ending
from supportplane_runtime.orchestrator.checkpoints import FIRST_ATTEMPT
from supportplane_runtime.orchestrator.drafters import ModelDrafter, PassageDrafter
from supportplane_runtime.orchestrator.judge import Judge
from supportplane_runtime.orchestrator.nodes.answer import AnswerNode
from supportplane_runtime.orchestrator.nodes.decide import FITTED, DecideNode, Thresholds
from supportplane_runtime.orchestrator.nodes.retrieve import Knowledge, RetrieveNode
from supportplane_runtime.orchestrator.nodes.understand import UnderstandNode
from supportplane_runtime.orchestrator.nodes.verify import VerifyNode
from supportplane_runtime.orchestrator.policy import Policy
from supportplane_runtime.orchestrator.routes import after_retrieve, after_understand
from supportplane_runtime.orchestrator.state import Emit, TurnContext, TurnState

log = structlog.get_logger(__name__)

Node = Callable[[TurnState, Runtime[TurnContext]], Awaitable[TurnState]]
Graph = CompiledStateGraph[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a graph is built of. model None: the agent does not let a model write (policy.writing is None).

    judge None: the agent names none, and only near quotations of what the model writes are used.
    """

    policy: Policy
    knowledge: Sequence[Knowledge]
    model: ChatModel | None = None
    thresholds: Thresholds = FITTED
    judge: Judge | None = None


def build_graph(parts: Parts, checkpointer: BaseCheckpointSaver[Any] | None) -> Graph:
    policy, thresholds = parts.policy, parts.thresholds
    writer = ModelDrafter(parts.model, policy.writing) if parts.model and policy.writing else None
    builder = StateGraph(TurnState, context_schema=TurnContext)
    writing_s = _writing_s(policy) if writer is not None else None
    hands_off = Trigger.MISSING_KNOWLEDGE in policy.handoff.triggers
    answer = AnswerNode(writer or PassageDrafter())
    verify = VerifyNode(writing_s=writing_s, judge=parts.judge, hands_off=hands_off)
    decide = DecideNode(policy, thresholds)
    _add(builder, understand=UnderstandNode(policy))
    _add(builder, retrieve=RetrieveNode(parts.knowledge, thresholds))
    _add(builder, answer=answer, verify=verify, decide=decide)
    _add(builder, decide=decide)
    builder.add_edge(START, "understand")
    builder.add_conditional_edges("understand", partial(after_understand, policy=policy), ["retrieve", "decide"])
    to_answer = partial(after_retrieve, policy=policy, thresholds=thresholds)
    builder.add_conditional_edges("retrieve", to_answer, ["answer", "decide"])
    builder.add_edge("answer", END)
    builder.add_edge("decide", END)
    return builder.compile(checkpointer=checkpointer)


def _writing_s(policy: Policy) -> float:
    """A slow model leaves a fifth of the turn, so that quotations still go out in time."""
    return 0.8 * policy.turn_timeout_s


def _add(builder: StateGraph[Any, Any, Any, Any], **steps: Node) -> None:
    """A node of the graph, named as the first step. Steps between which nothing is chosen share one: it costs LangGraph
    0.3 CPU-ms a turn.
    """
    timed = [_timed(step, node) for step, node in steps.items()]

    async def one_after_another(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        made: TurnState = {}
        for node in timed:
            made = {**made, **await node({**state, **made}, runtime)}
        return made

    builder.add_node(next(iter(steps)), one_after_another)


def _timed(step: str, node: Node) -> Node:
    seconds = metrics.STEP_SECONDS.labels(step=step)

    async def timed(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
        began = time.perf_counter()
        try:
            return await node(state, runtime)
        finally:
            seconds.observe(time.perf_counter() - began)

    return timed


async def run_turn(graph: Graph, turn: Turn, history: Sequence[Message], emit: Emit) -> Ending:
    """From the accepted question to how it ends. Raises what a step raises, and StoreUnavailable.

    The checkpoint is a spare copy: once the ending is there, it is not lost because the copy cannot be written.
    """
    config = thread(turn)
    if turn.attempt > 1 and graph.checkpointer:
        saved = await _saved(graph, config)
        if saved is not None:
            return saved
    concluded: list[Ending] = []
    context = TurnContext(emit, concluded.append)
    given: TurnState = {"turn": turn, "history": history}
    # "exit": one write when the graph is done, none between steps, since no step has an effect to protect (ADR 0010).
    durability: Durability | None = "exit" if graph.checkpointer else None
    try:
        await graph.ainvoke(given, config, context=context, durability=durability, output_keys=["ending"])
    except (psycopg.Error, StoreUnavailable) as exc:  # the second is what the saver makes of a database that is away
        if not concluded:
            raise StoreUnavailable("The database does not answer; ask again in a moment") from exc
        log.warning("checkpoint_not_written", error=type(exc).__name__)
    return concluded[0]


async def _saved(graph: Graph, config: RunnableConfig) -> Ending | None:
    """How the turn ended in a process that died before storing it."""
    try:
        state = await graph.aget_state(config)
    except psycopg.Error as exc:
        raise StoreUnavailable("The database does not answer; ask again in a moment") from exc
    values: dict[str, Any] = state.values
    if "ending" in values:
        return ending.from_text(values["ending"])
    return ending.from_earlier_text(values["outcome"]) if "outcome" in values else None


def thread(turn: Turn) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id(turn), FIRST_ATTEMPT: turn.attempt == 1}}


def thread_id(turn: Turn) -> str:
    """A turn's own: what was said before comes from the store, so threads need not outlive their turn."""
    return f"{turn.tenant}/{turn.turn_id}"
