"""Recaps: what matters is in them, the latest first, and they fit whatever their limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cco.ledger.memory import Memory, Task
from cco.ledger.recap import agent_recap, recap
from cco.ledger.records import AgentRun, Session

words = st.text(max_size=300)
runs = st.builds(
    AgentRun,
    agent_id=st.text(max_size=5),
    name=st.none() | st.text(max_size=120),
    description=st.text(max_size=120),
    status=st.sampled_from(["running", "done", "lost"]),
)
memories = st.builds(
    Memory,
    first_request=words,
    latest_requests=st.lists(words, max_size=6),
    plan=words,
    decisions=st.dictionaries(words, words, max_size=12),
    tasks=st.dictionaries(st.text(max_size=3), st.builds(Task, words), max_size=30),
    failing=st.dictionaries(words, words, max_size=8),
    edited=st.dictionaries(words, st.text(max_size=120), max_size=60),
    reports=st.dictionaries(st.text(max_size=5), words, max_size=10),
)
sessions = st.builds(
    Session,
    session_id=st.text(),
    agents=st.dictionaries(st.text(max_size=5), runs, max_size=40),
    memory=memories,
)


@given(sessions, st.integers(0, 5_000))
def test_a_recap_fits_its_limit(session: Session, limit: int) -> None:
    assert len(recap(session, limit)) <= limit


@given(sessions)
def test_every_line_of_a_recap_is_an_item(session: Session) -> None:
    assert all(line.startswith(("- ", "  - ")) for line in recap(session, 1_000_000).split("\n"))


@given(sessions, st.text(max_size=5), st.integers(0, 400))
def test_an_agents_recap_fits_its_limit(session: Session, agent_id: str, limit: int) -> None:
    assert len(agent_recap(session, agent_id, limit)) <= limit


def busy() -> Session:
    """A session with more of everything than one recap can tell in full."""
    session = Session("s")
    memory = session.memory
    memory.first_request = "the first goal " + "x" * 380
    memory.latest_requests = [f"change {number} " + "x" * 380 for number in range(6)]
    memory.plan = "the plan " + "x" * 380
    for number in range(12):
        memory.decisions[f"question {number} " + "x" * 280] = f"answer {number} " + "x" * 280
    for number in range(40):
        memory.tasks[str(number)] = Task(f"task {number} " + "x" * 280)
        run = AgentRun(f"a{number}", f"role-{number}", description="a task", status="done")
        session.agents[run.agent_id] = run
        memory.reports[run.agent_id] = f"report {number} " + "x" * 380
        memory.edited[f"/project/{'deep/' * 30}{number}.py"] = f"role-{number}"
    session.agents["r"] = AgentRun("r", "at-work", description="still going")
    memory.failing = {f"make test{number}": f"{number} failed" for number in range(8)}
    return session


def test_every_part_of_a_long_session_is_told_even_in_little_room() -> None:
    text = recap(busy(), 2_500)
    told = ["the first goal", "change 5", "the plan", "answer 11", "Open tasks: 40", "task 0"]
    told += ["at-work (running", "role-39 (done", "report 39", "make test7", "7 failed"]
    told += ["Files edited in this session: 40", "39.py"]
    assert [part for part in told if part not in text] == []


def test_those_at_work_come_first_then_the_latest_ended() -> None:
    session = Session("s")
    for number in range(15):
        session.agents[f"r{number}"] = AgentRun(
            f"r{number}", f"runs-{number}", description="a task"
        )
        session.agents[f"d{number}"] = AgentRun(f"d{number}", f"done-{number}", status="done")
    lines = recap(session, 100_000).splitlines()
    assert lines[0] == "- Specialists still working: 15; ended: 15."
    assert lines[1] == "  - runs-0 (running, 0 tool calls): “a task”"
    assert [line.split()[1] for line in lines[1:16]] == [f"runs-{number}" for number in range(15)]
    assert [line.split()[1] for line in lines[16:28]] == [f"done-{n}" for n in range(14, 2, -1)]
    assert len(lines) == 29


def test_the_latest_edits_come_first() -> None:
    edited = {f"/f{number}": "debugger" for number in range(30)}
    lines = recap(Session("s", memory=Memory(edited=edited)), 100_000).splitlines()
    assert "Files edited in this session: 30" in lines[1]
    assert lines[2] == "  - /f29 (by debugger)"
    assert len(lines) == 2 + 25


def test_an_empty_session_says_so() -> None:
    text = recap(Session("s"), 1_000)
    assert "Specialists still working: 0; ended: 0." in text
    assert "No file was edited" in text


def test_an_agents_recap_is_about_that_agent() -> None:
    session = Session("s", agents={"a": AgentRun("a", "debugger", description="find the hang")})
    session.memory.edited = {"/mine": "debugger", "/theirs": "rust-engineer"}
    text = agent_recap(session, "a", 1_000)
    assert "find the hang" in text
    assert "/mine" in text
    assert "/theirs" not in text
    assert agent_recap(session, "unknown", 1_000) == ""
